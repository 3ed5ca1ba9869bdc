package cachex

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// plainRequest is a request as a server reads it.
func plainRequest(method, target, host string, lines ...string) *http.Request {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	r := &http.Request{
		Method: method, RequestURI: target, Host: host, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		RemoteAddr: "192.0.2.1:1234", Body: http.NoBody, Header: header(lines...),
	}
	return r
}

// read is the state of a request after its key is made.
func read(p *policy, r *http.Request) (rq *request, reason detail) {
	x := new(httpExchange)
	w := httptest.NewRecorder()
	x.Reset(w, w, r, x)
	rq = &request{p: p, x: x, now: momentOf(epoch)}
	rq.head.Credentials = p.cache.cfg.CredentialFields
	x.Read(&rq.head)
	reason, ok := rq.makeURL()
	if ok && !rq.addParts() {
		reason = noKey
	}
	return rq, reason
}

func keyOf(t testing.TB, p *policy, r *http.Request) string {
	t.Helper()
	rq, reason := read(p, r)
	if reason != noDetail {
		t.Fatalf("no key for %s %s: %s", r.Host, r.RequestURI, reason)
	}
	return string(rq.key)
}

// The state of a request is used again, and keeps what the key before began
// with. That must not show.
func TestKeyDoesNotDependOnTheRequestBefore(t *testing.T) {
	c := testCache(t, Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}})
	p := testPolicy(t, c, nil)
	requests := []*http.Request{
		plainRequest("GET", "/a", "example.com"),
		plainRequest("GET", "/b", "example.com"),
		plainRequest("GET", "/a", "EXAMPLE.com"),
		plainRequest("GET", "/a", "example.com:80"),
		plainRequest("GET", "/a", "example.com:443"),
		plainRequest("GET", "/a", "example.com", "X-Forwarded-Proto: https"),
		plainRequest("GET", "/a", "example.com:443", "X-Forwarded-Proto: https"),
		plainRequest("GET", "/a", "exa mple"), // refused, half way through the host
		plainRequest("GET", "/a", ""),
		plainRequest("GET", "/a", strings.Repeat("a.", 40)+"example.com"),
		plainRequest("GET", "http://example.org/a", "example.com"),
		plainRequest("GET", "http://example.org/a", "example.org"),
		plainRequest("GET", "/"+strings.Repeat("a", maxTarget), "example.com"), // refused before the host
	}
	for i, first := range requests {
		for j, second := range requests {
			used, _ := read(p, first)
			fresh, want := read(p, second)
			x := new(httpExchange)
			w := httptest.NewRecorder()
			x.Reset(w, w, second, x)
			used.x = x
			used.head.Has = 0
			x.Read(&used.head)
			got, ok := used.makeURL()
			if ok {
				used.addParts()
			}
			if got != want || ok && string(used.key) != string(fresh.key) {
				t.Errorf("%d after %d: %q (%s), want %q (%s)", j, i, used.key, got, fresh.key, want)
			}
		}
	}
}

