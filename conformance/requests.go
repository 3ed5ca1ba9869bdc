package conformance

import (
	"net/http"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// requests: what a request may ask of the cache (RFC 9111, section 5.2.1).
func requests() []Case {
	const lifetime = "Cache-Control: max-age=60"
	return []Case{
		{
			Name: "max-age", Rule: "D4, RFC 9111, section 5.2.1.1: usable only if the age is not above max-age",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(10 * time.Second)
				e.get("/", "Cache-Control: max-age=10").hit()
				e.get("/", "Cache-Control: max-age=9").ran().by(2).says("Cachex; fwd=request; stored; ttl=60")
			},
		},
		{
			Name: "max-age=0", Rule: "D4, RFC 9111, section 5.2.1.1: max-age=0 validates whatever has an age",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Second)
				e.get("/", "Cache-Control: max-age=0").ran()
			},
		},
		{
			Name: "max-age and upstream Age", Rule: "D4: the Age of the origin counts for the max-age of a request",
			Handler: says(lifetime, "Age: 20"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Cache-Control: max-age=19").ran()
			},
		},
		{
			Name: "min-fresh", Rule: "D5, RFC 9111, section 5.2.1.3: usable only if it stays fresh for that long",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(30 * time.Second)
				e.get("/", "Cache-Control: min-fresh=30").hit()
				e.get("/", "Cache-Control: min-fresh=31").ran().says("Cachex; fwd=request; stored; ttl=60")
			},
		},
		{
			Name: "max-stale", Rule: "D6, RFC 9111, section 5.2.1.2: a client may take what has been stale for that long, with its true Age",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(70 * time.Second)
				e.get("/", "Cache-Control: max-stale=10").hit().has("Age", "70").says("Cachex; hit; ttl=-10; detail=max-stale")
				e.get("/", "Cache-Control: max-stale").hit()
				e.get("/", "Cache-Control: max-stale=9").ran().by(2).says("Cachex; fwd=stale; stored; ttl=60")
			},
		},
		{
			Name: "invalid max-stale", Rule: "D6: an invalid value makes the directive void",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(70 * time.Second)
				e.get("/", "Cache-Control: max-stale=x").ran()
			},
		},
		{
			Name: "max-stale and must-revalidate", Rule: "D10, RFC 9111, section 5.2.2.2: must-revalidate outranks max-stale",
			Handler: says("Cache-Control: max-age=60, must-revalidate"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(61 * time.Second)
				e.get("/", "Cache-Control: max-stale").ran()
			},
		},
		{
			Name: "max-stale and proxy-revalidate", Rule: "D10, RFC 9111, section 5.2.2.8: proxy-revalidate outranks max-stale",
			Handler: says("Cache-Control: max-age=60, proxy-revalidate"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(61 * time.Second)
				e.get("/", "Cache-Control: max-stale").ran()
			},
		},
		{
			Name: "max-stale and s-maxage", Rule: "D10, RFC 9111, section 5.2.2.10: s-maxage implies proxy-revalidate",
			Handler: says("Cache-Control: s-maxage=60"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(61 * time.Second)
				e.get("/", "Cache-Control: max-stale").ran()
			},
		},
		{
			Name: "max-stale and max-age", Rule: "D4, RFC 9111, section 5.2.1.1: max-age bounds what max-stale allows",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(70 * time.Second)
				e.get("/", "Cache-Control: max-stale=100, max-age=70").hit()
				e.get("/", "Cache-Control: max-stale=100, max-age=69").ran()
			},
		},
		{
			Name: "no-cache", Rule: "D7, RFC 9111, section 5.2.1.4: no-cache is answered after validation only",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Cache-Control: no-cache").ran().by(2).says("Cachex; fwd=request; stored; ttl=60")
				e.get("/").hit().by(2)
			},
		},
		{
			Name: "Pragma", Rule: "D7, RFC 9111, section 5.4: Pragma: no-cache counts where there is no Cache-Control, other values never",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Pragma: no-cache").ran().by(2)
				e.get("/", "Pragma: no-cache", "Cache-Control: max-age=60").hit()
				e.get("/", "Pragma: foo").hit()
			},
		},
		{
			Name: "only-if-cached", Rule: "D8, RFC 9111, section 5.2.1.7: a stored response or 504, never the handler",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/", "Cache-Control: only-if-cached").code(504).lacks("Cache-Status")
				e.wantRuns(0)
				e.get("/").ran()
				e.get("/", "Cache-Control: only-if-cached").hit()
				e.get("/", "Cache-Control: only-if-cached, no-cache").code(504)
				e.advance(time.Minute)
				e.get("/", "Cache-Control: only-if-cached").code(504)
				e.get("/", "Cache-Control: only-if-cached, max-stale").hit()
				e.head("/other", "Cache-Control: only-if-cached").code(504).body("")
				e.wantRuns(1)
			},
		},
		{
			Name: "invalid directives", Rule: "D3, C6: a directive of a request with an invalid value is ignored",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(10 * time.Second)
				e.get("/", "Cache-Control: max-age=x").hit()
				e.get("/", "Cache-Control: min-fresh=-1").hit()
			},
		},
		{
			Name: "case of directives", Rule: "C8, RFC 9111, section 5.2: directive names are case-insensitive, several lines are one list",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Cache-Control: foo", "cache-control: NO-CACHE").ran()
			},
		},
		{
			Name: "IgnoreReload", Rule: "D3: IgnoreReload takes no-cache, max-age, min-fresh and Pragma from clients; no-store and only-if-cached still count",
			Options: options(cachex.IgnoreReload()), Handler: says(lifetime),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(30 * time.Second)
				for _, f := range []string{"Cache-Control: no-cache", "Cache-Control: max-age=0", "Cache-Control: min-fresh=50", "Pragma: no-cache"} {
					e.get("/", f).hit()
				}
				e.get("/x", "Cache-Control: no-store").ran()
				e.get("/x", "Cache-Control: only-if-cached").code(504)
			},
		},
		{
			Name: "immutable", Rule: "D19, RFC 8246, section 2: a fresh immutable response is not validated for max-age=0, but for no-cache",
			Handler: says("Cache-Control: max-age=60, immutable"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(10 * time.Second)
				e.get("/", "Cache-Control: max-age=0").hit()
				e.get("/", "Cache-Control: no-cache").ran()
				e.advance(61 * time.Second)
				e.get("/", "Cache-Control: max-age=0").ran()
			},
		},
		{
			Name: "no-cache outranks max-stale", Rule: "D9, RFC 9111, section 5.2.2.4: a response with no-cache is never used without validation",
			Handler: func(*env) handler { return validated(`"a"`, "Cache-Control: no-cache, max-age=60") },
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Cache-Control: max-stale").has("X-Asked", `"a"`)
				e.wantRuns(2)
			},
		},
		{
			Name: "If-Match goes on", Rule: "E23, RFC 9111, section 4.3.2: If-Match and If-Unmodified-Since are the origin's to evaluate",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("If-Match") == `"no"` {
						answer(412, "no match")(w, r)
						return
					}
					say(lifetime, `ETag: "a"`)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", `If-Match: "no"`).ran().code(412)
				e.get("/").hit().by(1)
				e.get("/", "If-Unmodified-Since: "+at(time.Hour)).ran().code(200)
			},
		},
		{
			Name: "HEAD from GET", Rule: "A2, G10, RFC 9110, section 9.3.2: HEAD is answered from what GET stored: the same fields, no content",
			Handler: says(lifetime, "X-A: b"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(5 * time.Second)
				e.head("/").hit().code(200).has("X-A", "b").has("Age", "5").has("Content-Length", "5").body("")
				e.get("/").hit().body("run 1")
			},
		},
		{
			Name: "HEAD is not stored", Rule: "E16, M7, RFC 9110, section 9.3.2: a response to HEAD never answers GET",
			Handler: says(lifetime),
			Test: func(e *env) {
				e.head("/").ran().code(200).says("Cachex; fwd=uri-miss")
				e.head("/").ran()
				e.get("/").ran().body("run 3")
				e.head("/").hit()
			},
		},
		{
			Name: "HEAD with other length", Rule: "E15, RFC 9111, section 4.3.5: a 200 to HEAD that does not fit makes the stored response stale",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Method == "HEAD" {
						set(w.Header(), lifetime, "Content-Length: 99", "Content-Type: text/plain")
						w.WriteHeader(200)
						return
					}
					say(lifetime)(w, r)
				}
			},
			Needs: []string{LengthChecked},
			Test: func(e *env) {
				e.get("/").ran()
				e.head("/", "Cache-Control: no-cache").ran().code(200)
				e.get("/").ran()
			},
		},
		{
			Name: "HEAD without validators", Rule: "E15, RFC 9111, section 4.3.5: a 200 to HEAD with no validator of the handler's says nothing about what is stored, which gets no younger by it",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) { say(lifetime, "X-Method: "+r.Method)(w, r) }
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(50 * time.Second)
				e.head("/", "Cache-Control: no-cache").ran().code(200)
				e.get("/").hit().has("X-Method", "GET").has("Age", "50")
				e.advance(20 * time.Second)
				e.head("/").ran()
				e.get("/").ran()
			},
		},
		{
			Name: "HEAD that fits", Rule: "E15, RFC 9111, section 4.3.5: a 200 to HEAD with the same validators brings fields up to date",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) { say(lifetime, `ETag: "a"`, "X-Method: "+r.Method)(w, r) }
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(50 * time.Second)
				e.head("/", "Cache-Control: no-cache").ran().code(200)
				e.advance(50 * time.Second)
				e.get("/").hit().has("X-Method", "HEAD").body("run 1")
			},
		},
	}
}
