package cachexecho_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// clock stands still: nothing expires during a test.
func clock() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func newCache(t testing.TB) *cachex.Cache {
	t.Helper()
	c := cachex.MustNew(cachex.Config{Now: clock})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// site is a server, and its client.
type site struct {
	t      testing.TB
	server *httptest.Server
}

func serve(t testing.TB, h http.Handler) *site {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &site{t, s}
}

// do sends a request with fields of the form "Name: value".
func (s *site) do(method, path string, lines ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.server.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity") // or the transport asks for gzip
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

func (s *site) get(path string, lines ...string) answer {
	s.t.Helper()
	return s.do("GET", path, lines...)
}

func (a answer) state() string {
	return strings.Join(a.header["Cache-Status"], ", ")
}

func (a answer) want(t testing.TB, status int, body, state string) answer {
	t.Helper()
	if a.status != status || a.body != body || !strings.Contains(a.state(), state) || state == "" && a.state() != "" {
		t.Errorf("%d %q with Cache-Status %q, want %d %q with %q", a.status, a.body, a.state(), status, body, state)
	}
	return a
}

func (a answer) field(t testing.TB, name string, want ...string) answer {
	t.Helper()
	if got := a.header[name]; !slices.Equal(got, want) {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
	return a
}

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

// testHits counts the allocations of hits through the framework's entry point.
func testHits(t *testing.T, h http.Handler, path string, most float64) {
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
			if !raceEnabled && allocs > most {
				t.Errorf("%v allocations, want at most %v", allocs, most)
			}
		})
	}
}

// testMisses counts the allocations of misses that store 1 KiB, above those of the
// same handler without a cache.
func testMisses(t *testing.T, build func(cached bool) http.Handler, most float64) {
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
	if !raceEnabled && cached-bare > most {
		t.Errorf("%v allocations above the handler, want at most %v", cached-bare, most)
	}
}
