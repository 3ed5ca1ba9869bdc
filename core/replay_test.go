package cachex_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// twice asks twice for the same, an hour of the clock apart from nothing, and
// returns both answers. outer stands around the cache.
func twice(t *testing.T, after time.Duration, outer func(http.Header), h http.HandlerFunc, opts ...cachex.Option) (miss, hit *http.Response) {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := cachex.MustNew(cachex.Config{Now: func() time.Time { return now }})
	t.Cleanup(func() { _ = c.Close() })
	cached := c.Middleware(opts...)(h)
	ask := func() *http.Response {
		w := httptest.NewRecorder()
		if outer != nil {
			outer(w.Header())
		}
		cached.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		return w.Result()
	}
	miss = ask()
	now = now.Add(after)
	hit = ask()
	if s := c.Stats(); s.Hits != 1 || s.Stores != 1 {
		t.Fatalf("no hit: %+v, %v", s, hit.Header)
	}
	return miss, hit
}

func TestReplay(t *testing.T) {
	n := 0
	miss, hit := twice(t, 5*time.Second, func(h http.Header) {
		n++
		h.Set("X-Outer", fmt.Sprint(n))
		h.Add("Vary", "Origin")
	}, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Link"] = []string{"<b>", "<a>", "<b>"}
		h.Add("Vary", "Accept")
		h.Add("Vary", "Origin")
		h.Set("Connection", "x-hop")
		h.Set("X-Hop", "1")
		h.Set("X-Request-Id", "1")
		h.Set("X-Empty", "")
		h.Set("Cache-Control", `max-age=60, private="x-mine"`)
		h.Set("X-Mine", "1")
		h.Set("Cache-Status", "Upstream; hit")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte("body"))
	})
	for name, want := range map[string][]string{
		"Link":           {"<b>", "<a>", "<b>"},
		"X-Outer":        {"2"},
		"X-Hop":          nil,
		"Connection":     nil,
		"X-Request-Id":   nil,
		"X-Mine":         nil,
		"X-Empty":        {""},
		"Age":            {"5"},
		"Content-Length": {"4"},
	} {
		if got := hit.Header[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %q in a hit, want %q", name, got, want)
		}
	}
	if vary := hit.Header["Vary"]; !slices.Contains(vary, "Accept") || !slices.Contains(vary, "Origin") {
		t.Errorf("G5: Vary of both sides: %q", vary)
	}
	if cs := hit.Header["Cache-Status"]; len(cs) != 2 || cs[0] != "Upstream; hit" || cs[1] != "Cachex; hit; ttl=55" {
		t.Errorf("I3: %q", cs)
	}
	if miss.Header.Get("X-Mine") != "1" || miss.Header.Get("Age") != "" {
		t.Errorf("C23: the first answer is the handler's own: %v", miss.Header)
	}
}

// What leaves: a TTL says nothing to the client.
func TestTTLDoesNotLeave(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) }
	_, hit := twice(t, 30*time.Second, nil, page, cachex.TTL(time.Minute), cachex.CacheControl("public, max-age=5"))
	if hit.Header.Get("Age") != "" || hit.Header["Date"] != nil {
		t.Errorf("Age %q and Date %q would make the client's copy stale on arrival", hit.Header["Age"], hit.Header["Date"])
	}
	if got := hit.Header.Get("Cache-Control"); got != "public, max-age=5" {
		t.Errorf("Cache-Control %q", got)
	}
	_, hit = twice(t, 3*time.Second, nil, page, cachex.CacheControl("public, max-age=5"))
	if hit.Header.Get("Age") != "3" || hit.Header.Get("Date") == "" {
		t.Errorf("C22: Age %q, Date %q, where the response's own fields govern", hit.Header["Age"], hit.Header["Date"])
	}
}

func TestSetTTLPutsNoCacheAside(t *testing.T) {
	_, hit := twice(t, time.Minute, nil, func(w http.ResponseWriter, r *http.Request) {
		cachex.SetTTL(r.Context(), time.Hour)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write([]byte("x"))
	})
	if got := hit.Header.Get("Cache-Control"); got != "no-cache" || hit.Header.Get("Age") != "" {
		t.Errorf("what the handler says is sent as it is: %q", got)
	}
}

func TestSharedUnderItsOwnPrivate(t *testing.T) {
	_, hit := twice(t, time.Second, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) },
		cachex.Shared(), cachex.TTL(time.Minute), cachex.CacheControl("private, max-age=5"))
	if got := hit.Header.Get("Cache-Control"); got != "private, max-age=5" {
		t.Errorf("Cache-Control %q", got)
	}
}

// A server guesses a type where none is named. What names one, or says that there
// is to be none, counts for the hit as well: guessed HTML runs scripts.
func TestTypesAreGuessedOnceOrNever(t *testing.T) {
	for name, tt := range map[string]struct {
		outer   func(http.Header)
		handler func(http.Header)
		want    []string
	}{
		"nothing named":     {want: []string{"text/html; charset=utf-8"}},
		"by outer":          {outer: func(h http.Header) { h.Set("Content-Type", "text/plain") }, want: []string{"text/plain"}},
		"kept out":          {handler: func(h http.Header) { h["Content-Type"] = nil }},
		"coded, by outer":   {outer: func(h http.Header) { h.Set("Content-Encoding", "br") }},
		"coded, by handler": {handler: func(h http.Header) { h.Set("Content-Encoding", "br") }},
	} {
		t.Run(name, func(t *testing.T) {
			outer := tt.outer
			if outer == nil {
				outer = func(http.Header) {}
			}
			_, hit := twice(t, 0, outer, func(w http.ResponseWriter, _ *http.Request) {
				if tt.handler != nil {
					tt.handler(w.Header())
				}
				_, _ = w.Write([]byte("<html><script>1</script>"))
			}, cachex.TTL(time.Minute))
			if have := hit.Header["Content-Type"]; !slices.Equal(have, tt.want) {
				t.Errorf("the hit has %q, want %q", have, tt.want)
			}
		})
	}
}
