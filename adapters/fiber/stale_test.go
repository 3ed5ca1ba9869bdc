package cachexfiber_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

// inBackground is what either context tells.
func inBackground(t *testing.T, c *fiber.Ctx) bool {
	told := cachex.IsBackground(c.UserContext())
	if cachex.IsBackground(c.Context()) != told {
		t.Error("c.Context() tells otherwise than c.UserContext()")
	}
	return told
}

// A stale answer goes out at once, and one run through the whole app renews it,
// at the root, on a group, on a route, and where an app is mounted.
func TestStaleWhileRevalidate(t *testing.T) {
	for _, place := range []string{"root", "group", "route", "mount"} {
		t.Run(place, func(t *testing.T) {
			var nanos atomic.Int64
			nanos.Store(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
			cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(0, nanos.Load()) }})
			defer cache.Close()
			cached := cachexfiber.New(cache, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour))
			background := make(chan bool, 10)
			handler := func(c *fiber.Ctx) error {
				background <- inBackground(t, c)
				return c.SendString("for " + c.Params("name") + c.Get("Authorization"))
			}
			outer := make(chan bool, 10)
			app := fiber.New()
			app.Use(func(c *fiber.Ctx) error {
				outer <- inBackground(t, c)
				return c.Next()
			})
			switch place {
			case "root":
				app.Use(cached)
				app.Get("/g/:name", handler)
			case "group":
				app.Group("/g", cached).Get("/:name", handler)
			case "route":
				app.Get("/g/:name", cached, handler)
			case "mount":
				sub := fiber.New()
				sub.Get("/:name", cached, handler)
				app.Mount("/g", sub)
			}
			get := func() (body, status string) {
				resp, err := app.Test(httptest.NewRequest("GET", "/g/ann", nil))
				if err != nil {
					t.Fatal(err)
				}
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
			if !<-background || !<-outer {
				t.Error("the renewal does not say that it is in the background")
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
		"any error":   errors.New("broken"),
		"fiber.Error": fiber.ErrServiceUnavailable,
		"wrapped":     fmt.Errorf("broken: %w", fiber.ErrBadGateway),
	} {
		for _, place := range []string{"root", "group", "route", "mount"} {
			var nanos atomic.Int64
			cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
			cached := cachexfiber.New(cache, cachex.TTL(time.Second), cachex.StaleIfError(time.Hour))
			handled := 0
			cfg := fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
				handled++
				c.Set("X-Broken", "by the error handler")
				return fiber.DefaultErrorHandler(c, err)
			}}
			broken := false
			run := func(c *fiber.Ctx) error {
				if broken {
					c.Set("X-Broken", "by the handler")
					return failure
				}
				return c.SendString("good")
			}
			app := fiber.New(cfg)
			app.Use(func(c *fiber.Ctx) error {
				c.Set("X-Outer", "yes")
				return c.Next()
			})
			switch place {
			case "root":
				app.Use(cached)
				app.Get("/g/a", run)
			case "group":
				app.Group("/g", cached).Get("/a", run)
			case "route":
				app.Get("/g/a", cached, run)
			case "mount":
				sub := fiber.New(cfg)
				sub.Get("/a", cached, run)
				app.Mount("/g", sub)
			}
			for _, broken = range []bool{false, true} {
				resp, err := app.Test(httptest.NewRequest("GET", "/g/a", nil))
				if err != nil {
					t.Fatal(err)
				}
				b, _ := io.ReadAll(resp.Body)
				if resp.StatusCode != 200 || string(b) != "good" || resp.Header.Get("X-Broken") != "" || len(resp.Header["X-Outer"]) != 1 {
					t.Errorf("%s, %s, broken=%v: %s %q %v", name, place, broken, resp.Status, b, resp.Header)
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

// renewing is an app whose clock the test moves.
type renewing struct {
	t     *testing.T
	nanos atomic.Int64
	cache *cachex.Cache
	app   *fiber.App
}

func newRenewing(t *testing.T, cfg fiber.Config, outer fiber.Handler, handler fiber.Handler, opts ...cachex.Option) *renewing {
	s := &renewing{t: t, app: fiber.New(cfg)}
	s.cache = cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, s.nanos.Load()) }})
	t.Cleanup(func() { _ = s.cache.Close() })
	if outer != nil {
		s.app.Use(outer)
	}
	s.app.Use(cachexfiber.New(s.cache, opts...))
	s.app.Get("/x", handler)
	return s
}

