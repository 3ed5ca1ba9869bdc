package cachexchi_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/websocket"

	cachexchi "github.com/go-cachex/cachex/adapters/chi"
	"github.com/go-cachex/cachex/conformance/site"
	cachex "github.com/go-cachex/cachex/core"
)

var minute = cachex.TTL(time.Minute)

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

// counting answers with the number of its run.
func counting() http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strconv.FormatInt(n.Add(1), 10))
	}
}

func TestHitAfterMiss(t *testing.T) {
	cache := site.NewCache(t)
	r := chi.NewRouter()
	r.With(cachexchi.New(cache, minute)).Get("/one/{id}", counting())
	r.Route("/group", func(r chi.Router) {
		r.Use(cachexchi.New(cache, minute))
		r.Get("/a", counting())
	})
	all := chi.NewRouter()
	all.Use(cachexchi.New(cache, minute))
	all.Get("/root", counting())
	all.Post("/root", hello)

	s, root := site.Serve(t, r), site.Serve(t, all)
	for _, step := range []struct {
		s    *site.Site
		path string
	}{{s, "/one/1"}, {s, "/group/a"}, {root, "/root"}} {
		step.s.Get(step.path).Want(t, 200, "1", "stored")
		step.s.Get(step.path).Want(t, 200, "1", "hit")
	}
	s.Get("/one/2").Want(t, 200, "2", "stored")
	root.Do("HEAD", "/root").Want(t, 200, "", "hit")
	root.Do("POST", "/root").Want(t, 200, "hello", "fwd=method")
	root.Get("/root").Want(t, 200, "2", "stored")
}

func TestAllocations(t *testing.T) {
	r := chi.NewRouter()
	r.Use(cachexchi.New(site.NewCache(t), minute))
	r.Get("/page", hello)
	site.Hits(t, r, "/page", 2) // chi's own: a request with its context
	body := make([]byte, 1<<10)
	site.Misses(t, func(cached bool) http.Handler {
		r := chi.NewRouter()
		if cached {
			r.Use(cachexchi.New(site.NewCache(t), minute))
		}
		r.Get("/page/{id}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write(body)
		})
		return r
	}, 8)
}

func TestNested(t *testing.T) {
	cache := site.NewCache(t)
	r := chi.NewRouter()
	var auth atomic.Int64
	r.Use(cachexchi.New(cache, cachex.TTL(time.Hour)), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if auth.Add(1); q.Header.Get("X-Key") == "" {
				w.WriteHeader(401)
				return
			}
			next.ServeHTTP(w, q)
		})
	})
	r.With(cachexchi.New(cache, minute)).Get("/", counting())
	s := site.Serve(t, r)
	s.Get("/", "X-Key: 1").Want(t, 200, "1", "stored; ttl=60")
	s.Get("/", "X-Key: 1").Want(t, 200, "1", "hit; ttl=60")
	s.Get("/").Want(t, 401, "", "fwd=uri-miss")
	if auth.Load() != 3 {
		t.Errorf("what stands between ran %d times, want 3", auth.Load())
	}
}

func TestImplicit(t *testing.T) {
	r := chi.NewRouter()
	r.Use(cachexchi.New(site.NewCache(t), cachex.TTLFor(time.Minute, 200, 204, 301, 404, 405)))
	r.Get("/204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	r.Get("/nothing", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", "b") })
	r.Get("/301", func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/x", 301) })
	r.Get("/file", func(w http.ResponseWriter, q *http.Request) { http.ServeFile(w, q, "doc.go") })
	r.Get("/error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", 404) })
	r.Post("/405", hello)
	s := site.Serve(t, r)
	for path, status := range map[string]int{"/204": 204, "/nothing": 200, "/301": 301, "/file": 200, "/error": 404, "/none": 404, "/405": 405} {
		a := s.Get(path)
		b := s.Get(path).Want(t, status, a.Body, "hit")
		if a.Status != status || a.Header.Get("Content-Type") != b.Header.Get("Content-Type") || a.Header.Get("X-A") != b.Header.Get("X-A") {
			t.Errorf("%s: %+v and then %+v", path, a, b)
		}
	}
}

func TestRecoverer(t *testing.T) {
	recoverer := func(next http.Handler) http.Handler { // as chi's, without the stack
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			defer func() {
				if recover() != nil {
					w.WriteHeader(500)
				}
			}()
			next.ServeHTTP(w, q)
		})
	}
	for name, outside := range map[string]bool{"outside": true, "inside": false} {
		t.Run(name, func(t *testing.T) {
			cache := site.NewCache(t)
			r := chi.NewRouter()
			if outside {
				r.Use(recoverer, cachexchi.New(cache, minute))
			} else {
				r.Use(cachexchi.New(cache, minute), recoverer)
			}
			r.Get("/before", func(http.ResponseWriter, *http.Request) { panic("x") })
			r.Get("/behind", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic("x") })
			s := site.Serve(t, r)
			for range 2 {
				s.Get("/before").Want(t, 500, "", map[bool]string{true: "", false: "fwd=uri-miss"}[outside])
				if outside { // inside, the writer hears of such a panic and has no use for it
					s.Get("/behind").Want(t, 500, "", "")
				}
			}
			if n := cache.Stats().Stores; n != 0 {
				t.Errorf("%d stored", n)
			}
		})
	}
}

