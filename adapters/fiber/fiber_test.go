package cachexfiber_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/compress"
	recovery "github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/valyala/fasthttp"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

func newCache(t testing.TB) *cachex.Cache {
	t.Helper()
	cache, err := cachex.New(cachex.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() })
	return cache
}

func minute(cache *cachex.Cache, opts ...cachex.Option) fiber.Handler {
	return cachexfiber.New(cache, append([]cachex.Option{cachex.TTL(time.Minute)}, opts...)...)
}

type response struct {
	status int
	header http.Header
	body   string
}

func (r response) hit() bool { return strings.Contains(r.header.Get("Cache-Status"), "; hit") }

func (r response) stored() bool { return strings.Contains(r.header.Get("Cache-Status"), "; stored") }

// send sends a request; fields are names and values in turn.
func send(t testing.TB, app *fiber.App, method, target string, fields ...string) response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	res, err := app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, string(body)}
}

func get(t testing.TB, app *fiber.App, target string, fields ...string) response {
	t.Helper()
	return send(t, app, "GET", target, fields...)
}

// counter answers with the number of its calls.
func counter(n *int) fiber.Handler {
	return func(c *fiber.Ctx) error {
		*n++
		return c.SendString(strconv.Itoa(*n))
	}
}

func want(t testing.TB, r response, hit bool, status int, body string) {
	t.Helper()
	if r.hit() != hit || r.status != status || r.body != body {
		t.Errorf("got hit=%v %d %q, want hit=%v %d %q (Cache-Status: %q)",
			r.hit(), r.status, r.body, hit, status, body, r.header["Cache-Status"])
	}
}

func TestPlaces(t *testing.T) {
	for name, build := range map[string]func(app *fiber.App, c, h fiber.Handler){
		"Use":   func(app *fiber.App, c, h fiber.Handler) { app.Use(c); app.Get("/a/:id", h) },
		"Group": func(app *fiber.App, c, h fiber.Handler) { app.Group("/a", c).Get("/:id", h) },
		"group.Use": func(app *fiber.App, c, h fiber.Handler) {
			g := app.Group("/a")
			g.Use(c)
			g.Get("/:id", h)
		},
		"route": func(app *fiber.App, c, h fiber.Handler) { app.Get("/a/:id", c, h) },
		"Mount": func(app *fiber.App, c, h fiber.Handler) {
			sub := fiber.New()
			sub.Get("/:id", c, h)
			app.Mount("/a", sub)
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, app := 0, fiber.New()
			build(app, minute(newCache(t)), counter(&n))
			want(t, get(t, app, "/a/1"), false, 200, "1")
			want(t, get(t, app, "/a/1"), true, 200, "1")
			want(t, get(t, app, "/a/2"), false, 200, "2")
			want(t, send(t, app, "HEAD", "/a/1"), true, 200, "")
			if l := send(t, app, "HEAD", "/a/1").header.Get("Content-Length"); l != "1" {
				t.Errorf("HEAD announces a length of %q, want 1", l)
			}
		})
	}
}

