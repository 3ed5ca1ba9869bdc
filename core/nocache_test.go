package cachex_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	cachex "github.com/go-cachex/cachex/core"
)

func TestNoCacheIsTagged(t *testing.T) {
	c := cachex.MustNew(cachex.Config{})
	defer c.Close()
	srv := httptest.NewServer(c.Middleware(cachex.CacheControl("no-cache"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "the same each time")
	})))
	defer srv.Close()
	first, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	first.Body.Close()
	tag := first.Header.Get("ETag")
	if tag == "" {
		t.Fatal("a response with no-cache has no entity tag, so its clients cannot ask whether it has changed")
	}
	r, _ := http.NewRequest("GET", srv.URL, nil)
	r.Header.Set("If-None-Match", tag)
	second, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	second.Body.Close()
	if second.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304 (RFC 9110, section 13.1.2)", second.StatusCode)
	}
	if s := second.Header.Get("Cache-Status"); s != "Cachex; fwd=uri-miss; detail=no-lifetime" {
		t.Errorf("Cache-Status: %s", s)
	}
}
