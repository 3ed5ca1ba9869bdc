package cachexfiber_test

import (
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

// A path that outer middleware has rewritten by something that is not in the URL.
func TestRewrittenPathJoinsTheKey(t *testing.T) {
	cache := cachex.MustNew(cachex.Config{})
	t.Cleanup(func() { _ = cache.Close() })
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		if l := c.Get("Accept-Language"); l != "" {
			c.Path("/" + l)
		}
		return c.Next()
	})
	app.Get("/:lang", cachexfiber.New(cache, cachex.TTL(time.Minute)), func(c *fiber.Ctx) error {
		return c.SendString(c.Params("lang"))
	})
	for range 2 {
		for _, lang := range []string{"en", "de", ""} {
			r := httptest.NewRequest(fiber.MethodGet, "/x", nil)
			want := "x"
			if lang != "" {
				want = lang
				r.Header.Set("Accept-Language", lang)
			}
			res, err := app.Test(r)
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(res.Body); string(body) != want {
				t.Errorf("%q: %q, %v", lang, body, res.Header["Cache-Status"])
			}
		}
	}
	if s := cache.Stats(); s.Hits != 3 {
		t.Errorf("%d hits, want 3", s.Hits)
	}
}