func TestSetUpPanics(t *testing.T) {
	closed := newCache(t)
	_ = closed.Close()
	for name, f := range map[string]func(){
		"nil":     func() { cachexfiber.New(nil) },
		"closed":  func() { cachexfiber.New(closed) },
		"KeyFunc": func() { cachexfiber.New(newCache(t), cachexfiber.KeyFunc(nil)) },
		"PerUser": func() { cachexfiber.New(newCache(t), cachexfiber.PerUser(nil)) },
		"SkipIf":  func() { cachexfiber.New(newCache(t), cachexfiber.SkipIf(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestNotModified(t *testing.T) {
	n, app := 0, fiber.New()
	app.Get("/", minute(newCache(t)), counter(&n))
	tag := get(t, app, "/").header.Get("Etag")
	if tag == "" {
		t.Fatal("no entity tag")
	}
	r := get(t, app, "/", "If-None-Match", tag)
	want(t, r, true, 304, "")
	for _, name := range []string{"Content-Type", "Content-Length"} {
		if v, ok := r.header[name]; ok {
			t.Errorf("a 304 with %s: %q", name, v)
		}
	}
	// A condition that the answer to a miss meets.
	app.Get("/own", minute(newCache(t)), func(c *fiber.Ctx) error {
		c.Set("Etag", `"v"`)
		return c.SendString("content")
	})
	want(t, get(t, app, "/own", "If-None-Match", `"v"`), false, 304, "")
	want(t, get(t, app, "/own"), true, 200, "content")
}

func TestValidation(t *testing.T) {
	app := fiber.New()
	var seen []string
	app.Use(func(c *fiber.Ctx) error {
		c.Set("X-Outer", "before")
		c.Response().Header.Add("X-Outer", "twice")
		err := c.Next()
		seen = append(seen, "outer:"+c.Get("If-None-Match"))
		return err
	})
	app.Get("/", cachexfiber.New(newCache(t)), func(c *fiber.Ctx) error {
		seen = append(seen, "handler:"+c.Get("If-None-Match"))
		c.Set("Cache-Control", "no-cache")
		c.Set("Etag", `"v1"`)
		if c.Get("If-None-Match") == `"v1"` {
			c.Response().Header.Del("X-Outer") // of a response that nobody sees
			return c.SendStatus(304)
		}
		return c.SendString("content")
	})
	get(t, app, "/")
	r := get(t, app, "/", "If-None-Match", `"other"`)
	if r.status != 200 || r.body != "content" {
		t.Errorf("got %d %q, want the stored content", r.status, r.body)
	}
	if got := strings.Join(r.header["X-Outer"], " "); got != "before twice" {
		t.Errorf("X-Outer: %q", got)
	}
	if got := strings.Join(seen, " "); got != `handler: outer: handler:"v1" outer:"other"` {
		t.Errorf("If-None-Match: %s", got)
	}
}

func TestErrors(t *testing.T) {
	n := 0
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
		n++
		c.Set("X-Error", err.Error())
		return c.Status(fiber.StatusNotFound).SendString(fmt.Sprint("error ", n))
	}})
	var outer error
	app.Use(func(c *fiber.Ctx) error { outer = c.Next(); return outer })
	app.Get("/", cachexfiber.New(newCache(t), cachex.TTLFor(time.Minute, 404)), func(*fiber.Ctx) error { return errors.New("gone") })
	app.Get("/off", cachexfiber.New(newCache(t), cachex.Off()), func(*fiber.Ctx) error { return errors.New("off") })
	want(t, get(t, app, "/"), false, 404, "error 1")
	r := get(t, app, "/")
	want(t, r, true, 404, "error 1")
	if v := r.header["X-Error"]; len(v) != 1 || v[0] != "gone" {
		t.Errorf("X-Error: %q", v)
	}
	if outer != nil {
		t.Errorf("outer middleware got %v", outer)
	}
	if get(t, app, "/off"); outer == nil {
		t.Error("a cache that is Off has eaten the error")
	}
	sub := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, _ error) error { return c.Status(418).SendString("mounted") }})
	sub.Get("/x", minute(newCache(t)), func(*fiber.Ctx) error { return errors.New("x") })
	app.Mount("/sub", sub)
	want(t, get(t, app, "/sub/x"), false, 418, "mounted")
}

func TestPanics(t *testing.T) {
	app, n := fiber.New(), 0
	app.Use(recovery.New())
	app.Get("/", minute(newCache(t), cachex.DropQuery("q")), func(c *fiber.Ctx) error {
		if n++; n == 1 {
			c.Set("Cache-Control", "max-age=60")
			panic("first")
		}
		return c.SendString(c.OriginalURL())
	})
	want(t, get(t, app, "/?q=1"), false, 500, "first")
	want(t, get(t, app, "/?q=1"), false, 200, "/")
	want(t, get(t, app, "/?q=2"), true, 200, "/")
}

