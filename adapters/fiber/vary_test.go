package cachexfiber_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

// What the exchange lends is overwritten by its next use: the Vary of outer
// middleware, as CORS sets it, must neither be lost nor be mixed up on a hit.
func TestVaryOfOuterMiddleware(t *testing.T) {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		c.Response().Header.Add("Vary", "X-Alpha-Beta")
		c.Response().Header.Add("Vary", "Origin")
		return c.Next()
	})
	app.Get("/", cachexfiber.New(cache, cachex.TTL(time.Minute)), func(c *fiber.Ctx) error {
		c.Response().Header.Add("Vary", "X-Inner")
		return c.SendString("content")
	})
	for i, want := range []string{"fwd=uri-miss; stored", "hit", "hit"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Origin", "http://a.example")
		res, err := app.Test(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Cache-Status"); !strings.HasPrefix(got, "Cachex; "+want) {
			t.Errorf("answer %d: Cache-Status: %s, want %s", i, got, want)
		}
		if got := strings.Join(res.Header["Vary"], ", "); got != "X-Alpha-Beta, Origin, X-Inner" {
			t.Errorf("answer %d: Vary: %s", i, got)
		}
	}
}
