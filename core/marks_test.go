package cachex

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

func entryOf(m *marks, s scope, born ticket) *entry { return &entry{url: s, born: born} }

func TestTicketBeforeMarkIsDead(t *testing.T) {
	m := newMarks()
	a, b := m.url([]byte("h"), []byte("/a")), m.url([]byte("h"), []byte("/b"))
	old := entryOf(m, a, m.ticket())
	other := entryOf(m, b, m.ticket())
	if !m.alive(old) || !m.alive(other) {
		t.Fatal("dead without a mark")
	}
	m.take(a)
	if m.alive(old) {
		t.Error("F6: an entry whose run began before the change is alive")
	}
	if !m.alive(other) {
		t.Error("the mark on one URL reaches another")
	}
	if late := entryOf(m, a, old.born); m.alive(late) {
		t.Error("F6: it is alive where it was stored after the change")
	}
	young := entryOf(m, a, m.ticket())
	if !m.alive(young) {
		t.Error("an entry whose run began after the change is dead")
	}
	m.take(b)
	if !m.alive(young) || m.alive(old) || m.alive(other) {
		t.Error("a later mark on another URL changes what is alive")
	}
	m.take(a)
	if m.alive(young) {
		t.Error("alive after the second change, because it was after the first")
	}
}

func TestScopeOfURL(t *testing.T) {
	m := newMarks()
	url := func(host, target string) scope { return m.url([]byte(host), []byte(target)) }
	if url("h", "/a") != url("h", "/a") {
		t.Error("one URL has two scopes")
	}
	for _, o := range [][2]string{{"h", "/b"}, {"h2", "/a"}, {"h", "/a?"}, {"h", "/a/"}, {"h/a", ""}, {"", "h/a"}} {
		if url("h", "/a") == url(o[0], o[1]) {
			t.Errorf("h/a and %s%s have one scope", o[0], o[1])
		}
	}
}

// Exact marks that have become too many fold into the floors. That may take
// back more than was asked for, and never less: held against a model that
// forgets nothing.
func TestOverflowNeverRevives(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	m := newMarks()
	const scopes = 3 * maxMarks
	newest := map[scope]ticket{}
	var entries []*entry
	for i := range 6 * maxMarks {
		s := scope(rnd.Uint64N(scopes))*0x9e3779b97f4a7c15 + 1
		if i%8 == 0 { // a scope that is marked again and again
			s = scope(i%64 + 1)
		}
		if i%100 == 0 {
			entries = append(entries, entryOf(m, s, m.ticket()))
		}
		m.take(s)
		newest[s] = m.ticket()
		if len(m.exact) > maxMarks || len(m.oldest) > 2*maxMarks {
			t.Fatalf("%d exact marks, %d in order: not bounded", len(m.exact), len(m.oldest))
		}
	}
	for i := range 2000 { // tickets of every age on marked and unmarked scopes
		s := scope(rnd.Uint64N(scopes))*0x9e3779b97f4a7c15 + 1
		entries = append(entries, entryOf(m, s, ticket(rnd.Uint64N(uint64(m.ticket())+1))))
		if i%2 == 0 {
			entries = append(entries, entryOf(m, s, m.ticket()))
		}
	}
	if len(m.exact) == 0 || m.floors == [markFloors]ticket{} {
		t.Fatal("nothing folded: the test tests nothing")
	}
	revived, lost := 0, 0
	for _, e := range entries {
		for range 2 { // the second time the answer may be remembered
			want := newest[e.url] <= e.born
			switch got := m.alive(e); {
			case got && !want:
				revived++
			case !got && e.born == m.ticket():
				lost++
			}
		}
	}
	if revived > 0 {
		t.Errorf("%d of %d entries that were taken back are alive", revived, len(entries))
	}
	if lost > 0 {
		t.Errorf("%d entries whose runs began after every mark are dead", lost)
	}
}

// Run with -race. A mark that take has returned from counts for everybody.
func TestMarksConcurrently(t *testing.T) {
	m := newMarks()
	const scopes, rounds = 4, 3000
	var taken [scopes]atomic.Uint64 // tickets of which take has returned
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(3, uint64(i)))
			shared := make([]*entry, scopes)
			for range rounds {
				n := rnd.IntN(scopes)
				s := scope(n + 1)
				if rnd.IntN(4) == 0 {
					before := m.ticket()
					m.take(s)
					for {
						old := taken[n].Load()
						if old > uint64(before) || taken[n].CompareAndSwap(old, uint64(before)+1) {
							break
						}
					}
					continue
				}
				if shared[n] == nil || rnd.IntN(3) == 0 {
					shared[n] = entryOf(m, s, m.ticket())
				}
				must := taken[n].Load()
				if m.alive(shared[n]) && must > uint64(shared[n].born) {
					t.Errorf("alive with ticket %d, taken back at %d", shared[n].born, must)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkAlive(b *testing.B) {
	for _, marked := range []int{0, 1, maxMarks} {
		b.Run(fmt.Sprint(marked), func(b *testing.B) {
			m := newMarks()
			for i := range marked {
				m.take(scope(i + 1))
			}
			e := entryOf(m, 1<<40, m.ticket())
			b.ReportAllocs()
			for b.Loop() {
				m.alive(e)
			}
		})
	}
}
