package cachexgin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	cachex "github.com/go-cachex/cachex/core"
)

// throughTheApp tells whether outer middleware sees renewals in the background.
const throughTheApp = true

// staleApp has one route, /g/:name, behind a cache at the given place.
func staleApp(place string, cache *cachex.Cache, outer chan<- bool, handler func(http.ResponseWriter, *http.Request, string), opts ...cachex.Option) http.Handler {
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		outer <- cachex.IsBackground(c.Request.Context())
		c.Next()
	})
	run := func(c *gin.Context) {
		handler(c.Writer, c.Request, c.Param("name"))
	}
	cached := cachexgin.New(cache, opts...)
	switch place {
	case "root":
		engine.Use(cached)
		engine.GET("/g/:name", run)
	case "group":
		engine.Group("/g", cached).GET("/:name", run)
	case "route":
		engine.GET("/g/:name", cached, run)
	}
	return engine
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

// An error that a handler reports is a failure like any other where its response
// is made behind the cache: the stale copy is served in its place (RFC 5861,
// section 4). A middleware outside of the cache that makes one of c.Errors comes
// too late for that.
func TestReportedErrors(t *testing.T) {
	render := func(c *gin.Context) {
		if c.Next(); len(c.Errors) > 0 && !c.Writer.Written() {
			c.String(http.StatusServiceUnavailable, "broken")
		}
	}
	for _, tt := range []struct {
		name           string
		outside, after gin.HandlerFunc
		fail           func(*gin.Context)
		code           int
	}{
		{name: "AbortWithError", fail: func(c *gin.Context) { _ = c.AbortWithError(http.StatusBadGateway, errors.New("broken")) }, code: 200},
		{name: "AbortWithStatusJSON", fail: func(c *gin.Context) { c.AbortWithStatusJSON(http.StatusInternalServerError, "broken") }, code: 200},
		{name: "Status alone", fail: func(c *gin.Context) { c.Status(http.StatusGatewayTimeout) }, code: 200},
		{name: "Error, rendered inside", after: render, fail: func(c *gin.Context) { _ = c.Error(errors.New("broken")) }, code: 200},
		{name: "Recovery inside", after: gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }), fail: func(*gin.Context) { panic("broken") }, code: 200},
		{name: "Error, rendered outside", outside: render, fail: func(c *gin.Context) { _ = c.Error(errors.New("broken")) }, code: http.StatusServiceUnavailable},
	} {
		for _, place := range []string{"root", "group", "route"} {
			var nanos atomic.Int64
			cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
			engine := gin.New()
			if tt.outside != nil {
				engine.Use(tt.outside)
			}
			chain := gin.HandlersChain{cachexgin.New(cache, cachex.TTL(time.Second), cachex.StaleIfError(time.Hour))}
			if tt.after != nil {
				chain = append(chain, tt.after)
			}
			broken := false
			run := func(c *gin.Context) {
				if broken {
					c.Header("X-Broken", "yes")
					tt.fail(c)
					return
				}
				c.String(http.StatusOK, "good")
			}
			switch place {
			case "root":
				engine.Use(chain...)
				engine.GET("/g/a", run)
			case "group":
				engine.Group("/g", chain...).GET("/a", run)
			case "route":
				engine.GET("/g/a", append(chain, run)...)
			}
			get := func() *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/g/a", nil))
				nanos.Add(int64(time.Minute))
				return w
			}
			get()
			broken = true
			w := get()
			if w.Code != tt.code || tt.code == 200 && (w.Body.String() != "good" || w.Header().Get("X-Broken") != "") {
				t.Errorf("%s, %s: %d %q %v", tt.name, place, w.Code, w.Body, w.Header())
			}
			_ = cache.Close()
		}
	}
}
