package cachexgin_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"

	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	cachex "github.com/go-cachex/cachex/core"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultErrorWriter = io.Discard
	m.Run()
}

var minute = cachex.TTL(time.Minute)

func hello(c *gin.Context) { c.String(200, "hello") }

// counting answers with the number of its run.
func counting() gin.HandlerFunc {
	var n atomic.Int64
	return func(c *gin.Context) { c.String(200, strconv.FormatInt(n.Add(1), 10)) }
}

func TestHitAfterMiss(t *testing.T) {
	cache := newCache(t)
	r := gin.New()
	r.GET("/one/:id", cachexgin.New(cache, minute), counting())
	g := r.Group("/group", cachexgin.New(cache, minute))
	g.GET("/a", counting())
	all := gin.New()
	all.Use(cachexgin.New(cache, minute))
	all.GET("/root", counting())
	all.POST("/root", hello)

	s, root := serve(t, r), serve(t, all)
	for _, step := range []struct {
		s    *site
		path string
	}{{s, "/one/1"}, {s, "/group/a"}, {root, "/root"}} {
		step.s.get(step.path).want(t, 200, "1", "stored")
		step.s.get(step.path).want(t, 200, "1", "hit")
	}
	s.get("/one/2").want(t, 200, "2", "stored")
	root.do("POST", "/root").want(t, 200, "hello", "fwd=method")
	root.get("/root").want(t, 200, "2", "stored")
}

func TestAllocations(t *testing.T) {
	cache := newCache(t)
	r := gin.New()
	r.Use(func(c *gin.Context) { c.Next() })
	r.GET("/page/:id", cachexgin.New(cache, minute), hello)
	testHits(t, r, "/page/1", 0)
	body := make([]byte, 1<<10)
	testMisses(t, func(cached bool) http.Handler {
		r := gin.New()
		if cached {
			r.Use(cachexgin.New(newCache(t), minute))
		}
		r.GET("/page/:id", func(c *gin.Context) { c.Data(200, "text/plain", body) })
		return r
	}, 11)
}

func TestNested(t *testing.T) {
	cache := newCache(t)
	r := gin.New()
	var auth atomic.Int64
	r.Use(cachexgin.New(cache, cachex.TTL(time.Hour)))
	r.Use(func(c *gin.Context) {
		if auth.Add(1); c.GetHeader("X-Key") == "" {
			c.AbortWithStatus(401)
		}
	})
	r.GET("/", cachexgin.New(cache, minute), counting())
	s := serve(t, r)
	s.get("/", "X-Key: 1").want(t, 200, "1", "stored; ttl=60")
	s.get("/", "X-Key: 1").want(t, 200, "1", "hit; ttl=60")
	s.get("/").want(t, 401, "", "fwd=uri-miss") // the outer one has nothing to answer with
	if auth.Load() != 3 {
		t.Errorf("what stands between ran %d times, want 3", auth.Load())
	}
}

func TestImplicit(t *testing.T) {
	cache := newCache(t)
	on := cachexgin.New(cache, cachex.TTLFor(time.Minute, 200, 204, 301, 404, 410))
	r := gin.New()
	r.GET("/204", on, func(c *gin.Context) { c.Status(204) })
	r.GET("/410", on, func(c *gin.Context) { c.AbortWithStatus(410) })
	r.GET("/404", on, func(c *gin.Context) { c.AbortWithStatus(404) })
	r.GET("/nothing", on, func(c *gin.Context) { c.Header("X-A", "b") })
	r.GET("/301", on, func(c *gin.Context) { c.Redirect(301, "/x") })
	r.GET("/json", on, func(c *gin.Context) { c.JSON(200, gin.H{"a": 1}) })
	r.GET("/file", on, func(c *gin.Context) { c.File("doc.go") })
	r.GET("/error", on, func(c *gin.Context) { _ = c.Error(errors.New("x")) })
	r.GET("/500", on, func(c *gin.Context) { _ = c.AbortWithError(500, errors.New("x")) })
	s := serve(t, r)
	for path, status := range map[string]int{"/204": 204, "/410": 410, "/404": 404, "/nothing": 200, "/301": 301, "/json": 200, "/file": 200} {
		a := s.get(path)
		b := s.get(path).want(t, status, a.body, "hit")
		if a.status != status || a.header.Get("Content-Type") != b.header.Get("Content-Type") || a.header.Get("X-A") != b.header.Get("X-A") {
			t.Errorf("%s: %+v and then %+v", path, a, b)
		}
	}
	for path, status := range map[string]int{"/error": 200, "/500": 500} {
		for range 2 {
			if a := s.get(path); a.status != status || a.body != "" || strings.Contains(a.state(), "hit") {
				t.Errorf("%s: %+v", path, a)
			}
		}
	}
}

