package cachex

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// ticket is the number of marks that there had been when a run began. Nothing is
// stored without one: an entry whose ticket is older than a mark on one of its
// scopes holds what somebody has taken back, no matter when its handler finished.
type ticket uint64

const (
	markSlots   = 1 << 16 // of the filter in front of the exact map
	maxMarks    = 1 << 14 // exact ones; older ones fold into the floors
	markFloors  = 1 << 10
	maxPatterns = 1000 // older ones fold into one floor
)

// slack is how much longer than any entry a mark is kept: so long a handler
// may run that began before the mark and stores after it.
const slack = 24 * time.Hour

// marks is the memory of what was taken back. What it costs a hit depends
// neither on how much is stored nor on how much was ever taken back; only a
// pattern costs one comparison for each entry that is asked for after it.
type marks struct {
	seed maphash.Seed
	keep time.Duration
	last atomic.Uint64 // raised after everything that belongs to a mark is in place

	// slots[s] is the newest ticket among the scopes that fall on s: a scope
	// whose slot is no newer than an entry needs no look at the map.
	slots    [markSlots]atomic.Uint64
	patterns atomic.Pointer[patternMarks]

	mu     sync.RWMutex
	exact  map[scope]mark
	order  []marked // of exact, oldest first; what was marked again stands twice
	floors [markFloors]mark
}

// mark is what happened last to a scope: its entries are gone, or stale, where
// their runs began before these tickets.
type mark struct {
	hard, soft ticket
	softAt     time.Time

	// copies is of copies in memory of what has changed in the shared store.
	copies ticket
}

type marked struct {
	scope scope
	t     ticket
	at    time.Time
}

// fold makes m the mark of what was marked as either.
func (m *mark) fold(o mark) {
	m.hard, m.copies = max(m.hard, o.hard), max(m.copies, o.copies)
	if o.soft > m.soft {
		m.soft, m.softAt = o.soft, o.softAt
	}
}

func (m mark) newest() ticket { return max(m.hard, m.soft, m.copies) }

// taken is the newest mark by which something was taken back.
func (m mark) taken() ticket { return max(m.hard, m.soft) }

// patternMarks never change: a purge makes new ones.
type patternMarks struct {
	list  []patternMark // oldest first
	floor mark          // what no longer stands in the list reached every path
}

type patternMark struct {
	pattern *pattern
	t       ticket
	soft    bool
	at      time.Time
}

func newMarks(longest time.Duration) *marks {
	m := &marks{seed: maphash.MakeSeed(), keep: satAdd(longest, slack), exact: map[scope]mark{}}
	m.patterns.Store(&patternMarks{})
	return m
}

func (m *marks) ticket() ticket { return ticket(m.last.Load()) }

// take marks scopes and patterns: of all their entries whose runs began before
// this call none is served when it has returned, or, where the mark is soft,
// none as a fresh one. It returns the first ticket that is not void.
func (m *marks) take(now time.Time, soft bool, scopes []scope, patterns []*pattern) ticket {
	return m.mark(now, scopes, func(k *mark, t ticket) {
		if soft {
			k.soft, k.softAt = t, now
		} else {
			k.hard = t
		}
	}, func(t ticket) { m.takePatterns(now, soft, t, patterns) })
}

// takeCopies has copies of entries of a shared store read anew.
func (m *marks) takeCopies(now time.Time, scopes []scope) {
	m.mark(now, scopes, func(k *mark, t ticket) { k.copies = t }, func(ticket) {})
}

func (m *marks) mark(now time.Time, scopes []scope, set func(*mark, ticket), further func(ticket)) ticket {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := ticket(m.last.Load() + 1)
	for _, s := range scopes {
		k, ok := m.exact[s]
		if !ok { // what it had before has been folded
			k = m.floors[s%markFloors]
		}
		if k.newest() != t { // a scope may be named twice
			m.order = append(m.order, marked{s, t, now})
		}
		set(&k, t)
		m.exact[s] = k
	}
	m.forget(now)
	further(t)
	for _, s := range scopes {
		m.slots[s%markSlots].Store(uint64(t))
	}
	m.last.Store(uint64(t))
	return t
}

