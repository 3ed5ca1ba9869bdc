package cachex

import (
	"hash/maphash"
	"testing"
)

// What leaves memory while it is put into the table does not stay there, and is not
// answered with as long as it does.
func TestFrontHoldsNothingThatIsGone(t *testing.T) {
	f := front{seed: maphash.MakeSeed()}
	rq := newRequest()
	rq.p = &policy{plain: true}
	rq.head.Host, rq.head.Target, rq.head.Path = "example.com", "/p", "/p"
	e := &entry{key: "GET http://example.com/p"}
	f.add(rq, e)
	if f.get(rq) != e {
		t.Fatal("an entry that was added is not found")
	}
	k := f.slot("/p").Load()
	f.drop(e)
	if f.slot("/p").Load() != nil {
		t.Error("the table holds what has left memory")
	}
	f.slot("/p").Store(k) // as somebody may who had added it just before
	if f.get(rq) != nil {
		t.Error("answered with what has left memory")
	}
	f.slot("/p").Store(nil)
	if f.add(rq, e); f.slot("/p").Load() != nil {
		t.Error("what has left memory was added")
	}
}
