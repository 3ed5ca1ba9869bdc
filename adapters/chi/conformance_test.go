package cachexchi_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	cachexchi "github.com/go-cachex/cachex/adapters/chi"
	"github.com/go-cachex/cachex/conformance"
)

var adapter = conformance.Adapter{
	Name: "chi", Start: startChi,
	Lacks: map[string]string{
		conformance.OuterRenewals: "what is behind a middleware can be run on its own, so that what is outside of the cache has no part in a renewal",
	},
}

func TestConformance(t *testing.T)  { conformance.Run(t, adapter) }
func TestDifferential(t *testing.T) { conformance.Differential(t, adapter, conformance.Seeds) }

func init() {
	for _, method := range conformance.Methods {
		chi.RegisterMethod(method)
	}
}

func startChi(t testing.TB, app conformance.App) string {
	root := chi.NewRouter()
	root.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer app.Outer(r, w.Header())()
			if app.Denies(r) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	if app.Root != nil {
		root.Use(cachexchi.New(app.Cache, app.Root...))
	}
	root.Group(func(group chi.Router) {
		if app.Group != nil {
			group.Use(cachexchi.New(app.Cache, app.Group...))
		}
		route := group
		if app.Route != nil {
			cache := app.Cache
			if app.RouteCache != nil {
				cache = app.RouteCache
			}
			route = group.With(cachexchi.New(cache, app.Route...))
		}
		route.Handle("/*", app.Handler)
	})
	s := httptest.NewUnstartedServer(root)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are a part of the suite
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}
