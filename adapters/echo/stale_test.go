package cachexecho_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	cachex "github.com/go-cachex/cachex/core"
)

// throughTheApp tells whether outer middleware sees renewals in the background.
const throughTheApp = true

// staleApp has one route, /g/:name, behind a cache at the given place.
func staleApp(place string, cache *cachex.Cache, outer chan<- bool, handler func(http.ResponseWriter, *http.Request, string), opts ...cachex.Option) http.Handler {
	e := echo.New()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			outer <- cachex.IsBackground(c.Request().Context())
			return next(c)
		}
	})
	run := func(c echo.Context) error {
		handler(c.Response(), c.Request(), c.Param("name"))
		return nil
	}
	cached := cachexecho.New(cache, opts...)
	switch place {
	case "root":
		e.Use(cached)
		e.GET("/g/:name", run)
	case "group":
		e.Group("/g", cached).GET("/:name", run)
	case "route":
		e.GET("/g/:name", run, cached)
	}
	return e
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

// A failure behind the cache is answered with the stale copy, and leaves no
// trace (RFC 5861, section 4).
func TestStaleIfError(t *testing.T) {
	for _, place := range []string{"root", "group", "route"} {
		for _, failure := range []string{"panic", "status"} {
			var nanos atomic.Int64
			cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
			var broken atomic.Bool
			server := httptest.NewServer(staleApp(place, cache, make(chan bool, 10), func(w http.ResponseWriter, r *http.Request, name string) {
				if !broken.Load() {
					_, _ = io.WriteString(w, "good")
					return
				}
				w.Header().Set("X-Broken", "yes")
				if failure == "panic" {
					panic("broken")
				}
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = io.WriteString(w, "broken")
			}, cachex.TTL(time.Second), cachex.StaleIfError(time.Hour)))
			for _, b := range []bool{false, true} {
				broken.Store(b)
				resp, err := http.Get(server.URL + "/g/ann")
				if err != nil {
					t.Fatalf("%s, %s, broken=%v: %v", place, failure, b, err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 || string(body) != "good" || resp.Header.Get("X-Broken") != "" {
					t.Errorf("%s, %s, broken=%v: %s %q %v", place, failure, b, resp.Status, body, resp.Header)
				}
				nanos.Add(int64(time.Minute))
			}
			server.Close()
			_ = cache.Close()
		}
	}
}
