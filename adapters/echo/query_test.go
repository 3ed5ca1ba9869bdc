package cachexecho_test

import (
	"testing"

	"github.com/labstack/echo/v4"

	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	"github.com/go-cachex/cachex/conformance/site"
	cachex "github.com/go-cachex/cachex/core"
)

// ownContext is a context as applications make it, by the book of echo.
type ownContext struct{ echo.Context }

// outside has middleware run on each request, on the context that the application
// may have made.
func outside(f func(echo.Context)) map[string]echo.MiddlewareFunc {
	with := func(wrap func(echo.Context) echo.Context) echo.MiddlewareFunc {
		return func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				f(c)
				return next(wrap(c))
			}
		}
	}
	return map[string]echo.MiddlewareFunc{
		"echo's context":     with(func(c echo.Context) echo.Context { return c }),
		"one of its own":     with(func(c echo.Context) echo.Context { return &ownContext{c} }),
		"one inside another": with(func(c echo.Context) echo.Context { return &ownContext{ownContext{c}} }),
	}
}

// A parameter that outer middleware has set by something that is not in the URL:
// QueryParam reads it, and the URL lacks it.
func TestChangedParametersJoinTheKey(t *testing.T) {
	for name, outer := range outside(func(c echo.Context) {
		if l := c.Request().Header.Get("Accept-Language"); l != "" {
			c.QueryParams().Set("lang", l)
		}
	}) {
		t.Run(name, func(t *testing.T) {
			e := app()
			e.Use(outer)
			e.GET("/", func(c echo.Context) error { return c.String(200, "lang="+c.QueryParam("lang")) }, cachexecho.New(site.NewCache(t), minute))
			s := site.Serve(t, e)
			for _, state := range []string{"stored", "hit"} {
				s.Get("/", "Accept-Language: en").Want(t, 200, "lang=en", state)
				s.Get("/", "Accept-Language: de").Want(t, 200, "lang=de", state)
				s.Get("/").Want(t, 200, "lang=", state)
			}
		})
	}
}

// Where it changes the URL as well, behind what it has parsed, either counts.
func TestChangedParametersAndURL(t *testing.T) {
	e := app()
	e.Use(outside(func(c echo.Context) {
		h := c.Request().Header
		if l := h.Get("Accept-Language"); l != "" {
			c.QueryParams().Set("lang", l)
		}
		c.QueryParam("q")
		c.Request().URL.RawQuery = "tenant=" + h.Get("X-Tenant")
	})["echo's context"])
	e.GET("/", func(c echo.Context) error { return c.String(200, c.QueryParam("lang")+" "+c.QueryString()) }, cachexecho.New(site.NewCache(t), minute))
	s := site.Serve(t, e)
	for _, state := range []string{"stored", "hit"} {
		s.Get("/", "X-Tenant: a").Want(t, 200, " tenant=a", state)
		s.Get("/", "X-Tenant: b").Want(t, 200, " tenant=b", state)
		s.Get("/", "X-Tenant: a", "Accept-Language: en").Want(t, 200, "en tenant=a", state)
		s.Get("/", "X-Tenant: a", "Accept-Language: de").Want(t, 200, "de tenant=a", state)
	}
}

// Middleware that only reads parameters leaves the key as it is without.
func TestReadParametersChangeNothing(t *testing.T) {
	for name, outer := range outside(func(c echo.Context) {
		if c.Request().Header.Get("X-Read") != "" {
			c.QueryParam("q")
		}
	}) {
		t.Run(name, func(t *testing.T) {
			e := app()
			e.Use(outer)
			e.GET("/", counting(), cachexecho.New(site.NewCache(t), minute, cachex.DropQuery("utm_*")))
			s := site.Serve(t, e)
			for _, query := range []string{"", "?", "?q", "?q=%7E+%20&q", "?&q=a/b&&x=%zz", "?q=1&utm_a=1"} {
				first := s.Get("/" + query)
				s.Get("/"+query, "X-Read: yes").Want(t, 200, first.Body, "hit")
			}
		})
	}
}

// The rules of a route are for the parameters as outer middleware has left them: one
// that it has taken out stays out, and it finds them as they were.
func TestRulesKeepChangedParameters(t *testing.T) {
	e := app()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.QueryParams().Del("admin")
			err := next(c)
			if got := c.QueryParams().Encode(); got != "utm_a=1" {
				t.Errorf("outer middleware finds %q afterwards", got)
			}
			return err
		}
	})
	e.GET("/", func(c echo.Context) error { return c.String(200, c.QueryParams().Encode()+" "+c.QueryString()) },
		cachexecho.New(site.NewCache(t), minute, cachex.DropQuery("utm_*")))
	s := site.Serve(t, e)
	for _, state := range []string{"stored", "hit"} {
		s.Get("/?admin=1&utm_a=1").Want(t, 200, " ", state)
	}
}