func TestURLOfKey(t *testing.T) {
	c := testCache(t, Config{})
	p := testPolicy(t, c, nil)
	tests := []struct {
		name, target, host string
		want               string // "": no key
	}{
		{"plain", "/a?b=c", "example.com", "http://example.com/a?b=c"},
		{"B4 host in another case (RFC 9110, 4.2.3)", "/", "EXAMPLE.com", "http://example.com/"},
		{"B4 the default port (RFC 9110, 4.2.3)", "/", "example.com:80", "http://example.com/"},
		{"B3 another port (RFC 9110, 4.2.2)", "/", "example.com:8080", "http://example.com:8080/"},
		{"B3 the other scheme's port", "/", "example.com:443", "http://example.com:443/"},
		{"IPv6", "/", "[::1]:80", "http://[::1]/"},
		{"L3 a trailing dot stays", "/", "example.com.", "http://example.com./"},
		{"B5 path as received", "/%7Ea/%2F//b/../c", "h", "http://h/%7Ea/%2F//b/../c"},
		{"B6 an empty query stays", "/a?", "h", "http://h/a?"},
		{"L9 the raw query stays", "/a?b=%zz;c&&d", "h", "http://h/a?b=%zz;c&&d"},
		{"L4 absolute-form outranks Host (RFC 9112, 3.2.2)", "http://Other:80/a?b", "other", "http://other/a?b"},
		{"L4 absolute-form, and handlers see another host", "http://other/a?b", "h", "http://other/a?b\nr:host:1:h"},
		{"L4 absolute-form, and handlers see no host", "http://other/a?b", "", "http://other/a?b\nr:host:0:"},
		{"absolute-form without path", "http://other", "OTHER", "http://other/"},
		{"absolute-form with a query alone", "HTTP://other?b", "other:80", "http://other/?b"},
		{"absolute-form of another scheme", "ftp://other/", "h", ""},
		{"absolute-form with userinfo", "http://u@other/", "h", ""},
		{"absolute-form without authority", "http:///a", "h", ""},
		{"L3 no host", "/", "", ""},
		{"L3 a port alone", "/", ":80", ""},
		{"L3 a slash in the host", "/", "a/b", ""},
		{"L3 a question mark in the host", "/", "a?b", ""},
		{"L3 a number sign in the host", "/", "a#b", ""},
		{"L3 an at sign in the host", "/", "a@b", ""},
		{"L3 a backslash in the host", "/", `a\b`, ""},
		{"L3 a blank in the host", "/", "a b", ""},
		{"L3 a control character in the host", "/", "a\nb", ""},
		{"L3 a long host", "/", strings.Repeat("a", 262), ""},
		{"a fragment", "/a#b", "h", ""},
		{"a blank in the target", "/a b", "h", ""},
		{"a line break in the target", "/a\nb", "h", ""},
		{"a control character in the target", "/a\x7f", "h", ""},
		{"asterisk-form", "*", "h", ""},
		{"authority-form", "h:80", "h", ""},
		{"L17 a target of 4 KiB", "/" + strings.Repeat("a", maxTarget-1), "h", "http://h/" + strings.Repeat("a", maxTarget-1)},
		{"L17 a longer one", "/" + strings.Repeat("a", maxTarget), "h", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rq, reason := read(p, plainRequest("GET", tt.target, tt.host))
			if (reason == noDetail) != (tt.want != "") || reason == noDetail && string(rq.key) != "GET "+tt.want {
				t.Errorf("key %q (%q), want %q", rq.key, reason, "GET "+tt.want)
			}
		})
	}
}

