package cachex

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
)

// BenchmarkPurge takes back 1 and 1,000,000 entries that share a tag, in turn: what it
// costs must not depend on how many there are. A machine that has other things
// to do disturbs some batches, so that the fastest of each count.
func BenchmarkPurge(b *testing.B) {
	sizes := [...]int{1, 1_000_000}
	var caches [len(sizes)]*Cache
	for i, n := range sizes {
		caches[i] = tagged(b, n)
	}
	runtime.GC() // none of a million entries in the middle of a batch
	var fastest [len(sizes)]time.Duration
	for b.Loop() {
		for i, c := range caches {
			const batch = 100
			began := time.Now()
			for range batch {
				if err := c.Purge(context.Background(), ByTag("t")); err != nil {
					b.Fatal(err)
				}
			}
			if d := time.Since(began) / batch; fastest[i] == 0 || d < fastest[i] {
				fastest[i] = d
			}
		}
	}
	for i, n := range sizes {
		b.ReportMetric(float64(fastest[i]), fmt.Sprintf("ns/purge-of-%d", n))
		for j := range n {
			if e := caches[i].memory.get([]byte(fmt.Sprint("GET http://h/", j))).variants()[0]; caches[i].marks.alive(e) {
				b.Fatalf("%s is still there", e.key)
			}
		}
	}
	b.ReportMetric(float64(fastest[1])/float64(fastest[0]), "times-that-of-1")
	b.ReportMetric(0, "ns/op")
}

// tagged is a cache with n entries that have the tag t.
func tagged(b *testing.B, n int) *Cache {
	c := MustNew(Config{MemoryBytes: 4 << 30})
	b.Cleanup(func() { _ = c.Close() })
	tags := []string{string(scopeTag) + "t"}
	further := c.marks.furtherScopes(tags)
	now := momentOf(time.Now())
	for i := range n {
		target := fmt.Sprint("/", i)
		e := &entry{key: "GET http://h" + target, spot: c.marks.place("h", target).spot, extras: &extras{tags: tags, further: further}, status: 200, received: now, date: now}
		e.lifetime, e.alone.one[0] = time.Hour, e
		c.memory.put(e)
	}
	if have, _ := c.memory.entries(); have != n {
		b.Fatalf("%d entries, want %d", have, n)
	}
	return c
}

// BenchmarkHitWithMarks is a hit with 0, 10 and 1,000 live marks of other
// resources, in turn, as in BenchmarkPurge: of URLs, and by patterns. With "first"
// it is the first hit after the purges, which looks at what is new.
func BenchmarkHitWithMarks(b *testing.B) {
	for _, kind := range []string{"urls", "patterns"} {
		for _, first := range []bool{false, true} {
			name := kind
			if first {
				name += ", first"
			}
			b.Run(name, func(b *testing.B) { hitsWithMarks(b, kind == "patterns", first) })
		}
	}
}

func hitsWithMarks(b *testing.B, patterns, first bool) {
	counts := [...]int{0, 10, 1000}
	var hits [len(counts)]func()
	var fastest [len(counts)]time.Duration
	for i, n := range counts {
		hit, e := markedHit(b, n, patterns)
		hits[i] = hit
		if first {
			hits[i] = func() { e.seen.Store(uint64(e.born)); hit() }
		}
	}
	for b.Loop() {
		for i, hit := range hits {
			const batch = 100
			began := time.Now()
			for range batch {
				hit()
			}
			if d := time.Since(began); fastest[i] == 0 || d < fastest[i] {
				fastest[i] = d
			}
		}
	}
	for i, n := range counts {
		b.ReportMetric(float64(fastest[i])/100, fmt.Sprintf("ns/hit-with-%d", n))
	}
	b.ReportMetric(0, "ns/op")
}

// markedHit is a hit of a page after so many purges of other resources.
func markedHit(tb testing.TB, n int, patterns bool) (hit func(), e *entry) {
	c := MustNew(Config{})
	tb.Cleanup(func() { _ = c.Close() })
	h := c.Middleware(TTL(time.Hour), Tags("a", "b"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 1<<10))
	}))
	r, w := httptest.NewRequest("GET", "http://h/page", nil), &sink{http.Header{}}
	h.ServeHTTP(w, r)
	for i := range n {
		by := ByURL(fmt.Sprint("http://h/", i))
		if patterns {
			by = ByPattern(fmt.Sprint("/other/*/", i))
		}
		if err := c.Purge(context.Background(), by); err != nil {
			tb.Fatal(err)
		}
	}
	hit = func() {
		clear(w.h)
		h.ServeHTTP(w, r)
	}
	hit()
	if s := c.Stats(); s.Hits != 1 {
		tb.Fatalf("no hit: %+v", s)
	}
	return hit, c.memory.get([]byte("GET http://h/page")).variants()[0]
}

type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// Neither a hit that finds nothing new nor one that looks at all marks allocates.
func TestHitWithMarksAllocatesNothing(t *testing.T) {
	for _, patterns := range []bool{false, true} {
		hit, e := markedHit(t, 1000, patterns)
		for _, each := range []bool{false, true} {
			allocs := testing.AllocsPerRun(200, func() {
				if each {
					e.seen.Store(uint64(e.born))
				}
				hit()
			})
			if allocs != 0 {
				t.Errorf("patterns %v, each %v: %v allocations", patterns, each, allocs)
			}
		}
	}
}
