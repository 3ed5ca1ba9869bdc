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
	"github.com/go-cachex/cachex/conformance/site"
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
	cache := site.NewCache(t)
	r := gin.New()
	r.GET("/one/:id", cachexgin.New(cache, minute), counting())
	g := r.Group("/group", cachexgin.New(cache, minute))
	g.GET("/a", counting())
	all := gin.New()
	all.Use(cachexgin.New(cache, minute))
	all.GET("/root", counting())
	all.POST("/root", hello)

	s, root := site.Serve(t, r), site.Serve(t, all)
	for _, step := range []struct {
		s    *site.Site
		path string
	}{{s, "/one/1"}, {s, "/group/a"}, {root, "/root"}} {
		step.s.Get(step.path).Want(t, 200, "1", "stored")
		step.s.Get(step.path).Want(t, 200, "1", "hit")
	}
	s.Get("/one/2").Want(t, 200, "2", "stored")
	root.Do("POST", "/root").Want(t, 200, "hello", "fwd=method")
	root.Get("/root").Want(t, 200, "2", "stored")
}

func TestAllocations(t *testing.T) {
	cache := site.NewCache(t)
	r := gin.New()
	r.Use(func(c *gin.Context) { c.Next() })
	r.GET("/page/:id", cachexgin.New(cache, minute), hello)
	site.Hits(t, r, "/page/1", 0)
	body := make([]byte, 1<<10)
	site.Misses(t, func(cached bool) http.Handler {
		r := gin.New()
		if cached {
			r.Use(cachexgin.New(site.NewCache(t), minute))
		}
		r.GET("/page/:id", func(c *gin.Context) { c.Data(200, "text/plain", body) })
		return r
	}, 11)
}

func TestNested(t *testing.T) {
	cache := site.NewCache(t)
	r := gin.New()
	var auth atomic.Int64
	r.Use(cachexgin.New(cache, cachex.TTL(time.Hour)))
	r.Use(func(c *gin.Context) {
		if auth.Add(1); c.GetHeader("X-Key") == "" {
			c.AbortWithStatus(401)
		}
	})
	r.GET("/", cachexgin.New(cache, minute), counting())
	s := site.Serve(t, r)
	s.Get("/", "X-Key: 1").Want(t, 200, "1", "stored; ttl=60")
	s.Get("/", "X-Key: 1").Want(t, 200, "1", "hit; ttl=60")
	s.Get("/").Want(t, 401, "", "fwd=uri-miss") // the outer one has nothing to answer with
	if auth.Load() != 3 {
		t.Errorf("what stands between ran %d times, want 3", auth.Load())
	}
}

func TestImplicit(t *testing.T) {
	cache := site.NewCache(t)
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
	s := site.Serve(t, r)
	for path, status := range map[string]int{"/204": 204, "/410": 410, "/404": 404, "/nothing": 200, "/301": 301, "/json": 200, "/file": 200} {
		a := s.Get(path)
		b := s.Get(path).Want(t, status, a.Body, "hit")
		if a.Status != status || a.Header.Get("Content-Type") != b.Header.Get("Content-Type") || a.Header.Get("X-A") != b.Header.Get("X-A") {
			t.Errorf("%s: %+v and then %+v", path, a, b)
		}
	}
	for path, status := range map[string]int{"/error": 200, "/500": 500} {
		for range 2 {
			if a := s.Get(path); a.Status != status || a.Body != "" || strings.Contains(a.State(), "hit") {
				t.Errorf("%s: %+v", path, a)
			}
		}
	}
}

