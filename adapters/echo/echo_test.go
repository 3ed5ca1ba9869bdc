package cachexecho_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	"github.com/go-cachex/cachex/conformance/site"
	cachex "github.com/go-cachex/cachex/core"
)

var minute = cachex.TTL(time.Minute)

func app() *echo.Echo {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	return e
}

func hello(c echo.Context) error { return c.String(200, "hello") }

// counting answers with the number of its run.
func counting() echo.HandlerFunc {
	var n atomic.Int64
	return func(c echo.Context) error { return c.String(200, strconv.FormatInt(n.Add(1), 10)) }
}

func TestHitAfterMiss(t *testing.T) {
	cache := site.NewCache(t)
	e := app()
	e.GET("/one/:id", counting(), cachexecho.New(cache, minute))
	e.Group("/group", cachexecho.New(cache, minute)).GET("/a", counting())
	all := app()
	all.Use(cachexecho.New(cache, minute))
	all.GET("/root", counting())
	all.POST("/root", hello)
	pre := app()
	pre.Pre(cachexecho.New(cache, minute))
	pre.GET("/pre", counting())

	s, root := site.Serve(t, e), site.Serve(t, all)
	for _, step := range []struct {
		s    *site.Site
		path string
	}{{s, "/one/1"}, {s, "/group/a"}, {root, "/root"}, {site.Serve(t, pre), "/pre"}} {
		step.s.Get(step.path).Want(t, 200, "1", "stored")
		step.s.Get(step.path).Want(t, 200, "1", "hit")
	}
	s.Get("/one/2").Want(t, 200, "2", "stored")
	root.Do("HEAD", "/root").Want(t, 200, "", "hit")
	root.Do("POST", "/root").Want(t, 200, "hello", "fwd=method")
	root.Get("/root").Want(t, 200, "2", "stored")
}

func TestAllocations(t *testing.T) {
	e := app()
	e.GET("/page/:id", hello, cachexecho.New(site.NewCache(t), minute))
	site.Hits(t, e, "/page/1", 1) // echo calls each middleware anew for each request
	body := make([]byte, 1<<10)
	site.Misses(t, func(cached bool) http.Handler {
		e := app()
		if cached {
			e.Use(cachexecho.New(site.NewCache(t), minute))
		}
		e.GET("/page/:id", func(c echo.Context) error { return c.Blob(200, "text/plain", body) })
		return e
	}, 10)
}

func TestNested(t *testing.T) {
	cache := site.NewCache(t)
	e := app()
	var auth atomic.Int64
	e.Use(cachexecho.New(cache, cachex.TTL(time.Hour)), func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if auth.Add(1); c.Request().Header.Get("X-Key") == "" {
				return c.NoContent(401)
			}
			return next(c)
		}
	})
	e.GET("/", counting(), cachexecho.New(cache, minute))
	s := site.Serve(t, e)
	s.Get("/", "X-Key: 1").Want(t, 200, "1", "stored; ttl=60")
	s.Get("/", "X-Key: 1").Want(t, 200, "1", "hit; ttl=60")
	s.Get("/").Want(t, 401, "", "fwd=uri-miss")
	if auth.Load() != 3 {
		t.Errorf("what stands between ran %d times, want 3", auth.Load())
	}
}

func TestImplicit(t *testing.T) {
	e := app()
	e.Use(cachexecho.New(site.NewCache(t), cachex.TTLFor(time.Minute, 200, 204, 301, 404, 405)))
	e.GET("/204", func(c echo.Context) error { return c.NoContent(204) })
	e.GET("/nothing", func(c echo.Context) error { c.Response().Header().Set("X-A", "b"); return nil })
	e.GET("/301", func(c echo.Context) error { return c.Redirect(301, "/x") })
	e.GET("/json", func(c echo.Context) error { return c.JSON(200, map[string]int{"a": 1}) })
	e.GET("/file", func(c echo.Context) error { return c.File("doc.go") })
	e.GET("/error", func(echo.Context) error { return echo.NewHTTPError(404, "gone") })
	e.POST("/405", hello)
	s := site.Serve(t, e)
	for path, status := range map[string]int{"/204": 204, "/nothing": 200, "/301": 301, "/json": 200, "/file": 200, "/error": 404, "/none": 404, "/405": 405} {
		a := s.Get(path)
		b := s.Get(path).Want(t, status, a.Body, "hit")
		if a.Status != status || a.Header.Get("Content-Type") != b.Header.Get("Content-Type") || a.Header.Get("X-A") != b.Header.Get("X-A") {
			t.Errorf("%s: %+v and then %+v", path, a, b)
		}
	}
}

