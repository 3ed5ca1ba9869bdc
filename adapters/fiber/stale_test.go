package cachexfiber_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

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
				background <- cachex.IsBackground(c.UserContext())
				return c.SendString("for " + c.Params("name") + c.Get("Authorization"))
			}
			outer := make(chan bool, 10)
			app := fiber.New()
			app.Use(func(c *fiber.Ctx) error {
				outer <- cachex.IsBackground(c.UserContext())
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