func TestKeyIsInjective(t *testing.T) {
	c := testCache(t, Config{})
	id := func(r *http.Request) (string, bool) { v := r.Header.Get("Id"); return v, v != "-" }
	p := testPolicy(t, c, []Option{KeyHeader("A", "B"), KeyCookie("c", "d"), KeyFunc(id), PerUser(func(r *http.Request) (string, bool) { return r.Header.Get("User"), true })})
	get := func(target, host string, lines ...string) *http.Request {
		return plainRequest("GET", target, host, append(lines, "User: u")...)
	}
	groups := []struct {
		rule string
		all  []*http.Request
	}{
		{"B1, B3, B6: URLs", []*http.Request{get("/a", "h"), get("/a/", "h"), get("/a?", "h"), get("/a?b", "h"), get("/A", "h"), get("/a", "h:81"), get("/a", "h2"), get("/%61", "h"), get("//a", "h"), get("/h/a", "h"), get("http://h/a", "h2"), get("http://h2/a", "h"), get("http://h/a", "")}},
		{"B9: absent, empty, blank", []*http.Request{get("/", "h"), get("/", "h", "A:"), get("/", "h", "B:"), get("/", "h", "A:", "B:"), get("/", "h", "Cookie: c="), get("/", "h", "Cookie: d=")}},
		{"L14: separators in fields", []*http.Request{
			get("/", "h", "A: 1", "B: 2"), get("/", "h", "A: 1:B:1:2"), get("/", "h", "A: !"), get("/", "h", "A: 1\\nh:B:1:2"), get("/", "h", "B: 1"),
			get("/", "h", "A: 12"), get("/", "h", "A: 1", "B: 2", "Cookie: c=3"), get("/", "h", "A: 1", "B: 2:c:c:1:3")}},
		{"L14: one field in several lines", []*http.Request{get("/", "h", "A: 1, 2"), get("/", "h", "A: 1", "A: 2"), get("/", "h", "A: 1,2"), get("/", "h", "A: 2", "A: 1"), get("/", "h", "A: 1", "A:", "A: 2")}},
		{"L14: cookies", []*http.Request{get("/", "h", "Cookie: c=1; d=2"), get("/", "h", "Cookie: c=1;d=3"), get("/", "h", "Cookie: c=1"), get("/", "h", "Cookie: d=1"),
			get("/", "h", "Cookie: c=1; c=2"), get("/", "h", "Cookie: c=2; c=1"), get("/", "h", "Cookie: c=1:d"), get("/", "h", "Cookie: c=1=d")}},
		{"L14: functions", []*http.Request{get("/", "h", "Id: 1"), get("/", "h", "Id: 1\nu::1:u"), get("/", "h", "Id: 1\nh:A:1:2")}},
		{"L1: forwarded fields of nobody in particular", []*http.Request{get("/", "h", "X-Forwarded-Host: a"), get("/", "h", "X-Forwarded-Host: b"), get("/", "h", "X-Forwarded-Proto: a"),
			get("/", "h", "X-Forwarded-Host:"), get("/", "h", "Forwarded: host=a"), get("/", "h", "X-Forwarded-Port: 1"), get("/", "h", "X-Forwarded-Prefix: /a"), get("/", "h", "Front-End-Https: on"),
			get("/", "h", "X-Forwarded-Host: a", "X-Forwarded-Host: b"), get("/", "h", "X-Forwarded-Host: a, b")}},
	}
	seen := map[string]string{}
	for _, g := range groups {
		for _, r := range g.all {
			key := keyOf(t, p, r)
			me := fmt.Sprintf("%s: %s %s %v", g.rule, r.Host, r.RequestURI, r.Header)
			if before, ok := seen[key]; ok {
				t.Errorf("one key for two requests\n%s\n%s", before, me)
			}
			seen[key] = me
		}
	}
	for _, same := range [][2]*http.Request{
		{get("/", "h"), get("/", "H:80")},
		{get("/", "h"), get("http://h", "H:80")},
		{get("/", "h"), get("/", "h", "Other: 1", "Cookie: other=1")},
		{get("/", "h", "Cookie: c=1; d=2"), get("/", "h", "Cookie: d=2", "Cookie:  x=y;c=1 ")},
	} {
		if keyOf(t, p, same[0]) != keyOf(t, p, same[1]) {
			t.Errorf("two keys for one request: %v %v", same[0], same[1])
		}
	}
	head := get("/", "h")
	head.Method = "HEAD"
	if keyOf(t, p, head) != keyOf(t, p, get("/", "h")) {
		t.Error("A2: HEAD is answered from the entry of GET")
	}
	for _, r := range []*http.Request{get("/", "h", "Id: -"), plainRequest("GET", "/", "h")} {
		if _, reason := read(p, r); reason != noKey {
			t.Errorf("%q: a part that is not ok, or an empty user, must not be cached", reason)
		}
	}
}

func TestSchemeOfKey(t *testing.T) {
	secure := plainRequest("GET", "/", "h:443")
	secure.TLS = httptest.NewRequest("GET", "https://h/", nil).TLS
	p := testPolicy(t, testCache(t, Config{}), nil)
	if got := keyOf(t, p, secure); got != "GET https://h/" {
		t.Errorf("B3: %q", got)
	}
	p = testPolicy(t, testCache(t, Config{Scheme: "https"}), nil)
	if got := keyOf(t, p, plainRequest("GET", "/", "h:443")); got != "GET https://h/" {
		t.Errorf("Config.Scheme: %q", got)
	}
}

