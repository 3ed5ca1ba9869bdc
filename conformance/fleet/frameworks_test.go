package fleet

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/labstack/echo/v4"

	cachexchi "github.com/go-cachex/cachex/adapters/chi"
	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	"github.com/go-cachex/cachex/conformance"
	cachex "github.com/go-cachex/cachex/core"
)

// What the frameworks lack is explained where their own tests declare it.
var frameworks = []conformance.Adapter{
	{Name: "net/http", Start: startHTTP, Lacks: lacks(conformance.OuterRenewals)},
	{Name: "chi", Start: startChi, Lacks: lacks(conformance.OuterRenewals)},
	{Name: "gin", Start: startGin, Lacks: lacks(conformance.Interim, conformance.FrozenFields)},
	{Name: "echo", Start: startEcho, Lacks: lacks(conformance.Interim)},
	{Name: "fiber", Start: startFiber, Lacks: lacks(conformance.Interim, conformance.Streaming, conformance.Disconnect,
		conformance.Hijack, conformance.Controller, conformance.Trailers, conformance.UnknownMethods, conformance.StoredDate,
		conformance.LengthChecked, conformance.FrozenFields, conformance.OuterType)},
}

func lacks(features ...string) map[string]string {
	m := map[string]string{
		conformance.ClockBack:     "what comes from more than five minutes ahead was written by a clock that is wrong",
		conformance.VariantCap:    "a shared store bounds its bytes, and forgets by itself",
		conformance.OtherVariants: "of a shared store the variants that fit the request are read, and no others",
	}
	for _, f := range features {
		m[f] = "see the tests of the adapter"
	}
	return m
}

// routeCache is the cache of the New at the route.
func routeCache(app conformance.App) *cachex.Cache {
	if app.RouteCache != nil {
		return app.RouteCache
	}
	return app.Cache
}

func startHTTP(t testing.TB, app conformance.App) string {
	at := func(cache *cachex.Cache, options []cachex.Option, h http.Handler) http.Handler {
		if options == nil {
			return h
		}
		return cache.Middleware(options...)(h)
	}
	return serve(t, outer(app)(at(app.Cache, app.Root, at(app.Cache, app.Group, at(routeCache(app), app.Route, app.Handler)))))
}

func startChi(t testing.TB, app conformance.App) string {
	root := chi.NewRouter()
	root.Use(outer(app))
	if app.Root != nil {
		root.Use(cachexchi.New(app.Cache, app.Root...))
	}
	var route chi.Router = root
	if app.Group != nil {
		route = route.With(cachexchi.New(app.Cache, app.Group...))
	}
	if app.Route != nil {
		route = route.With(cachexchi.New(routeCache(app), app.Route...))
	}
	route.Handle("/*", app.Handler)
	return serve(t, root)
}

func init() {
	for _, method := range conformance.Methods {
		chi.RegisterMethod(method)
	}
	gin.SetMode(gin.ReleaseMode)
}

func outer(app conformance.App) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer app.Outer(r, w.Header())()
			if app.Denies(r) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func startGin(t testing.TB, app conformance.App) string {
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		defer app.Outer(c.Request, c.Writer.Header())()
		if app.Denies(c.Request) {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Next()
	})
	if app.Root != nil {
		engine.Use(cachexgin.New(app.Cache, app.Root...))
	}
	var handlers []gin.HandlerFunc
	if app.Group != nil {
		handlers = append(handlers, cachexgin.New(app.Cache, app.Group...))
	}
	if app.Route != nil {
		handlers = append(handlers, cachexgin.New(routeCache(app), app.Route...))
	}
	handlers = append(handlers, gin.WrapH(app.Handler))
	for _, method := range conformance.Methods {
		engine.Handle(method, "/*path", handlers...)
	}
	return serve(t, engine)
}

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
	var route []echo.MiddlewareFunc
	if app.Group != nil {
		route = append(route, cachexecho.New(app.Cache, app.Group...))
	}
	if app.Route != nil {
		route = append(route, cachexecho.New(routeCache(app), app.Route...))
	}
	for _, method := range conformance.Methods {
		e.Add(method, "/", echo.WrapHandler(app.Handler), route...)
		e.Add(method, "/*", echo.WrapHandler(app.Handler), route...)
	}
	return serve(t, e)
}

func startFiber(t testing.TB, app conformance.App) string {
	f := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	f.Use(recover.New(), func(c *fiber.Ctx) error {
		r, err := adaptor.ConvertRequest(c, true)
		if err != nil {
			return err
		}
		r = r.WithContext(c.UserContext())
		h := http.Header{}
		defer app.Outer(r, h)()
		for name, values := range h {
			for _, v := range values {
				c.Response().Header.Add(name, v)
			}
		}
		if app.Denies(r) {
			return fiber.ErrUnauthorized
		}
		return c.Next()
	})
	if app.Root != nil {
		f.Use(cachexfiber.New(app.Cache, app.Root...))
	}
	var handlers []fiber.Handler
	if app.Group != nil {
		handlers = append(handlers, cachexfiber.New(app.Cache, app.Group...))
	}
	if app.Route != nil {
		handlers = append(handlers, cachexfiber.New(routeCache(app), app.Route...))
	}
	f.All("/*", append(handlers, adaptor.HTTPHandler(app.Handler))...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Listener(l) }()
	t.Cleanup(func() {
		if err := f.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

func serve(t testing.TB, h http.Handler) string {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are a part of the suite
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}
