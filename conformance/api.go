package conformance

import (
	"net/http"
	"strings"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// api: the options, and what handlers may say.
func api() []Case {
	// query answers with the query that the handler sees, in both of its forms
	query := func(*env) handler {
		return func(w http.ResponseWriter, r *http.Request) {
			answer(200, r.URL.RawQuery+" "+r.RequestURI+" "+r.URL.Query().Encode())(w, r)
		}
	}
	header := func(name string) func(*http.Request) (string, bool) {
		return func(r *http.Request) (string, bool) { v := r.Header.Get(name); return v, v != "none" }
	}
	return []Case{
		{
			Name: "KeyHeader", Rule: "KeyHeader: the values of these fields are in the key; absent is not empty, two lines are not one",
			Options: options(minute, cachex.KeyHeader("x-plan")),
			Test: func(e *env) {
				e.get("/", "X-Plan: a").ran()
				e.get("/", "X-Plan: b").ran()
				e.get("/").ran()
				e.get("/", "X-Plan:").ran()
				e.get("/", "X-Plan: a", "X-Plan: b").ran()
				e.get("/", "X-Plan: a").hit().by(1)
				e.get("/").hit().by(3)
				e.get("/", "X-Plan:").hit().by(4)
			},
		},
		{
			Name: "KeyFunc", Rule: "KeyFunc adds to the key; where it is not ok the request is neither looked up nor stored (dotnet 67763)",
			Options: options(minute, cachex.KeyFunc(header("X-Tenant"))),
			Test: func(e *env) {
				e.get("/", "X-Tenant: a").ran()
				e.get("/", "X-Tenant: b").ran()
				e.get("/").ran()
				e.get("/", "X-Tenant: a").hit().by(1)
				e.get("/").hit().by(3)
				e.get("/", "X-Tenant: none").ran().says("Cachex; fwd=bypass; detail=key")
				e.get("/", "X-Tenant: none").ran()
			},
		},
		{
			Name: "two KeyFuncs", Rule: "lessons: a:b and c is not a and b:c",
			Options: options(minute, cachex.KeyFunc(header("X-A")), cachex.KeyFunc(header("X-B"))),
			Test: func(e *env) {
				e.get("/", "X-A: a:b", "X-B: c").ran()
				e.get("/", "X-A: a", "X-B: b:c").ran()
				e.get("/", "X-A: a1:", "X-B: c").ran()
				e.get("/", "X-B: a", "X-A: b").ran()
				e.get("/", "X-A: a", "X-B: b").ran()
			},
		},
		{
			Name: "DropQuery", Rule: "L9: what DropQuery takes from the key the handler does not see either",
			Options: options(minute, cachex.DropQuery("utm_*", "fbclid")), Handler: query,
			Test: func(e *env) {
				e.get("/?a=1&utm_source=x&b=2").ran().body("a=1&b=2 /?a=1&b=2 a=1&b=2")
				e.get("/?a=1&b=2&fbclid=9").hit()
				e.get("/?utm%5Fmedium=y&a=1&b=2").hit()
				e.get("/?b=2&a=1").ran()
				e.get("/?utm_source=x").ran().body(" / ")
				e.get("/").hit()
				e.get("/?my_utm_=x").ran()
			},
		},
		{
			Name: "KeepQuery", Rule: "L9: what KeepQuery does not name is neither in the key nor seen by the handler",
			Options: options(minute, cachex.KeepQuery("page")), Handler: query,
			Test: func(e *env) {
				e.get("/?page=1&x=2").ran().body("page=1 /?page=1 page=1")
				e.get("/?y=3&page=1").hit()
				e.get("/?page=2").ran()
				e.get("/?z=1").ran().body(" / ")
				e.get("/").hit()
			},
		},
		{
			Name: "KeepQuery of nothing", Rule: "KeepQuery without a name removes the whole query",
			Options: options(minute, cachex.KeepQuery()), Handler: query,
			Test: func(e *env) {
				e.get("/?page=1").ran().body(" / ")
				e.get("/?page=2").hit()
			},
		},
		{
			Name: "SortQuery", Rule: "L9: SortQuery sorts for key and handler; values of one name keep their order",
			Options: options(minute, cachex.SortQuery()), Handler: query,
			Test: func(e *env) {
				e.get("/?b=2&a=1").ran().body("a=1&b=2 /?a=1&b=2 a=1&b=2")
				e.get("/?a=1&b=2").hit()
				e.get("/?a=1&b=3&b=2").ran()
				e.get("/?b=2&a=1&b=3").ran()
				e.get("/?b=3&a=1&b=2").hit()
			},
		},
		{
			Name: "query kept raw", Rule: "L9: pieces that parsers disagree on are never decoded and encoded again",
			Options: options(minute, cachex.DropQuery("utm_*")), Handler: query,
			Test: func(e *env) {
				e.get("/?a;b=1&utm_x=1&c=%2f+&d").ran()
				if r := e.get("/?a;b=1&c=%2f+&d").hit(); !strings.HasPrefix(r.content, "a;b=1&c=%2f+&d /?a;b=1&c=%2f+&d ") {
					r.fail("the query was changed")
				}
				e.get("/?a;b=1&c=%2F+&d").ran()
			},
		},
		{
			Name: "CacheControl", Rule: "CacheControl is sent where the handler wrote none, and obeyed here",
			Options: options(cachex.CacheControl("public, max-age=30")),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/own" {
						w.Header().Set("Cache-Control", "max-age=5")
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().lines("Cache-Control", "public, max-age=30")
				e.advance(29 * time.Second)
				e.get("/").hit().lines("Cache-Control", "public, max-age=30").has("Age", "29")
				e.advance(time.Second)
				e.get("/").ran()
				e.get("/own").ran().lines("Cache-Control", "max-age=5")
				e.advance(5 * time.Second)
				e.get("/own").ran()
			},
		},
		{
			Name: "CacheControl no-store", Rule: "CacheControl(no-store) is sent and obeyed",
			Options: options(cachex.CacheControl("no-store")),
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "no-store").says("Cachex; fwd=uri-miss; detail=no-store")
				e.get("/").ran().has("Cache-Control", "no-store")
			},
		},
		{
			Name: "CacheControl private", Rule: "CacheControl(private) is sent and obeyed; nobody else gets the answer",
			Options: options(cachex.CacheControl("private, max-age=60")),
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "private, max-age=60")
				e.get("/").ran()
			},
		},
		{
			Name: "CacheControl no-cache", Rule: "the quick start's no-cache route: sent; with the handler's validator each answer is validated",
			Options: options(cachex.CacheControl("no-cache")), Handler: func(*env) handler { return validated(`"a"`) },
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "no-cache")
				e.get("/").code(200).has("X-Asked", `"a"`).has("Cache-Control", "no-cache")
				e.wantRuns(2)
			},
		},
		{
			Name: "CacheControl and errors", Rule: "L22: a route's Cache-Control is not put on the errors of a handler",
			Options: options(cachex.CacheControl("public, max-age=30")), Handler: answers(500, "broken"),
			Test: func(e *env) {
				e.get("/").ran().code(500).lacks("Cache-Control")
				e.get("/").ran()
			},
		},
		{
			Name: "TTL beside CacheControl", Rule: "TTL is this cache's; what CacheControl says is the clients'",
			Options: options(cachex.TTL(time.Hour), cachex.CacheControl("public, max-age=10")),
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "public, max-age=10")
				e.advance(30 * time.Minute)
				e.get("/").hit().has("Cache-Control", "public, max-age=10").lacks("Age")
			},
		},
		{
			Name: "Override", Rule: "Override: the route before the handler; the handler's no-store and private stand",
			Options: options(cachex.CacheControl("public, max-age=100"), cachex.Override()),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					say("Cache-Control: "+strings.TrimPrefix(r.URL.Path, "/"), "Expires: "+at(time.Second))(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/max-age=5").ran().lines("Cache-Control", "public, max-age=100").lacks("Expires")
				e.advance(99 * time.Second)
				e.get("/max-age=5").hit().lines("Cache-Control", "public, max-age=100")
				for _, forbidden := range []string{"no-store", "private"} {
					e.get("/"+forbidden).ran().lines("Cache-Control", forbidden)
					e.get("/" + forbidden).ran()
				}
			},
		},
		{
			Name: "Override TTL", Rule: "Override puts the TTL before the handler's max-age, which is still sent",
			Options: options(minute, cachex.Override()), Handler: says("Cache-Control: max-age=1"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(59 * time.Second)
				e.get("/").hit().has("Cache-Control", "max-age=1")
			},
		},
		{
			Name: "SetTTL", Rule: "precedence: SetTTL before Override and the handler's own field, which is sent as it is; after no-store and private",
			Options: options(cachex.TTL(time.Second), cachex.Override()),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					cachex.SetTTL(r.Context(), time.Minute)
					say("Cache-Control: "+strings.TrimPrefix(r.URL.Path, "/"))(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/max-age=5").ran().says("Cachex; fwd=uri-miss; stored; ttl=60")
				e.advance(59 * time.Second)
				e.get("/max-age=5").hit().has("Cache-Control", "max-age=5").lacks("Age")
				e.get("/no-store").ran().says("Cachex; fwd=uri-miss; detail=no-store")
				e.get("/private").ran().says("Cachex; fwd=uri-miss; detail=private")
				e.get("/private").ran()
			},
		},
		{
			Name: "SetTTL and credentials", Rule: "ruling on credentials: SetTTL is no permission to share either",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					cachex.SetTTL(r.Context(), time.Minute)
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Cookie: a=1").ran()
				e.get("/").ran()
				e.get("/").hit()
				e.get("/", "Cookie: a=1").ran()
			},
		},
		{
			Name: "DoNotStore", Rule: "precedence: DoNotStore before everything; nothing of it is sent",
			Options: options(minute, cachex.Override()),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					cachex.DoNotStore(r.Context())
					cachex.SetTTL(r.Context(), time.Hour)
					cachex.AddTags(r.Context(), "t")
					say("Cache-Control: public, max-age=60")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "public, max-age=60").says("Cachex; fwd=uri-miss; detail=do-not-store")
				e.get("/").ran()
			},
		},
		{
			Name: "late DoNotStore", Rule: "DoNotStore counts as long as the response is not complete",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					say()(w, r)
					cachex.DoNotStore(r.Context())
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").ran()
			},
		},
		{
			Name: "SkipIf", Rule: "SkipIf passes requests through: nothing is looked up, stored or sent",
			Options: options(minute, cachex.SkipIf(func(r *http.Request) bool { return r.URL.Query().Has("fresh") || r.Header.Get("X-Skip") != "" })),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "X-Skip: 1").ran().lacks("Cache-Status", "Etag")
				e.get("/").hit().by(1)
				e.get("/?fresh").ran().lacks("Cache-Status")
				e.get("/?fresh").ran()
			},
		},
		{
			Name: "Off", Rule: "Off passes requests through, with Cache-Control unset and handlers' words without effect",
			Options: options(minute, cachex.CacheControl("public"), cachex.Off()),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					cachex.SetTTL(r.Context(), time.Hour)
					cachex.AddTags(r.Context(), "t")
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().lacks("Cache-Status", "Cache-Control", "Etag")
				e.get("/").ran()
			},
		},
		{
			Name: "Disabled", Rule: "Config.Disabled makes every New pass through",
			Options: options(minute), Config: func(c *cachex.Config) { c.Disabled = true },
			Test: func(e *env) {
				e.get("/").ran().lacks("Cache-Status", "Etag")
				e.get("/").ran()
			},
		},
		{
			Name: "Defaults", Rule: "Config.Defaults are under the options of every New",
			Config: func(c *cachex.Config) { c.Defaults = []cachex.Option{minute, cachex.KeyHeader("X-Tenant")} },
			Test: func(e *env) {
				e.get("/", "X-Tenant: a").ran()
				e.get("/", "X-Tenant: b").ran()
				e.get("/", "X-Tenant: a").hit()
			},
		},
		{
			Name: "no cache around", Rule: "in handlers without a cache around them SetTTL, DoNotStore and AddTags do nothing",
			App: func(*env, *App) {},
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					cachex.SetTTL(r.Context(), time.Hour)
					cachex.DoNotStore(r.Context())
					cachex.AddTags(r.Context(), "t")
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().code(200).lacks("Cache-Status")
				e.get("/").ran()
			},
		},
		{
			Name: "closed", Rule: "a closed cache passes requests through",
			Options: options(minute),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit()
				if err := e.cache.Close(); err != nil {
					e.fatalf("Close: %v", err)
				}
				e.get("/").ran().lacks("Cache-Status")
			},
		},
		{
			Name: "Scheme", Rule: "B2, B3: Config.Scheme is the public scheme, by which Location is judged",
			Options: options(minute), Config: func(c *cachex.Config) { c.Scheme = "https" },
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Method == "POST" {
						set(w.Header(), "Location: "+r.Header.Get("X-To"))
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/a").ran()
				e.send("POST", "/b", "X-To: http://"+site+"/a").ran()
				e.get("/a").hit()
				e.send("POST", "/b", "X-To: https://"+site+"/a").ran()
				e.get("/a").ran()
			},
		},
		{
			Name: "Proxy", Rule: "C24, RFC 9111, section 4.2.2: for a proxy, a tenth of the time since the last modification",
			Options: options(cachex.Proxy()), Handler: func(*env) handler { return say("Last-Modified: " + at(-1000*time.Second)) },
			Test: func(e *env) {
				e.get("/").ran().lacks("Etag").says("Cachex; fwd=uri-miss; stored; ttl=100")
				e.advance(99 * time.Second)
				e.get("/").hit().has("Age", "99").lacks("Etag")
				e.advance(time.Second)
				e.get("/").ran()
			},
		},
		{
			Name: "no heuristic without Proxy", Rule: "L6: without Proxy nothing is guessed from Last-Modified",
			Handler: func(*env) handler { return say("Last-Modified: " + at(-1000*time.Second)) },
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").ran()
			},
		},
		{
			Name: "CDN-Cache-Control", Rule: "H2, RFC 9213, section 2.2: the targeted field takes the place of Cache-Control and Expires",
			Options: options(cachex.Proxy()), Handler: says("CDN-Cache-Control: max-age=60", "Cache-Control: no-store", "Expires: 0"),
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "no-store").has("Cdn-Cache-Control", "max-age=60")
				e.advance(59 * time.Second)
				e.get("/").hit().has("Cache-Control", "no-store")
				e.advance(time.Second)
				e.get("/").ran()
			},
		},
		{
			Name: "CDN-Cache-Control invalid", Rule: "H3, H10, RFC 9213, section 2.1: a field that does not parse is ignored as a whole",
			Options: options(cachex.Proxy()), Handler: says("CDN-Cache-Control: Max-Age=60", "Cache-Control: max-age=10"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(9 * time.Second)
				e.get("/").hit()
				e.advance(time.Second)
				e.get("/").ran()
			},
		},
		{
			Name: "CDN-Cache-Control without Proxy", Rule: "H1, H8: without Proxy the field is nobody's business here",
			Handler: says("CDN-Cache-Control: max-age=60"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").ran()
			},
		},
		{
			Name: "Proxy and Set-Cookie", Rule: "A26, RFC 9111, section 7.3: a proxy stores Set-Cookie with explicit freshness, lines and order kept",
			Options: options(cachex.Proxy()), Handler: says("Set-Cookie: a=1", "Set-Cookie: b=2", "Cache-Control: max-age=60"),
			Test: func(e *env) {
				e.get("/").ran().lines("Set-Cookie", "a=1", "b=2")
				e.get("/").hit().lines("Set-Cookie", "a=1", "b=2")
			},
		},
		{
			Name: "Proxy and Cookie", Rule: "A27: for a proxy explicit freshness is enough with a Cookie, a guess is not; Authorization needs more",
			Options: options(cachex.Proxy()),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/guess" {
						say("Last-Modified: "+at(-1000*time.Second))(w, r)
						return
					}
					say("Cache-Control: max-age=60")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Cookie: a=1").ran()
				e.get("/", "Cookie: a=2").hit()
				e.get("/guess", "Cookie: a=1").ran()
				e.get("/guess", "Cookie: a=1").ran()
				e.get("/", "Authorization: b").ran()
			},
		},
		{
			Name: "wildcard TTL", Rule: "ruling on root TTL: allowed on wildcard routes, with one Warn",
			App: func(_ *env, a *App) { a.Route = options(minute) },
			Test: func(e *env) {
				e.get("/a").ran()
				e.get("/b").ran()
				e.get("/a").hit()
				e.wantAtMostOneWarning("wildcard")
			},
		},
		{
			Name: "stats", Rule: "Stats counts hits, misses, stores, rejections, validations and invalidations",
			Options: options(minute), Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/no" {
						w.Header().Set("Cache-Control", "no-store")
					}
					validated(`"a"`)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit()
				e.get("/no").ran()
				e.advance(time.Minute)
				e.get("/").code(200)
				e.send("POST", "/").ran()
				s := e.cache.Stats()
				if s.Hits != 1 || s.Misses != 3 || s.Stores < 1 || s.Rejections != 1 || s.Validations != 1 || s.Invalidations != 1 {
					e.fatalf("stats %+v", s)
				}
			},
		},
	}
}

// wantAtMostOneWarning is for warnings that depend on what a framework tells of
// its routes.
func (e *env) wantAtMostOneWarning(text string) {
	e.t.Helper()
	if n := strings.Count(e.log.String(), "level=WARN"); n > 1 || n == 1 && !strings.Contains(e.log.String(), text) {
		e.fatalf("%d warnings", n)
	}
}
