package cachex

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newTestMarks() *marks { return newMarks(time.Hour) }

func entryOf(_ *marks, s scope, born ticket) *entry { return &entry{spot: spot{url: s}, born: born} }

// now is when the marks of these tests are made.
var now = time.Date(2024, time.March, 1, 12, 0, 0, 0, time.UTC)

func (m *marks) hard(s ...scope) { m.take(now, false, s, nil) }

func TestTicketBeforeMarkIsDead(t *testing.T) {
	m := newTestMarks()
	a, b := m.place("h", "/a").url, m.place("h", "/b").url
	old := entryOf(m, a, m.ticket())
	other := entryOf(m, b, m.ticket())
	if !m.alive(old) || !m.alive(other) {
		t.Fatal("dead without a mark")
	}
	m.hard(a)
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
	m.hard(b)
	if !m.alive(young) || m.alive(old) || m.alive(other) {
		t.Error("a later mark on another URL changes what is alive")
	}
	m.hard(a)
	if m.alive(young) {
		t.Error("alive after the second change, because it was after the first")
	}
}

func TestPlaces(t *testing.T) {
	m := newTestMarks()
	a := m.place("h", "/a/b")
	for _, c := range []struct {
		host, target     string
		url, path, host2 bool // which scopes are the same
	}{
		{"h", "/a/b", true, true, true},
		{"h:443", "/a/b", true, true, true}, // http and https alike
		{"h", "/a/%62", true, true, true},
		{"h", "/a%2fb", true, true, true}, // too much rather than too little
		{"h", "/a/b?", false, true, true},
		{"h", "/a/b?c", false, true, true},
		{"h", "/a/b/", false, false, true},
		{"h", "/a", false, false, true},
		{"i", "/a/b", false, true, false},
		{"h:8080", "/a/b", false, true, false},
		{"h\n", "/a/b", false, true, false},
		{"", "h/a/b", false, false, false},
	} {
		p := m.place(c.host, c.target)
		if (p.url == a.url) != c.url || (p.path == a.path) != c.path || (p.host == a.host) != c.host2 {
			t.Errorf("%s%s: url, path, host the same as of h/a/b: %v, %v, %v", c.host, c.target, p.url == a.url, p.path == a.path, p.host == a.host)
		}
	}
	if m.scopeOf(scopeTag, "/a/b") == a.path {
		t.Error("the tag /a/b is the path /a/b")
	}
}

