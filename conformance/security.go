package conformance

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// echo answers with what it sees of the request that tells users and resources
// apart.
func echo(fields ...string) func(*env) handler {
	return func(*env) handler {
		return func(w http.ResponseWriter, r *http.Request) {
			seen := fmt.Sprintf("%s %s cookie=%q auth=%q key=%q xfh=%q", r.Host, r.RequestURI, r.Header["Cookie"], r.Header["Authorization"], r.Header["X-Api-Key"], r.Header["X-Forwarded-Host"])
			answer(200, seen, fields...)(w, r)
		}
	}
}

// security: nobody gets what belongs to somebody else (digest L).
func security() []Case {
	cases := []Case{
		{
			Name: "query", Rule: "B6, GHSA-35hp-hqmv-8qg8: different queries are different resources", Options: options(minute), Handler: echo(),
			Test: func(e *env) {
				for _, target := range []string{"/?id=1", "/?id=2", "/?ID=1", "/?id=1&", "/?id=1&id=2", "/?id=%31", "/", "/?id", "/?id=", "/?id=1;x", "/?b=1&a=2", "/?a=2&b=1"} {
					e.get(target).ran().body(site + " " + target + ` cookie=[] auth=[] key=[] xfh=[]`)
				}
				e.get("/?id=1").hit().by(1)
			},
		},
		{
			Name: "path", Rule: "B4, L8: paths are kept apart to the byte: encoded delimiters, letter case, trailing slashes", Options: options(minute), Handler: echo(),
			Test: func(e *env) {
				for _, target := range []string{"/a/b", "/a%2Fb", "/a%2fb", "/A/b", "/a/b/", "/a;b", "/a%3Bb", "/a%3Fb", "/a?b", "/a%23b", "/a%20b", "/a+b", "/a%25b"} {
					e.get(target).ran().body(site + " " + target + ` cookie=[] auth=[] key=[] xfh=[]`)
				}
			},
		},
		{
			Name: "odd targets", Rule: "L7, L8: control characters, escaped, are no others' path", Options: options(minute), Handler: echo(), Needs: []string{OddTargets},
			Test: func(e *env) {
				for _, target := range []string{"/a%00", "/a%0a", "/a%0D%0A", "/a%7f", "/a%09", "/a%1E", "/a"} {
					e.get(target).ran().body(site + " " + target + ` cookie=[] auth=[] key=[] xfh=[]`)
				}
			},
		},
		{
			Name: "host", Rule: "B3, L3, RFC 9110, section 4.2: hosts and ports are kept apart", Options: options(minute), Handler: echo(),
			Test: func(e *env) {
				for _, host := range []string{"a.test", "b.test", "a.test:8080", "a.test.", "[::1]", "127.0.0.1"} {
					e.get("/", "Host: "+host).ran().body(host + ` / cookie=[] auth=[] key=[] xfh=[]`)
				}
				e.get("/", "Host: A.TEST").hit().by(1)
				e.get("/", "Host: a.test:80").hit().by(1)
			},
		},
		{
			Name: "absolute form", Rule: "B2, L4, RFC 9112, section 3.2.2: the authority of an absolute target counts, and Host is ignored", Options: options(minute), Handler: echo(), Needs: []string{AbsoluteForm},
			Test: func(e *env) {
				e.get("http://a.test/x", "Host: b.test").ran()
				e.get("/x", "Host: b.test").ran()
				e.get("http://a.test/x", "Host: a.test") // of the first run, where handlers have no way to see what Host was
				e.get("/x", "Host: a.test").hit().body(`a.test http://a.test/x cookie=[] auth=[] key=[] xfh=[]`)
			},
		},
		{
			Name: "forwarded host", Rule: "L1: a forwarded host that nobody vouches for never makes what others get", Options: options(minute), Handler: echo(),
			Test: func(e *env) {
				for _, name := range []string{
					"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "Forwarded", "Front-End-Https",
					"X-Forwarded-Protocol", "X-Forwarded-Ssl", "X-Forwarded-Scheme", "X-Url-Scheme", // echo and fiber make a scheme of them
				} {
					target := "/" + name
					e.get(target, name+": evil.test").ran()
					e.get(target).ran()
					e.get(target, name+": other.test").ran()
					e.get(target, name+": evil.test").hit()
					e.get(target).hit()
				}
			},
		},
		{
			Name: "trusted forwarded host", Rule: "L1, B2: what a trusted proxy forwards is the host and scheme of the resource", Options: options(minute), Handler: echo(),
			Config: func(c *cachex.Config) {
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
			},
			Test: func(e *env) {
				e.get("/", "X-Forwarded-Host: a.test").ran()
				e.get("/", "X-Forwarded-Host: b.test").ran()
				e.get("/", "X-Forwarded-Host: a.test").hit().by(1)
				e.get("/", "X-Forwarded-Host: a.test", "X-Forwarded-Proto: https").ran()
			},
		},
		{
			Name: "method override", Rule: "L2: a request that may ask for another method or target is neither looked up nor stored", Options: options(minute),
			Test: func(e *env) {
				e.get("/").ran()
				for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL"} {
					e.get("/new", name+": /x").ran().says("Cachex; fwd=bypass; detail=override")
					e.get("/new", name+": /x").ran()
				}
				e.get("/", "X-HTTP-Method-Override: DELETE").ran()
				e.get("/").ran() // it may have deleted
			},
		},
		{
			Name: "content on GET", Rule: "L5, RFC 9110, section 9.3.1: a GET with content has no defined meaning: neither looked up nor stored", Options: options(minute), Needs: []string{ContentOnGET},
			Test: func(e *env) {
				e.get("/").ran()
				e.raw("GET", request("GET", "/", "Content-Length: 3")+"abc").ran().says("Cachex; fwd=bypass; detail=content")
				e.raw("GET", request("GET", "/new", "Transfer-Encoding: chunked")+"3\r\nabc\r\n0\r\n\r\n").ran()
				e.get("/new").ran()
				e.get("/").hit().by(1)
			},
		},
		{
			Name: "key forgery", Rule: "L14, lessons: the parts of a key cannot be forged, by whatever they contain",
			Options: options(minute, cachex.KeyHeader("X-A", "X-B")),
			Test: func(e *env) {
				n := 0
				for _, f := range [][]string{
					{"X-A: a", "X-B: b"}, {"X-A: a:b"}, {"X-B: a:b"}, {"X-A: a:1:b"}, {"X-A: ab"}, {"X-A: a"}, {"X-B: b"}, {"X-A:", "X-B: b"},
					{"X-A: a", "X-B:"}, {"X-A: a", "X-A: b"}, {"X-A: a, b"}, {"X-A: 1:a h:X-B:1:b"}, {"X-A: a\th:X-B:1:b"}, {"X-A: a!", "X-B: !"}, {},
				} {
					n++
					e.get("/", f...).ran().by(n)
				}
				for _, target := range []string{"/?X-A=a", "/?h:X-A:1:a", "/|h|X-A", "/?%0Ah:X-A:1:a"} {
					e.get(target).ran()
				}
			},
		},
		{
			Name: "odd host", Rule: "L3: a host that is none is not cached", Options: options(minute),
			Test: func(e *env) {
				for _, host := range []string{"a_b.test,c", "a(b"} {
					r := e.get("/", "Host: "+host)
					if r.status == 200 {
						r.ran().says("Cachex; fwd=bypass; detail=host")
						e.get("/", "Host: "+host).ran()
					} else if r.status != 400 {
						r.fail("status %d, want 400 or the handler's", r.status)
					}
				}
			},
		},
		{
			Name: "long target", Rule: "L17: targets above 4 KiB pass by the cache", Options: options(minute),
			Test: func(e *env) {
				target := "/?" + strings.Repeat("a", 4095)
				e.get(target).ran().says("Cachex; fwd=bypass; detail=target")
				e.get(target).ran()
			},
			Needs: []string{LongTargets},
		},
	}

	for _, c := range []struct{ name, field string }{
		{"Cookie", "Cookie: session=1"}, {"Authorization", "Authorization: Basic eDp5"},
		{"X-Api-Key", "X-Api-Key: k"}, {"X-Auth-Token", "X-Auth-Token: k"},
	} {
		rule := "A12, A27, ruling on credentials: with " + c.name + ", what a TTL alone allows is neither stored nor taken from the cache"
		cases = append(cases,
			Case{
				Name: c.name + "/TTL", Rule: rule, Options: options(minute), Handler: echo(),
				Test: func(e *env) {
					e.get("/", c.field).ran().says("Cachex; fwd=uri-miss; detail=credentials")
					e.get("/", c.field).ran()
					e.get("/").ran()
					e.get("/").hit()
					e.get("/", c.field).ran().says("Cachex; fwd=request; detail=credentials")
					e.get("/").hit().by(3) // the visitor has not taken it away
					e.wantWarning("credentials", 1)
				},
			},
			Case{
				Name: c.name + "/max-age", Rule: rule + "; nor by a bare max-age", Handler: echo("Cache-Control: max-age=60"),
				Test: func(e *env) {
					e.get("/", c.field).ran()
					e.get("/").ran()
					e.get("/", c.field).ran()
				},
			},
			Case{
				Name: c.name + "/Shared", Rule: "Shared: credentials do not change the answer; other caches are told private",
				Options: options(minute, cachex.Shared()), Handler: answers(200, "for all"),
				Test: func(e *env) {
					e.get("/", c.field).ran().has("Cache-Control", "private")
					e.get("/", c.field).hit().has("Cache-Control", "private")
					e.get("/").hit()
				},
			},
			Case{
				Name: c.name + "/PerUser", Rule: "PerUser keeps an answer for each user, told to other caches as private",
				Options: options(minute, cachex.PerUser(func(r *http.Request) (string, bool) { u := r.Header.Get("X-User"); return u, u != "none" })), Handler: echo(),
				Test: func(e *env) {
					e.get("/", c.field, "X-User: a").ran().has("Cache-Control", "private")
					e.get("/", c.field, "X-User: b").ran()
					e.get("/", c.field, "X-User: a").hit().by(1).has("Cache-Control", "private")
					e.get("/", c.field, "X-User: b").hit().by(2)
					e.get("/", c.field).ran().says("Cachex; fwd=bypass; detail=key")
					e.get("/", c.field).ran()
					e.get("/", "X-User: none").ran()
				},
			},
			Case{
				Name: c.name + "/in Vary", Rule: "A12: a Vary is no permission for credentials", Options: options(minute), Handler: echo("Vary: " + strings.SplitN(c.field, ":", 2)[0]),
				Test: func(e *env) {
					e.get("/", c.field).ran()
					e.get("/", c.field).ran()
				},
			},
		)
		for _, permission := range []string{"public, max-age=60", "s-maxage=60", "must-revalidate, max-age=60"} {
			cases = append(cases, Case{
				Name: c.name + "/" + permission, Rule: "A12, RFC 9111, section 3.5: public, s-maxage and must-revalidate allow it",
				Handler: answers(200, "for all", "Cache-Control: "+permission),
				Test: func(e *env) {
					e.get("/", c.field).ran()
					e.get("/", c.field).hit()
					e.get("/").hit()
				},
			})
		}
		for _, none := range []string{"proxy-revalidate, max-age=60", "immutable, max-age=60"} {
			cases = append(cases, Case{
				Name: c.name + "/" + none, Rule: "A12, RFC 9111, section 3.5: only these three allow it",
				Handler: echo("Cache-Control: " + none),
				Test: func(e *env) {
					e.get("/", c.field).ran()
					e.get("/", c.field).ran()
				},
			})
		}
	}
	return append(cases, cookies()...)
}

