package cachex_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// Outer middleware that has put another query in place is not undone by the rules
// for the query that came.
func TestQueryRulesKeepWhatOuterMiddlewareMeant(t *testing.T) {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()
	inner := cache.Middleware(cachex.TTL(time.Minute), cachex.DropQuery("utm_*"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.URL.RawQuery))
	}))
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := *r.URL
		u.RawQuery += "&lang=" + r.Header.Get("Accept-Language")
		r.URL = &u
		inner.ServeHTTP(w, r)
	})
	ask := func(target, language string) (body, status string) {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Accept-Language", language)
		h.ServeHTTP(w, r)
		return w.Body.String(), w.Header().Get("Cache-Status")
	}
	for _, tt := range []struct{ target, language, body, status string }{
		{"/?a=1&utm_a=1", "de", "a=1&lang=de", "Cachex; fwd=uri-miss; stored; ttl=60"},
		{"/?a=1&utm_a=2", "de", "a=1&lang=de", "Cachex; hit; ttl=60"},
		{"/?a=1&utm_a=2", "en", "a=1&lang=en", "Cachex; fwd=uri-miss; stored; ttl=60"},
		{"/?a=1", "en", "a=1&lang=en", "Cachex; hit; ttl=60"},
	} {
		if body, status := ask(tt.target, tt.language); body != tt.body || status != tt.status {
			t.Errorf("%s in %s: %q, %s", tt.target, tt.language, body, status)
		}
	}
}

// Outer middleware that tells tenants apart by the host that it puts in place is
// heeded where the target names a host itself: no tenant gets another's page.
func TestAnAbsoluteTargetIsNoOtherTenant(t *testing.T) {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()
	inner := cache.Middleware(cachex.TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("page of " + r.Host))
	}))
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tenant := r.Header.Get("X-Tenant"); tenant != "" {
			r.Host = tenant + ".test"
		}
		inner.ServeHTTP(w, r)
	})
	for _, tt := range []struct{ target, tenant, body, status string }{
		{"http://b.test/", "a", "page of a.test", "Cachex; fwd=uri-miss; stored; ttl=60"},
		{"/", "b", "page of b.test", "Cachex; fwd=uri-miss; stored; ttl=60"},
		{"http://b.test/", "c", "page of c.test", "Cachex; fwd=uri-miss; stored; ttl=60"},
		{"http://b.test/", "a", "page of a.test", "Cachex; hit; ttl=60"},
		{"http://B.test:80/", "b", "page of b.test", "Cachex; hit; ttl=60"},
		{"http://b.test/", "", "page of b.test", "Cachex; hit; ttl=60"},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, tt.target, nil) // which has the target's host, as net/http does
		if tt.tenant != "" {
			r.Header.Set("X-Tenant", tt.tenant)
		}
		if h.ServeHTTP(w, r); w.Body.String() != tt.body || w.Header().Get("Cache-Status") != tt.status {
			t.Errorf("%s of %q: %q, %s", tt.target, tt.tenant, w.Body, w.Header().Get("Cache-Status"))
		}
	}
}
