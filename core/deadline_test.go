package cachex_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// Middleware that gives each request a deadline looks at the error of the context
// afterwards, if at all. Who waited for another run until then must not get an
// empty 200.
func TestADeadlineWhileWaiting(t *testing.T) {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()
	in, out := make(chan struct{}), make(chan struct{})
	h := cache.Middleware(cachex.TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(in)
		<-out
		_, _ = w.Write([]byte("content"))
	}))
	led := make(chan *httptest.ResponseRecorder)
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		led <- w
	}()
	<-in

	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
	if w.Code != http.StatusGatewayTimeout || w.Body.Len() == 0 {
		t.Errorf("who waited until a deadline got %d %q, want 504 and a word about it", w.Code, w.Body)
	}
	close(out)
	if w := <-led; w.Code != http.StatusOK || w.Body.String() != "content" {
		t.Errorf("the first one got %d %q", w.Code, w.Body)
	}
}

// overdue has each request that says so come with a deadline that has passed, and
// answers for it as middleware does: late, where something was written.
func overdue(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Overdue") == "" {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithDeadline(r.Context(), time.Now().Add(-time.Second))
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
		w.WriteHeader(http.StatusGatewayTimeout)
	})
}

// A handler that heeds its context and says nothing leaves the answer to the
// middleware that has set the deadline; that it is implied to be an empty 200 is for
// handlers that are done.
func TestADeadlineOfOuterMiddleware(t *testing.T) {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()
	h := overdue(cache.Middleware(cachex.TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() == nil || r.Header.Get("X-Heedless") != "" {
			_, _ = w.Write([]byte("content"))
		}
	})))
	ask := func(method, target string, fields ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		for _, name := range fields {
			r.Header.Set(name, "yes")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	want := func(w *httptest.ResponseRecorder, code int, body string) {
		t.Helper()
		if w.Code != code || w.Body.String() != body {
			t.Errorf("%d %q, want %d %q (%s)", w.Code, w.Body, code, body, w.Header().Get("Cache-Status"))
		}
	}
	want(ask("GET", "/", "X-Overdue"), 504, "")
	want(ask("GET", "/", "X-Overdue", "X-Heedless"), 200, "content")
	if n := cache.Stats().Stores; n != 0 {
		t.Errorf("%d stored", n)
	}
	want(ask("GET", "/"), 200, "content")
	want(ask("GET", "/", "X-Overdue"), 200, "content") // a hit is in time

	// What a method has changed that was cut short, nobody knows.
	want(ask("POST", "/", "X-Overdue"), 504, "")
	want(ask("GET", "/", "X-Overdue"), 504, "")
}
