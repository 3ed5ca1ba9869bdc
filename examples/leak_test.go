package examples_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	cachexchi "github.com/go-cachex/cachex/adapters/chi"
	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	cachex "github.com/go-cachex/cachex/core"
)

// TestShutdownLeavesNothing: Shutdown waits for the runs in the background, begins
// no more of them, and no goroutine is left, on any framework. It stands here
// because this module may have goleak in its go.mod.
func TestShutdownLeavesNothing(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *cachex.Cache, func(context.Context) string, ...cachex.Option) string{
		"gin": startGin, "echo": startEcho, "chi": startChi, "fiber": startFiber, "net/http": startNetHTTP,
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Cleanup(func() { // after the server has gone
				http.DefaultClient.CloseIdleConnections()
				goleak.VerifyNone(t, before,
					// What fasthttp leaves when its server has been shut down.
					goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
					goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
			})
			var nanos atomic.Int64
			cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
			var hang atomic.Bool
			started, gate := make(chan bool, 1), make(chan bool)
			url := start(t, cache, func(ctx context.Context) string {
				if hang.Load() {
					started <- cachex.IsBackground(ctx)
					<-gate
				}
				return "page"
			}, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Minute), cachex.StaleIfError(time.Hour), cachex.SoftTimeout(time.Nanosecond))
			get := func() {
				t.Helper()
				res, err := http.Get(url)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if body, err := io.ReadAll(res.Body); err != nil || string(body) != "page" {
					t.Errorf("%q %v", body, err)
				}
			}
			get()
			hang.Store(true)
			nanos.Add(int64(10 * time.Minute)) // for SoftTimeout
			get()
			if !<-started {
				t.Error("the run is its client's")
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if err := cache.Shutdown(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Shutdown while a handler runs: %v", err)
			}
			close(gate)
			if err := cache.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			hang.Store(false)
			get() // passes by the cache
		})
	}
}

type page = func(context.Context) string

func startGin(t *testing.T, cache *cachex.Cache, p page, opts ...cachex.Option) string {
	gin.SetMode(gin.TestMode)
	r := gin.New()
	r.GET("/", cachexgin.New(cache, opts...), func(c *gin.Context) { c.String(http.StatusOK, "%s", p(c.Request.Context())) })
	return serve(t, r)
}

func startEcho(t *testing.T, cache *cachex.Cache, p page, opts ...cachex.Option) string {
	e := echo.New()
	e.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, p(c.Request().Context())) }, cachexecho.New(cache, opts...))
	return serve(t, e)
}

func startChi(t *testing.T, cache *cachex.Cache, p page, opts ...cachex.Option) string {
	r := chi.NewRouter()
	r.With(cachexchi.New(cache, opts...)).Get("/", handler(p))
	return serve(t, r)
}

func startNetHTTP(t *testing.T, cache *cachex.Cache, p page, opts ...cachex.Option) string {
	return serve(t, cache.Middleware(opts...)(handler(p)))
}

func handler(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, p(r.Context())) }
}

func serve(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func startFiber(t *testing.T, cache *cachex.Cache, p page, opts ...cachex.Option) string {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/", cachexfiber.New(cache, opts...), func(c *fiber.Ctx) error { return c.SendString(p(c.UserContext())) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(l) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}