func TestTrustedProxies(t *testing.T) {
	p := testPolicy(t, testCache(t, Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}), nil)
	from := func(addr string, lines ...string) *http.Request {
		r := plainRequest("GET", "/", "inside", lines...)
		r.RemoteAddr = addr
		return r
	}
	const proxy, stranger = "192.0.2.7:1", "198.51.100.7:1"
	believed := from(proxy, "X-Forwarded-Proto: HTTPS", "X-Forwarded-Host: Shop.example:443")
	if got, want := keyOf(t, p, believed), "GET https://shop.example/"; got != want {
		t.Errorf("a trusted proxy: %q, want %q", got, want)
	}
	mapped := from("[::ffff:192.0.2.7]:1", "X-Forwarded-Host: shop.example")
	if got, want := keyOf(t, p, mapped), "GET http://shop.example/"; got != want {
		t.Errorf("a trusted proxy over IPv6: %q, want %q", got, want)
	}
	if _, reason := read(p, from(proxy, "X-Forwarded-Host: a/b")); reason == noDetail {
		t.Error("L3: the host that a proxy tells is not checked")
	}
	got := keyOf(t, p, from(stranger, "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example"))
	if !strings.HasPrefix(got, "GET http://inside/\n") || !strings.Contains(got, "shop.example") {
		t.Errorf("L1: from others the values join the key, and change nothing else: %q", got)
	}
	if keyOf(t, p, from("unix", "X-Forwarded-Host: a")) == keyOf(t, p, from("unix")) {
		t.Error("L1: an unknown peer is trusted")
	}
	// What stands before the last member came from the proxy's own client.
	if keyOf(t, p, from(proxy, "X-Forwarded-Host: evil, shop.example")) == keyOf(t, p, from(proxy, "X-Forwarded-Host: shop.example")) {
		t.Error("L1: the unverified part of X-Forwarded-Host is not in the key")
	}
	if keyOf(t, p, from(proxy, "X-Forwarded-Host: evil", "X-Forwarded-Host: shop.example")) == keyOf(t, p, from(proxy, "X-Forwarded-Host: shop.example")) {
		t.Error("L1: an unverified line of X-Forwarded-Host is not in the key")
	}
	if keyOf(t, p, from(proxy, "X-Forwarded-Prefix: /a")) == keyOf(t, p, from(proxy)) {
		t.Error("L1: a field that says neither scheme nor host is not in the key")
	}
}

func TestQueryRules(t *testing.T) {
	tests := []struct {
		name  string
		opts  []Option
		query string
		want  string
	}{
		{"no rule", nil, "b=1&a=2", "b=1&a=2"},
		{"DropQuery", []Option{DropQuery("utm_*", "x")}, "utm_source=1&a=1&x&utm=2", "a=1&utm=2"},
		{"DropQuery of all that is there", []Option{DropQuery("*")}, "a=1&b", ""},
		{"DropQuery by the decoded name", []Option{DropQuery("utm_*")}, "u%74m_a=1&utm%5Fb=2&a", "a"},
		{"DropQuery, a name that does not decode", []Option{DropQuery("%zz")}, "%zz=1&a", "a"},
		{"DropQuery, case matters", []Option{DropQuery("a")}, "A=1&a=1", "A=1"},
		{"DropQuery, a semicolon separates nothing", []Option{DropQuery("a")}, "a;b=1&c", "a;b=1&c"},
		{"KeepQuery", []Option{KeepQuery("id", "p*")}, "id=1&x=2&page=3&id=4", "id=1&page=3&id=4"},
		{"KeepQuery of none", []Option{KeepQuery()}, "id=1", ""},
		{"KeepQuery and DropQuery", []Option{KeepQuery("a*"), DropQuery("ab")}, "a=1&ab=2&c=3", "a=1"},
		{"SortQuery, same names keep their order", []Option{SortQuery()}, "b=2&a=2&b=1&a=1", "a=2&a=1&b=2&b=1"},
		{"SortQuery, what is sorted", []Option{SortQuery()}, "a=2&a=1&b", "a=2&a=1&b"},
		{"values stay as they are", []Option{DropQuery("x")}, "x&a=%7e+%zz;&&=", "a=%7e+%zz;&&="},
	}
	c := testCache(t, Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := testPolicy(t, c, tt.opts)
			rq, reason := read(p, plainRequest("GET", "/p?"+tt.query, "h"))
			want := "/p?" + tt.want
			if tt.want == "" {
				want = "/p"
			}
			if reason != noDetail || string(rq.key[:rq.urlEnd]) != "GET http://h"+want {
				t.Errorf("key %q (%s), want %q", rq.key, reason, want)
			}
			// L9: the handler sees what the key has.
			if seen := rq.rewritten; seen != want && !(seen == "" && tt.query == tt.want) {
				t.Errorf("the handler sees %q, want %q", seen, want)
			}
		})
	}
}