func TestNoRoute(t *testing.T) {
	cache := newCache(t)
	on := cachexgin.New(cache, cachex.TTLFor(time.Minute, 404))
	plain := gin.New()
	plain.HandleMethodNotAllowed = true
	plain.Use(on)
	plain.POST("/post", hello)
	s := serve(t, plain)
	for range 2 {
		s.get("/none").want(t, 404, "404 page not found", "").field(t, "Content-Type", "text/plain")
		s.get("/post").want(t, 405, "405 method not allowed", "")
	}

	custom := gin.New()
	custom.Use(on)
	custom.NoRoute(func(c *gin.Context) {
		if c.Request.URL.Path == "/empty" {
			c.AbortWithStatus(404)
			return
		}
		c.String(404, "nothing here")
	})
	s = serve(t, custom)
	s.get("/none").want(t, 404, "nothing here", "stored")
	s.get("/none").want(t, 404, "nothing here", "hit")
	s.do("HEAD", "/none").want(t, 404, "", "hit")
	s.get("/empty").want(t, 404, "", "stored")
	s.get("/empty").want(t, 404, "", "hit")
}

func TestErrorsRenderedOutside(t *testing.T) {
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Next()
		if len(c.Errors) > 0 && !c.Writer.Written() {
			c.JSON(500, gin.H{"error": c.Errors.String()})
		}
	})
	r.GET("/", cachexgin.New(newCache(t), minute), func(c *gin.Context) { _ = c.Error(errors.New("x")) })
	r.GET("/abort", cachexgin.New(newCache(t), minute), func(c *gin.Context) { _ = c.AbortWithError(503, errors.New("x")) })
	s := serve(t, r)
	for range 2 {
		if a := s.get("/"); a.status != 500 || !strings.Contains(a.body, "error") {
			t.Errorf("%+v", a)
		}
		s.get("/abort").want(t, 503, "", "fwd=uri-miss")
	}
}

func TestRecovery(t *testing.T) {
	before := func(c *gin.Context) { panic("before") }
	behind := func(c *gin.Context) { c.String(200, "half"); panic("behind") }
	for name, chain := range map[string]func(*cachex.Cache) []gin.HandlerFunc{
		"outside": func(c *cachex.Cache) []gin.HandlerFunc {
			return []gin.HandlerFunc{gin.RecoveryWithWriter(io.Discard), cachexgin.New(c, minute)}
		},
		"inside": func(c *cachex.Cache) []gin.HandlerFunc {
			return []gin.HandlerFunc{cachexgin.New(c, minute), gin.RecoveryWithWriter(io.Discard)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cache := newCache(t)
			r := gin.New()
			r.Use(chain(cache)...)
			r.GET("/before", before)
			r.GET("/behind", behind)
			s := serve(t, r)
			for range 2 {
				if a := s.get("/before"); a.status != 500 || strings.Contains(a.state(), "hit") {
					t.Errorf("%+v", a)
				}
				if a := s.get("/behind"); strings.Contains(a.state(), "hit") {
					t.Errorf("%+v", a)
				}
			}
			if n := cache.Stats().Stores; n != 0 {
				t.Errorf("%d stored", n)
			}
		})
	}
}

// Without a cache it is not clean either, but nothing of another request may be
// left in a context that gin uses again.
func TestPanicRestoresContext(t *testing.T) {
	r := gin.New()
	r.Use(func(c *gin.Context) {
		w, q := c.Writer, c.Request
		defer func() {
			_ = recover()
			if c.Writer != w || c.Request != q || len(c.Keys) != 0 {
				t.Error("writer, request or keys are not what they were")
			}
			c.AbortWithStatus(500)
		}()
		c.Next()
	})
	r.GET("/", cachexgin.New(newCache(t), minute), func(*gin.Context) { panic("x") })
	serve(t, r).get("/").want(t, 500, "", "")
}

