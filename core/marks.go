package cachex

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// ticket is the number of invalidations that had happened when a run began.
// Nothing is stored without one: an entry whose ticket is older than a mark on
// one of its scopes holds what somebody has taken back, no matter when its
// handler finished.
type ticket uint64

// scope is a hash of something that can be taken back, such as a URL. Two that
// collide are taken back together: too much goes, never too little.
type scope uint64

const (
	markSlots  = 1 << 12 // of the filter in front of the exact map
	maxMarks   = 1 << 14 // exact marks; older ones fold into the floors
	markFloors = 1 << 10
)

// marks is the memory of what was taken back. Its cost for a hit does not
// depend on how much is stored, nor on how much was ever taken back.
type marks struct {
	seed maphash.Seed
	last atomic.Uint64 // raised after everything that belongs to a mark is in place

	// slots[s] is the newest ticket among the scopes that fall on s: a scope
	// whose slot is no newer than an entry needs no look at the map.
	slots [markSlots]atomic.Uint64

	mu     sync.RWMutex
	exact  map[scope]ticket
	oldest []scope // of exact, in order of marking; may name a scope twice
	floors [markFloors]ticket
}

func newMarks() *marks {
	return &marks{seed: maphash.MakeSeed(), exact: map[scope]ticket{}}
}

func (m *marks) ticket() ticket { return ticket(m.last.Load()) }

// url is the scope of a URL, without its scheme: a resource is taken back under
// http and https alike.
func (m *marks) url(host, target []byte) scope {
	var h maphash.Hash
	h.SetSeed(m.seed)
	_, _ = h.Write(host)
	_ = h.WriteByte('\n')
	_, _ = h.Write(target)
	return scope(h.Sum64())
}

// take marks a scope: every entry of it whose run began before this call is
// gone when it returns.
func (m *marks) take(s scope) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := ticket(m.last.Load() + 1)
	m.exact[s] = t
	m.oldest = append(m.oldest, s)
	for len(m.exact) > maxMarks || len(m.oldest) > 2*maxMarks {
		old := m.oldest[0]
		m.oldest = m.oldest[1:]
		// The scope may have been marked again since; its newest mark goes
		// into the floor as well, which takes back more, never less.
		if t, ok := m.exact[old]; ok {
			f := &m.floors[old%markFloors]
			*f = max(*f, t)
			delete(m.exact, old)
		}
	}
	m.slots[s%markSlots].Store(uint64(t))
	m.last.Store(uint64(t))
}

// newest is the ticket of the last mark on a scope.
func (m *marks) newest(s scope) ticket {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if t, ok := m.exact[s]; ok {
		return t
	}
	return m.floors[s%markFloors]
}

// alive tells whether nothing of the entry's was taken back since its run began,
// and remembers the answer in the entry.
func (m *marks) alive(e *entry) bool {
	last := m.last.Load()
	if e.seen.Load() == last {
		return true
	}
	if m.slots[e.url%markSlots].Load() > uint64(e.born) && m.newest(e.url) > e.born {
		return false
	}
	e.seen.Store(last)
	return true
}
