package cachexfiber_test

import (
	"testing"

	"github.com/gofiber/fiber/v2"
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
