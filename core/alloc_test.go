package cachex_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// reusable is a ResponseWriter that is used again for the next request, as a
// server's is, so that only the cache's own allocations count.
type reusable struct {
	h      http.Header
	status int
	n      int
}

func (w *reusable) Header() http.Header { return w.h }
func (w *reusable) WriteHeader(s int)   { w.status = s }
func (w *reusable) Write(p []byte) (int, error) {
	w.n += len(p)
	return len(p), nil
}

func (w *reusable) reset() {
	clear(w.h)
	w.status, w.n = 0, 0
}

const kib = 1 << 10

// hit returns a handler that answers the request from its cache.
func hit(t testing.TB, r *http.Request, cc, vary string, opts ...cachex.Option) http.Handler {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := cachex.MustNew(cachex.Config{Now: func() time.Time { return now }})
	t.Cleanup(func() { _ = c.Close() })
	h := c.Middleware(opts...)(page(cc, vary))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if tag := w.Header().Get("Etag"); tag == "" {
		t.Fatal("no ETag")
	} else if r.Header.Get("If-None-Match") != "" {
		r.Header.Set("If-None-Match", tag)
	}
	before := c.Stats()
	h.ServeHTTP(httptest.NewRecorder(), r)
	if after := c.Stats(); after.Hits != before.Hits+1 {
		t.Fatalf("no hit: %+v", after)
	}
	return h
}

func page(cc, vary string) http.Handler {
	body := []byte(strings.Repeat("x", kib))
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Etag", `"v1"`)
		if cc != "" {
			w.Header().Set("Cache-Control", cc)
		}
		if vary != "" {
			w.Header().Set("Vary", vary)
		}
		_, _ = w.Write(body)
	})
}

func request(target string, lines ...string) *http.Request {
	r := httptest.NewRequest("GET", target, nil)
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Set(name, value)
	}
	return r
}

func TestHitAllocatesNothing(t *testing.T) {
	ttl := cachex.TTL(time.Hour)
	for _, tt := range []struct {
		name     string
		cc, vary string
		target   string
		lines    []string
		opts     []cachex.Option
	}{
		{name: "TTL", opts: []cachex.Option{ttl}},
		{name: "Cache-Control, which sends Age", cc: "public, max-age=60"},
		{name: "KeyHeader", lines: []string{"X-Tenant: a"}, opts: []cachex.Option{ttl, cachex.KeyHeader("X-Tenant")}},
		{name: "KeyHeader, absent", opts: []cachex.Option{ttl, cachex.KeyHeader("X-Tenant")}},
		{name: "KeyCookie", lines: []string{"Cookie: lang=de; _ga=1"}, opts: []cachex.Option{ttl, cachex.KeyCookie("lang"), cachex.IgnoreCookies("_ga*")}},
		{name: "Vary: Accept-Encoding", vary: "Accept-Encoding", lines: []string{"Accept-Encoding: gzip, deflate, br, zstd"}, opts: []cachex.Option{ttl}},
		{name: "Vary, absent", vary: "Accept-Encoding, Accept-Language", opts: []cachex.Option{ttl}},
		{name: "DropQuery without a match", target: "/?a=1&b=2", opts: []cachex.Option{ttl, cachex.DropQuery("utm_*")}},
		{name: "SortQuery of what is sorted", target: "/?a=1&b=2", opts: []cachex.Option{ttl, cachex.SortQuery()}},
		{name: "Authorization, public", cc: "public, max-age=60", lines: []string{"Authorization: Bearer x"}},
		{name: "request directives", cc: "public, max-age=60", lines: []string{"Cache-Control: max-age=30"}},
	} {
		for status, conditional := range map[int]bool{200: false, 304: true} {
			t.Run(tt.name+", "+http.StatusText(status), func(t *testing.T) {
				target := tt.target
				if target == "" {
					target = "/"
				}
				r := request(target, tt.lines...)
				if conditional {
					r.Header.Set("If-None-Match", "x")
				}
				h := hit(t, r, tt.cc, tt.vary, tt.opts...)
				w := &reusable{h: make(http.Header, 16)}
				allocs := testing.AllocsPerRun(200, func() {
					w.reset()
					h.ServeHTTP(w, r)
				})
				if w.status != status || (w.n == kib) != (status == 200) {
					t.Fatalf("status %d with %d bytes, want %d", w.status, w.n, status)
				}
				if allocs != 0 {
					t.Errorf("%v allocations", allocs)
				}
			})
		}
	}
}

// TestSharedHitAllocates bounds what the engine makes of a value that it has read:
// key, context, entry, its lines, and the lists between them.
func TestSharedHitAllocates(t *testing.T) {
	const most = 8
	f := newFleet(t, 1, nil)
	f.get(0, "/a")
	f.settle()
	f.want(0, "/a", "1", "hit")
	r, w := request("/a"), &reusable{h: make(http.Header, 16)}
	space, err := f.board.Open("test")
	if err != nil {
		t.Fatal(err)
	}
	own := testing.AllocsPerRun(200, func() { // of the board
		if _, values, err := space.Get(t.Context(), "//example.com/a", "http"); err != nil || values[0] == nil {
			t.Fatal(values, err)
		}
	})
	all := testing.AllocsPerRun(200, func() {
		w.reset()
		f.sites[0].ServeHTTP(w, r)
	})
	if n := f.runs.Load(); n != 1 {
		t.Fatalf("%d runs, want 1", n)
	}
	if all-own > most {
		t.Errorf("%v allocations beside %v of the store, want at most %d", all, own, most)
	}
}
