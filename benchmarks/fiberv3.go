package benchmarks

import (
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/cache"
)

// Cachex has no adapter for fiber v3. Its cache is here because it is the
// successor of the one in fiber v2, and is held against its own floor.
var fiberV3 = []Contender{
	{Framework: "fiberv3", Name: plainName, Role: PlainFloor, Open: func(s *Site) Server {
		return fiberV3Server(s.fiberV3Plain)
	}},
	{Framework: "fiberv3", Name: "fiber-v3-cache", Role: Peer, Module: "github.com/gofiber/fiber/v3",
		Notes: "Its default key is the path. It obeys Cache-Control and sends Age and Cache-Control. Of the fields it keeps few, by default. A lock is held while it answers.",
		Open: func(s *Site) Server {
			c := cache.New(cache.Config{Expiration: lifetime, MaxBytes: uint(s.Room)})
			return fiberV3Server(c, s.fiberV3Plain)
		}},
}

func (s *Site) fiberV3Plain(c fiber.Ctx) error {
	s.Runs.Add(1)
	c.Set(fiber.HeaderContentType, contentType)
	return c.Send(s.Body)
}

func fiberV3Server(handlers ...any) Server {
	app := fiber.New()
	app.Get("/pages/:id", handlers[0], handlers[1:]...)
	return Server{Fast: app.Handler()}
}
