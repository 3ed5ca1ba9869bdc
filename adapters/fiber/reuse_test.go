package cachexfiber_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp/fasthttputil"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

// connection serves app on one connection, on which fasthttp reads each request
// into the memory of the one before.
func connection(t *testing.T, app *fiber.App) (ask func(target, in string) response) {
	t.Helper()
	ln := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	go func() { served <- app.Listener(ln) }()
	var dialed atomic.Int32
	transport := &http.Transport{
		MaxConnsPerHost: 1,
		DialContext:     func(context.Context, string, string) (net.Conn, error) { dialed.Add(1); return ln.Dial() },
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = app.Shutdown()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if n := dialed.Load(); n != 1 {
			t.Errorf("%d connections: the test tests nothing", n)
		}
	})
	client := &http.Client{Transport: transport}
	return func(target, in string) response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://example.com"+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-In", in)
		res, err := client.Do(r)
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
}

// What is stored stays what it was, whatever is read into the memory that it was
// made from: the key, the fields that Vary names, the fields of the response, the
// content, and tags.
func TestStoredOnAConnectionThatGoesOn(t *testing.T) {
	cache := newCache(t)
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/:name", cachexfiber.New(cache, cachex.TTL(time.Minute)), func(c *fiber.Ctx) error {
		in := c.Get("X-In") // a view of the connection's memory, as all that follows
		c.Set("X-Out", in)
		c.Set("Link", in)
		c.Response().Header.Add("Link", c.Path())
		c.Set("Vary", "X-In")
		cachex.AddTags(c.UserContext(), in)
		return c.SendString(c.Params("name") + " " + in)
	})
	ask := connection(t, app)
	const n = 20
	check := func(i int, hit bool) {
		t.Helper()
		name, in := fmt.Sprintf("name%02d", i), fmt.Sprintf("in%02d", i)
		got := ask("/"+name, in)
		want(t, got, hit, 200, name+" "+in)
		if out, link := got.header.Get("X-Out"), got.header["Link"]; out != in || strings.Join(link, ",") != in+",/"+name {
			t.Errorf("%s: X-Out %q, Link %q", name, out, link)
		}
	}
	for i := range n {
		check(i, false)
	}
	for i := range n {
		check(i, true)
		if got := ask(fmt.Sprintf("/name%02d", i), "other"); got.hit() {
			t.Errorf("a hit on what varies: %q", got.body)
		}
	}
	if err := cache.Purge(t.Context(), cachex.ByTag("in03")); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		check(i, i != 3)
	}
}

// A run in the background sees the request that it is for, though others have come
// on its connection since.
func TestBackgroundOnAConnectionThatGoesOn(t *testing.T) {
	var nanos atomic.Int64
	cache := cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(1e9, nanos.Load()) }})
	defer cache.Close()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	proceed := make(chan struct{})
	app.Get("/:name", cachexfiber.New(cache, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour), cachex.KeyHeader("X-In")), func(c *fiber.Ctx) error {
		if cachex.IsBackground(c.UserContext()) {
			<-proceed
			c.Set("X-Renewed", "yes")
		}
		return c.SendString(c.Params("name") + " " + c.Path() + " " + c.Get("X-In"))
	})
	ask := connection(t, app)
	ask("/first", "aaaaa")
	nanos.Add(int64(time.Minute))
	want(t, ask("/first", "aaaaa"), true, 200, "first /first aaaaa")
	for _, name := range []string{"other", "third"} {
		want(t, ask("/"+name, "bbbbb"), false, 200, name+" /"+name+" bbbbb")
	}
	close(proceed)
	for cache.Stats().Refreshes == 0 {
		if s := cache.Stats(); s.Failures > 0 {
			t.Fatalf("%+v", s)
		}
		ask("/third", "bbbbb")
	}
	got := ask("/first", "aaaaa")
	want(t, got, true, 200, "first /first aaaaa")
	if got.header.Get("X-Renewed") == "" {
		t.Error("it was not renewed")
	}
}
