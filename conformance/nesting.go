package conformance

import (
	"net/http"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// nesting: several New around a handler (the rulings on combining and nesting).
func nesting() []Case {
	all := func(root, group, route []cachex.Option) func(*env, *App) {
		return func(_ *env, a *App) { a.Root, a.Group, a.Route = root, group, route }
	}
	none := []cachex.Option{} // a New without options
	return []Case{
		{
			Name: "innermost answers", Rule: "nested New: the innermost one answers, once; the outer ones step aside",
			App: all(options(minute), none, none),
			Test: func(e *env) {
				e.get("/").ran().says("Cachex; fwd=uri-miss; stored; ttl=60")
				e.get("/").hit().says("Cachex; hit; ttl=60")
				e.head("/").hit().code(200)
				if s := e.cache.Stats(); s.Stores != 1 {
					e.fatalf("stored %d times, want 1", s.Stores)
				}
			},
		},
		{
			Name: "inner lifetime", Rule: "combining: of single values the inner one counts",
			App: all(options(cachex.TTL(time.Hour)), none, options(cachex.TTL(10*time.Second))),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(9 * time.Second)
				e.get("/").hit()
				e.advance(time.Second)
				e.get("/").ran()
			},
		},
		{
			Name: "TTL taken back", Rule: "TTL(0) takes back an outer TTL",
			App: all(options(minute), nil, options(cachex.TTL(0))),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").ran()
			},
		},
		{
			Name: "key parts add up", Rule: "combining: key parts of all levels count; a lost one is a leak",
			App: all(options(cachex.KeyHeader("X-A")), options(cachex.KeyHeader("X-B")), options(minute, cachex.KeyHeader("X-C"))),
			Test: func(e *env) {
				e.get("/", "X-A: 1", "X-B: 1", "X-C: 1").ran()
				e.get("/", "X-A: 2", "X-B: 1", "X-C: 1").ran()
				e.get("/", "X-A: 1", "X-B: 2", "X-C: 1").ran()
				e.get("/", "X-A: 1", "X-B: 1", "X-C: 2").ran()
				e.get("/", "X-A: 1", "X-B: 1", "X-C: 1").hit().by(1)
			},
		},
		{
			Name: "outer PerUser", Rule: "combining: an outer PerUser keeps users apart below it",
			App: all(options(cachex.PerUser(func(r *http.Request) (string, bool) { return r.Header.Get("X-User"), true })), nil, options(minute)),
			Test: func(e *env) {
				e.get("/", "X-User: a", "Cookie: s=1").ran().has("Cache-Control", "private")
				e.get("/", "X-User: b", "Cookie: s=2").ran()
				e.get("/", "X-User: a", "Cookie: s=1").hit().by(1)
				e.get("/", "Cookie: s=1").ran()
			},
		},
		{
			Name: "no-store stands", Rule: "precedence: inner options never loosen a no-store or private",
			App: all(options(cachex.CacheControl("no-store")), nil, options(cachex.CacheControl("public, max-age=60"))),
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "no-store")
				e.get("/").ran()
			},
		},
		{
			Name: "private stands", Rule: "precedence: inner options never loosen a no-store or private",
			App: all(options(cachex.CacheControl("private")), nil, options(cachex.CacheControl("public, max-age=60"))),
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "private")
				e.get("/").ran()
			},
		},
		{
			Name: "inner CacheControl", Rule: "combining: an inner CacheControl replaces the outer one as a whole, and an outer TTL with it",
			App: all(options(cachex.CacheControl("public, max-age=60, immutable")), options(cachex.TTL(time.Hour)), options(cachex.CacheControl("max-age=10"))),
			Test: func(e *env) {
				e.get("/").ran().lines("Cache-Control", "max-age=10")
				e.advance(10 * time.Second)
				e.get("/").ran()
			},
		},
		{
			Name: "inner Off", Rule: "nested New: an inner Off passes through, and no outer level stores in its place",
			App: all(options(minute), nil, options(cachex.Off())),
			Test: func(e *env) {
				e.get("/").ran().lacks("Cache-Status")
				e.get("/").ran()
			},
		},
		{
			Name: "inner SkipIf", Rule: "nested New: what an inner level skips no outer level stores or answers",
			App: all(options(minute), nil, options(cachex.SkipIf(func(r *http.Request) bool { return r.Header.Get("X-Skip") != "" }))),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "X-Skip: 1").ran().lacks("Cache-Status")
				e.get("/", "X-Skip: 1").ran()
				e.get("/").hit().by(1)
			},
		},
		{
			Name: "outer Off", Rule: "an outer Off, or SkipIf, holds for the levels inside as well",
			App: all(options(cachex.Off()), nil, options(minute)),
			Test: func(e *env) {
				e.get("/").ran().lacks("Cache-Status")
				e.get("/").ran().lacks("Cache-Status")
			},
		},
		{
			Name: "query rules add up", Rule: "combining: query rules add up, for the key and for the handler",
			App: all(options(cachex.DropQuery("utm_*")), nil, options(minute, cachex.DropQuery("x"))),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) { answer(200, "?"+r.URL.RawQuery)(w, r) }
			},
			Test: func(e *env) {
				e.get("/?a=1&utm_s=1&x=2").ran().body("?a=1")
				e.get("/?x=3&a=1").hit()
			},
		},
		{
			Name: "ignored cookies add up", Rule: "combining: ignored cookies add up",
			App: all(options(cachex.IgnoreCookies("_ga")), nil, options(minute, cachex.IgnoreCookies("b"))),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) { answer(200, "cookies: "+r.Header.Get("Cookie"))(w, r) }
			},
			Test: func(e *env) {
				e.get("/", "Cookie: _ga=1; b=2").ran().body("cookies: ")
				e.get("/").hit()
				e.get("/", "Cookie: _ga=1; b=2; c=3").ran().body("cookies: c=3")
			},
		},
		{
			Name: "handlers speak to the innermost", Rule: "SetTTL and its sisters find the innermost New",
			App: all(none, none, none),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					cachex.SetTTL(r.Context(), time.Minute)
					cachex.AddTags(r.Context(), "a")
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().says("Cachex; fwd=uri-miss; stored; ttl=60")
				e.get("/").hit()
			},
		},
		{
			Name: "validation through levels", Rule: "nested New: a 304 is judged by the innermost level alone",
			App: all(options(minute), none, none), Handler: func(*env) handler { return validated(`"a"`) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").code(200).body(`content of "a"`).says("Cachex; fwd=stale; fwd-status=304; ttl=60")
				e.get("/").hit()
				e.wantRuns(2)
			},
		},
		{
			Name: "large through levels", Rule: "nested New: content that streams passes all levels whole, and is stored once",
			App: all(options(minute), none, none), Handler: says("X-A: b"),
			Test: func(e *env) {
				e.get("/", "Range: bytes=0-1").ran().code(200)
				e.get("/", "Range: bytes=0-1").hit().code(206).body("ru")
			},
		},
		{
			Name: "two caches", Rule: "two different caches inside each other: the outer one answers, with one Warn",
			App: func(e *env, a *App) {
				a.RouteCache = e.newCache(func(c *cachex.Config) { c.Name = "Inner" })
				a.Root, a.Route = options(minute), options(minute)
			},
			Test: func(e *env) {
				e.get("/").ran().says("Cachex; fwd=uri-miss; stored; ttl=60")
				e.get("/").hit().says("Cachex; hit; ttl=60")
				e.get("/other").ran()
				e.wantWarning("another cache", 1)
			},
		},
	}
}
