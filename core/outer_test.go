package cachex

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// silent is an exchange whose Read mostly says nothing of outer middleware.
type silent struct {
	adapter.HTTP
	next http.Handler
	says bool
}

func (x *silent) Next(w http.ResponseWriter, r *http.Request)         { x.next.ServeHTTP(w, r) }
func (x *silent) Pattern() string                                     { return "" }
func (x *silent) Native() any                                         { return nil }
func (x *silent) Reopen() http.ResponseWriter                         { return nil }
func (x *silent) Reenter(*http.Request) (enter func(context.Context)) { return nil }

func (x *silent) Read(h *adapter.Head) {
	untouched := h.Untouched
	if x.HTTP.Read(h); !x.says {
		h.Untouched = untouched
	}
}

// What the adapter of one request has said of its outer middleware is not held for
// the next request, whose adapter says nothing.
func TestUntouchedIsOfOneRequest(t *testing.T) {
	c := MustNew(Config{})
	t.Cleanup(func() { _ = c.Close() })
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) })
	h, err := c.Bind(NetHTTP, TTL(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	x := &silent{next: page} // which keeps what the engine uses again
	ask := func(outer string) string {
		w := httptest.NewRecorder()
		if outer != "" {
			w.Header().Set("Cache-Control", outer)
		}
		x.says = outer == ""
		x.Reset(w, w, httptest.NewRequest("GET", "http://example.com/", nil), x)
		h.Handle(x)
		return w.Header().Get("Cache-Status")
	}
	ask("")
	if got, want := ask(""), "Cachex; hit; ttl=3600"; got != want {
		t.Fatalf("Cache-Status is %q, want %q", got, want)
	}
	if got, want := ask("private"), "Cachex; fwd=request; detail=private"; got != want {
		t.Fatalf("Cache-Status is %q, want %q: what is stored went to a response that is private", got, want)
	}
}

// Outer middleware may have changed what it has parsed: a language, or a tenant. What
// is not changed is no other resource, and what a POST has for content is none of its
// query.
func TestChangedFormJoinsTheKey(t *testing.T) {
	for _, opts := range [][]Option{{TTL(time.Minute)}, {TTL(time.Minute), DropQuery("utm_*")}} {
		c := testCache(t, Config{})
		page := c.Middleware(opts...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(r.FormValue("lang") + " " + r.FormValue("q") + " " + r.URL.Query().Get("secret")))
		}))
		ask := func(lang string, r *http.Request) string {
			if lang != "" {
				_ = r.ParseForm()
				r.Form.Set("lang", lang)
			}
			w := httptest.NewRecorder()
			page.ServeHTTP(w, r)
			return w.Body.String()
		}
		for range 2 {
			for _, lang := range []string{"en", "de", ""} {
				if got, want := ask(lang, httptest.NewRequest("GET", "/?q=1&utm_source=a", nil)), lang+" 1 "; got != want {
					t.Errorf("%q, want %q", got, want)
				}
			}
		}
		r := httptest.NewRequest("GET", "/?q=1", nil)
		_ = r.ParseForm()
		if ask("", r); c.Stats().Hits < 3 {
			t.Errorf("%d hits, want 3 at least", c.Stats().Hits)
		}
		r = httptest.NewRequest("POST", "/?q=1&utm_source=a", strings.NewReader("secret=s"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := ask("en", r); !strings.HasSuffix(got, " 1 ") {
			t.Errorf("a POST: %q: its content has become a part of its URL", got)
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