func (s *renewing) quiet() {
	for s.cache.Stats().Background > 0 {
		runtime.Gosched()
	}
}

func (s *renewing) get(target string, fields ...string) (body, status string) {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header[fields[i]] = []string{fields[i+1]} // as it is spelled
	}
	resp, err := s.app.Test(r)
	if err != nil {
		s.t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	return string(b), resp.Header.Get("Cache-Status")
}

// A renewal passes through middleware that rewrites paths as its client's request
// did: from the beginning.
func TestRenewalOfARewrittenPath(t *testing.T) {
	s := newRenewing(t, fiber.Config{}, func(c *fiber.Ctx) error {
		c.Locals("lang", "en")
		if rest, ok := strings.CutPrefix(c.Path(), "/de"); ok {
			c.Path(rest)
			c.Locals("lang", "de")
		}
		return c.Next()
	}, func(c *fiber.Ctx) error {
		return c.SendString("in " + c.Locals("lang").(string))
	}, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour))
	s.get("/de/x")
	s.nanos.Add(int64(time.Minute))
	s.get("/de/x")
	s.quiet()
	if body, status := s.get("/de/x"); body != "in de" || status != "Cachex; hit; ttl=1" {
		t.Errorf("after the renewal: %q, %s", body, status)
	}
}

// However names are spelled, a renewal has no credentials, no conditions and no range.
func TestRenewalOfRawNames(t *testing.T) {
	seen := make(chan string, 2)
	s := newRenewing(t, fiber.Config{DisableHeaderNormalizing: true}, nil, func(c *fiber.Ctx) error {
		if cachex.IsBackground(c.UserContext()) {
			seen <- c.Request().Header.String()
		}
		return c.SendString("x")
	}, cachex.CacheControl("public, max-age=1, stale-while-revalidate=3600"))
	fields := []string{"authorization", "Bearer secret", "cookie", "sid=secret", "x-api-key", "secret", "if-none-match", `"secret"`, "range", "bytes=0-1", "x-else", "kept"}
	s.get("/x", fields...)
	s.nanos.Add(int64(time.Minute))
	s.get("/x", fields...)
	s.quiet()
	if got := <-seen; strings.Contains(got, "secret") || strings.Contains(got, "range") || !strings.Contains(got, "x-else: kept") {
		t.Errorf("a renewal has %q", got)
	}
}

// Outer middleware may have made the user context from the connection's, which is that
// of another request by the time of the renewal.
func TestRenewalKnowsNoOtherRequest(t *testing.T) {
	type traceKey struct{}
	seen := make(chan context.Context, 2)
	s := newRenewing(t, fiber.Config{}, func(c *fiber.Ctx) error {
		if !cachex.IsBackground(c.UserContext()) {
			c.Locals("user", "ann")
			c.SetUserContext(context.WithValue(c.Context(), traceKey{}, "trace"))
		}
		return c.Next()
	}, func(c *fiber.Ctx) error {
		if cachex.IsBackground(c.UserContext()) {
			seen <- c.UserContext()
		}
		return c.SendString("x")
	}, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour))
	s.get("/x")
	s.nanos.Add(int64(time.Minute))
	s.get("/x")
	s.quiet()
	if ctx := <-seen; ctx.Value("user") != nil || ctx.Value(traceKey{}) != nil {
		t.Errorf("a renewal has the values of a request that has ended: %v, %v", ctx.Value("user"), ctx.Value(traceKey{}))
	}
}
