package benchmarks

import (
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cache"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

var fiberV2 = []Contender{
	{Framework: "fiber", Name: plainName, Role: PlainFloor, Open: func(s *Site) Server {
		return fiberServer(s.fiberPlain)
	}},
	{Framework: "fiber", Name: equalName, Role: EqualFloor, Open: func(s *Site) Server {
		return fiberServer(func(c *fiber.Ctx) error {
			c.Status(s.Equal.Status)
			for _, f := range s.Equal.Fields {
				c.Set(f.Name, f.Value)
			}
			return c.Send(s.Equal.Body)
		})
	}},
	{Framework: "fiber", Name: ours, Role: Cachex, Validates: true, Module: "github.com/go-cachex/cachex/adapters/fiber", Open: func(s *Site) Server {
		c := cacheOf(s)
		srv := fiberServer(cachexfiber.New(c, cachex.TTL(lifetime)), s.fiberPlain)
		srv.Close = closing(c)
		return srv
	}},
	{Framework: "fiber", Name: "fiber-cache", Role: Peer, Module: "github.com/gofiber/fiber/v2",
		Notes: "Its key is the path and the method: neither the host nor the query is in it. Of the fields it keeps Content-Type and Content-Encoding alone, by default. " +
			"No ETag, no 304, no Vary, no Age. A lock is held while it answers. By default nothing bounds the memory.",
		Open: func(s *Site) Server {
			return fiberServer(cache.New(cache.Config{Expiration: lifetime}), s.fiberPlain)
		}},
}

func (s *Site) fiberPlain(c *fiber.Ctx) error {
	s.Runs.Add(1)
	c.Set(fiber.HeaderContentType, contentType)
	return c.Send(s.Body)
}

func fiberServer(handlers ...fiber.Handler) Server {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/pages/:id", handlers...)
	return Server{Fast: app.Handler()}
}
