// Package site has what the tests of adapters on net/http have in common: a server
// with a cache in it, its client, and bounds of the allocations.
package site

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// Clock stands still: nothing expires during a test.
func Clock() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// NewCache returns a cache whose clock stands still, and closes it when the test ends.
func NewCache(t testing.TB) *cachex.Cache {
	t.Helper()
	c := cachex.MustNew(cachex.Config{Now: Clock})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Answer is a response, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Site is a server, and its client.
type Site struct {
	t   testing.TB
	URL string
}

// Serve starts a server, and closes it when the test ends.
func Serve(t testing.TB, h http.Handler) *Site {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &Site{t, s.URL}
}

// Do sends a request with fields of the form "Name: value".
func (s *Site) Do(method, path string, lines ...string) Answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity") // or the transport asks for gzip
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return Answer{res.StatusCode, res.Header, string(body)}
}

// Get is Do with GET.
func (s *Site) Get(path string, lines ...string) Answer {
	s.t.Helper()
	return s.Do("GET", path, lines...)
}

// State is Cache-Status.
func (a Answer) State() string {
	return strings.Join(a.Header["Cache-Status"], ", ")
}

// Want checks status and content, and that state is a part of Cache-Status; "" stands
// for none.
func (a Answer) Want(t testing.TB, status int, body, state string) Answer {
	t.Helper()
	if a.Status != status || a.Body != body || !strings.Contains(a.State(), state) || state == "" && a.State() != "" {
		t.Errorf("%d %q with Cache-Status %q, want %d %q with %q", a.Status, a.Body, a.State(), status, body, state)
	}
	return a
}

// Field checks the lines of a field.
func (a Answer) Field(t testing.TB, name string, want ...string) Answer {
	t.Helper()
	if got := a.Header[name]; !slices.Equal(got, want) {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
	return a
}
