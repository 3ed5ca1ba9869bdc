package cachex_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	cachex "github.com/go-cachex/cachex/core"
)

// FuzzSelectorsReach: whatever is stored for a request is gone by the URL that
// was asked for, by its path, escaped or not, and by its host, or Purge returns
// an error: it never does nothing in silence.
func FuzzSelectorsReach(f *testing.F) {
	for _, seed := range [][2]string{
		{"example.com", "/"}, {"Example.COM:80", "/a/%62?q=%61+b"}, {"example.com.", "/a?"}, {"[::1]:8080", "//x//"},
		{"h:443", "/%2541"}, {"h:", "/100%25"}, {"h", "http://other:80?x"}, {"h", "HTTPS://u@h/"}, {"h", "/\xc3\xa4?\xff"},
		{"h", "/a;b=c/../d/./"}, {"h:080", "/%2f%3F%23%00"}, {"h", "/?a?b=/c"}, {"1.2.3.4:443", "/*/**"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, host, target string) {
		if strings.ContainsAny(host+target, "\r\n") {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")))
		if err != nil {
			return // a server refuses it
		}
		s := newPurgeSite(t, cachex.Config{})
		state := func() string {
			w := httptest.NewRecorder()
			s.h.ServeHTTP(w, r.Clone(context.Background()))
			return w.Header().Get("Cache-Status")
		}
		absolute := target
		if strings.HasPrefix(target, "/") {
			absolute = "http://" + host + target
		}
		asked, _, _ := strings.Cut(strings.TrimPrefix(absolute, "http://"+host), "?")
		for name, by := range map[string]cachex.Selector{
			"ByURL":             cachex.ByURL(absolute),
			"ByURL https":       cachex.ByURL("https" + strings.TrimPrefix(absolute, "http")),
			"ByPath, escaped":   cachex.ByPath(asked),
			"ByPath, unescaped": cachex.ByPath(r.URL.Path),
			"ByHost":            cachex.ByHost(r.Host),
		} {
			if !strings.Contains(state(), "stored") && !strings.Contains(state(), "hit") {
				return // not cached
			}
			if err := s.cache.Purge(context.Background(), by); err != nil {
				continue
			}
			if strings.HasPrefix(name, "ByPath, escaped") && asked == absolute {
				continue // the target has the form http://host/path
			}
			if got := state(); !strings.Contains(got, "uri-miss") {
				t.Errorf("host %q, target %q: %s did not reach it: %s", host, target, name, got)
			}
		}
	})
}

// FuzzSelectors: nothing that a selector is made of makes it panic, and what is
// empty is an error.
func FuzzSelectors(f *testing.F) {
	for _, seed := range []string{"", "/", "/*", "http://h/", "h", "tag", "/%", "\x00", "http://[::1", "http://h:99999/", "//", "?"} {
		f.Add(seed)
	}
	c := cachex.MustNew(cachex.Config{})
	f.Cleanup(func() { _ = c.Close() })
	f.Fuzz(func(t *testing.T, s string) {
		for _, by := range []cachex.Selector{cachex.ByURL(s), cachex.ByPath(s), cachex.ByPattern(s), cachex.ByTag(s), cachex.ByHost(s)} {
			if err := c.Purge(context.Background(), by); err == nil && strings.TrimSpace(s) == "" {
				t.Errorf("%+v is no error", by)
			}
		}
	})
}
