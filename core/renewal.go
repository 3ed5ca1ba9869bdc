package cachex

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// renewal is what this process knows of the renewing of a response.
type renewal struct {
	// rests is when a resource whose renewal has failed may be tried again,
	// in nanoseconds since 1970.
	rests atomic.Int64

	refreshing atomic.Bool // in the background, right now
	foreground atomic.Bool // the background is no way for it
	elsewhere  atomic.Bool // in another process, a moment ago
}

// renewing is the renewal of the entry. What is read from a shared store is a
// new entry each time, so that it is kept elsewhere, and from the beginning: the
// entry that was put into the store is used until it has been written.
func (e *entry) renewing() *renewal {
	switch {
	case e.sharing != nil && e.sharing.renewal != nil:
		return e.sharing.renewal
	case e.sharing != nil && e.sharing.states != nil:
		return e.sharing.states.of(e)
	}
	if r := e.own.Load(); r != nil {
		return r
	}
	e.own.CompareAndSwap(nil, new(renewal)) // or somebody else has just done so
	return e.own.Load()
}

// renewals are those of stale entries of a shared store.
type renewals struct {
	mu    sync.Mutex
	seed  maphash.Seed
	known map[uint64]*renewal // by a hash: who shares one rests for the other
}

// maxRenewals bounds them; one that is forgotten costs a run.
const maxRenewals = 1 << 12

func (rs *renewals) of(e *entry) *renewal {
	at := maphash.String(rs.seed, variantName(e.key, e.more().vary))
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.known[at]; r != nil {
		return r
	}
	for old := range rs.known {
		if len(rs.known) < maxRenewals {
			break
		}
		delete(rs.known, old)
	}
	r := new(renewal)
	rs.known[at] = r
	return r
}
