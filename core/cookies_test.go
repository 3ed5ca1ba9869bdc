package cachex

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// What the cookie rules say of a request holds for what handlers find in it with
// net/http, which has a parser of its own.
func FuzzCookies(f *testing.F) {
	f.Add("lang=de; _ga=1; session=2", "")
	f.Add("_ga=1;;lang", "=; lang=en")
	f.Add(` lang = "a b" ;_ga_X=;`, "session")
	f.Add("_ga\t=1; \xc2\xa0lang=1", "a,b; lang=2=3")
	f.Fuzz(func(t *testing.T, one, two string) {
		if strings.ContainsAny(one+two, "\r\n\x00") { // no server lets them through
			return
		}
		lines := []string{one}
		if two != "" {
			lines = append(lines, two)
		}
		cookies := func(lines ...string) []*http.Cookie {
			return (&http.Request{Header: http.Header{"Cookie": lines}}).Cookies()
		}
		ignored := func(name string) bool { return glob("_ga*", name) }

		seen := lines
		if visible, hidden := visibleCookies(lines, []string{"_ga*"}); hidden {
			seen = nil
			if visible != "" {
				seen = []string{visible}
			}
		}
		var want, have []string
		for _, c := range cookies(lines...) {
			if !ignored(c.Name) {
				want = append(want, c.Name+"="+c.Value)
			}
		}
		for _, c := range cookies(seen...) {
			have = append(have, c.Name+"="+c.Value)
		}
		if !slices.Equal(have, want) {
			t.Errorf("of %q the handler sees %q, want %q", lines, have, want)
		}

		x, w := new(httpExchange), httptest.NewRecorder()
		r := plainRequest("GET", "/", "h")
		r.Header["Cookie"] = lines
		x.Reset(w, w, r, x)
		rq := &request{x: x, p: &policy{ignore: []string{"_ga*"}, keyCookies: []string{"lang"}}}
		left := rq.leftOverCookies()
		value, present := cookieValue(lines, "lang")
		for _, c := range cookies(lines...) {
			switch {
			case c.Name == "lang":
				if !present || !strings.Contains(value, strings.Trim(c.Value, `"`)) {
					t.Errorf("%q: lang is %q, and the key has %q", lines, c.Value, value)
				}
			case !ignored(c.Name) && !left:
				t.Errorf("%q: %s is neither ignored nor in the key, and no credential", lines, c.Name)
			}
		}
		for _, c := range cookies(keptCookies(lines, []string{"lang"})) {
			if c.Name != "lang" {
				t.Errorf("%q: %s goes out with a renewal", lines, c.Name)
			}
		}
	})
}