func TestErrors(t *testing.T) {
	var handled, outer atomic.Int64
	e := app()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		handled.Add(1)
		e.DefaultHTTPErrorHandler(err, c)
	}
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			if err != nil {
				outer.Add(1)
			}
			return err
		}
	})
	cache := site.NewCache(t)
	fail := func(echo.Context) error { return errors.New("x") }
	e.GET("/fail", fail, cachexecho.New(cache, minute))
	e.GET("/off", fail, cachexecho.New(cache, cachex.Off()))
	e.GET("/half", func(c echo.Context) error { _ = c.String(200, "half"); return errors.New("x") }, cachexecho.New(cache, minute))
	s := site.Serve(t, e)
	s.Get("/fail").Want(t, 500, "{\"message\":\"Internal Server Error\"}\n", "fwd=uri-miss")
	if handled.Load() != 1 || outer.Load() != 0 {
		t.Errorf("handled %d times, seen outside %d times", handled.Load(), outer.Load())
	}
	s.Get("/off").Want(t, 500, "{\"message\":\"Internal Server Error\"}\n", "")
	if handled.Load() != 2 || outer.Load() != 1 {
		t.Errorf("passed: handled %d times, seen outside %d times", handled.Load(), outer.Load())
	}
	for range 2 {
		s.Get("/half").Want(t, 200, "half", "fwd=uri-miss")
	}
	if n := cache.Stats().Stores; n != 0 {
		t.Errorf("%d stored", n)
	}
}

func TestRecover(t *testing.T) {
	recovery := middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true})
	for name, outside := range map[string]bool{"outside": true, "inside": false} {
		t.Run(name, func(t *testing.T) {
			cache := site.NewCache(t)
			e := app()
			if outside {
				e.Use(recovery, cachexecho.New(cache, minute))
			} else {
				e.Use(cachexecho.New(cache, minute), recovery)
			}
			e.GET("/before", func(echo.Context) error { panic("x") })
			e.GET("/behind", func(c echo.Context) error { _ = c.String(200, "half"); panic("x") })
			s := site.Serve(t, e)
			for range 2 {
				if a := s.Get("/before"); a.Status != 500 || strings.Contains(a.State(), "hit") {
					t.Errorf("%+v", a)
				}
				if outside { // inside, nothing of such a panic reaches the cache
					s.Get("/behind").Want(t, 500, "{\"message\":\"Internal Server Error\"}\n", "")
				}
			}
			if n := cache.Stats().Stores; n != 0 {
				t.Errorf("%d stored", n)
			}
		})
	}
}

func TestStream(t *testing.T) {
	var runs atomic.Int64
	step, ended := make(chan bool), make(chan bool, 2)
	e := app()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { err := next(c); ended <- true; return err }
	})
	e.GET("/", func(c echo.Context) error {
		runs.Add(1)
		for n := range 3 {
			<-step
			if err := c.Request().Context().Err(); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(c.Response(), strconv.Itoa(n)+"\n")
			c.Response().Flush()
		}
		return nil
	}, cachexecho.New(site.NewCache(t), minute))
	s := site.Serve(t, e)

	ctx, leave := context.WithCancel(context.Background())
	q, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	go func() { step <- true }()
	res, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(res.Body).ReadString('\n'); line != "0\n" {
		t.Errorf("first part %q", line)
	}
	leave()
	res.Body.Close()
	step <- true
	step <- true
	<-ended
	s.Get("/").Want(t, 200, "0\n1\n2\n", "hit")
	if runs.Load() != 1 {
		t.Errorf("%d runs", runs.Load())
	}
}

