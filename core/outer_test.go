package cachex

import (
	"context"
	"maps"
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

// What outer middleware says counts at a hit, where no handler replaces it. So a
// response whose handler has replaced it is not stored, time and again, for nobody.
func TestHandlersReplaceWhatOuterMiddlewareSays(t *testing.T) {
	me := PerUser(func(*http.Request) (string, bool) { return "me", true })
	for name, tt := range map[string]struct {
		outer, inner http.Header
		adds         bool // the handler, to what is there
		opts         []Option
		want         [2]string // of Cache-Status
	}{
		"Vary":                    {outer: header("Vary: Origin"), inner: header("Vary: Accept-Language"), want: [2]string{"; fwd=uri-miss; detail=outer", "; fwd=uri-miss; detail=outer"}},
		"Vary, taken away":        {outer: header("Vary: Origin"), inner: http.Header{"Vary": nil}, want: [2]string{"; fwd=uri-miss; detail=outer", "; fwd=uri-miss; detail=outer"}},
		"Vary: *":                 {outer: header("Vary: *"), inner: header("Vary: Accept-Language"), want: [2]string{"; fwd=uri-miss; detail=outer", "; fwd=uri-miss; detail=outer"}},
		"Vary, with what it was":  {outer: header("Vary: Origin"), inner: header("Vary: Accept-Language, origin"), want: [2]string{"; fwd=uri-miss; stored; ttl=60", "; hit; ttl=60"}},
		"Vary, added to":          {outer: header("Vary: Origin"), inner: header("Vary: Accept-Language"), adds: true, want: [2]string{"; fwd=uri-miss; stored; ttl=60", "; hit; ttl=60"}},
		"no-cache":                {outer: header("Cache-Control: no-cache"), inner: header("Cache-Control: public, max-age=60"), want: [2]string{"; fwd=uri-miss; detail=outer", "; fwd=uri-miss; detail=outer"}},
		"private":                 {outer: header("Cache-Control: private"), inner: header("Cache-Control: max-age=60"), want: [2]string{"; fwd=uri-miss; detail=outer", "; fwd=uri-miss; detail=outer"}},
		"no-cache, by the route":  {outer: header("Cache-Control: no-cache"), opts: []Option{CacheControl("max-age=60"), Override()}, want: [2]string{"; fwd=uri-miss; detail=outer", "; fwd=uri-miss; detail=outer"}},
		"private, of a user":      {outer: header("Cache-Control: private"), opts: []Option{me}, want: [2]string{"; fwd=uri-miss; detail=outer", "; fwd=uri-miss; detail=outer"}},
		"no-cache, to be checked": {outer: header("Cache-Control: no-cache"), inner: header(`Etag: "1"`), want: [2]string{"; fwd=uri-miss; stored; ttl=0", "; fwd=stale; fwd-status=304; ttl=0"}},
		"max-age":                 {outer: header("Cache-Control: max-age=5"), inner: header("Cache-Control: max-age=60"), want: [2]string{"; fwd=uri-miss; stored; ttl=60", "; hit; ttl=60"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testCache(t, Config{})
			inner := c.Middleware(append(tt.opts, TTL(time.Minute))...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for name, values := range tt.inner {
					if tt.adds {
						values = append(w.Header()[name], values...)
					}
					w.Header()[name] = values
				}
				if r.Header.Get("If-None-Match") != "" {
					w.WriteHeader(http.StatusNotModified)
				}
			}))
			for i, want := range tt.want {
				w := httptest.NewRecorder()
				maps.Copy(w.Header(), tt.outer)
				inner.ServeHTTP(w, httptest.NewRequest("GET", "http://example.com/", nil))
				if got := w.Header().Get("Cache-Status"); got != "Cachex"+want {
					t.Errorf("%d: %q, want %q", i, got, want)
				}
			}
		})
	}
}
