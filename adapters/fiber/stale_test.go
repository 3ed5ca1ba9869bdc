package cachexfiber_test

import (
	"context"
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

// A panic behind the cache is answered with the stale copy.
func TestStaleIfError(t *testing.T) {
	for _, failure := range []string{"panic", "error", "status"} {
		var nanos atomic.Int64
		cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
		broken := false
		app := fiber.New()
		app.Use(func(c *fiber.Ctx) error {
			c.Set("X-Outer", "yes")
			return c.Next()
		})
		app.Get("/", cachexfiber.New(cache, cachex.TTL(time.Second), cachex.StaleIfError(time.Hour)), func(c *fiber.Ctx) error {
			c.Set("X-Broken", failure)
			switch {
			case broken && failure == "panic":
				panic("broken")
			case broken && failure == "error":
				return fiber.ErrServiceUnavailable
			case broken:
				return c.Status(500).SendString("broken")
			}
			c.Set("X-Broken", "no")
			return c.SendString("good")
		})
		for _, broken = range []bool{false, true} {
			resp, err := app.Test(httptest.NewRequest("GET", "/", nil))
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != 200 || string(b) != "good" || resp.Header.Get("X-Broken") != "no" || len(resp.Header["X-Outer"]) != 1 {
				t.Errorf("%s, broken=%v: %s %q %v", failure, broken, resp.Status, b, resp.Header)
			}
			nanos.Add(int64(time.Minute))
		}
		_ = cache.Close()
	}
}