func TestNoRoute(t *testing.T) {
	cache := site.NewCache(t)
	on := cachexgin.New(cache, cachex.TTLFor(time.Minute, 404))
	plain := gin.New()
	plain.HandleMethodNotAllowed = true
	plain.Use(on)
	plain.POST("/post", hello)
	s := site.Serve(t, plain)
	for range 2 {
		s.Get("/none").Want(t, 404, "404 page not found", "").Field(t, "Content-Type", "text/plain")
		s.Get("/post").Want(t, 405, "405 method not allowed", "")
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
	s = site.Serve(t, custom)
	s.Get("/none").Want(t, 404, "nothing here", "stored")
	s.Get("/none").Want(t, 404, "nothing here", "hit")
	s.Do("HEAD", "/none").Want(t, 404, "", "hit")
	s.Get("/empty").Want(t, 404, "", "stored")
	s.Get("/empty").Want(t, 404, "", "hit")
}

func TestErrorsRenderedOutside(t *testing.T) {
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Next()
		if len(c.Errors) > 0 && !c.Writer.Written() {
			c.JSON(500, gin.H{"error": c.Errors.String()})
		}
	})
	r.GET("/", cachexgin.New(site.NewCache(t), minute), func(c *gin.Context) { _ = c.Error(errors.New("x")) })
	r.GET("/abort", cachexgin.New(site.NewCache(t), minute), func(c *gin.Context) { _ = c.AbortWithError(503, errors.New("x")) })
	s := site.Serve(t, r)
	for range 2 {
		if a := s.Get("/"); a.Status != 500 || !strings.Contains(a.Body, "error") {
			t.Errorf("%+v", a)
		}
		s.Get("/abort").Want(t, 503, "", "fwd=uri-miss")
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
			cache := site.NewCache(t)
			r := gin.New()
			r.Use(chain(cache)...)
			r.GET("/before", before)
			r.GET("/behind", behind)
			s := site.Serve(t, r)
			for range 2 {
				if a := s.Get("/before"); a.Status != 500 || strings.Contains(a.State(), "hit") {
					t.Errorf("%+v", a)
				}
				if a := s.Get("/behind"); strings.Contains(a.State(), "hit") {
					t.Errorf("%+v", a)
				}
			}
			if n := cache.Stats().Stores; n != 0 {
				t.Errorf("%d stored", n)
			}
		})
	}
}

// Recovery answers nothing in the place of a response that was broken off, so that
// the client has to see that it is: what was written of it is sent, as without a cache.
func TestRecoveryOfAnAbort(t *testing.T) {
	cache := site.NewCache(t)
	r := gin.New()
	r.Use(gin.RecoveryWithWriter(io.Discard), cachexgin.New(cache, minute))
	r.GET("/", func(c *gin.Context) {
		c.Header("Content-Length", "1000")
		c.String(200, "half")
		panic(http.ErrAbortHandler)
	})
	s := site.Serve(t, r)
	for range 2 {
		res, err := http.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || res.ContentLength != 1000 || string(body) != "half" {
			t.Errorf("%d of %d bytes, %q, %v: it looks whole", len(body), res.ContentLength, body, err)
		}
	}
	if n := cache.Stats().Stores; n != 0 {
		t.Errorf("%d stored", n)
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
	r.GET("/", cachexgin.New(site.NewCache(t), minute), func(*gin.Context) { panic("x") })
	site.Serve(t, r).Get("/").Want(t, 500, "", "")
}

func TestStream(t *testing.T) {
	cache := site.NewCache(t)
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
	s := site.Serve(t, r)

	// The first part arrives while the handler still runs; then the client leaves.
	ctx, leave := context.WithCancel(context.Background())
	q, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
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
	if a := s.Get("/").Want(t, 200, "1\n2\n3\n", "hit"); runs.Load() != 1 {
		t.Errorf("%d runs: %+v", runs.Load(), a)
	}
}

// gin says no-cache of server-sent events, so that they are only passed on.
func TestEvents(t *testing.T) {
	r := gin.New()
	r.GET("/", cachexgin.New(site.NewCache(t), minute), func(c *gin.Context) { c.SSEvent("a", 1) })
	s := site.Serve(t, r)
	for range 2 {
		s.Get("/").Want(t, 200, "event:a\ndata:1\n\n", "fwd=")
	}
}

func TestWebSocket(t *testing.T) {
	r := gin.New()
	g := r.Group("/", cachexgin.New(site.NewCache(t), minute))
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
	s := site.Serve(t, r)
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

func TestContexts(t *testing.T) {
	for name, of := range map[string]func(*gin.Context) context.Context{
		"gin.Context": func(c *gin.Context) context.Context { return c },
		"its copy":    func(c *gin.Context) context.Context { return c.Copy() },
		"request":     func(c *gin.Context) context.Context { return c.Request.Context() },
	} {
		for _, fallback := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				cache := site.NewCache(t)
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
				s := site.Serve(t, r)
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
			})
		}
	}
}

