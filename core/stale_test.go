package cachex_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// staleSite serves whatever the test sets, behind a cache whose clock it moves.
type staleSite struct {
	t       *testing.T
	cache   *cachex.Cache
	clock   atomic.Int64
	handler atomic.Pointer[http.HandlerFunc]
	server  *httptest.Server
}

func newStaleSite(t *testing.T, opts ...cachex.Option) *staleSite {
	s := &staleSite{t: t}
	s.clock.Store(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	s.cache = cachex.MustNew(cachex.Config{Now: func() time.Time { return time.Unix(0, s.clock.Load()) }})
	s.server = httptest.NewServer(s.cache.Middleware(opts...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*s.handler.Load())(w, r)
	})))
	t.Cleanup(func() {
		s.server.Close()
		_ = s.cache.Close()
	})
	return s
}

func (s *staleSite) serve(h http.HandlerFunc) { s.handler.Store(&h) }

func (s *staleSite) say(text string) {
	s.serve(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, text) })
}

func (s *staleSite) after(d time.Duration) { s.clock.Add(int64(d)) }

func (s *staleSite) get(fields ...string) (body, status string, resp *http.Response) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.server.URL, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	if resp, err = http.DefaultClient.Do(r); err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b), resp.Header.Get("Cache-Status"), resp
}

// The stale answer comes at once, while the renewal hangs, and so does the next
// one on the same connection (RFC 5861, section 3).
func TestStaleWhileRevalidateBlocksNobody(t *testing.T) {
	s := newStaleSite(t, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour))
	s.say("old")
	s.get()
	s.after(time.Minute)
	started, gate := make(chan http.Header, 1), make(chan bool)
	s.serve(func(w http.ResponseWriter, r *http.Request) {
		if !cachex.IsBackground(r.Context()) {
			t.Error("a client's request ran the handler")
		}
		started <- r.Header.Clone()
		<-gate
		_, _ = io.WriteString(w, "new")
	})
	for range 3 {
		body, status, resp := s.get("X-Question", "yes", "Cookie", "")
		if body != "old" || status != "Cachex; hit; ttl=-59; detail=stale-while-revalidate" {
			t.Fatalf("%q, Cache-Status: %s", body, status)
		}
		if resp.Header.Get("Age") != "" {
			t.Error("a TTL is nobody's business, and neither is its age")
		}
	}
	<-started
	close(gate)
	if err := s.cache.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if st := s.cache.Stats(); st.Refreshes != 1 || st.Stores != 2 {
		t.Errorf("three stale answers: %+v, want one renewal", st)
	}
}

// A renewal has no credentials of the client who happened to come by.
func TestRenewalsHaveNoCredentials(t *testing.T) {
	s := newStaleSite(t, cachex.CacheControl("public, max-age=1, stale-while-revalidate=3600"))
	s.say("old")
	s.get()
	s.after(time.Minute)
	seen := make(chan http.Header, 1)
	s.serve(func(w http.ResponseWriter, r *http.Request) { seen <- r.Header.Clone() })
	body, _, resp := s.get("Authorization", "Bearer secret", "Cookie", "session=1", "X-Api-Key", "secret", "If-None-Match", `"x"`, "X-Other", "kept")
	if body != "old" || resp.Header.Get("Age") != "60" {
		t.Errorf("%q, Age %q, want the true age of the stale answer", body, resp.Header.Get("Age"))
	}
	h := <-seen
	for _, name := range []string{"Authorization", "Cookie", "X-Api-Key", "If-None-Match"} {
		if h.Get(name) != "" {
			t.Errorf("the renewal carries %s: %s", name, h.Get(name))
		}
	}
	if h.Get("X-Other") != "kept" {
		t.Error("the renewal has lost a field of the request")
	}
}

func TestRenewalsOfAUserAreThatUsers(t *testing.T) {
	byCookie := cachex.PerUser(func(r *http.Request) (string, bool) {
		c, err := r.Cookie("user")
		if err != nil {
			return "", false
		}
		return c.Value, true
	})
	s := newStaleSite(t, byCookie, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour))
	seen := make(chan string, 2)
	s.serve(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("user")
		if err != nil {
			t.Error(err)
			return
		}
		seen <- c.Value
		_, _ = io.WriteString(w, "for "+c.Value)
	})
	s.get("Cookie", "user=ann")
	<-seen
	s.after(time.Minute)
	if body, _, _ := s.get("Cookie", "user=ann"); body != "for ann" {
		t.Error(body)
	}
	if u := <-seen; u != "ann" {
		t.Errorf("renewed for %q", u)
	}
}

// A renewal that fails keeps what is there, and is not tried again at once.
func TestRenewalFails(t *testing.T) {
	for _, failure := range []string{"status", "panic"} {
		s := newStaleSite(t, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour))
		s.say("old")
		s.get()
		s.after(time.Minute)
		runs := make(chan bool, 10)
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			runs <- true
			if failure == "panic" {
				panic("broken")
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		s.get()
		<-runs
		for s.cache.Stats().Background > 0 {
			s.get() // the renewal is about to end
		}
		if n := s.cache.Stats().Failures; n != 1 {
			t.Errorf("%s: %d failures", failure, n)
		}
		for range 3 {
			if body, status, _ := s.get(); body != "old" || !strings.Contains(status, "; hit") {
				t.Fatalf("%s: %q, %s", failure, body, status)
			}
		}
		if len(runs) != 0 {
			t.Errorf("%s: the handler is tried again at once", failure)
		}
		s.after(time.Minute)
		s.get()
		<-runs
	}
}