func TestStreams(t *testing.T) {
	cache, app := newCache(t), fiber.New()
	app.Get("/sse", minute(cache), func(c *fiber.Ctx) error {
		c.Set("Content-Type", "text/event-stream")
		c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				if w.Flush() != nil {
					return
				}
			}
		})
		return nil
	})
	app.Get("/sized", minute(cache), func(c *fiber.Ctx) error { return c.SendStream(strings.NewReader("sized"), 5) })
	app.Get("/short", minute(cache), func(c *fiber.Ctx) error { return c.SendStream(strings.NewReader("sho"), 5) })
	file := filepath.Join(t.TempDir(), "f.txt")
	if err := os.WriteFile(file, bytes.Repeat([]byte("file"), 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	app.Get("/file", minute(cache), func(c *fiber.Ctx) error { return c.SendFile(file) })

	for range 2 {
		r := get(t, app, "/sse")
		want(t, r, false, 200, "data: 0\n\ndata: 1\n\ndata: 2\n\n")
		if r.stored() || r.header.Get("Cache-Status") == "" {
			t.Errorf("Cache-Status of a stream: %q", r.header["Cache-Status"])
		}
	}
	want(t, get(t, app, "/sized"), false, 200, "sized")
	want(t, get(t, app, "/sized"), true, 200, "sized")
	want(t, get(t, app, "/file"), false, 200, strings.Repeat("file", 10_000))
	want(t, get(t, app, "/file"), true, 200, strings.Repeat("file", 10_000))
	for range 2 { // the connection breaks: whether Test says so is fasthttp's business
		res, err := app.Test(httptest.NewRequest("GET", "/short", nil), -1)
		if err == nil {
			if strings.Contains(res.Header.Get("Cache-Status"), "hit") {
				t.Error("an incomplete response was stored")
			}
			_ = res.Body.Close()
		}
	}
	if n := cache.Stats().Stores; n != 2 {
		t.Errorf("%d stored, want 2", n)
	}
}

// TestStreamIsNotAwaited: the handler returns, and the stream has yet to be made.
func TestStreamIsNotAwaited(t *testing.T) {
	app := fiber.New()
	r, w := io.Pipe()
	app.Get("/", minute(newCache(t)), func(c *fiber.Ctx) error { return c.SendStream(r) })
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetHost("example.com")
	ctx.Request.SetRequestURI("/")
	app.Handler()(&ctx) // would never return if it read
	if !ctx.Response.IsBodyStream() {
		t.Error("the stream is gone")
	}
	_ = w.Close()
}

func TestInHandlers(t *testing.T) {
	contexts := map[string]func(*fiber.Ctx) context.Context{
		"Context":     func(c *fiber.Ctx) context.Context { return c.Context() },
		"UserContext": func(c *fiber.Ctx) context.Context { return c.UserContext() },
	}
	for name, of := range contexts {
		t.Run(name, func(t *testing.T) {
			cache, app, n := newCache(t), fiber.New(), 0
			app.Get("/set", cachexfiber.New(cache), func(c *fiber.Ctx) error {
				cachex.SetTTL(of(c), time.Minute)
				cachex.AddTags(of(c), "a")
				return counter(&n)(c)
			})
			app.Get("/not", minute(cache), func(c *fiber.Ctx) error {
				cachex.DoNotStore(of(c))
				return counter(&n)(c)
			})
			want(t, get(t, app, "/set"), false, 200, "1")
			want(t, get(t, app, "/set"), true, 200, "1")
			want(t, get(t, app, "/not"), false, 200, "2")
			want(t, get(t, app, "/not"), false, 200, "3")
			if err := cache.Purge(context.Background(), cachex.ByTag("b")); err != nil {
				t.Error(err)
			}
			want(t, get(t, app, "/set"), true, 200, "1")
			if err := cache.Purge(context.Background(), cachex.ByTag("a")); err != nil {
				t.Error(err)
			}
			want(t, get(t, app, "/set"), false, 200, "4")
		})
	}
}

// Strings that fiber lends to handlers are other ones with the next request.
func TestLentStrings(t *testing.T) {
	cache, app, n := newCache(t), fiber.New(), 0
	app.Get("/pages/:name", minute(cache), func(c *fiber.Ctx) error {
		cachex.AddTags(c.UserContext(), c.Params("name"))
		return counter(&n)(c)
	})
	app.Post("/tag/:name", func(c *fiber.Ctx) error { return cache.Purge(c.UserContext(), cachex.ByTag(c.Params("name"))) })
	app.Post("/pattern*", func(c *fiber.Ctx) error { return cache.Purge(c.UserContext(), cachex.ByPattern(c.Params("*"))) })
	serve, ctx := app.Handler(), new(fasthttp.RequestCtx) // one connection
	ask := func(method, target string) string {
		ctx.Request.Reset()
		ctx.Response.Reset()
		ctx.Request.Header.SetMethod(method)
		ctx.Request.Header.SetHost("example.com")
		ctx.Request.SetRequestURI(target)
		serve(ctx)
		return string(ctx.Response.Header.Peek("Cache-Status"))
	}
	for _, purge := range []string{"/tag/news", "/pattern/pages/n*", "/pattern/*/news"} {
		ask("GET", "/pages/news")
		if got := ask("GET", "/pages/news"); !strings.Contains(got, "hit") {
			t.Fatalf("no hit: %s", got)
		}
		ask("POST", purge)
		if got := ask("GET", "/pages/news"); !strings.Contains(got, "uri-miss") {
			t.Errorf("%s purged nothing: %s", purge, got)
		}
	}
}

type contextKey struct{}

func TestContextsAreRestored(t *testing.T) {
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		outer := context.WithValue(context.Background(), contextKey{}, "outer")
		c.SetUserContext(outer)
		err := c.Next()
		if c.UserContext() != outer {
			t.Error("UserContext is not the one from before")
		}
		return err
	})
	app.Get("/", minute(newCache(t)), func(c *fiber.Ctx) error {
		return c.SendString(c.UserContext().Value(contextKey{}).(string))
	})
	want(t, get(t, app, "/"), false, 200, "outer")
}

