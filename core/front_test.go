package cachex_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// fronted is a cache whose table in front of memory takes everything, and the number of
// what its handler has made.
type fronted struct {
	c    *cachex.Cache
	h    http.Handler
	made atomic.Int64
}

func newFronted(t *testing.T, cfg cachex.Config, handler http.HandlerFunc, opts ...cachex.Option) *fronted {
	f := &fronted{c: cachex.MustNew(cfg)}
	t.Cleanup(func() { _ = f.c.Close() })
	f.c.Front()
	f.h = f.c.Middleware(append([]cachex.Option{cachex.TTL(time.Minute)}, opts...)...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := f.made.Add(1)
		if handler != nil {
			handler(w, r)
		}
		fmt.Fprintf(w, "%d", n)
	}))
	return f
}

func (f *fronted) ask(r *http.Request) string {
	w := httptest.NewRecorder()
	f.h.ServeHTTP(w, r)
	return w.Body.String()
}

func (f *fronted) get(target string) string { return f.ask(httptest.NewRequest("GET", target, nil)) }

// warm asks until the page is in front, and proves that it is.
func (f *fronted) warm(t *testing.T, r *http.Request) {
	t.Helper()
	first := f.ask(r)
	f.ask(r)
	if n := f.c.InFront(); n != 1 {
		t.Fatalf("%d entries in front, want 1", n)
	}
	if again := f.ask(r); again != first {
		t.Fatalf("from the table: %q, want %q", again, first)
	}
}

// Whatever the key is made of is a part of what the table compares; what it does not
// know, it leaves alone.
func TestFrontTellsRequestsApart(t *testing.T) {
	base := func() *http.Request { return httptest.NewRequest("GET", "/p?q=1", nil) }
	for name, change := range map[string]func(*http.Request){
		"host":        func(r *http.Request) { r.Host = "b.example" },
		"scheme":      func(r *http.Request) { r.TLS = &tls.ConnectionState{} },
		"query":       func(r *http.Request) { r.RequestURI, r.URL.RawQuery = "/p?q=2", "q=2" },
		"moved path":  func(r *http.Request) { r.URL.Path = "/de/p" },
		"moved query": func(r *http.Request) { r.URL.RawQuery = "lang=de" },
		"forwarded":   func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "c.example") },
		"override":    func(r *http.Request) { r.Header.Set("X-HTTP-Method-Override", "DELETE") },
		"method":      func(r *http.Request) { r.Method = "POST" },
		"content": func(r *http.Request) {
			r.Body, r.ContentLength = http.NoBody, 0
			r.TransferEncoding = []string{"chunked"}
		},
		"cookie":       func(r *http.Request) { r.Header.Set("Cookie", "session=1") },
		"key":          func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") },
		"no-cache":     func(r *http.Request) { r.Header.Set("Cache-Control", "no-cache") },
		"pragma":       func(r *http.Request) { r.Header.Set("Pragma", "no-cache") },
		"if-match":     func(r *http.Request) { r.Header.Set("If-Match", `"x"`) },
		"absolute":     func(r *http.Request) { r.RequestURI = "http://b.example/p?q=1" },
		"line in path": func(r *http.Request) { r.RequestURI = "/p?q=1\n#0" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFronted(t, cachex.Config{}, nil)
			f.warm(t, base())
			r := base()
			change(r)
			if f.ask(r); f.made.Load() != 2 {
				t.Errorf("the handler ran %d times, want 2: another request was answered from the table", f.made.Load())
			}
		})
	}
}

// Targets that outer middleware leads to one path are several all the same, those too
// that share a place in the table.
func TestFrontOfMovedTargets(t *testing.T) {
	f := newFronted(t, cachex.Config{}, nil)
	ask := func(i int) string {
		r := httptest.NewRequest("GET", fmt.Sprint("/", i), nil)
		r.URL.Path = "/p"
		return f.ask(r)
	}
	for i := range 5000 {
		if got, want := ask(i), fmt.Sprint(i+1); got != want || ask(i) != want {
			t.Fatalf("page %d: %q, want %q", i, got, want)
		}
	}
}

// A key that is made of more than the URL is not for the table.
func TestFrontOfKeyParts(t *testing.T) {
	user := cachex.PerUser(func(r *http.Request) (string, bool) { return r.Header.Get("Authorization"), true })
	for name, o := range map[string]cachex.Option{
		"header": cachex.KeyHeader("Authorization"), "user": user,
		"query": cachex.SortQuery(),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFronted(t, cachex.Config{}, nil, o)
			r := httptest.NewRequest("GET", "/", nil)
			if name != "query" {
				r.Header.Set("Authorization", "a")
			}
			for range 3 {
				f.ask(r)
			}
			if n := f.c.InFront(); n != 0 || f.c.Stats().Hits != 2 {
				t.Errorf("%d entries in front, want none; %d hits, want 2", n, f.c.Stats().Hits)
			}
		})
	}
}

