package cachexfiber_test

import (
	"testing"

	"github.com/gofiber/fiber/v2"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

// What outer middleware has set as the type is sent with a hit as well: an entry
// whose handler named none says nothing against it.
func TestTypeOfOuterMiddleware(t *testing.T) {
	for name, config := range map[string]fiber.Config{
		"default":    {},
		"no default": {DisableDefaultContentType: true},
		"raw names":  {DisableHeaderNormalizing: true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []string{fiber.MIMEApplicationJSON, fiber.MIMETextPlainCharsetUTF8} {
				app := fiber.New(config)
				app.Use(func(c *fiber.Ctx) error {
					c.Set(fiber.HeaderContentType, kind)
					return c.Next()
				})
				app.Get("/", minute(newCache(t)), func(c *fiber.Ctx) error { return c.SendString("{}") })
				for _, hit := range []bool{false, true} {
					r := get(t, app, "/")
					want(t, r, hit, 200, "{}")
					if got := r.header.Get("Content-Type"); got != kind {
						t.Errorf("hit=%v: Content-Type: %q, want %q", hit, got, kind)
					}
				}
			}
		})
	}
}

// fasthttp never guesses a type: a response that was sent without one, in an app that
// has no default or by its own word, must not come back as HTML.
func TestNoTypeIsGuessed(t *testing.T) {
	none := func(c *fiber.Ctx) error {
		c.Response().Header.SetNoDefaultContentType(true)
		return c.Next()
	}
	next := func(c *fiber.Ctx) error { return c.Next() }
	vary := func(c *fiber.Ctx) error { c.Vary("Origin"); return c.Next() }
	for name, tt := range map[string]struct {
		config       fiber.Config
		outer, inner fiber.Handler
	}{
		"the app":                         {fiber.Config{DisableDefaultContentType: true}, next, next},
		"the app, with raw names":         {fiber.Config{DisableDefaultContentType: true, DisableHeaderNormalizing: true}, next, next},
		"the handler":                     {fiber.Config{}, next, none},
		"the handler, with another field": {fiber.Config{}, vary, none},
		"outer middleware":                {fiber.Config{}, none, next},
	} {
		t.Run(name, func(t *testing.T) {
			app, html := fiber.New(tt.config), "<script>alert(1)</script>"
			h := func(c *fiber.Ctx) error { return c.SendString(html) }
			app.Get("/stored", tt.outer, minute(newCache(t)), tt.inner, h)
			app.Get("/passed", tt.outer, cachexfiber.New(newCache(t), cachex.CacheControl("no-store")), tt.inner, h)
			for _, path := range []string{"/stored", "/passed"} {
				for _, hit := range []bool{false, path == "/stored"} {
					r := get(t, app, path)
					want(t, r, hit, 200, html)
					if got, ok := r.header["Content-Type"]; ok {
						t.Errorf("%s, hit=%v: Content-Type: %q", path, hit, got)
					}
				}
			}
		})
	}
}
