package site

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// reusable is a ResponseWriter that is used again for the next request, as a
// server's is, so that only the library's own allocations count.
type reusable struct {
	h      http.Header
	status int
	n      int
}

func (w *reusable) Header() http.Header         { return w.h }
func (w *reusable) WriteHeader(s int)           { w.status = s }
func (w *reusable) Write(p []byte) (int, error) { w.n += len(p); return len(p), nil }

// Hits holds the allocations of hits to most, a 200 and a 304, through the framework's
// entry point. Under the race detector it does not count: sync.Pool drops at random.
func Hits(t *testing.T, h http.Handler, path string, most float64) {
	t.Helper()
	first := httptest.NewRecorder()
	h.ServeHTTP(first, httptest.NewRequest("GET", path, nil))
	for _, tc := range []struct {
		name, tag string
		status    int
	}{{"200", "", 200}, {"304", first.Header().Get("Etag"), 304}} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", path, nil)
			if tc.tag != "" {
				r.Header.Set("If-None-Match", tc.tag)
			}
			w := &reusable{h: http.Header{}}
			allocs := testing.AllocsPerRun(500, func() {
				clear(w.h)
				h.ServeHTTP(w, r)
			})
			if w.status != tc.status || !strings.Contains(w.h.Get("Cache-Status"), "; hit") {
				t.Fatalf("status %d, Cache-Status %q", w.status, w.h.Get("Cache-Status"))
			}
			if !race && allocs > most {
				t.Errorf("%v allocations, want at most %v", allocs, most)
			}
		})
	}
}

// Misses holds the allocations of misses that store 1 KiB to most above those of the
// same handler without a cache. build makes the application, which answers
// /page/... with 1 KiB.
func Misses(t *testing.T, build func(cached bool) http.Handler, most float64) {
	t.Helper()
	const runs = 200
	count := func(h http.Handler, stored string) float64 {
		targets := make([]string, runs+1) // AllocsPerRun makes one more
		for i := range targets {
			targets[i] = fmt.Sprint("/page/", i)
		}
		r, w, i := httptest.NewRequest("GET", "/", nil), &reusable{h: http.Header{}}, 0
		allocs := testing.AllocsPerRun(runs, func() {
			clear(w.h)
			w.n = 0
			r.URL.Path, r.RequestURI = targets[i], targets[i]
			i++
			h.ServeHTTP(w, r)
		})
		if w.n != 1<<10 {
			t.Fatalf("%d bytes, want 1 KiB", w.n)
		}
		if state := w.h.Get("Cache-Status"); !strings.Contains(state, stored) {
			t.Fatalf("Cache-Status %q, want %q in it", state, stored)
		}
		return allocs
	}
	bare, cached := count(build(false), ""), count(build(true), "; stored")
	t.Logf("%v allocations, %v without the cache", cached, bare)
	if !race && cached-bare > most {
		t.Errorf("%v allocations above the handler, want at most %v", cached-bare, most)
	}
}