func TestWebSocket(t *testing.T) {
	e := app()
	g := e.Group("", cachexecho.New(site.NewCache(t), minute))
	up := websocket.Upgrader{}
	g.GET("/ws", func(c echo.Context) error {
		conn, err := up.Upgrade(c.Response(), c.Request(), nil)
		if err != nil {
			return err
		}
		defer conn.Close()
		kind, p, _ := conn.ReadMessage()
		return conn.WriteMessage(kind, p)
	})
	g.GET("/raw", func(c echo.Context) error {
		conn, _, err := c.Response().Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nraw")
		return err
	})
	testSockets(t, site.Serve(t, e))
}

func TestContexts(t *testing.T) {
	cache := site.NewCache(t)
	e := app()
	e.GET("/ttl", func(c echo.Context) error {
		cachex.SetTTL(c.Request().Context(), time.Minute)
		cachex.AddTags(c.Request().Context(), "a")
		return c.String(200, "x")
	}, cachexecho.New(cache))
	e.GET("/not", func(c echo.Context) error {
		cachex.DoNotStore(c.Request().Context())
		return c.String(200, "x")
	}, cachexecho.New(cache, minute))
	s := site.Serve(t, e)
	s.Get("/ttl").Want(t, 200, "x", "stored; ttl=60")
	s.Get("/ttl").Want(t, 200, "x", "hit")
	for tag, want := range map[string]string{"b": "hit", "a": "stored; ttl=60"} {
		if err := cache.Purge(context.Background(), cachex.ByTag(tag)); err != nil {
			t.Error(err)
		}
		s.Get("/ttl").Want(t, 200, "x", want)
	}
	s.Get("/not").Want(t, 200, "x", "fwd=uri-miss")
	s.Get("/not").Want(t, 200, "x", "fwd=uri-miss")
}

func TestOptions(t *testing.T) {
	cache := site.NewCache(t)
	e := app()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { c.Set("user", c.Request().Header.Get("X-User")); return next(c) }
	})
	user := func(c echo.Context) (string, bool) { id := c.Get("user").(string); return id, id != "" }
	e.GET("/key", counting(), cachexecho.New(cache, minute, cachexecho.KeyFunc(user)))
	e.GET("/user", counting(), cachexecho.New(cache, minute, cachexecho.PerUser(user)))
	e.GET("/skip", counting(), cachexecho.New(cache, minute, cachexecho.SkipIf(func(c echo.Context) bool { return c.Get("user") == "b" })))
	s := site.Serve(t, e)
	for _, path := range []string{"/key", "/user"} {
		s.Get(path, "X-User: a").Want(t, 200, "1", "stored")
		s.Get(path, "X-User: b").Want(t, 200, "2", "stored")
		s.Get(path, "X-User: a").Want(t, 200, "1", "hit")
		s.Get(path).Want(t, 200, "3", "fwd=bypass")
	}
	s.Get("/skip", "X-User: a").Want(t, 200, "1", "stored")
	s.Get("/skip", "X-User: b").Want(t, 200, "2", "")

	testPanics(t, map[string]func(){
		"no cache":  func() { cachexecho.New(nil) },
		"bad":       func() { cachexecho.New(cache, cachex.TTL(-1)) },
		"KeyFunc":   func() { cachexecho.New(cache, cachexecho.KeyFunc(nil)) },
		"PerUser":   func() { cachexecho.New(cache, cachexecho.PerUser(nil)) },
		"SkipIf":    func() { cachexecho.New(cache, cachexecho.SkipIf(nil)) },
		"elsewhere": func() { cache.Middleware(cachexecho.KeyFunc(user)) },
	})
}

