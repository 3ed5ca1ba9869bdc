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

// A parameter that outer middleware has set by something that is not in the URL:
// fiber's Query reads it, and the text of the query lacks it.
func TestChangedParametersJoinTheKey(t *testing.T) {
	cache := newCache(t)
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		if l := c.Get("Accept-Language"); l != "" {
			c.Request().URI().QueryArgs().Set("lang", l)
		}
		return c.Next()
	})
	app.Get("/", minute(cache), func(c *fiber.Ctx) error { return c.SendString(c.Query("lang")) })
	for _, hit := range []bool{false, true} {
		want(t, get(t, app, "/", "Accept-Language", "en"), hit, 200, "en")
		want(t, get(t, app, "/", "Accept-Language", "de"), hit, 200, "de")
		want(t, get(t, app, "/"), hit, 200, "")
		want(t, get(t, app, "/?q=%7E+%20", "Accept-Language", "en"), hit, 200, "en")
	}
}

// Middleware that only reads parameters leaves the query in the spelling that it came in,
// and the key as it is without.
func TestReadParametersChangeNothing(t *testing.T) {
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		if c.Get("X-Read") != "" {
			c.Query("q")
		}
		return c.Next()
	})
	app.Get("/", minute(newCache(t), cachex.DropQuery("utm_*")), func(c *fiber.Ctx) error { return c.SendString(c.OriginalURL()) })
	for _, query := range []string{"", "?", "?q", "?q=", "?q=%7E+%20&q", "?&q=a/b&&x=%zz", "?q=1&utm_a=1"} {
		first := get(t, app, "/"+query)
		want(t, get(t, app, "/"+query, "X-Read", "yes"), true, 200, first.body)
	}
}

// The rules of a route are for the parameters as outer middleware has left them: one
// that it has taken out stays out, and it finds them as they were.
func TestRulesKeepChangedParameters(t *testing.T) {
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		args := c.Request().URI().QueryArgs()
		args.Del("admin")
		err := c.Next()
		if got := c.Request().URI().QueryArgs().String(); got != "utm_a=1" {
			t.Errorf("outer middleware finds %q afterwards", got)
		}
		return err
	})
	app.Get("/", minute(newCache(t), cachex.DropQuery("utm_*")), func(c *fiber.Ctx) error {
		return c.SendString(c.Query("admin") + c.Query("utm_a") + " " + c.OriginalURL())
	})
	want(t, get(t, app, "/?admin=1&utm_a=1"), false, 200, " /")
	want(t, get(t, app, "/?admin=1&utm_a=1"), true, 200, " /")
}

// A host that outer middleware has put in place, on the request or in its URI, is that
// of a resource of its own, and so is each that it came with.
func TestRewrittenHostJoinsTheKey(t *testing.T) {
	for name, put := range map[string]func(*fiber.Ctx, string){
		"request": func(c *fiber.Ctx, tenant string) { c.Request().SetHost(tenant) },
		"uri":     func(c *fiber.Ctx, tenant string) { c.Request().URI().SetHost(tenant) },
		"field":   func(c *fiber.Ctx, tenant string) { c.Request().Header.SetHost(tenant) },
	} {
		t.Run(name, func(t *testing.T) {
			cache := cachex.MustNew(cachex.Config{})
			t.Cleanup(func() { _ = cache.Close() })
			app := fiber.New()
			app.Use(func(c *fiber.Ctx) error {
				if tenant := c.Get("X-Tenant"); tenant != "" {
					put(c, tenant)
				}
				return c.Next()
			})
			app.Get("/", cachexfiber.New(cache, cachex.TTL(time.Minute)), func(c *fiber.Ctx) error {
				return c.SendString(c.Hostname() + " and " + c.Get("Host"))
			})
			for range 2 {
				for _, tenant := range []string{"a.test", "b.test", ""} {
					for _, host := range []string{"one.test", "two.test"} {
						r := httptest.NewRequest(fiber.MethodGet, "/", nil)
						r.Host = host
						seen, field := host, host
						if tenant != "" {
							r.Header.Set("X-Tenant", tenant)
							if name == "field" {
								field = tenant
							} else {
								seen = tenant
							}
						}
						res, err := app.Test(r)
						if err != nil {
							t.Fatal(err)
						}
						if body, _ := io.ReadAll(res.Body); string(body) != seen+" and "+field {
							t.Errorf("%q at %s: %q, %v", tenant, host, body, res.Header["Cache-Status"])
						}
					}
				}
			}
			if s := cache.Stats(); s.Hits != 6 {
				t.Errorf("%d hits, want 6", s.Hits)
			}
		})
	}
}