func TestNested(t *testing.T) {
	cache, app, n := newCache(t), fiber.New(), 0
	outer := cachexfiber.New(cache, cachex.TTL(time.Minute), cachex.KeyHeader("X-Outer"))
	app.Use(outer)
	app.Use("/lost", func(c *fiber.Ctx) error { c.SetUserContext(context.Background()); return c.Next() })
	for _, path := range []string{"/inner", "/lost"} {
		app.Get(path, cachexfiber.New(cache, cachex.KeyHeader("X-Inner")), counter(&n))
	}
	app.Get("/off", cachexfiber.New(cache, cachex.Off()), counter(&n))
	for _, path := range []string{"/inner", "/lost"} {
		n = 0
		want(t, get(t, app, path, "X-Outer", "a", "X-Inner", "a"), false, 200, "1")
		r := get(t, app, path, "X-Outer", "a", "X-Inner", "a")
		want(t, r, true, 200, "1")
		if len(r.header["Cache-Status"]) != 1 {
			t.Errorf("Cache-Status: %q", r.header["Cache-Status"])
		}
		want(t, get(t, app, path, "X-Outer", "b", "X-Inner", "a"), false, 200, "2")
		want(t, get(t, app, path, "X-Outer", "a", "X-Inner", "b"), false, 200, "3")
	}
	n = 0
	want(t, get(t, app, "/off"), false, 200, "1")
	want(t, get(t, app, "/off"), false, 200, "2")
}