// Two routes with one cache answer for each other only where their keys are the same.
func TestFrontOfTwoPolicies(t *testing.T) {
	f := newFronted(t, cachex.Config{}, nil)
	f.warm(t, httptest.NewRequest("GET", "/", nil))
	for _, o := range []cachex.Option{cachex.Shared(), cachex.KeyHeader("Accept-Language"), cachex.IgnoreCookies("a"), cachex.DropQuery("q")} {
		ran := false
		h := f.c.Middleware(cachex.TTL(time.Minute), o)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ran = true }))
		if h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)); !ran {
			t.Error("a route with other keys was answered from the table")
		}
	}
}

// What is taken back, replaced, expired, evicted or joined by another variant is not
// answered with.
func TestFrontLetsGo(t *testing.T) {
	ctx := t.Context()
	now := time.Unix(1_700_000_000, 0)
	cfg := cachex.Config{Now: func() time.Time { return now }, MemoryBytes: 1 << 20}
	vary := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Vary", "Accept-Language") }
	for name, c := range map[string]struct {
		do   func(*fronted)
		left int // in the table afterwards
	}{
		"purge":  {func(f *fronted) { _ = f.c.Purge(ctx, cachex.ByPath("/")) }, 1},
		"all":    {func(f *fronted) { _ = f.c.Purge(ctx, cachex.All()) }, 1},
		"expire": {func(f *fronted) { _ = f.c.Expire(ctx, cachex.ByPath("/")) }, 1},
		"post":   {func(f *fronted) { f.ask(httptest.NewRequest("POST", "/", nil)) }, 1},
		"time":   {func(*fronted) { now = now.Add(time.Minute) }, 1},
		"close":  {func(f *fronted) { _ = f.c.Close() }, 0},
		"replaced": {func(f *fronted) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cache-Control", "no-cache")
			f.ask(r)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFronted(t, cfg, vary)
			f.warm(t, httptest.NewRequest("GET", "/", nil))
			c.do(f)
			if n := f.c.InFront(); n != c.left {
				t.Errorf("%d entries in front, want %d", n, c.left)
			}
			if got := f.get("/"); got == "1" {
				t.Errorf("answered with what is gone")
			}
		})
	}
	t.Run("variant", func(t *testing.T) {
		f := newFronted(t, cfg, vary)
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", "de")
		f.warm(t, r)
		if got := f.get("/"); got != "2" {
			t.Errorf("another variant: %q, want 2", got)
		}
		if n := f.c.InFront(); n != 0 {
			t.Errorf("%d entries in front, want none: one of them is not all that is stored", n)
		}
		if got := f.ask(r); got != "1" {
			t.Errorf("the first variant: %q, want 1", got)
		}
	})
	t.Run("evicted", func(t *testing.T) {
		f := newFronted(t, cachex.Config{Now: cfg.Now, MemoryBytes: 16 << 10}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat("x", 1<<10)))
		})
		for i := range 300 {
			f.get(fmt.Sprint("/", i))
			f.get(fmt.Sprint("/", i))
		}
		// What is in the table is in memory, and evictions come within moments.
		for deadline := time.Now().Add(10 * time.Second); f.c.InFront() > f.c.Stats().Entries; {
			if time.Now().After(deadline) {
				t.Fatalf("%d entries in front of %d in memory", f.c.InFront(), f.c.Stats().Entries)
			}
		}
		if f.c.InFront() == 0 || f.c.Stats().Evictions == 0 {
			t.Errorf("%d in front, %d evictions: tests nothing", f.c.InFront(), f.c.Stats().Evictions)
		}
	})
}

// Once a newer version is there, nobody who asks from then on gets the old one,
// however the table is filled meanwhile. Run it with -race.
func TestFrontNeverGoesBack(t *testing.T) {
	f := newFronted(t, cachex.Config{}, nil)
	reload := func() *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cache-Control", "no-cache")
		return r
	}
	f.get("/")
	var newest atomic.Int64 // that is known to be stored
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				must := newest.Load()
				var got int64
				if _, err := fmt.Sscan(f.get("/"), &got); err != nil || got < must {
					t.Errorf("version %d after %d was stored (%v)", got, must, err)
					return
				}
			}
		})
	}
	for range 2000 {
		var got int64
		_, _ = fmt.Sscan(f.ask(reload()), &got)
		newest.Store(got)
	}
	close(done)
	wg.Wait()
}
