package cachexecho_test

import (
	"io"
	"log"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	"github.com/go-cachex/cachex/conformance"
)

var adapter = conformance.Adapter{
	Name: "echo", Start: startEcho,
	Lacks: map[string]string{
		conformance.Interim: "echo.Response takes the first status for the final one, even a 103",
	},
}

func TestConformance(t *testing.T)  { conformance.Run(t, adapter) }
func TestDifferential(t *testing.T) { conformance.Differential(t, adapter, conformance.Seeds) }

func startEcho(t testing.TB, app conformance.App) string {
	e := echo.New()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			defer app.Outer(c.Request(), c.Response().Header())()
			if app.Denies(c.Request()) {
				return echo.ErrUnauthorized
			}
			return next(c)
		}
	})
	if app.Root != nil {
		e.Use(cachexecho.New(app.Cache, app.Root...))
	}
	group := e.Group("")
	if app.Group != nil {
		group.Use(cachexecho.New(app.Cache, app.Group...))
	}
	var route []echo.MiddlewareFunc
	if app.Route != nil {
		cache := app.Cache
		if app.RouteCache != nil {
			cache = app.RouteCache
		}
		route = append(route, cachexecho.New(cache, app.Route...))
	}
	for _, method := range conformance.Methods {
		// Group.Use makes a 404 of "/", which goes before "/*".
		group.Add(method, "/", echo.WrapHandler(app.Handler), route...)
		group.Add(method, "/*", echo.WrapHandler(app.Handler), route...)
	}
	s := httptest.NewUnstartedServer(e)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are a part of the suite
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}
