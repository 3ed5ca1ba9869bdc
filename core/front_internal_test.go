package cachex

import (
	"hash/maphash"
	"strings"
	"testing"
	"unsafe"
)

// The table keeps no text of its own where the key has it, and nothing of long targets.
func TestFrontKeepsLittle(t *testing.T) {
	f := front{seed: maphash.MakeSeed()}
	rq := newRequest()
	rq.p = &policy{plain: true}
	for _, n := range []int{1, maxFront - len("/?q=1"), maxFront} {
		path := "/" + strings.Repeat("p", n)
		rq.head.Host, rq.head.Target, rq.head.Path, rq.head.Query = "example.com", path+"?q=1", path, "q=1"
		e := &entry{key: "GET http://example.com" + path + "?q=1"}
		f.add(rq, e)
		k := f.slot(rq.head.Target).Load()
		switch {
		case n == maxFront:
			if k != nil {
				t.Errorf("a target of %d bytes was added", len(rq.head.Target))
			}
		case k == nil:
			t.Errorf("a target of %d bytes was not added", len(rq.head.Target))
		case unsafe.StringData(k.path) != unsafe.StringData(k.target) || k.query != "q=1" || k.path != path:
			t.Errorf("%q and %q are kept beside the target", k.path, k.query)
		}
	}
}

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