// What is not in the key is not seen by the handler, though echo has parsed the
// query before.
func TestDroppedQuery(t *testing.T) {
	e := app()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			before := c.QueryParam("utm")
			err := next(c)
			if after := c.QueryParam("utm"); after != before {
				t.Errorf("outer middleware finds %q, and %q before", after, before)
			}
			return err
		}
	})
	e.GET("/", func(c echo.Context) error {
		return c.String(200, "["+c.QueryParam("utm")+c.QueryParam("a")+"]")
	}, cachexecho.New(site.NewCache(t), minute, cachex.DropQuery("utm")))
	s := site.Serve(t, e)
	s.Get("/?utm=1&a=b").Want(t, 200, "[b]", "stored")
	s.Get("/?a=b").Want(t, 200, "[b]", "hit")
}

func TestCompression(t *testing.T) {
	for name, outside := range map[string]bool{"outside": true, "inside": false} {
		t.Run(name, func(t *testing.T) {
			e := app()
			if outside {
				e.Use(middleware.Gzip(), cachexecho.New(site.NewCache(t), minute))
			} else {
				e.Use(cachexecho.New(site.NewCache(t), minute), middleware.Gzip())
			}
			e.GET("/", func(c echo.Context) error { return c.String(200, site.Text) })
			site.Compression(t, site.Serve(t, e))
		})
	}
}

func TestOuterFields(t *testing.T) {
	var n atomic.Int64
	e := app()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			h.Set("X-Request-Id", strconv.FormatInt(n.Add(1), 10))
			c.Response().Before(func() { h.Add("X-Hook", h.Get("X-Request-Id")) })
			return next(c)
		}
	}, middleware.CORS(), cachexecho.New(site.NewCache(t), minute))
	e.GET("/", hello)
	s := site.Serve(t, e)
	s.Get("/", "Origin: http://a").Want(t, 200, "hello", "stored").Field(t, "X-Hook", "1")
	s.Get("/", "Origin: http://a").Want(t, 200, "hello", "hit").Field(t, "X-Request-Id", "2").Field(t, "X-Hook", "2").
		Field(t, "Access-Control-Allow-Origin", "*").Field(t, "Vary", "Origin")
}

// A response that a validation has discarded leaves nothing behind.
func TestValidation(t *testing.T) {
	e := app()
	var hooks atomic.Int64
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			res := c.Response()
			res.Before(func() { hooks.Add(1) })
			err := next(c)
			if res != c.Response() || res.Status != 200 || res.Size != 4 || !res.Committed {
				t.Errorf("outer middleware sees %d, %d bytes", res.Status, res.Size)
			}
			return err
		}
	})
	e.GET("/", func(c echo.Context) error {
		c.Response().Header().Set("Etag", `"1"`)
		if c.Request().Header.Get("If-None-Match") == `"1"` {
			c.Response().Before(func() { c.Response().Header().Set("X-Inner", "a") })
			return c.NoContent(304)
		}
		return c.String(200, "body")
	}, cachexecho.New(site.NewCache(t), cachex.CacheControl("public, no-cache")))
	s := site.Serve(t, e)
	s.Get("/").Want(t, 200, "body", "stored")
	s.Get("/").Want(t, 200, "body", "fwd-status=304")
	if hooks.Load() != 2 {
		t.Errorf("the outer hook ran %d times, want 2", hooks.Load())
	}
}

func TestInterim(t *testing.T) {
	e := app()
	e.GET("/", func(c echo.Context) error {
		c.Response().Header().Set("Link", "</a>; rel=preload")
		c.Response().Writer.WriteHeader(103)
		return c.String(200, "hello")
	}, cachexecho.New(site.NewCache(t), minute))
	site.Interim(t, site.Serve(t, e))
}

func testSockets(t *testing.T, s *site.Site) {
	t.Helper()
	for range 2 {
		conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.WriteMessage(websocket.TextMessage, []byte("echo"))
		if _, p, err := conn.ReadMessage(); err != nil || string(p) != "echo" {
			t.Errorf("%q, %v", p, err)
		}
		conn.Close()
		s.Get("/raw").Want(t, 200, "raw", "")
	}
}

func testPanics(t *testing.T, cases map[string]func()) {
	t.Helper()
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if _, ok := recover().(error); !ok {
					t.Error("no panic with an error")
				}
			}()
			f()
		})
	}
}
