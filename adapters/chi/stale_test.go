package cachexchi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	cachexchi "github.com/go-cachex/cachex/adapters/chi"
	cachex "github.com/go-cachex/cachex/core"
)

// throughTheApp tells whether outer middleware sees renewals in the background.
const throughTheApp = false

// staleApp has one route, /g/:name, behind a cache at the given place.
func staleApp(place string, cache *cachex.Cache, outer chan<- bool, handler func(http.ResponseWriter, *http.Request, string), opts ...cachex.Option) http.Handler {
	m := chi.NewRouter()
	m.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			outer <- cachex.IsBackground(r.Context())
			next.ServeHTTP(w, r)
		})
	})
	run := func(w http.ResponseWriter, r *http.Request) { handler(w, r, chi.URLParam(r, "name")) }
	cached := cachexchi.New(cache, opts...)
	switch place {
	case "root":
		m.Use(cached)
		m.Get("/g/{name}", run)
	case "group":
		m.Route("/g", func(m chi.Router) {
			m.Use(cached)
			m.Get("/{name}", run)
		})
	case "route":
		m.With(cached).Get("/g/{name}", run)
	}
	return m
}

// A stale answer goes out at once, and one run in the background renews it, at
// the root, on a group and on a route (RFC 5861, section 3).
func TestStaleWhileRevalidate(t *testing.T) {
	for _, place := range []string{"root", "group", "route"} {
		t.Run(place, func(t *testing.T) {
			var nanos atomic.Int64
			cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
			defer cache.Close()
			outer, background := make(chan bool, 10), make(chan bool, 10)
			server := httptest.NewServer(staleApp(place, cache, outer, func(w http.ResponseWriter, r *http.Request, name string) {
				background <- cachex.IsBackground(r.Context())
				_, _ = io.WriteString(w, "for "+name+r.Header.Get("Authorization"))
			}, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour)))
			defer server.Close()
			get := func() (body, status string) {
				resp, err := http.Get(server.URL + "/g/ann")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				b, _ := io.ReadAll(resp.Body)
				return string(b), resp.Header.Get("Cache-Status")
			}
			get()
			if <-background || <-outer {
				t.Fatal("the first run is a client's")
			}
			nanos.Add(int64(time.Minute))
			body, status := get()
			if <-outer {
				t.Error("outer middleware: the client's request is none of the background's")
			}
			if body != "for ann" || status != "Cachex; hit; ttl=-59; detail=stale-while-revalidate" {
				t.Errorf("stale answer: %q, Cache-Status: %s", body, status)
			}
			if !<-background {
				t.Error("the renewal does not say that it is in the background")
			}
			if throughTheApp && !<-outer {
				t.Error("outer middleware is not told of the background")
			}
			if err := cache.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			if s := cache.Stats(); s.Refreshes != 1 || s.Stores != 2 {
				t.Errorf("after the renewal: %+v", s)
			}
		})
	}
}

// Behind a HEAD may stand a handler for nothing else, on a route and behind a router
// that has looked at the method already (RFC 9110, section 9.3.2).
func TestRenewalsAreNotOfAHead(t *testing.T) {
	for _, place := range []string{"use", "with"} {
		t.Run(place, func(t *testing.T) {
			var nanos atomic.Int64
			cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
			defer cache.Close()
			cached := cachexchi.New(cache, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour))
			report := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a report") }
			exists := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Exists", "yes") }
			app := chi.NewRouter()
			app.Route("/g", func(r chi.Router) {
				if place == "use" {
					r.Use(cached)
				} else {
					r = r.With(cached)
				}
				r.Get("/report", report)
				r.Head("/report", exists)
			})
			ask := func(method string) string {
				w := httptest.NewRecorder()
				app.ServeHTTP(w, httptest.NewRequest(method, "/g/report", nil))
				for cache.Stats().Background > 0 {
					runtime.Gosched()
				}
				return w.Body.String()
			}
			ask("GET")
			nanos.Add(int64(time.Minute))
			ask("HEAD")
			if got := ask("GET"); got != "a report" {
				t.Errorf("after a HEAD: %q", got)
			}
			if n := cache.Stats().Refreshes; n != 1 {
				t.Errorf("%d renewals, want the one of the GET", n)
			}
		})
	}
}
