package cachex_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

func ask(h http.Handler, method string) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
	return w.Result()
}

func open(t *testing.T) *cachex.Cache {
	t.Helper()
	c := cachex.MustNew(cachex.Config{})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Recovery around the cache answers 500: not under the Cache-Control that was
// meant for the 200.
func TestPanicLeavesNoFields(t *testing.T) {
	h := open(t).Middleware(cachex.CacheControl("public, max-age=60"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("begun"))
		panic("a bug")
	}))
	recovery := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		h.ServeHTTP(w, r)
	})
	for range 2 {
		if res := ask(recovery, "GET"); res.StatusCode != 500 || len(res.Header) != 0 {
			t.Errorf("M11: %d with %v", res.StatusCode, res.Header)
		}
	}
}

// A handler that writes past the recorder may have done anything.
func TestUnseenAnswerInvalidates(t *testing.T) {
	c := open(t)
	h := c.Middleware(cachex.TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w = w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
		}
		w.WriteHeader(http.StatusOK)
	}))
	ask(h, "GET")
	ask(h, "POST")
	ask(h, "GET")
	if s := c.Stats(); s.Hits != 0 || s.Stores != 2 {
		t.Errorf("F1: a hit after an unsafe request: %+v", s)
	}
}

// A run that a POST has overtaken stores nothing, and does not push out what
// was stored since.
func TestOvertakenRunStoresNothing(t *testing.T) {
	c := open(t)
	started, proceed := make(chan struct{}), make(chan struct{})
	first := true
	h := c.Middleware(cachex.TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first && r.Method == "GET" {
			first = false
			close(started)
			<-proceed
		}
		_, _ = w.Write([]byte("x"))
	}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		ask(h, "GET")
	}()
	<-started
	ask(h, "POST")
	ask(h, "GET") // stored
	close(proceed)
	<-done
	ask(h, "GET")
	if s := c.Stats(); s.Stores != 1 || s.Hits != 1 {
		t.Errorf("F6: %+v, want one store and one hit", s)
	}
}

func TestClosedCachePasses(t *testing.T) {
	c := open(t)
	h := c.Middleware(cachex.TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			_ = c.Close() // while this runs
		}
		_, _ = w.Write([]byte("x"))
	}))
	for range 2 {
		if res := ask(h, "GET"); res.StatusCode != 200 {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	if s := c.Stats(); s.Stores != 0 || s.Entries != 0 || s.Hits != 0 {
		t.Errorf("a closed cache keeps something: %+v", s)
	}
}

// A response that is being stored while the cache is closed does not stay behind.
func TestClosedWhileStoring(t *testing.T) {
	var c *cachex.Cache
	late := false
	c = cachex.MustNew(cachex.Config{Now: func() time.Time {
		if late { // between the look whether it is closed and the write
			late = false
			_ = c.Close()
		}
		return time.Unix(1e9, 0)
	}})
	h := c.Middleware(cachex.TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("x"))
		late = true
	}))
	if res := ask(h, "GET"); res.StatusCode != 200 || late {
		t.Errorf("status %d, closed too late: %v", res.StatusCode, late)
	}
	if n := c.Stats().Entries; n != 0 {
		t.Errorf("%d entries are left", n)
	}
}
