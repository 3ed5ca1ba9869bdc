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

// A miss that stores 1 KiB, above the same handler without a cache.
func TestAllocationsOfAMiss(t *testing.T) {
	const runs = 200
	body := make([]byte, 1<<10)
	count := func(cached bool) float64 {
		app := fiber.New()
		if cached {
			app.Use(minute(newCache(t)))
		}
		app.Get("/page/:id", func(c *fiber.Ctx) error {
			c.Set("Content-Type", "text/plain")
			return c.Send(body)
		})
		handler := app.Handler()
		targets := make([]string, runs+1) // AllocsPerRun makes one more
		for i := range targets {
			targets[i] = "/page/" + strconv.Itoa(i)
		}
		var ctx fasthttp.RequestCtx
		ctx.Init(new(fasthttp.Request), nil, nil)
		i := 0
		allocs := testing.AllocsPerRun(runs, func() {
			ctx.Request.Reset()
			ctx.Response.Reset()
			ctx.ResetUserValues()
			h := &ctx.Request.Header
			h.SetMethod("GET")
			h.SetRequestURI(targets[i])
			i++
			h.SetHost("example.com")
			h.SetUserAgent("test")
			h.Set("Accept-Language", "en")
			handler(&ctx)
		})
		if n := len(ctx.Response.Body()); n != len(body) {
			t.Fatalf("%d bytes", n)
		}
		if state := ctx.Response.Header.Peek("Cache-Status"); bytes.Contains(state, []byte("; stored")) != cached {
			t.Fatalf("Cache-Status %q", state)
		}
		return allocs
	}
	bare, cached := count(false), count(true)
	t.Logf("%v allocations, %v without the cache", cached, bare)
	if cached-bare > 9 {
		t.Errorf("%v allocations above the handler, want at most 9", cached-bare)
	}
}
