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