// A handler that heeds its context and says nothing leaves the answer to Timeout.
func TestTimeout(t *testing.T) {
	cache := site.NewCache(t)
	r := chi.NewRouter()
	r.Use(middleware.Timeout(time.Millisecond), cachexchi.New(cache, minute))
	r.Get("/", func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
	s := site.Serve(t, r)
	for range 2 {
		s.Get("/").Want(t, 504, "", "")
	}
	if n := cache.Stats().Stores; n != 0 {
		t.Errorf("%d stored", n)
	}
}

func TestStream(t *testing.T) {
	var runs atomic.Int64
	step, ended := make(chan bool), make(chan bool, 2)
	r := chi.NewRouter()
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { next.ServeHTTP(w, q); ended <- true })
	})
	r.With(cachexchi.New(site.NewCache(t), minute)).Get("/", func(w http.ResponseWriter, q *http.Request) {
		runs.Add(1)
		for n := range 3 {
			<-step
			if err := q.Context().Err(); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(w, strconv.Itoa(n)+"\n")
			w.(http.Flusher).Flush()
		}
	})
	s := site.Serve(t, r)

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
	r := chi.NewRouter()
	r.Use(cachexchi.New(site.NewCache(t), minute))
	up := websocket.Upgrader{}
	r.Get("/ws", func(w http.ResponseWriter, q *http.Request) {
		conn, err := up.Upgrade(w, q, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		kind, p, _ := conn.ReadMessage()
		_ = conn.WriteMessage(kind, p)
	})
	r.Get("/raw", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nraw")
	})
	testSockets(t, site.Serve(t, r))
}

func TestContexts(t *testing.T) {
	cache := site.NewCache(t)
	r := chi.NewRouter()
	r.With(cachexchi.New(cache)).Get("/ttl", func(w http.ResponseWriter, q *http.Request) {
		cachex.SetTTL(q.Context(), time.Minute)
		cachex.AddTags(q.Context(), "a")
		hello(w, q)
	})
	r.With(cachexchi.New(cache, minute)).Get("/not", func(w http.ResponseWriter, q *http.Request) {
		cachex.DoNotStore(q.Context())
		hello(w, q)
	})
	s := site.Serve(t, r)
	s.Get("/ttl").Want(t, 200, "hello", "stored; ttl=60")
	s.Get("/ttl").Want(t, 200, "hello", "hit")
	for tag, want := range map[string]string{"b": "hit", "a": "stored; ttl=60"} {
		if err := cache.Purge(context.Background(), cachex.ByTag(tag)); err != nil {
			t.Error(err)
		}
		s.Get("/ttl").Want(t, 200, "hello", want)
	}
	s.Get("/not").Want(t, 200, "hello", "fwd=uri-miss")
	s.Get("/not").Want(t, 200, "hello", "fwd=uri-miss")
}

func TestOptions(t *testing.T) {
	cache := site.NewCache(t)
	r := chi.NewRouter()
	user := func(q *http.Request) (string, bool) { id := q.Header.Get("X-User"); return id, id != "" }
	r.With(cachexchi.New(cache, minute, cachexchi.KeyFunc(user))).Get("/key", counting())
	r.With(cachexchi.New(cache, minute, cachexchi.PerUser(user))).Get("/user", counting())
	r.With(cachexchi.New(cache, minute, cachexchi.SkipIf(func(q *http.Request) bool { return q.Header.Get("X-User") == "b" }))).Get("/skip", counting())
	s := site.Serve(t, r)
	for _, path := range []string{"/key", "/user"} {
		s.Get(path, "X-User: a").Want(t, 200, "1", "stored")
		s.Get(path, "X-User: b").Want(t, 200, "2", "stored")
		s.Get(path, "X-User: a").Want(t, 200, "1", "hit")
		s.Get(path).Want(t, 200, "3", "fwd=bypass")
	}
	s.Get("/skip", "X-User: a").Want(t, 200, "1", "stored")
	s.Get("/skip", "X-User: b").Want(t, 200, "2", "")

	testPanics(t, map[string]func(){
		"no cache": func() { cachexchi.New(nil) },
		"bad":      func() { cachexchi.New(cache, cachex.TTL(-1)) },
		"KeyFunc":  func() { cachexchi.New(cache, cachexchi.KeyFunc(nil)) },
		"PerUser":  func() { cachexchi.New(cache, cachexchi.PerUser(nil)) },
		"SkipIf":   func() { cachexchi.New(cache, cachexchi.SkipIf(nil)) },
	})
}

func TestCompression(t *testing.T) {
	for name, outside := range map[string]bool{"outside": true, "inside": false} {
		t.Run(name, func(t *testing.T) {
			r := chi.NewRouter()
			if outside {
				r.Use(middleware.Compress(5), cachexchi.New(site.NewCache(t), minute))
			} else {
				r.Use(cachexchi.New(site.NewCache(t), minute), middleware.Compress(5))
			}
			r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				_, _ = io.WriteString(w, site.Text)
			})
			site.Compression(t, site.Serve(t, r))
		})
	}
}

func TestOuterFields(t *testing.T) {
	var n atomic.Int64
	r := chi.NewRouter()
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("X-Request-Id", strconv.FormatInt(n.Add(1), 10))
			w.Header().Set("Access-Control-Allow-Origin", q.Header.Get("Origin"))
			w.Header().Add("Vary", "Origin")
			next.ServeHTTP(w, q)
		})
	}, cachexchi.New(site.NewCache(t), minute))
	r.Get("/", hello)
	s := site.Serve(t, r)
	s.Get("/", "Origin: http://a").Want(t, 200, "hello", "stored")
	s.Get("/", "Origin: http://a").Want(t, 200, "hello", "hit").Field(t, "X-Request-Id", "2").
		Field(t, "Access-Control-Allow-Origin", "http://a").Field(t, "Vary", "Origin")
}

func TestInterim(t *testing.T) {
	r := chi.NewRouter()
	r.With(cachexchi.New(site.NewCache(t), minute)).Get("/", func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Link", "</a>; rel=preload")
		w.WriteHeader(103)
		hello(w, q)
	})
	site.Interim(t, site.Serve(t, r))
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