func TestStream(t *testing.T) {
	cache := newCache(t)
	r := gin.New()
	var runs atomic.Int64
	step, ended := make(chan bool), make(chan bool, 2)
	r.Use(func(c *gin.Context) { c.Next(); ended <- true })
	r.GET("/", cachexgin.New(cache, minute), func(c *gin.Context) {
		runs.Add(1)
		n := 0
		c.Stream(func(w io.Writer) bool {
			<-step
			n++
			_, _ = io.WriteString(w, strconv.Itoa(n)+"\n")
			return n < 3
		})
	})
	s := serve(t, r)

	// The first part arrives while the handler still runs; then the client leaves.
	ctx, leave := context.WithCancel(context.Background())
	q, _ := http.NewRequestWithContext(ctx, "GET", s.server.URL, nil)
	go func() { step <- true }()
	res, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(res.Body).ReadString('\n'); line != "1\n" {
		t.Errorf("first part %q", line)
	}
	leave()
	res.Body.Close()
	step <- true
	step <- true
	<-ended
	if a := s.get("/").want(t, 200, "1\n2\n3\n", "hit"); runs.Load() != 1 {
		t.Errorf("%d runs: %+v", runs.Load(), a)
	}
}

// gin says no-cache of server-sent events, so that they are only passed on.
func TestEvents(t *testing.T) {
	r := gin.New()
	r.GET("/", cachexgin.New(newCache(t), minute), func(c *gin.Context) { c.SSEvent("a", 1) })
	s := serve(t, r)
	for range 2 {
		s.get("/").want(t, 200, "event:a\ndata:1\n\n", "fwd=")
	}
}

func TestWebSocket(t *testing.T) {
	r := gin.New()
	g := r.Group("/", cachexgin.New(newCache(t), minute))
	up := websocket.Upgrader{}
	g.GET("/ws", func(c *gin.Context) {
		conn, err := up.Upgrade(c.Writer, c.Request, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		kind, p, _ := conn.ReadMessage()
		_ = conn.WriteMessage(kind, p)
	})
	// Who takes the connection of an ordinary request is left alone as well.
	g.GET("/raw", func(c *gin.Context) {
		conn, _, err := c.Writer.Hijack()
		if err != nil || !c.Writer.Written() {
			t.Errorf("%v, written: %t", err, c.Writer.Written())
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nraw")
	})
	s := serve(t, r)
	for range 2 {
		conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.server.URL, "http")+"/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.WriteMessage(websocket.TextMessage, []byte("echo"))
		if _, p, err := conn.ReadMessage(); err != nil || string(p) != "echo" {
			t.Errorf("%q, %v", p, err)
		}
		conn.Close()
		s.get("/raw").want(t, 200, "raw", "")
	}
}

func TestContexts(t *testing.T) {
	for name, of := range map[string]func(*gin.Context) context.Context{
		"gin.Context": func(c *gin.Context) context.Context { return c },
		"its copy":    func(c *gin.Context) context.Context { return c.Copy() },
		"request":     func(c *gin.Context) context.Context { return c.Request.Context() },
	} {
		for _, fallback := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				cache := newCache(t)
				r := gin.New()
				r.ContextWithFallback = fallback
				r.GET("/ttl", cachexgin.New(cache), func(c *gin.Context) {
					cachex.SetTTL(of(c), time.Minute)
					cachex.AddTags(of(c), "a")
					c.String(200, "x")
				})
				r.GET("/not", cachexgin.New(cache, minute), func(c *gin.Context) {
					cachex.DoNotStore(of(c))
					c.String(200, "x")
				})
				s := serve(t, r)
				s.get("/ttl").want(t, 200, "x", "stored; ttl=60")
				s.get("/ttl").want(t, 200, "x", "hit")
				for tag, want := range map[string]string{"b": "hit", "a": "stored; ttl=60"} {
					if err := cache.Purge(context.Background(), cachex.ByTag(tag)); err != nil {
						t.Error(err)
					}
					s.get("/ttl").want(t, 200, "x", want)
				}
				s.get("/not").want(t, 200, "x", "fwd=uri-miss")
				s.get("/not").want(t, 200, "x", "fwd=uri-miss")
			})
		}
	}
}