func TestFrameworkOptions(t *testing.T) {
	cache, app, n := newCache(t), fiber.New(), 0
	app.Use(func(c *fiber.Ctx) error { c.Locals("user", c.Query("user")); return c.Next() })
	local := func(c *fiber.Ctx) (string, bool) {
		s, _ := c.Locals("user").(string)
		return s, s != "nobody"
	}
	all := func(f func(*fiber.Ctx) (string, bool)) cachex.Option {
		return cachex.Options(cachex.TTL(time.Minute), cachex.KeepQuery(), cachexfiber.KeyFunc(f))
	}
	app.Get("/key", cachexfiber.New(cache, all(local)), counter(&n))
	app.Get("/user", cachexfiber.New(cache, cachex.TTL(time.Minute), cachex.KeepQuery(), cachexfiber.PerUser(local)), counter(&n))
	app.Get("/skip", minute(cache, cachexfiber.SkipIf(func(c *fiber.Ctx) bool { return c.Query("skip") != "" })), counter(&n))
	app.Get("/native", minute(cache, cachex.KeepQuery(), cachex.KeyFunc(func(r *http.Request) (string, bool) {
		return r.URL.Query().Get("k") + r.Host + r.Header.Get("X-K") + r.Method, r.Context() != nil
	})), counter(&n))
	for _, path := range []string{"/key", "/user"} {
		n = 0
		want(t, get(t, app, path+"?user=a"), false, 200, "1")
		want(t, get(t, app, path+"?user=b"), false, 200, "2")
		want(t, get(t, app, path+"?user=a"), true, 200, "1")
		want(t, get(t, app, path+"?user=nobody"), false, 200, "3")
		want(t, get(t, app, path+"?user=nobody"), false, 200, "4")
	}
	n = 0
	want(t, get(t, app, "/skip"), false, 200, "1")
	want(t, get(t, app, "/skip"), true, 200, "1")
	if r := get(t, app, "/skip?skip=1"); r.body != "2" || r.header.Get("Cache-Status") != "" {
		t.Errorf("a skipped request: %q, %q", r.body, r.header["Cache-Status"])
	}
	want(t, get(t, app, "/native?k=1"), false, 200, "3")
	want(t, get(t, app, "/native?k=2"), false, 200, "4")
	want(t, get(t, app, "/native?k=1"), true, 200, "3")
	want(t, get(t, app, "/native?k=1", "X-K", "2"), false, 200, "5")
}

// TestLentMemory sends requests over one RequestCtx, whose memory a handler
// lends to its response and the cache to its key.
func TestLentMemory(t *testing.T) {
	app := fiber.New()
	app.Get("/:id", minute(newCache(t), cachex.KeyHeader("X-Key")), func(c *fiber.Ctx) error {
		c.Response().Header.Set("X-Id", c.Params("id"))
		c.Vary("X-Vary")
		return c.SendString(c.Params("id") + c.Query("q") + c.Get("X-Key") + c.Get("X-Vary"))
	})
	app.Post("/body", minute(newCache(t)), func(c *fiber.Ctx) error { return c.Send(c.Body()) })
	handler := app.Handler()
	var ctx fasthttp.RequestCtx
	var req fasthttp.Request
	ctx.Init(&req, nil, nil)
	request := func(s string) string {
		ctx.Request.Reset()
		ctx.Response.Reset()
		ctx.ResetUserValues()
		ctx.Request.Header.SetHost(s + ".example")
		ctx.Request.SetRequestURI("/" + s + "?q=" + s)
		ctx.Request.Header.Set("X-Key", s)
		ctx.Request.Header.Set("X-Vary", s)
		handler(&ctx)
		return string(ctx.Response.Body()) + string(ctx.Response.Header.Peek("X-Id"))
	}
	for round := range 2 {
		for _, s := range []string{"aaaa", "bbbb", "cccc"} {
			if got := request(s); got != strings.Repeat(s, 5) {
				t.Errorf("%s: got %s", s, got)
			}
			if hit := bytes.Contains(ctx.Response.Header.Peek("Cache-Status"), []byte("; hit")); hit != (round == 1) {
				t.Errorf("%s in round %d: hit is %v", s, round, hit)
			}
		}
	}
}