// forget drops the marks that no entry can be older than, and folds those that
// are too many.
func (m *marks) forget(now time.Time) {
	for len(m.order) > 0 {
		old := m.order[0]
		k, ok := m.exact[old.scope]
		current := ok && k.newest() == old.t
		switch {
		case !current: // marked again since
		case now.Sub(old.at) > m.keep:
			delete(m.exact, old.scope)
		case len(m.exact) > maxMarks:
			m.floors[old.scope%markFloors].fold(k)
			delete(m.exact, old.scope)
		default:
			m.compact()
			return
		}
		m.order = m.order[1:]
	}
}

// compact removes what stands twice, where a few scopes are marked over and
// over behind one that is not.
func (m *marks) compact() {
	if len(m.order) <= 2*maxMarks {
		return
	}
	kept := make([]marked, 0, len(m.exact))
	for _, o := range m.order {
		if m.exact[o.scope].newest() == o.t {
			kept = append(kept, o)
		}
	}
	m.order = kept
}

func (m *marks) takePatterns(now time.Time, soft bool, t ticket, patterns []*pattern) {
	if len(patterns) == 0 {
		return
	}
	have := m.patterns.Load()
	next := &patternMarks{floor: have.floor, list: make([]patternMark, 0, len(have.list)+len(patterns))}
	for _, p := range have.list {
		if now.Sub(p.at) <= m.keep {
			next.list = append(next.list, p)
		}
	}
	for _, p := range patterns {
		next.list = append(next.list, patternMark{p, t, soft, now})
	}
	for len(next.list) > maxPatterns {
		old := next.list[0]
		if old.soft {
			next.floor.fold(mark{soft: old.t, softAt: old.at})
		} else {
			next.floor.fold(mark{hard: old.t})
		}
		next.list = next.list[1:]
	}
	m.patterns.Store(next)
}

// of is what happened last to a scope, as far as it is newer than since.
func (m *marks) of(s scope, since ticket) mark {
	if s == 0 || ticket(m.slots[s%markSlots].Load()) <= since {
		return mark{}
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	k, ok := m.exact[s]
	if !ok {
		k = m.floors[s%markFloors]
	}
	if k.hard <= since {
		k.hard = 0
	}
	if k.soft <= since {
		k.soft = 0
	}
	if k.copies <= since {
		k.copies = 0
	}
	return k
}

// since is what has happened to a place, and to what has the further scopes, by
// marks that are newer than a ticket.
func (m *marks) since(t ticket, p *place, further []scope) (k mark) {
	for _, s := range [...]scope{everything, p.url, p.path, p.host, p.hostPath} {
		k.fold(m.of(s, t))
	}
	for _, s := range further {
		k.fold(m.of(s, t))
	}
	patterns := m.patterns.Load()
	if patterns.floor.newest() > t {
		k.fold(patterns.floor)
	}
	for i := len(patterns.list) - 1; i >= 0; i-- {
		if p := &patterns.list[i]; p.t <= t {
			break
		}
		k.foldPattern(&patterns.list[i], p.text)
	}
	return k
}

func (k *mark) foldPattern(p *patternMark, path string) {
	switch {
	case p.t <= k.hard || p.soft && p.t <= k.soft || !p.pattern.matches(path):
	case p.soft:
		k.fold(mark{soft: p.t, softAt: p.at})
	default:
		k.fold(mark{hard: p.t})
	}
}

// outdated tells whether a copy may be older than what stands in the shared store.
func (m *marks) outdated(e *entry) bool {
	return m.of(e.url, e.shared().copied).newest() != 0 || m.of(everything, e.shared().copied).copies != 0
}

// alive tells whether nothing of the entry's was taken back since its run began,
// and remembers the answer in the entry. What has only expired is alive, and
// stale.
func (m *marks) alive(e *entry) bool {
	last := m.last.Load()
	return e.seen.Load() == last || m.examine(e, last)
}

func (m *marks) examine(e *entry, last uint64) bool {
	if uint64(e.born) >= last { // there is no mark that is newer
		e.seen.Store(last)
		return true
	}
	p := e.where()
	if e.shared().byToken {
		p.url = 0
	}
	k := m.since(max(e.born, ticket(e.seen.Load())), &p, e.more().further)
	if k.hard > 0 {
		return false
	}
	if k.soft > 0 {
		e.expire(momentOf(k.softAt))
	}
	e.seen.Store(last)
	return true
}
