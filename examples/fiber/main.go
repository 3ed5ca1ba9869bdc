// Fiber shows Cachex in a fiber application.
//
//	go run ./examples/fiber
package main

import (
	"context"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/examples/internal/demo"
)

func main() {
	cache := cachex.MustNew(demo.Config("fiber")) // 64 MiB in memory, unless flags say otherwise

	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use(recover.New())

	hello := func(c *fiber.Ctx) error { return c.SendString(demo.Hello()) }

	// This cache keeps it for a minute; clients are told nothing.
	app.Get("/", cachexfiber.New(cache, cachex.TTL(time.Minute)), hello)

	// Everyone is told, and this cache obeys as well.
	app.Get("/no-cache", cachexfiber.New(cache, cachex.CacheControl("no-cache")), hello)
	app.Get("/no-store", cachexfiber.New(cache, cachex.CacheControl("no-store")), hello)

	// Slow work is done once a minute, whoever asks.
	app.Get("/report", cachexfiber.New(cache, cachex.CacheControl("public, max-age=60")), func(c *fiber.Ctx) error {
		report, err := demo.Report(c.UserContext())
		if err != nil {
			return fiber.ErrServiceUnavailable
		}
		return c.SendString(report)
	})

	// Each user has a copy, and nobody sees that of another. Your application
	// takes the id from its session, which its auth middleware has checked.
	user := cachexfiber.PerUser(func(c *fiber.Ctx) (id string, ok bool) {
		id = c.Cookies("user")
		return id, id != ""
	})
	app.Get("/me", cachexfiber.New(cache, cachex.TTL(time.Minute), user), func(c *fiber.Ctx) error {
		name := c.Cookies("user")
		if name == "" {
			return c.Status(fiber.StatusUnauthorized).SendString("Who are you? Send a cookie: user=ann\n")
		}
		return c.SendString(demo.Page(name))
	})

	// A POST that succeeds takes back what was kept for its URL.
	var items demo.Items
	list := app.Group("/items", cachexfiber.New(cache, cachex.TTL(time.Hour)))
	list.Get("", func(c *fiber.Ctx) error { return c.JSON(items.Names()) })
	list.Post("", func(c *fiber.Ctx) error {
		// A string of fiber's is a view of memory that the next request overwrites.
		items.Add(string([]byte(c.FormValue("name"))))
		return c.JSON(items.Names())
	})

	// Pages that show the same data share a tag ...
	app.Get("/teams/:team", cachexfiber.New(cache, cachex.TTL(time.Hour)), func(c *fiber.Ctx) error {
		cachex.AddTags(c.UserContext(), "league")
		return c.SendString(demo.Standing(c.Params("team")))
	})
	// ... by which a change takes back all of them.
	app.Post("/results", func(c *fiber.Ctx) error {
		if err := cache.Purge(c.UserContext(), cachex.ByTag("league")); err != nil {
			return fiber.NewError(fiber.StatusServiceUnavailable, err.Error())
		}
		return c.SendString("Noted.\n")
	})

	// By hand: path=/report, or pattern=/teams/*. Your application lets only
	// those do this who may.
	app.Post("/clear", func(c *fiber.Ctx) error {
		by := cachex.ByPath(c.FormValue("path"))
		if pattern := c.FormValue("pattern"); pattern != "" {
			by = cachex.ByPattern(pattern)
		}
		if err := cache.Purge(c.UserContext(), by); err != nil {
			return fiber.NewError(fiber.StatusBadRequest, err.Error())
		}
		return c.SendString("Cleared.\n")
	})

	demo.Run("fiber", cache, server{app})
}

// server gives fiber's methods the names that net/http has for them.
type server struct{ app *fiber.App }

func (s server) Serve(l net.Listener) error         { return s.app.Listener(l) }
func (s server) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
