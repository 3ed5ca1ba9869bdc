package cachexfiber_test

import (
	"net"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v2/middleware/recover"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	"github.com/go-cachex/cachex/conformance"
)

var conformant = conformance.Adapter{
	Name: "fiber", Start: startFiber,
	Lacks: map[string]string{
		conformance.Interim:        "fasthttp sends nothing before the handler has returned",
		conformance.Streaming:      "fasthttp sends nothing before the handler has returned, and the adaptor for net/http handlers ignores Flush",
		conformance.Disconnect:     "fasthttp does not tell handlers that a client has left",
		conformance.Hijack:         "the adaptor for net/http handlers has no Hijack",
		conformance.Controller:     "the adaptor for net/http handlers has no deadlines",
		conformance.Trailers:       "the adaptor for net/http handlers sends trailer fields as fields",
		conformance.UnknownMethods: "fiber answers 501 or 405 to methods that are not in Config.RequestMethods",
		conformance.StoredDate:     "fasthttp writes Date by itself",
		conformance.LengthChecked:  "fasthttp counts the content, and ignores the Content-Length of a handler",
		conformance.FrozenFields:   "the adaptor for net/http handlers takes the fields when the handler has returned",
		conformance.OuterType:      "the adaptor for net/http handlers guesses a type where the handler has named none",
	},
}

func TestConformance(t *testing.T)  { conformance.Run(t, conformant) }
func TestDifferential(t *testing.T) { conformance.Differential(t, conformant, conformance.Seeds) }

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
	group := f.Group("/")
	if app.Group != nil {
		group.Use(cachexfiber.New(app.Cache, app.Group...))
	}
	var handlers []fiber.Handler
	if app.Route != nil {
		cache := app.Cache
		if app.RouteCache != nil {
			cache = app.RouteCache
		}
		handlers = append(handlers, cachexfiber.New(cache, app.Route...))
	}
	handlers = append(handlers, adaptor.HTTPHandler(app.Handler))
	group.All("/*", handlers...)
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
