package cachex_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// visit asks for target with the given fields, a name and a value in turn.
func visit(h http.Handler, target string, fields ...string) (http.Header, string) {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for f := range slices.Chunk(fields, 2) {
		r.Header.Add(f[0], f[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Header(), w.Body.String()
}

// confirming answers with an entity tag, and confirms it with a 304; said is
// called for both.
func confirming(said func(h http.Header, confirmed bool), body func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		confirmed := r.Header.Get("If-None-Match") == `W/"v"`
		w.Header().Set("Etag", `W/"v"`)
		said(w.Header(), confirmed)
		if confirmed {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, body(r))
	})
}

func samePage(*http.Request) string { return "page" }

func TestNoSetCookieOutOf304(t *testing.T) {
	n := 0
	h := open(t).Middleware(cachex.StripSetCookie())(confirming(func(h http.Header, _ bool) {
		n++
		h.Set("Set-Cookie", fmt.Sprint("session=", n))
		h.Set("Cache-Control", "public, max-age=60")
	}, samePage))
	visit(h, "/")
	for _, cc := range []string{"no-cache", "max-age=60"} {
		if got, _ := visit(h, "/", "Cache-Control", cc); got["Set-Cookie"] != nil {
			t.Errorf("%s: the session of another user: %v", cc, got)
		}
	}
	if n != 2 {
		t.Errorf("%d runs, want 2", n)
	}
}

func TestPerUserStaysPrivate(t *testing.T) {
	user := func(r *http.Request) (string, bool) { return r.Header.Get("User"), true }
	h := open(t).Middleware(cachex.PerUser(user))(confirming(func(h http.Header, _ bool) {
		h.Set("Cache-Control", "max-age=60")
	}, samePage))
	for _, fields := range [][]string{
		nil,                           // stored
		{"Cache-Control", "no-cache"}, // confirmed by a 304 that says Cache-Control
		nil,                           // a hit on what that made
		{"X-Http-Method-Override", "GET"},
	} {
		got, _ := visit(h, "/", append(fields, "User", "ann")...)
		if cc := got.Get("Cache-Control"); cc != "private, max-age=60" {
			t.Errorf("%v: Cache-Control %q, %v", fields, cc, got["Cache-Status"])
		}
	}
}

func TestPrivateIn304OfSharedRoute(t *testing.T) {
	runs := 0
	h := open(t).Middleware(cachex.Shared())(confirming(func(h http.Header, confirmed bool) {
		runs++
		h.Set("Cache-Control", "max-age=60")
		if confirmed {
			h.Set("Cache-Control", "private, max-age=60")
		}
	}, samePage))
	visit(h, "/")
	visit(h, "/", "Cache-Control", "no-cache")
	visit(h, "/")
	if runs != 3 {
		t.Errorf("%d runs: what the handler calls private is shared", runs)
	}
}

// A tag that says nothing of the user must not give one user's page to another.
func TestNoCandidateOfAnotherUser(t *testing.T) {
	hello := func(r *http.Request) string { return "hello " + r.Header.Get("Cookie") }
	for vary, opts := range map[string][]cachex.Option{"Cookie": nil, "Accept-Language": {cachex.TTL(time.Minute)}} {
		h := open(t).Middleware(opts...)(confirming(func(h http.Header, _ bool) {
			h.Set("Vary", vary)
			if opts == nil {
				h.Set("Cache-Control", "public, max-age=60")
			}
		}, hello))
		visit(h, "/", "Accept-Language", "en")
		if _, body := visit(h, "/", "Accept-Language", "de", "Cookie", "user=bob"); body != "hello user=bob" {
			t.Errorf("Vary: %s: %q", vary, body)
		}
	}
}

func TestRewrittenURLJoinsTheKey(t *testing.T) {
	inner := open(t).Middleware(cachex.TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path, "?", r.URL.RawQuery)
	}))
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		if tenant := r.Header.Get("Tenant"); tenant != "" {
			r.URL.Path = "/" + tenant + r.URL.Path
		}
		if plan := r.Header.Get("Plan"); plan != "" {
			r.URL.RawQuery = "plan=" + plan
		}
		inner.ServeHTTP(w, r)
	})
	seen := map[string]bool{}
	for _, fields := range [][]string{nil, {"Tenant", "a"}, {"Tenant", "b"}, {"Tenant", "a", "Plan", "x"}, {"Plan", "y"}, {"Plan", "x"}} {
		_, body := visit(h, "/p%C3%A4ge", fields...)
		if seen[body] {
			t.Errorf("%v: %q is somebody else's", fields, body)
		}
		seen[body] = true
		if header, again := visit(h, "/p%C3%A4ge", fields...); again != body || header.Get("Cache-Status") != "Cachex; hit; ttl=60" {
			t.Errorf("%v: %q after %q, %v", fields, again, body, header)
		}
	}
}

// What outer middleware sets leaves with hits as it does without a cache.
func TestFieldsOfOuterMiddleware(t *testing.T) {
	for name, opt := range map[string]cachex.Option{"stored": cachex.Proxy(), "stripped": cachex.StripSetCookie()} {
		inner := open(t).Middleware(opt)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Link", "</in>")
			if name == "stored" {
				w.Header().Add("Set-Cookie", "in=1")
			}
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = io.WriteString(w, "x")
		}))
		n := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			w.Header().Add("Link", "</out>")
			w.Header().Add("Set-Cookie", fmt.Sprint("out=", n))
			inner.ServeHTTP(w, r)
		})
		for i := 1; i <= 2; i++ {
			got, _ := visit(h, "/")
			cookies := []string{fmt.Sprint("out=", i)}
			if name == "stored" {
				cookies = append(cookies, "in=1")
			}
			if !slices.Equal(got["Link"], []string{"</out>", "</in>"}) || !slices.Equal(got["Set-Cookie"], cookies) {
				t.Errorf("%s, answer %d: %v", name, i, got)
			}
		}
	}
}

func TestSayingLate(t *testing.T) {
	h := open(t).Middleware(cachex.TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "x")
		go cachex.SetTTL(r.Context(), time.Second) // too late, but no race
		if r.URL.Path == "/not" {
			cachex.DoNotStore(r.Context())
		}
	}))
	for range 2 {
		if got, _ := visit(h, "/not"); got.Get("Cache-Status") != "Cachex; fwd=uri-miss" {
			t.Error(got["Cache-Status"])
		}
		visit(h, "/")
	}
}

func TestWriterIsDeadAfterAPanic(t *testing.T) {
	var late http.ResponseWriter
	h := open(t).Middleware(cachex.TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if late = w; r.URL.Path == "/held" {
			_, _ = io.WriteString(w, "x")
		}
		panic(http.ErrAbortHandler)
	}))
	for _, target := range []string{"/", "/held"} {
		func() {
			defer func() { _ = recover() }()
			visit(h, target)
		}()
		late.WriteHeader(http.StatusOK)
		late.(http.Flusher).Flush()
		late.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
		if _, err := late.Write([]byte("x")); err == nil {
			t.Errorf("%s: written after the end", target)
		}
	}
}

func TestOnlyIfCachedUnderAnOuterPrivate(t *testing.T) {
	runs := 0
	inner := open(t).Middleware(cachex.TTL(time.Minute))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runs++ }))
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cache-Control") != "" {
			w.Header().Set("Cache-Control", "private")
		}
		inner.ServeHTTP(w, r)
	})
	visit(h, "/")
	if visit(h, "/", "Cache-Control", "only-if-cached"); runs != 1 {
		t.Errorf("%d runs", runs)
	}
}