func TestAfterTheWindow(t *testing.T) {
	s := newStaleSite(t, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(10*time.Second), cachex.StaleIfError(20*time.Second))
	s.say("old")
	s.get()
	s.after(15 * time.Second)
	s.serve(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	if body, status, _ := s.get(); body != "old" || status != "Cachex; fwd=stale; fwd-status=502; ttl=-14; detail=stale-if-error" {
		t.Errorf("%q, %s", body, status)
	}
	s.after(10 * time.Second)
	if _, _, resp := s.get(); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("beyond the window: %s", resp.Status)
	}
}

// RFC 9111, section 4.2.4: some responses are never served stale, and some
// clients never want it.
func TestNeverStale(t *testing.T) {
	for _, control := range []string{
		"max-age=1, must-revalidate", "max-age=1, proxy-revalidate", "s-maxage=1", "max-age=1, no-cache",
	} {
		s := newStaleSite(t)
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", control+", stale-while-revalidate=3600, stale-if-error=3600")
			w.Header().Set("ETag", `"1"`)
			_, _ = io.WriteString(w, "old")
		})
		s.get()
		s.after(time.Minute)
		s.serve(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		if _, status, resp := s.get(); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: %s, Cache-Status: %s", control, resp.Status, status)
		}
	}
	for _, wish := range []string{"no-cache", "max-age=10", "min-fresh=1"} {
		s := newStaleSite(t, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour))
		s.say("old")
		s.get()
		s.after(time.Minute)
		s.say("new")
		if body, _, _ := s.get("Cache-Control", wish); body != "new" {
			t.Errorf("a request with %s got %q", wish, body)
		}
	}
}

func TestFailuresLeaveNoTrace(t *testing.T) {
	s := newStaleSite(t, cachex.TTL(time.Second), cachex.StaleIfError(time.Hour))
	s.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/x-good")
		_, _ = io.WriteString(w, "good")
	})
	s.get()
	s.after(time.Minute)
	s.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Debug", "secret")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprint(w, strings.Repeat("stack ", 1000))
	})
	body, _, resp := s.get()
	if body != "good" || resp.Header.Get("X-Debug") != "" || resp.Header.Get("Set-Cookie") != "" || resp.Header.Get("Content-Type") != "text/x-good" {
		t.Errorf("%q %v", body, resp.Header)
	}
}

func TestShutdownRefusesRenewals(t *testing.T) {
	s := newStaleSite(t, cachex.TTL(time.Second), cachex.StaleWhileRevalidate(time.Hour))
	s.say("old")
	s.get()
	s.after(time.Minute)
	started, gate := make(chan bool), make(chan bool)
	s.serve(func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-gate
	})
	s.get()
	<-started
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.cache.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown with work in the background and a context that has ended: %v", err)
	}
	close(gate)
	if err := s.cache.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestStaleOptionsAreChecked(t *testing.T) {
	for name, opts := range map[string][]cachex.Option{
		"-1s":             {cachex.StaleIfError(-time.Second)},
		"-2s":             {cachex.StaleWhileRevalidate(-2 * time.Second)},
		"no-store":        {cachex.CacheControl("no-store"), cachex.StaleIfError(time.Second)},
		"must-revalidate": {cachex.CacheControl("max-age=1, must-revalidate"), cachex.StaleWhileRevalidate(time.Second)},
		"1s and 2s":       {cachex.StaleIfError(time.Second), cachex.StaleIfError(2 * time.Second)},
	} {
		if err := cachex.Validate(opts...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error that names %s: %v", name, err)
		}
	}
}

// quiet waits until nothing runs in the background. What a request has begun there
// is counted before it is answered.
func (s *staleSite) quiet() {
	for s.cache.Stats().Background > 0 {
		runtime.Gosched()
	}
}

// Behind a HEAD may stand a handler for nothing else, whose answer is none to a GET
// (RFC 9110, section 9.3.2).
func TestRenewalsAreNotOfAHead(t *testing.T) {
	s := newStaleSite(t)
	cached := s.cache.Middleware(cachex.TTL(10*time.Second), cachex.StaleWhileRevalidate(time.Minute))
	mux := http.NewServeMux()
	mux.Handle("GET /report", cached(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a report") })))
	mux.Handle("HEAD /report", cached(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Exists", "yes") })))
	ask := func(method string) string {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, "/report", nil))
		return w.Body.String()
	}
	ask("GET")
	s.after(20 * time.Second)
	ask("HEAD")
	s.quiet()
	if got := ask("GET"); got != "a report" {
		t.Errorf("after a HEAD: %q", got)
	}
	s.quiet()
	if n := s.cache.Stats().Refreshes; n != 1 {
		t.Errorf("%d renewals, want the one of the GET", n)
	}
}

// What outer middleware has put into the context of a user's request is there in a
// renewal too. It does not become the page of those who have no user.
func TestRenewalsKnowNoUser(t *testing.T) {
	type userKey struct{}
	for _, vary := range []string{"Cookie", "Authorization"} {
		s := newStaleSite(t)
		cached := s.cache.Middleware(cachex.CacheControl("public, max-age=10"), cachex.StaleWhileRevalidate(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, _ := r.Context().Value(userKey{}).(string)
			w.Header().Set("Vary", vary)
			_, _ = io.WriteString(w, "page of "+user)
		}))
		ask := func(user string) string {
			r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
			if user != "" {
				r.Header.Set(vary, "session="+user)
				r = r.WithContext(context.WithValue(r.Context(), userKey{}, user))
			}
			cached.ServeHTTP(w, r)
			return w.Body.String()
		}
		ask("ann")
		s.after(20 * time.Second)
		ask("ann")
		s.quiet()
		if got := ask(""); got != "page of " {
			t.Errorf("Vary: %s: who has no user gets the %s", vary, got)
		}
	}
}