func TestOptions(t *testing.T) {
	cache := newCache(t)
	r := gin.New()
	r.Use(func(c *gin.Context) { c.Set("user", c.GetHeader("X-User")) })
	user := func(c *gin.Context) (string, bool) { return c.GetString("user"), c.GetString("user") != "" }
	r.GET("/key", cachexgin.New(cache, minute, cachexgin.KeyFunc(user)), counting())
	r.GET("/user", cachexgin.New(cache, minute, cachexgin.PerUser(user)), counting())
	r.GET("/skip", cachexgin.New(cache, minute, cachexgin.SkipIf(func(c *gin.Context) bool { return c.GetString("user") == "b" })), counting())
	s := serve(t, r)
	for _, path := range []string{"/key", "/user"} {
		s.get(path, "X-User: a").want(t, 200, "1", "stored")
		s.get(path, "X-User: b").want(t, 200, "2", "stored")
		s.get(path, "X-User: a").want(t, 200, "1", "hit")
		s.get(path).want(t, 200, "3", "fwd=bypass")
	}
	s.get("/skip", "X-User: a").want(t, 200, "1", "stored")
	s.get("/skip", "X-User: b").want(t, 200, "2", "")

	for name, f := range map[string]func(){
		"no cache":  func() { cachexgin.New(nil) },
		"bad":       func() { cachexgin.New(cache, cachex.TTL(-1)) },
		"KeyFunc":   func() { cachexgin.New(cache, cachexgin.KeyFunc(nil)) },
		"PerUser":   func() { cachexgin.New(cache, cachexgin.PerUser(nil)) },
		"SkipIf":    func() { cachexgin.New(cache, cachexgin.SkipIf(nil)) },
		"elsewhere": func() { cache.Middleware(cachexgin.KeyFunc(user)) },
	} {
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

// What is not in the key is not seen by the handler, though gin has parsed the
// query before.
func TestDroppedQuery(t *testing.T) {
	r := gin.New()
	r.Use(func(c *gin.Context) { c.Header("X-Before", c.Query("utm")); c.Next(); c.Set("after", c.Query("utm")) })
	r.GET("/", cachexgin.New(newCache(t), minute, cachex.DropQuery("utm")), func(c *gin.Context) {
		c.String(200, "[%s%s]", c.Query("utm"), c.Query("a"))
	})
	s := serve(t, r)
	s.get("/?utm=1&a=b").want(t, 200, "[b]", "stored").field(t, "X-Before", "1")
	s.get("/?a=b").want(t, 200, "[b]", "hit")
}

func TestHandleContext(t *testing.T) {
	cache := newCache(t)
	r := gin.New()
	r.GET("/from", cachexgin.New(cache, minute), func(c *gin.Context) {
		c.Request.URL.Path = "/to"
		r.HandleContext(c)
	})
	r.GET("/to", hello)
	s := serve(t, r)
	for range 2 {
		s.get("/from").want(t, 200, "hello", "")
	}
}

// zipped is what small gzip middleware for gin looks like.
type zipped struct {
	gin.ResponseWriter
	z *gzip.Writer
}

func (w *zipped) begin() {
	if w.z == nil {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Del("Content-Length")
		w.z = gzip.NewWriter(w.ResponseWriter)
	}
}

func (w *zipped) Write(p []byte) (int, error)       { w.begin(); return w.z.Write(p) }
func (w *zipped) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func zip(c *gin.Context) {
	c.Writer.Header().Add("Vary", "Accept-Encoding")
	if !strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") {
		return
	}
	w := &zipped{ResponseWriter: c.Writer}
	c.Writer = w
	c.Next()
	if w.z != nil {
		w.z.Close()
	}
}

func unzip(t *testing.T, s string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCompression(t *testing.T) {
	text := strings.Repeat("text ", 1000)
	for name, order := range map[string]func(h gin.HandlerFunc) []gin.HandlerFunc{
		"outside": func(h gin.HandlerFunc) []gin.HandlerFunc { return []gin.HandlerFunc{zip, h} },
		"inside":  func(h gin.HandlerFunc) []gin.HandlerFunc { return []gin.HandlerFunc{h, zip} },
	} {
		t.Run(name, func(t *testing.T) {
			r := gin.New()
			r.Use(order(cachexgin.New(newCache(t), minute))...)
			r.GET("/", func(c *gin.Context) { c.String(200, text) })
			s := serve(t, r)
			for _, state := range []string{"fwd=", "hit"} {
				a := s.get("/", "Accept-Encoding: gzip")
				a.field(t, "Content-Encoding", "gzip").field(t, "Vary", "Accept-Encoding")
				if unzip(t, a.body) != text || !strings.Contains(a.state(), state) {
					t.Errorf("%d bytes, %s", len(a.body), a.state())
				}
				s.get("/").want(t, 200, text, "Cachex").field(t, "Content-Encoding").field(t, "Vary", "Accept-Encoding")
			}
			tag := s.get("/", "Accept-Encoding: gzip").header.Get("Etag")
			s.get("/", "Accept-Encoding: gzip", "If-None-Match: "+tag).want(t, 304, "", "hit")
		})
	}
}

func TestOuterFields(t *testing.T) {
	r := gin.New()
	var n atomic.Int64
	r.Use(func(c *gin.Context) {
		c.Header("X-Request-Id", strconv.FormatInt(n.Add(1), 10))
		c.Header("Access-Control-Allow-Origin", c.GetHeader("Origin"))
		c.Writer.Header().Add("Vary", "Origin")
	})
	r.GET("/", cachexgin.New(newCache(t), minute), hello)
	s := serve(t, r)
	s.get("/", "Origin: http://a").want(t, 200, "hello", "stored")
	s.get("/", "Origin: http://a").want(t, 200, "hello", "hit").
		field(t, "X-Request-Id", "2").field(t, "Access-Control-Allow-Origin", "http://a").field(t, "Vary", "Origin")
	s.get("/", "Origin: http://b").field(t, "X-Request-Id", "3").field(t, "Access-Control-Allow-Origin", "http://b").field(t, "Vary", "Origin")
}

// A response that a validation has discarded leaves nothing behind.
func TestValidation(t *testing.T) {
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Next()
		if c.Writer.Status() != 200 || c.Writer.Size() != 4 {
			t.Errorf("outer middleware sees %d, %d bytes", c.Writer.Status(), c.Writer.Size())
		}
	})
	r.GET("/", cachexgin.New(newCache(t), cachex.CacheControl("public, no-cache")), func(c *gin.Context) {
		c.Header("Etag", `"1"`)
		if c.GetHeader("If-None-Match") == `"1"` {
			c.Header("X-Run", "2")
			c.Status(304)
			return
		}
		c.String(200, "body")
	})
	s := serve(t, r)
	s.get("/").want(t, 200, "body", "stored")
	s.get("/").want(t, 200, "body", "fwd-status=304")
}

// The status that is sent is the one that a handler has named, and a flush goes
// through gin's writer and the recorder both.
func TestFlush(t *testing.T) {
	r := gin.New()
	r.GET("/", cachexgin.New(newCache(t), minute), func(c *gin.Context) {
		_, _ = c.Writer.WriteString("a")
		c.Writer.Flush()
		if err := http.NewResponseController(c.Writer).Flush(); err != nil {
			t.Error(err)
		}
		if err := http.NewResponseController(c.Writer).SetWriteDeadline(time.Time{}); err != nil {
			t.Error(err)
		}
		_, _ = c.Writer.Write([]byte("b"))
		if c.Writer.Size() != 2 || c.Writer.Status() != 200 || !c.Writer.Written() {
			t.Errorf("%d bytes, %d", c.Writer.Size(), c.Writer.Status())
		}
	})
	s := serve(t, r)
	s.get("/").want(t, 200, "ab", "fwd=uri-miss")
	s.get("/").want(t, 200, "ab", "hit")
}
