//go:build !race

// The race detector has sync.Pool drop what it is given, at random.

package cachexfiber_test

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

func TestHitsDoNotAllocate(t *testing.T) {
	app := fiber.New()
	app.Get("/*", minute(newCache(t)), func(c *fiber.Ctx) error {
		c.Set("Etag", `"v1"`)
		c.Append("Vary", "Accept-Language")
		c.Response().Header.Add("Link", "</a>")
		c.Response().Header.Add("Link", "</b>")
		return c.SendString("hello")
	})
	handler := app.Handler()
	for status, condition := range map[int]string{200: "", 304: `"v1"`} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			var ctx fasthttp.RequestCtx
			var req fasthttp.Request
			ctx.Init(&req, nil, nil)
			request := func() {
				ctx.Request.Reset()
				ctx.Response.Reset()
				ctx.ResetUserValues()
				h := &ctx.Request.Header
				h.SetMethod("GET")
				h.SetRequestURI("/page?x=1")
				h.SetHost("example.com")
				h.SetUserAgent("test")
				h.Set("Accept-Language", "en")
				if condition != "" {
					h.Set("If-None-Match", condition)
				}
				handler(&ctx)
			}
			request()
			request()
			if got := ctx.Response.StatusCode(); got != status {
				t.Fatalf("status %d", got)
			}
			if s := ctx.Response.Header.Peek("Cache-Status"); !bytes.Contains(s, []byte("; hit")) {
				t.Fatalf("no hit: %q", s)
			}
			if n := testing.AllocsPerRun(500, request); n != 0 {
				t.Errorf("%v allocations for a hit, want 0", n)
			}
		})
	}
}
