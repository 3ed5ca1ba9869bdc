package cachex

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/go-cachex/cachex/core/adapter"
)

// front is a small table in front of memory, of what is asked for most. Where all that
// a key is made of is the same as it was before, the key is, so that nothing of it has
// to be checked, made or hashed once more: these are a sixth of a hit.
//
// It holds what stands in memory, and nothing else: otter tells of whatever is replaced
// or has to go, before anybody can see that it has. Of a resource with several variants
// it knows nothing.
type front struct {
	seed  maphash.Seed
	slots [1 << 10]atomic.Pointer[known]

	// One in so many requests puts what it finds into the table, so that what is
	// asked for now and then does not change places with what everybody wants.
	adds uint32
}

// known is an entry, and what the request was made of that it was found for.
type known struct {
	entry        *entry
	tls          bool
	host, target string
	path, query  string
	shape        string // of the policy
}

const (
	addsOne = 17 // see adds

	// maxFront is the longest target that the table takes, in bytes: what it keeps of
	// a request is in nobody's reckoning.
	maxFront = 1 << 10

	// tellsOne in so many reads of the table is told to otter, which keeps what is
	// read often.
	tellsOne = 7
)

func (f *front) slot(target string) *atomic.Pointer[known] {
	return &f.slots[maphash.String(f.seed, target)%uint64(len(f.slots))]
}

// passesFront tells whether the table may know the request. Its key must be made of nothing
// else than what known has.
func (rq *request) passesFront() bool {
	head := &rq.head
	return rq.p.plain && head.Has&(adapter.Upgrade|adapter.Override|adapter.Forwarded) == 0 &&
		!head.Content && head.OtherHost == "" && asMethod(head.Method)
}

// get is what answers the request, nil for nothing.
func (f *front) get(rq *request) *entry {
	head := &rq.head
	k := f.slot(head.Target).Load()
	if k == nil || k.tls != head.TLS || k.host != head.Host || k.target != head.Target ||
		k.path != head.Path || k.query != head.Query || k.shape != rq.p.shape || k.entry.state.is(gone) {
		return nil
	}
	return k.entry
}

// add takes an entry that the request has found in memory just now.
func (f *front) add(rq *request, e *entry) {
	head := &rq.head
	target := e.targetOfKey()
	if target != head.Target || len(target) > maxFront || e.state.set(inFront)&gone != 0 { // one that names a host is found by its key
		return
	}
	k := &known{e, head.TLS, strings.Clone(head.Host), target, partOf(target, head.Path), partOf(target, head.Query), rq.p.shape}
	slot := f.slot(target)
	slot.Store(k)
	if e.state.is(gone) { // and was not found here
		slot.CompareAndSwap(k, nil)
	}
}

// partOf is s as a part of a text that is kept anyway, or else a copy.
func partOf(text, s string) string {
	if i := strings.Index(text, s); i >= 0 {
		return text[i : i+len(s)]
	}
	return strings.Clone(s)
}

// drop is told of what leaves memory.
func (f *front) drop(e *entry) {
	if e.state.set(gone)&inFront == 0 {
		return
	}
	slot := f.slot(e.targetOfKey())
	if k := slot.Load(); k != nil && k.entry == e {
		slot.CompareAndSwap(k, nil)
	}
}

// serveAtOnce answers from the table in front of memory, where it can.
func (rq *request) serveAtOnce() bool {
	c := rq.p.cache
	if c.memory == nil || !rq.passesFront() {
		return false
	}
	e := c.memory.front.get(rq)
	if e == nil || !c.memory.keeps(e) || !rq.selects(e) {
		return false
	}
	if c.shared != nil && (!c.shared.ready(rq.x.Context()) || c.shared.purges.any.Load() || !rq.recent(e)) {
		return false
	}
	rq.readDemands()
	d := rq.judge(e, &e.alone)
	if d != (decision{action: actServe}) {
		return false
	}
	if rq.reads++; rq.reads%tellsOne == 0 {
		c.memory.tell(e)
	}
	c.stats.hits.add(rq.part)
	rq.serveEntry(e, d)
	return true
}
