package cachexecho_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
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

// An error that a handler returns is a failure like any other: the error handler
// makes a 5xx of it, in whose place the stale copy is served (RFC 5861, section 4).
func TestReturnedErrors(t *testing.T) {
	for name, failure := range map[string]error{
		"any error":      errors.New("broken"),
		"HTTPError":      echo.NewHTTPError(http.StatusServiceUnavailable, "broken"),
		"wrapped":        fmt.Errorf("broken: %w", echo.ErrBadGateway),
		"of other types": context.DeadlineExceeded,
	} {
		for _, place := range []string{"root", "group", "route"} {
			var nanos atomic.Int64
			cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
			cached := cachexecho.New(cache, cachex.TTL(time.Second), cachex.StaleIfError(time.Hour))
			e := echo.New()
			handled := 0
			e.HTTPErrorHandler = func(err error, c echo.Context) {
				handled++
				c.Response().Header().Set("X-Broken", "by the error handler")
				e.DefaultHTTPErrorHandler(err, c)
			}
			broken := false
			run := func(c echo.Context) error {
				if broken {
					c.Response().Header().Set("X-Broken", "by the handler")
					return failure
				}
				return c.String(http.StatusOK, "good")
			}
			switch place {
			case "root":
				e.Use(cached)
				e.GET("/g/a", run)
			case "group":
				e.Group("/g", cached).GET("/a", run)
			case "route":
				e.GET("/g/a", run, cached)
			}
			for _, broken = range []bool{false, true} {
				w := httptest.NewRecorder()
				e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/g/a", nil))
				if w.Code != http.StatusOK || w.Body.String() != "good" || w.Header().Get("X-Broken") != "" {
					t.Errorf("%s, %s, broken=%v: %d %q %v", name, place, broken, w.Code, w.Body, w.Header())
				}
				nanos.Add(int64(time.Minute))
			}
			if handled != 1 {
				t.Errorf("%s, %s: the error handler was called %d times", name, place, handled)
			}
			_ = cache.Close()
		}
	}
}

// A renewal passes through middleware that rewrites paths as its client's request
// did: from the beginning.
func TestRenewalOfARewrittenPath(t *testing.T) {
	var nanos atomic.Int64
	cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
	defer cache.Close()
	e := echo.New()
	e.Pre(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set("lang", "en")
			if rest, ok := strings.CutPrefix(c.Request().URL.Path, "/de"); ok {
				c.Request().URL.Path = rest
				c.Set("lang", "de")
			}
			return next(c)
		}
	})
	e.Use(cachexecho.New(cache, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour)))
	e.GET("/x", func(c echo.Context) error { return c.String(http.StatusOK, "in "+c.Get("lang").(string)) })
	get := func() (body, status string) {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest("GET", "/de/x", nil))
		for cache.Stats().Background > 0 {
			runtime.Gosched()
		}
		return w.Body.String(), w.Header().Get("Cache-Status")
	}
	get()
	nanos.Add(int64(time.Minute))
	get()
	if body, status := get(); body != "in de" || status != "Cachex; hit; ttl=1" {
		t.Errorf("after the renewal: %q, %s", body, status)
	}
}