// Exact marks that have become too many fold into the floors. That may take
// back more than was asked for, and never less: held against a model that
// forgets nothing.
func TestOverflowNeverRevives(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	m := newTestMarks()
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
		m.hard(s)
		newest[s] = m.ticket()
		if len(m.exact) > maxMarks || len(m.order) > 2*maxMarks {
			t.Fatalf("%d exact marks, %d in order: not bounded", len(m.exact), len(m.order))
		}
	}
	for i := range 2000 { // tickets of every age on marked and unmarked scopes
		s := scope(rnd.Uint64N(scopes))*0x9e3779b97f4a7c15 + 1
		entries = append(entries, entryOf(m, s, ticket(rnd.Uint64N(uint64(m.ticket())+1))))
		if i%2 == 0 {
			entries = append(entries, entryOf(m, s, m.ticket()))
		}
	}
	if len(m.exact) == 0 || m.floors == [markFloors]mark{} {
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

// A scope that was taken back, and then forgotten, is not alive because it has
// expired since.
func TestExpireAfterOverflow(t *testing.T) {
	m := newTestMarks()
	e := entryOf(m, 7, m.ticket())
	m.hard(7)
	for i := range maxMarks + 1 {
		m.hard(scope(i + 100))
	}
	if _, ok := m.exact[7]; ok {
		t.Fatal("not folded")
	}
	m.take(now, true, []scope{7}, nil)
	if m.alive(e) {
		t.Error("alive, and only expired")
	}
}

// Scopes that are named twice in one purge count once.
func TestScopesNamedTwice(t *testing.T) {
	m := newTestMarks()
	m.hard(7, 7, 8, 7)
	if len(m.order) != 2 {
		t.Errorf("%d marks in order, want 2", len(m.order))
	}
}

// Run with -race. A mark that take has returned from counts for everybody.
func TestMarksConcurrently(t *testing.T) {
	m := newTestMarks()
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
					m.hard(s)
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

func TestEveryScopeReaches(t *testing.T) {
	m := newTestMarks()
	p := m.place("h", "/a/b?c")
	tag := m.scopeOf(scopeTag, "t")
	pat, err := newPattern("/a/*")
	if err != nil {
		t.Fatal(err)
	}
	for name, take := range map[string]func(soft bool){
		"url":       func(soft bool) { m.take(now, soft, []scope{p.url}, nil) },
		"host path": func(soft bool) { m.take(now, soft, []scope{p.hostPath}, nil) },
		"path":      func(soft bool) { m.take(now, soft, []scope{p.path}, nil) },
		"host":      func(soft bool) { m.take(now, soft, []scope{p.host}, nil) },
		"tag":       func(soft bool) { m.take(now, soft, []scope{tag}, nil) },
		"all":       func(soft bool) { m.take(now, soft, []scope{everything}, nil) },
		"pattern":   func(soft bool) { m.take(now, soft, nil, []*pattern{pat}) },
	} {
		fresh := func() *entry {
			return &entry{key: "GET http://h/a/b?c", spot: p.spot, extras: &extras{further: []scope{tag}, hostPath: p.hostPath}, born: m.ticket()}
		}
		e := fresh()
		take(true)
		if !m.alive(e) || e.expired.Load() != now.UnixNano() {
			t.Errorf("%s: after Expire: alive %v, expired %v", name, m.alive(e), e.expired.Load())
		}
		take(false)
		if m.alive(e) {
			t.Errorf("%s: alive after Purge", name)
		}
		if e = fresh(); !m.alive(e) || e.expired.Load() != 0 {
			t.Errorf("%s: what was made afterwards is dead or expired", name)
		}
	}
}

// Marks that no entry can be older than are forgotten; younger ones are not.
func TestMarksExpire(t *testing.T) {
	m := newTestMarks()
	old := entryOf(m, 7, m.ticket())
	pat, err := newPattern("/**")
	if err != nil {
		t.Fatal(err)
	}
	m.take(now, false, []scope{7}, []*pattern{pat})
	m.take(now.Add(time.Hour+slack), false, []scope{8}, []*pattern{pat})
	if m.alive(old) || len(m.exact) != 2 || len(m.patterns.Load().list) != 2 {
		t.Fatal("forgotten too early")
	}
	m.take(now.Add(time.Hour+slack+1), false, []scope{9}, []*pattern{pat})
	if len(m.exact) != 2 || len(m.order) != 2 || len(m.patterns.Load().list) != 2 {
		t.Errorf("%d marks and %d patterns, want 2 of each", len(m.exact), len(m.patterns.Load().list))
	}
}

func TestPatternsOverflow(t *testing.T) {
	m := newTestMarks()
	pat, err := newPattern("/x")
	if err != nil {
		t.Fatal(err)
	}
	e := &entry{key: "GET http://h/a", spot: m.place("h", "/a").spot, born: m.ticket()}
	for range maxPatterns {
		m.take(now, false, nil, []*pattern{pat})
	}
	if !m.alive(e) {
		t.Fatal("a pattern reaches a path that it does not match")
	}
	young := &entry{key: "GET http://h/a", spot: m.place("h", "/a").spot, born: m.ticket()}
	e.seen.Store(0)
	m.take(now, false, nil, []*pattern{pat})
	if m.alive(e) {
		t.Error("alive, though a pattern that was forgotten may have reached it")
	}
	if !m.alive(young) {
		t.Error("what is younger than the forgotten pattern is dead")
	}
}

func BenchmarkAlive(b *testing.B) {
	for _, marked := range []int{0, 1, maxMarks} {
		b.Run(fmt.Sprint(marked), func(b *testing.B) {
			m := newTestMarks()
			for i := range marked {
				m.hard(scope(i + 1))
			}
			e := entryOf(m, 1<<40, m.ticket())
			b.ReportAllocs()
			for b.Loop() {
				m.alive(e)
			}
		})
	}
}

// An entry tells its path by its key.
func TestWhereAnEntryStands(t *testing.T) {
	m := newTestMarks()
	for key, text := range map[string]string{
		"GET http://h/":                           "/",
		"GET https://h/a/b":                       "/a/b",
		"GET https://h:8080/a?b=/c":               "/a",
		"GET http://h/a?b\nheader X=/c":           "/a",
		"GET http://h/a\nheader X=?/c":            "/a",
		"GET http://h/%61%3f/b?c":                 "/%61%3f/b",
		"GET http://h/a%zz":                       "/a%zz",
		"GET http://h/a?u=http://other/elsewhere": "/a",
	} {
		url, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(key, "GET http://"), "GET https://"), "\n")
		slash := strings.IndexByte(url, '/')
		want := m.place(url[:slash], url[slash:])
		if want.text != text {
			t.Fatalf("%q: the path is %q, want %q", key, want.text, text)
		}
		e, x := &entry{key: key}, extras{}
		x.stands(e, want)
		e.extend(x)
		if got := e.where(); got != want {
			t.Errorf("%q stands at %+v, want %+v", key, got, want)
		}
		want.hostPath = 0
		plain := &entry{key: key}
		x = extras{}
		x.stands(plain, want)
		if plain.extend(x); plain.extras != nil {
			t.Errorf("%q: extras %+v", key, plain.extras)
		}
	}
}