// L9: no rule hides a parameter from the key and shows it to the handler.
func TestHandlerSeesTheQueryOfTheKey(t *testing.T) {
	c := testCache(t, Config{})
	var got, form string
	h := c.Middleware(DropQuery("utm_*"), TTL(time.Minute))(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, form = r.RequestURI+" "+r.URL.RawQuery, r.FormValue("utm_a")
	}))
	r := httptest.NewRequest("GET", "/p?utm_a=1&b=2", nil)
	_ = r.ParseForm() // outer middleware may
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got != "/p?b=2 b=2" || form != "" {
		t.Errorf("the handler sees %q, and %q in its form", got, form)
	}
	if r.RequestURI != "/p?utm_a=1&b=2" || r.URL.RawQuery != "utm_a=1&b=2" {
		t.Error("the request of outer middleware was changed")
	}
}

func TestCredentials(t *testing.T) {
	c := testCache(t, Config{})
	tests := []struct {
		name  string
		opts  []Option
		lines []string
		want  credentials
	}{
		{"none", nil, []string{"Accept: */*"}, 0},
		{"Cookie", nil, []string{"Cookie: a=b"}, byCookie},
		{"Authorization", nil, []string{"Authorization: Basic x"}, byAuthorization},
		{"X-Api-Key", nil, []string{"X-Api-Key: x"}, byAuthorization},
		{"an empty Authorization", nil, []string{"Authorization:"}, byAuthorization},
		{"a Cookie without cookies", nil, []string{"Cookie: ;"}, 0},
		{"all ignored", []Option{IgnoreCookies("_ga*")}, []string{"Cookie: _ga=1; _gat=2"}, 0},
		{"some ignored", []Option{IgnoreCookies("_ga*")}, []string{"Cookie: _ga=1; sid=2"}, byCookie},
		{"in the key", []Option{KeyCookie("sid")}, []string{"Cookie: sid=1"}, 0},
		{"in the key, another left", []Option{KeyCookie("sid")}, []string{"Cookie: sid=1", "Cookie: x=1"}, byCookie},
		{"in the key and ignored", []Option{KeyCookie("sid"), IgnoreCookies("x")}, []string{"Cookie: sid=1; x=1"}, 0},
		{"the whole field in the key", []Option{KeyHeader("cookie")}, []string{"Cookie: a=b"}, 0},
		{"Authorization in the key", []Option{KeyHeader("Authorization")}, []string{"Authorization: x", "Cookie: a=b"}, byCookie},
		{"X-Api-Key in the key", []Option{KeyHeader("X-Api-Key")}, []string{"X-Api-Key: x"}, 0},
		{"X-Api-Key in the key, X-Auth-Token not", []Option{KeyHeader("X-Api-Key")}, []string{"X-Api-Key: x", "X-Auth-Token: y"}, byAuthorization},
		{"Shared", []Option{Shared()}, []string{"Authorization: x", "Cookie: a=b"}, 0},
		{"PerUser", []Option{PerUser(func(*http.Request) (string, bool) { return "u", true })}, []string{"Authorization: x"}, 0},
		{"KeyFunc says nothing of credentials", []Option{KeyFunc(func(*http.Request) (string, bool) { return "u", true })}, []string{"Authorization: x"}, byAuthorization},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rq, _ := read(testPolicy(t, c, tt.opts), plainRequest("GET", "/", "h", tt.lines...))
			if got := rq.credentials(); got != tt.want {
				t.Errorf("credentials %b, want %b (A12, A27)", got, tt.want)
			}
		})
	}
}