func TestFields(t *testing.T) {
	cache, app := newCache(t), fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		c.Response().Header.Add("X-Outer", "1")
		c.Response().Header.Add("X-Outer", "2")
		c.Response().Header.Add("Link", "</outer1>")
		c.Response().Header.Add("Link", "</outer2>")
		return c.Next()
	})
	app.Get("/", cachexfiber.New(cache, cachex.TTL(time.Minute), cachex.Proxy()), func(c *fiber.Ctx) error {
		h := &c.Response().Header
		h.Del("Link")
		for _, v := range []string{"a", "b"} {
			h.Add("Link", "</"+v+">")
			h.Add("Set-Cookie", "same=1; Path=/"+v)
		}
		c.Set("Server", "mine")
		c.Set("Content-Encoding", "identity")
		return c.JSON("x")
	})
	app.Get("/empty", cachexfiber.New(cache, cachex.TTLFor(time.Minute, 404)), func(c *fiber.Ctx) error {
		c.Status(404)
		return nil
	})
	for _, hit := range []bool{false, true} {
		r := get(t, app, "/")
		want(t, r, hit, 200, `"x"`)
		for name, lines := range map[string]string{
			"Link": "</a>|</b>", "X-Outer": "1|2", "Set-Cookie": "same=1; Path=/a|same=1; Path=/b",
			"Server": "mine", "Content-Encoding": "identity", "Content-Type": "application/json", "Content-Length": "3",
		} {
			if got := strings.Join(r.header[name], "|"); got != lines {
				t.Errorf("hit=%v: %s is %q, want %q", hit, name, got, lines)
			}
		}
		r = get(t, app, "/empty")
		want(t, r, hit, 404, "")
		if v, ok := r.header["Content-Type"]; ok {
			t.Errorf("hit=%v: an empty response with Content-Type %q", hit, v)
		}
	}
}

func TestCookies(t *testing.T) {
	const sent = `a="x y"; tracking=1;b=2`
	cache, app := newCache(t), fiber.New()
	app.Get("/raw", minute(cache), func(c *fiber.Ctx) error { return c.SendString(c.Get("Cookie")) })
	var after string
	app.Use("/hidden", func(c *fiber.Ctx) error { err := c.Next(); after = c.Cookies("tracking"); return err })
	app.Get("/hidden", minute(cache, cachex.IgnoreCookies("tracking")), func(c *fiber.Ctx) error { return c.SendString(c.Get("Cookie")) })
	app.Get("/key", minute(cache, cachex.KeyCookie("b"), cachex.IgnoreCookies("a", "tracking")), func(c *fiber.Ctx) error { return c.SendString(c.Cookies("b")) })
	if r := get(t, app, "/raw", "Cookie", sent); r.body != sent || r.stored() {
		t.Errorf("the handler got Cookie %q (Cache-Status: %q)", r.body, r.header["Cache-Status"])
	}
	if r := get(t, app, "/hidden", "Cookie", sent); strings.Contains(r.body, "tracking") || !strings.Contains(r.body, "b=2") {
		t.Errorf("the handler got Cookie %q", r.body)
	}
	if after != "1" {
		t.Error("the cookie is still hidden from outer middleware")
	}
	want(t, get(t, app, "/key", "Cookie", "b=1"), false, 200, "1")
	want(t, get(t, app, "/key", "Cookie", "b=2; tracking=9"), false, 200, "2")
	want(t, get(t, app, "/key", "Cookie", "tracking=8; b=1"), true, 200, "1")
}