// cookies: what a Cookie and a Set-Cookie do.
func cookies() []Case {
	return []Case{
		{
			Name: "anonymous and logged in", Rule: "lessons: a page made for a visitor who is logged in reaches nobody else, and the anonymous one not that visitor",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if c, err := r.Cookie("session"); err == nil {
						answer(200, "hello "+c.Value)(w, r)
						return
					}
					answer(200, "please log in")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Cookie: session=ann").ran().body("hello ann")
				e.get("/").ran().body("please log in")
				e.get("/", "Cookie: session=bob").ran().body("hello bob")
				e.get("/").hit().body("please log in")
				e.get("/", "Cookie: session=ann").ran().body("hello ann")
			},
		},
		{
			Name: "route says public", Rule: "ruling on credentials: the route may say public as well as the handler",
			Options: options(cachex.CacheControl("public, max-age=60")),
			Test: func(e *env) {
				e.get("/", "Cookie: a=1").ran().has("Cache-Control", "public, max-age=60")
				e.get("/", "Cookie: a=2").hit()
			},
		},
		{
			Name: "KeyCookie", Rule: "KeyCookie: with all cookies in the key there are no credentials left; with others there are",
			Options: options(minute, cachex.KeyCookie("lang")), Handler: echo(),
			Test: func(e *env) {
				e.get("/", "Cookie: lang=en").ran()
				e.get("/", "Cookie: lang=de").ran()
				e.get("/", "Cookie: lang=en").hit().by(1)
				e.get("/").ran()
				e.get("/", "Cookie: lang=").ran()
				e.get("/", "Cookie: lang=en; session=1").ran()
				e.get("/", "Cookie: lang=en; session=1").ran()
				e.get("/", "Cookie: lang=en", "Cookie: session=1").ran()
			},
		},
		{
			Name: "two of a name", Rule: "lessons: servers differ in which of two cookies they take, so both are the key",
			Options: options(minute, cachex.KeyCookie("lang")), Handler: echo(),
			Test: func(e *env) {
				e.get("/", "Cookie: lang=en; lang=de").ran()
				e.get("/", "Cookie: lang=en").ran()
				e.get("/", "Cookie: lang=de; lang=en").ran()
				e.get("/", "Cookie: lang=en; lang=de").hit().by(1)
			},
		},
		{
			Name: "IgnoreCookies", Rule: "IgnoreCookies: hidden from the credentials rule, the key and the handler",
			Options: options(minute, cachex.IgnoreCookies("_ga*", "consent")),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					answer(200, fmt.Sprintf("%q", r.Header["Cookie"]))(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Cookie: _ga=1; _ga_X=2; consent=yes").ran().body("[]")
				e.get("/").hit().by(1)
				e.get("/", "Cookie: consent=no").hit().by(1)
				e.get("/", "Cookie: _ga=1; session=2").ran().body(`["session=2"]`)
				e.get("/", "Cookie: x_ga=1").ran()
			},
		},
		{
			Name: "IgnoreCookies and Vary", Rule: "IgnoreCookies: a handler that varies in Cookie varies in what it sees of it",
			Options: options(cachex.IgnoreCookies("_ga*")), Handler: echo("Vary: Cookie", "Cache-Control: public, max-age=60"),
			Test: func(e *env) {
				e.get("/", "Cookie: _ga=1").ran()
				e.get("/", "Cookie: _ga=2").hit().by(1)
				e.get("/").hit().by(1)
				e.get("/", "Cookie: _ga=1; session=2").ran()
				e.get("/", "Cookie: session=2; _ga=3").hit().by(2)
				e.get("/", "Cookie: session=3; _ga=3").ran()
			},
		},
		{
			Name: "IgnoreCookies and KeyHeader", Rule: "IgnoreCookies: what is hidden is hidden from a key with the whole Cookie field too",
			Options: options(minute, cachex.IgnoreCookies("_ga*"), cachex.KeyHeader("Cookie")), Handler: echo(),
			Test: func(e *env) {
				e.get("/", "Cookie: _ga=1; session=2").ran()
				e.get("/", "Cookie: session=2; _ga=3").hit().by(1)
				e.get("/", "Cookie: session=3").ran()
				e.get("/", "Cookie: _ga=1").ran()
				e.get("/").hit().by(3)
			},
		},
		{
			Name: "IgnoreCookies and KeyCookie", Rule: "KeyCookie and IgnoreCookies together leave nothing over",
			Options: options(minute, cachex.IgnoreCookies("_ga*"), cachex.KeyCookie("lang")), Handler: echo(),
			Test: func(e *env) {
				e.get("/", "Cookie: lang=en; _ga=1").ran()
				e.get("/", "Cookie: _ga=2; lang=en").hit()
				e.get("/", "Cookie: lang=de; _ga=1").ran()
			},
		},
		{
			Name: "KeyHeader Authorization", Rule: "A12: Authorization in the key leaves nothing over",
			Options: options(minute, cachex.KeyHeader("Authorization")), Handler: echo(),
			Test: func(e *env) {
				e.get("/", "Authorization: a").ran()
				e.get("/", "Authorization: b").ran()
				e.get("/", "Authorization: a").hit().by(1)
				e.get("/", "Authorization: a", "Cookie: c=1").ran()
			},
		},
		{
			Name: "keyed and private", Rule: "lessons: a key with credentials does not switch off private",
			Options: options(minute, cachex.KeyHeader("Authorization")), Handler: echo("Cache-Control: private"),
			Test: func(e *env) {
				e.get("/", "Authorization: a").ran()
				e.get("/", "Authorization: a").ran()
			},
		},
		{
			Name: "own credential fields", Rule: "Config.CredentialFields are fields that identify a user",
			Options: options(minute), Handler: echo(),
			Config: func(c *cachex.Config) { c.CredentialFields = []string{"x-tenant-key"} },
			Test: func(e *env) {
				e.get("/", "X-Tenant-Key: a").ran()
				e.get("/", "X-Tenant-Key: a").ran()
				e.get("/", "X-Api-Key: a").ran()
				e.get("/", "X-Api-Key: a").hit()
			},
		},
		{
			Name: "Set-Cookie", Rule: "A26, L11: a response with Set-Cookie is not stored",
			Options: options(minute), Handler: says("Set-Cookie: session=1"),
			Test: func(e *env) {
				e.get("/").ran().has("Set-Cookie", "session=1").says("Cachex; fwd=uri-miss; detail=set-cookie")
				e.get("/").ran().has("Set-Cookie", "session=1")
			},
		},
		{
			Name: "StripSetCookie", Rule: "A26: StripSetCookie stores and answers without it",
			Options: options(minute, cachex.StripSetCookie()), Handler: says("Set-Cookie: session=1", "Set-Cookie: b=2"),
			Test: func(e *env) {
				e.get("/").ran().lacks("Set-Cookie")
				e.get("/").hit().lacks("Set-Cookie")
				e.send("POST", "/").ran().lines("Set-Cookie", "session=1", "b=2")
			},
		},
		{
			Name: "Set-Cookie named in private", Rule: "A10, A26: private=\"Set-Cookie\" leaves it out of what is stored",
			Handler: says("Set-Cookie: session=1", `Cache-Control: max-age=60, private="set-cookie"`),
			Test: func(e *env) {
				e.get("/").ran().has("Set-Cookie", "session=1")
				e.get("/").hit().lacks("Set-Cookie")
			},
		},
		{
			Name: "CORS origin", Rule: "L12, WHATWG Fetch: a response for the one origin that asked, without Vary: Origin, is not stored",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if o := r.Header.Get("Origin"); o != "" {
						w.Header().Set("Access-Control-Allow-Origin", o)
					}
					if r.URL.Path == "/vary" {
						w.Header().Set("Vary", "Origin")
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Origin: https://a.test").ran().says("Cachex; fwd=uri-miss; detail=cors")
				e.get("/", "Origin: https://b.test").ran().has("Access-Control-Allow-Origin", "https://b.test")
				e.get("/vary", "Origin: https://a.test").ran()
				e.get("/vary", "Origin: https://b.test").ran().has("Access-Control-Allow-Origin", "https://b.test")
				e.get("/vary", "Origin: https://a.test").hit().has("Access-Control-Allow-Origin", "https://a.test")
			},
		},
		{
			Name: "stale and visitors", Rule: "A12: what a TTL allowed is not sent stale to a visitor with credentials either",
			Options: options(minute), Handler: echo(),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(70 * time.Second)
				e.get("/", "Cookie: a=1", "Cache-Control: max-stale").ran()
				e.get("/", "Cookie: a=1", "Cache-Control: only-if-cached").code(504)
			},
		},
	}
}