func TestDemands(t *testing.T) {
	c := testCache(t, Config{})
	ignore := []Option{IgnoreReload()}
	fresh := stored(60, 10, func(e *entry) { e.shareable = true })
	tests := []struct {
		name  string
		opts  []Option
		lines []string
		want  action
	}{
		{"D7 Pragma (RFC 9111, 5.4)", nil, []string{"Pragma: no-cache"}, actValidate},
		{"D7 Pragma in another case (RFC 9111, 5.4)", nil, []string{"Pragma: x, No-Cache"}, actValidate},
		{"D7 Pragma beside Cache-Control (RFC 9111, 5.4)", nil, []string{"Pragma: no-cache", "Cache-Control: max-stale"}, actServe},
		{"D7 another Pragma (RFC 9111, 5.4)", nil, []string{"Pragma: x"}, actServe},
		{"D3 IgnoreReload: no-cache", ignore, []string{"Cache-Control: no-cache"}, actServe},
		{"D3 IgnoreReload: max-age=0", ignore, []string{"Cache-Control: max-age=0"}, actServe},
		{"D3 IgnoreReload: min-fresh", ignore, []string{"Cache-Control: min-fresh=100"}, actServe},
		{"D3 IgnoreReload: Pragma", ignore, []string{"Pragma: no-cache"}, actServe},
		{"E23 If-Match (RFC 9110, 13.1.1)", ignore, []string{`If-Match: "a"`}, actRun},
		{"E23 If-Unmodified-Since (RFC 9110, 13.1.4)", nil, []string{"If-Unmodified-Since: " + httpDate(0)}, actRun},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rq, _ := read(testPolicy(t, c, tt.opts), plainRequest("GET", "/", "h", tt.lines...))
			if got := decide(fresh, true, rq.readDemands(), false, momentOf(epoch)); got.action != tt.want {
				t.Errorf("action %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("D3 IgnoreReload: no-store and only-if-cached count", func(t *testing.T) {
		rq, _ := read(testPolicy(t, c, ignore), plainRequest("GET", "/", "h", "Cache-Control: no-store, only-if-cached"))
		d := rq.readDemands()
		if got := decide(nil, false, d, false, momentOf(epoch)); got.action != actGatewayTimeout {
			t.Errorf("action %v", got)
		}
	})
}

// reference is glob as it is defined: by trying everything.
func reference(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		pattern = strings.TrimLeft(pattern, "*") // or it would try the same again and again
		for i := range len(s) + 1 {
			if reference(pattern, s[i:]) {
				return true
			}
		}
		return false
	}
	return s != "" && s[0] == pattern[0] && reference(pattern[1:], s[1:])
}

func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{{"", ""}, {"*", ""}, {"a*", "ab"}, {"*a*b*", "xaxb"}, {"*ab", "aab"}, {"a**b", "ab"}, {"*a", "b"}, {"a*a", "a"}, {"ab*bc", "abc"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 12 || len(s) > 24 {
			return // the reference takes exponential time
		}
		if got, want := glob(pattern, s), reference(pattern, s); got != want {
			t.Errorf("glob(%q, %q) = %v", pattern, s, got)
		}
	})
}