func TestQueryRules(t *testing.T) {
	app := fiber.New()
	var outer string
	app.Use(func(c *fiber.Ctx) error {
		c.Path("/rewritten")
		err := c.Next()
		outer = c.OriginalURL() + " " + c.Query("utm_a")
		return err
	})
	app.Get("/rewritten", minute(newCache(t), cachex.DropQuery("utm_*")), func(c *fiber.Ctx) error {
		return c.SendString(c.OriginalURL() + " " + c.Query("utm_a") + c.Query("q") + " " + string(c.Context().Path()))
	})
	want(t, get(t, app, "/p?utm_a=1&q=2"), false, 200, "/p?q=2 2 /rewritten")
	if outer != "/p?utm_a=1&q=2 1" {
		t.Errorf("afterwards outer middleware sees %q", outer)
	}
	want(t, get(t, app, "/p?utm_a=3&q=2"), true, 200, "/p?q=2 2 /rewritten")
}

func TestCompression(t *testing.T) {
	text := strings.Repeat("compressible ", 500)
	h := func(c *fiber.Ctx) error { c.Type("txt"); return c.SendString(text) }
	t.Run("outside", func(t *testing.T) {
		app := fiber.New()
		app.Get("/", compress.New(), minute(newCache(t)), h)
		for _, hit := range []bool{false, true, true} {
			r := get(t, app, "/", "Accept-Encoding", "gzip")
			if r.hit() != hit || r.header.Get("Content-Encoding") != "gzip" || len(r.body) >= len(text) {
				t.Errorf("hit=%v, Content-Encoding %q, %d bytes", r.hit(), r.header.Get("Content-Encoding"), len(r.body))
			}
			want(t, get(t, app, "/"), true, 200, text)
		}
	})
	t.Run("inside", func(t *testing.T) {
		app := fiber.New()
		app.Get("/", minute(newCache(t)), compress.New(), func(c *fiber.Ctx) error { c.Vary("Accept-Encoding"); return h(c) })
		for _, hit := range []bool{false, true} {
			r := get(t, app, "/", "Accept-Encoding", "gzip")
			if r.hit() != hit || r.header.Get("Content-Encoding") != "gzip" || len(r.body) >= len(text) {
				t.Errorf("hit=%v, Content-Encoding %q, %d bytes", r.hit(), r.header.Get("Content-Encoding"), len(r.body))
			}
			want(t, get(t, app, "/"), hit, 200, text)
		}
	})
}

