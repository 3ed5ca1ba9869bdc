package conformance_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-cachex/cachex/conformance"
	cachex "github.com/go-cachex/cachex/core"
)

// nethttp is core's own middleware on http.ServeMux.
var nethttp = conformance.Adapter{
	Name: "net/http", Start: start,
	Lacks: map[string]string{
		conformance.OuterRenewals: "what is behind a middleware can be run on its own, so that what is outside of the cache has no part in a renewal",
	},
}

func start(t testing.TB, app conformance.App) string {
	at := func(cache *cachex.Cache, options []cachex.Option, h http.Handler) http.Handler {
		if options == nil {
			return h
		}
		return cache.Middleware(options...)(h)
	}
	inner := app.Cache
	if app.RouteCache != nil {
		inner = app.RouteCache
	}
	group := http.NewServeMux()
	group.Handle("/", at(inner, app.Route, app.Handler))
	root := http.NewServeMux()
	root.Handle("/", at(app.Cache, app.Group, group))
	inside := at(app.Cache, app.Root, root)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer app.Outer(r, w.Header())()
		if app.Denies(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inside.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are a part of the suite
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func TestConformance(t *testing.T)  { conformance.Run(t, nethttp) }
func TestDifferential(t *testing.T) { conformance.Differential(t, nethttp, conformance.Seeds) }