func TestOptions(t *testing.T) {
	cache := site.NewCache(t)
	r := gin.New()
	r.Use(func(c *gin.Context) { c.Set("user", c.GetHeader("X-User")) })
	user := func(c *gin.Context) (string, bool) { return c.GetString("user"), c.GetString("user") != "" }
	r.GET("/key", cachexgin.New(cache, minute, cachexgin.KeyFunc(user)), counting())
	r.GET("/user", cachexgin.New(cache, minute, cachexgin.PerUser(user)), counting())
	r.GET("/skip", cachexgin.New(cache, minute, cachexgin.SkipIf(func(c *gin.Context) bool { return c.GetString("user") == "b" })), counting())
	s := site.Serve(t, r)
	for _, path := range []string{"/key", "/user"} {
		s.Get(path, "X-User: a").Want(t, 200, "1", "stored")
		s.Get(path, "X-User: b").Want(t, 200, "2", "stored")
		s.Get(path, "X-User: a").Want(t, 200, "1", "hit")
		s.Get(path).Want(t, 200, "3", "fwd=bypass")
	}
	s.Get("/skip", "X-User: a").Want(t, 200, "1", "stored")
	s.Get("/skip", "X-User: b").Want(t, 200, "2", "")

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
	r.GET("/", cachexgin.New(site.NewCache(t), minute, cachex.DropQuery("utm")), func(c *gin.Context) {
		c.String(200, "[%s%s]", c.Query("utm"), c.Query("a"))
	})
	s := site.Serve(t, r)
	s.Get("/?utm=1&a=b").Want(t, 200, "[b]", "stored").Field(t, "X-Before", "1")
	s.Get("/?a=b").Want(t, 200, "[b]", "hit")
}

func TestHandleContext(t *testing.T) {
	cache := site.NewCache(t)
	r := gin.New()
	r.GET("/from", cachexgin.New(cache, minute), func(c *gin.Context) {
		c.Request.URL.Path = "/to"
		r.HandleContext(c)
	})
	r.GET("/to", hello)
	s := site.Serve(t, r)
	for range 2 {
		s.Get("/from").Want(t, 200, "hello", "")
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
			r.Use(order(cachexgin.New(site.NewCache(t), minute))...)
			r.GET("/", func(c *gin.Context) { c.String(200, text) })
			s := site.Serve(t, r)
			for _, state := range []string{"fwd=", "hit"} {
				a := s.Get("/", "Accept-Encoding: gzip")
				a.Field(t, "Content-Encoding", "gzip").Field(t, "Vary", "Accept-Encoding")
				if unzip(t, a.Body) != text || !strings.Contains(a.State(), state) {
					t.Errorf("%d bytes, %s", len(a.Body), a.State())
				}
				s.Get("/").Want(t, 200, text, "Cachex").Field(t, "Content-Encoding").Field(t, "Vary", "Accept-Encoding")
			}
			tag := s.Get("/", "Accept-Encoding: gzip").Header.Get("Etag")
			s.Get("/", "Accept-Encoding: gzip", "If-None-Match: "+tag).Want(t, 304, "", "hit")
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
	r.GET("/", cachexgin.New(site.NewCache(t), minute), hello)
	s := site.Serve(t, r)
	s.Get("/", "Origin: http://a").Want(t, 200, "hello", "stored")
	s.Get("/", "Origin: http://a").Want(t, 200, "hello", "hit").
		Field(t, "X-Request-Id", "2").Field(t, "Access-Control-Allow-Origin", "http://a").Field(t, "Vary", "Origin")
	s.Get("/", "Origin: http://b").Field(t, "X-Request-Id", "3").Field(t, "Access-Control-Allow-Origin", "http://b").Field(t, "Vary", "Origin")
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
	r.GET("/", cachexgin.New(site.NewCache(t), cachex.CacheControl("public, no-cache")), func(c *gin.Context) {
		c.Header("Etag", `"1"`)
		if c.GetHeader("If-None-Match") == `"1"` {
			c.Header("X-Run", "2")
			c.Status(304)
			return
		}
		c.String(200, "body")
	})
	s := site.Serve(t, r)
	s.Get("/").Want(t, 200, "body", "stored")
	s.Get("/").Want(t, 200, "body", "fwd-status=304")
}

// The status that is sent is the one that a handler has named, and a flush goes
// through gin's writer and the recorder both.
func TestFlush(t *testing.T) {
	r := gin.New()
	r.GET("/", cachexgin.New(site.NewCache(t), minute), func(c *gin.Context) {
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
	s := site.Serve(t, r)
	s.Get("/").Want(t, 200, "ab", "fwd=uri-miss")
	s.Get("/").Want(t, 200, "ab", "hit")
}
