package cachex

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// silent is an exchange whose Read says nothing of outer middleware.
type silent struct {
	adapter.HTTP
	next http.Handler
}

func (x *silent) Next(w http.ResponseWriter, r *http.Request)         { x.next.ServeHTTP(w, r) }
func (x *silent) Pattern() string                                     { return "" }
func (x *silent) Native() any                                         { return nil }
func (x *silent) Reopen() http.ResponseWriter                         { return nil }
func (x *silent) Reenter(*http.Request) (enter func(context.Context)) { return nil }

func (x *silent) Read(h *adapter.Head) {
	untouched := h.Untouched
	x.HTTP.Read(h)
	h.Untouched = untouched
}

// What the adapter of one request has said of its outer middleware is not held for
// the next request, whose adapter says nothing.
func TestUntouchedIsOfOneRequest(t *testing.T) {
	c := MustNew(Config{})
	t.Cleanup(func() { _ = c.Close() })
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) })
	plain := c.Middleware(TTL(time.Hour))(page)
	h, err := c.Bind(NetHTTP, TTL(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "http://example.com/", nil)
	for range 100 { // the pool of requests need not give back the same one
		plain.ServeHTTP(httptest.NewRecorder(), r)
		w := httptest.NewRecorder()
		w.Header().Set("Cache-Control", "private")
		x := &silent{next: page}
		x.Reset(w, w, r, x)
		h.Handle(x)
		if got, want := w.Header().Get("Cache-Status"), "Cachex; fwd=request; detail=private"; got != want {
			t.Fatalf("Cache-Status is %q, want %q: what is stored went to a response that is private", got, want)
		}
	}
}