func TestConfig(t *testing.T) {
	t.Run("DisableHeaderNormalizing", func(t *testing.T) {
		app := fiber.New(fiber.Config{DisableHeaderNormalizing: true})
		app.Use(func(c *fiber.Ctx) error {
			c.Request().Header.Set("x-key", c.Query("key")) // app.Test writes canonical names
			c.Request().Header.Set("if-none-match", c.Query("tag"))
			return c.Next()
		})
		app.Get("/", minute(newCache(t), cachex.KeepQuery(), cachex.KeyHeader("X-Key")), func(c *fiber.Ctx) error {
			c.Response().Header.Set("cache-control", "max-age=60")
			c.Response().Header.Set("etag", `"v"`)
			return c.SendString(c.Get("x-key"))
		})
		want(t, get(t, app, "/?key=a"), false, 200, "a")
		want(t, get(t, app, "/?key=b"), false, 200, "b")
		r := get(t, app, "/?key=a")
		want(t, r, true, 200, "a")
		if v := r.header["Cache-Control"]; len(v) != 1 {
			t.Errorf("Cache-Control: %q", v)
		}
		want(t, get(t, app, `/?key=a&tag="v"`), true, 304, "")
	})
	t.Run("DisableDefaultDate", func(t *testing.T) {
		app, n := fiber.New(fiber.Config{DisableDefaultDate: true}), 0
		cache := newCache(t)
		app.Get("/ttl", minute(cache), counter(&n))
		app.Get("/own", cachexfiber.New(cache), func(c *fiber.Ctx) error {
			c.Set("Cache-Control", "max-age=60")
			return c.SendString("x")
		})
		for _, path := range []string{"/ttl", "/own"} {
			get(t, app, path)
			r := get(t, app, path)
			if v := r.header["Date"]; !r.hit() || len(v) != 1 {
				t.Errorf("%s: hit=%v, Date %q", path, r.hit(), v)
			} else if _, err := http.ParseTime(v[0]); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}

func TestContentAndMethods(t *testing.T) {
	cache, app, n := newCache(t), fiber.New(), 0
	app.All("/", minute(cache), counter(&n))
	want(t, get(t, app, "/"), false, 200, "1")
	want(t, get(t, app, "/"), true, 200, "1")
	for _, length := range []int{5, -1} { // -1: chunked
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetHost("example.com")
		ctx.Request.SetRequestURI("/")
		ctx.Request.Header.SetContentLength(length)
		app.Handler()(&ctx)
		if s := ctx.Response.Header.Peek("Cache-Status"); !bytes.Contains(s, []byte("detail=content")) {
			t.Errorf("a request with content of length %d: Cache-Status %q", length, s)
		}
	}
	n = 7
	want(t, send(t, app, "POST", "/"), false, 200, "8")
	want(t, get(t, app, "/"), false, 200, "9") // POST has taken it back
}

func TestHijack(t *testing.T) {
	cache, app := newCache(t), fiber.New()
	app.Get("/", minute(cache), func(c *fiber.Ctx) error {
		c.Context().Hijack(func(net.Conn) {})
		return c.SendString("x")
	})
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetHost("example.com")
	ctx.Request.SetRequestURI("/")
	app.Handler()(&ctx)
	if n := cache.Stats().Stores; n != 0 {
		t.Error("a hijacked response was stored")
	}
}

func TestTimeoutResponse(t *testing.T) {
	cache, app := newCache(t), fiber.New()
	app.Get("/", minute(cache), func(c *fiber.Ctx) error {
		c.Context().TimeoutError("too late")
		return c.SendString("x")
	})
	get(t, app, "/")
	if n := cache.Stats().Stores; n != 0 {
		t.Error("a response that was not sent was stored")
	}
}

func TestConcurrent(t *testing.T) {
	app := fiber.New()
	app.Get("/:id", minute(newCache(t)), func(c *fiber.Ctx) error { return c.SendString(c.Params("id")) })
	handler := app.Handler()
	done := make(chan error, 8)
	for w := range 8 {
		go func() {
			for i := range 200 {
				var ctx fasthttp.RequestCtx
				id := strconv.Itoa((w + i) % 20)
				ctx.Request.Header.SetHost("example.com")
				ctx.Request.SetRequestURI("/" + id)
				handler(&ctx)
				if got := string(ctx.Response.Body()); got != id {
					done <- fmt.Errorf("%s got %s", id, got)
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A stream that cannot be stored, however long, is not read before it is sent.
func TestLongStreamsAreNotRead(t *testing.T) {
	for name, begin := range map[string]func(*fiber.Ctx){
		"no-cache": func(c *fiber.Ctx) { c.Set("Cache-Control", "no-cache") },
		"an error": func(c *fiber.Ctx) { c.Status(fiber.StatusServiceUnavailable) },
		"too long": func(*fiber.Ctx) {},
	} {
		var read endless
		app := fiber.New()
		app.Use(func(c *fiber.Ctx) error {
			err := c.Next()
			if read > 0 {
				t.Errorf("%s: %d bytes were read", name, read)
			}
			c.Response().ResetBody()
			return err
		}, minute(newCache(t)))
		app.Get("/", func(c *fiber.Ctx) error {
			begin(c)
			return c.SendStream(&read, 200<<20)
		})
		if _, err := app.Test(httptest.NewRequest("GET", "/", nil), -1); err != nil {
			t.Error(err)
		}
	}
}

// endless is a stream without an end.
type endless int

func (n *endless) Read(p []byte) (int, error) {
	*n += endless(len(p))
	return len(p), nil
}