func FuzzQueryRules(f *testing.F) {
	f.Add("a=1&utm_x=2&b", "utm_*", "", true)
	f.Add("b=1&a=2&a=1", "", "a", false)
	f.Add("a;b=1&%zz&&=&+", "%zz", "*", true)
	f.Fuzz(func(t *testing.T, query, drop, keep string, sort bool) {
		q := queryRules{sort: sort}
		if drop != "" {
			q.drop = []string{drop}
		}
		if keep != "" {
			q.keep, q.keepSet = []string{keep}, true
		}
		got := q.rewrite(query)
		if !q.any() && got != query {
			t.Fatalf("no rule changes %q to %q", query, got)
		}
		if again := q.rewrite(got); again != got {
			t.Errorf("%q becomes %q, and then %q", query, got, again)
		}
		// The same pieces, without those that a rule removes, and, where
		// names are the same, in the same order.
		byName := func(query string) map[string][]string {
			m := map[string][]string{}
			if query == "" {
				return m
			}
			for piece := range strings.SplitSeq(query, "&") {
				name := parameter(piece)
				if drop != "" && glob(drop, name) || keep != "" && !glob(keep, name) {
					continue
				}
				m[name] = append(m[name], piece)
			}
			return m
		}
		want, have := byName(query), byName(got)
		if got == "" {
			delete(want, "") // one empty piece and none read the same
			delete(have, "")
		}
		for name := range want {
			if !slices.Equal(want[name], have[name]) {
				t.Errorf("%q becomes %q: %q is %q, want %q", query, got, name, have[name], want[name])
			}
		}
		if got != "" {
			var names []string
			for piece := range strings.SplitSeq(got, "&") {
				name := parameter(piece)
				if drop != "" && glob(drop, name) || keep != "" && !glob(keep, name) {
					t.Errorf("%q is still in %q", name, got)
				}
				names = append(names, name)
			}
			if sort && !slices.IsSorted(names) {
				t.Errorf("%q is not sorted", got)
			}
		}
	})
}

// FuzzKey: two requests that differ in what the key is made of never share one.
func FuzzKey(f *testing.F) {
	f.Add("/a", "h", "1", "2", "c=1", "fh", "id", "/a", "H:80", "1\\n", "2", "c=1; c=2", "", "id")
	f.Add("/a?b", "h:80", "", "", "", "", "", "http://h/a?b", "x", ",", "!", "d=1:c:1:1", ":1:", "\nh:A!")
	f.Add("/", "h", "a, b", "", "c", "a,b", "1", "/", "h", "a", "", "c=", "a", "1")
	c, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.Close() })
	id := ""
	p := testPolicy(f, c, []Option{KeyHeader("A", "B"), KeyCookie("c"), KeyFunc(func(*http.Request) (string, bool) { return id, true })})
	type parts struct{ target, host, a, b, cookie, forwarded, id string }
	// meaning is what identifies a request, worked out in another way: as a
	// list whose members cannot run into each other.
	meaning := func(r parts) []string {
		u, host := r.target, strings.ToLower(r.host)
		if !strings.HasPrefix(u, "/") {
			_, rest, _ := strings.Cut(u, "://")
			i := strings.IndexAny(rest+"/", "/?")
			host, u = strings.ToLower(rest[:i]), rest[i:]
			if !strings.HasPrefix(u, "/") {
				u = "/" + u
			}
		}
		cookies := []string{}
		for _, ck := range strings.Split(r.cookie, ";") {
			if name, value, _ := strings.Cut(strings.TrimSpace(ck), "="); strings.TrimSpace(name) == "c" {
				cookies = append(cookies, fmt.Sprintf("%q", value))
			}
		}
		return []string{u, strings.TrimSuffix(host, ":80"), r.a, r.b, fmt.Sprint(cookies), r.forwarded, r.id}
	}
	f.Fuzz(func(t *testing.T, t1, h1, a1, b1, c1, f1, i1, t2, h2, a2, b2, c2, f2, i2 string) {
		key := func(r parts) (string, bool) {
			for _, v := range []string{r.a, r.b, r.cookie, r.forwarded} {
				if strings.ContainsAny(v, "\r\n\x00") { // no server lets them through
					return "", false
				}
			}
			id = r.id
			req := plainRequest("GET", r.target, r.host)
			for name, v := range map[string]string{"A": r.a, "B": r.b, "Cookie": r.cookie, "X-Forwarded-Host": r.forwarded} {
				if v != "" {
					req.Header[name] = []string{v}
				}
			}
			rq, reason := read(p, req)
			return string(rq.key), reason == noDetail
		}
		one, two := parts{t1, h1, a1, b1, c1, f1, i1}, parts{t2, h2, a2, b2, c2, f2, i2}
		k1, ok1 := key(one)
		k2, ok2 := key(two)
		if ok1 && ok2 && (k1 == k2) != slices.Equal(meaning(one), meaning(two)) {
			t.Errorf("keys %q and %q\nfor %q\nand %q", k1, k2, meaning(one), meaning(two))
		}
	})
}
