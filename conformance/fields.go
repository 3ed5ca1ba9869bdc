package conformance

import (
	"net/http"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// fields: what of a response is kept and sent again (RFC 9111, section 3.1),
// and what middleware outside of the cache has to do with it.
func fields() []Case {
	return []Case{
		{
			Name: "all fields", Rule: "A18, G5, RFC 9111, section 3.1: all fields are kept, unknown ones too, with their lines and order",
			Options: options(minute), Handler: says("X-Multi: a", "X-Multi: b", "X-Multi: a", "Link: </x>; rel=a", "Link: </y>; rel=b", "Warning: 110 x"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit().lines("X-Multi", "a", "b", "a").lines("Link", "</x>; rel=a", "</y>; rel=b").lines("Warning", "110 x").
					lines("Content-Type", "text/plain; charset=utf-8")
			},
		},
		{
			Name: "of one request", Rule: "G6: request ids, rate limits and traces are of one request",
			Options: options(minute), Handler: says("X-Request-Id: 1", "X-RateLimit-Remaining: 9", "RateLimit: a", "Traceparent: t", "X-Correlation-Id: c"),
			Test: func(e *env) {
				e.get("/").ran().has("X-Request-Id", "1")
				e.get("/").hit().lacks("X-Request-Id", "X-Ratelimit-Remaining", "Ratelimit", "Traceparent", "X-Correlation-Id")
			},
		},
		{
			Name: "of the connection", Rule: "A19, G4, RFC 9110, section 7.6.1: fields of the connection, and those that it names, are not sent again",
			Options: options(minute), Handler: says("Connection: x-hop", "X-Hop: 1", "Keep-Alive: timeout=5", "X-Kept: 2"), Needs: []string{ConnectionName},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit().lacks("X-Hop", "Keep-Alive").has("X-Kept", "2")
			},
		},
		{
			Name: "vital field named", Rule: "A19: a Connection that names Cache-Control, Expires, Vary or Date makes the response untrustworthy",
			Options: options(minute), Handler: says("Connection: cache-control", "Cache-Control: max-age=60"), Needs: []string{ConnectionName},
			Test: func(e *env) {
				e.get("/").ran().says("Cachex; fwd=uri-miss; detail=connection")
				e.get("/").ran()
			},
		},
		{
			Name: "outer fields", Rule: "A30, lessons: fields of outer middleware are neither stored nor doubled: each answer has those of its own request",
			Options: options(minute), Handler: says("X-Inner: i"),
			Test: func(e *env) {
				e.outerFields = func(r *http.Request, h http.Header) {
					h.Set("X-Outer", r.Header.Get("X-Name"))
					h.Add("X-Twice", "1")
					h.Add("X-Twice", "2")
				}
				e.get("/", "X-Name: a").ran().lines("X-Outer", "a").lines("X-Twice", "1", "2")
				e.get("/", "X-Name: b").hit().lines("X-Outer", "b").lines("X-Twice", "1", "2").lines("X-Inner", "i")
				e.get("/", "X-Name: c", `If-None-Match: *`).hit().code(304).lines("X-Outer", "c")
				e.head("/", "X-Name: d").hit().lines("X-Outer", "d")
			},
		},
		{
			Name: "outer CORS", Rule: "lessons (gin-cache 33, stampede 6): CORS fields of outer middleware are those of the present request, once",
			Options: options(minute),
			Test: func(e *env) {
				e.outerFields = func(r *http.Request, h http.Header) {
					if o := r.Header.Get("Origin"); o != "" {
						h.Set("Access-Control-Allow-Origin", o)
						h.Set("Access-Control-Allow-Credentials", "true")
					}
					h.Add("Vary", "Origin")
				}
				e.get("/", "Origin: https://a.test").ran().lines("Access-Control-Allow-Origin", "https://a.test")
				e.get("/", "Origin: https://a.test").hit().lines("Access-Control-Allow-Origin", "https://a.test").lines("Vary", "Origin")
				e.get("/", "Origin: https://b.test").lines("Access-Control-Allow-Origin", "https://b.test").lines("Vary", "Origin")
				e.get("/").lacks("Access-Control-Allow-Origin")
			},
		},
		{
			Name: "outer Vary Cookie", Rule: "ruling on judging: storing and choosing are judged by all fields: an outer Vary: Cookie keeps visitors apart",
			Options: options(cachex.CacheControl("public, max-age=60")), Handler: echo(),
			Test: func(e *env) {
				e.outerFields = func(_ *http.Request, h http.Header) { h.Add("Vary", "Cookie") }
				e.get("/", "Cookie: user=a").ran()
				e.get("/", "Cookie: user=b").ran()
				e.get("/").ran()
				e.get("/", "Cookie: user=a").hit().by(1).lines("Vary", "Cookie")
				e.get("/", "Cookie: user=b").hit().by(2)
				e.get("/").hit().by(3)
			},
		},
		{
			Name: "outer Vary merged", Rule: "G5: Vary of outer middleware and of the entry are united, without doubles",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					w.Header().Add("Vary", "X-A")
					answer(200, "a="+r.Header.Get("X-A"))(w, r)
				}
			},
			Test: func(e *env) {
				e.outerFields = func(_ *http.Request, h http.Header) { h.Add("Vary", "Accept-Encoding") }
				e.get("/", "X-A: 1").ran().lines("Vary", "Accept-Encoding", "X-A")
				e.get("/", "X-A: 1").hit().lines("Vary", "Accept-Encoding", "X-A")
				e.get("/", "X-A: 2").ran()
				e.get("/", "X-A: 1", "Accept-Encoding: gzip").ran()
			},
		},
		{
			Name: "outer fields replaced", Rule: "ruling on judging: what outer middleware says counts at a hit, so that a response that leaves without it would answer nobody: it is not stored, and says so",
			Options: options(cachex.CacheControl("public, max-age=60"), cachex.Override()),
			Test: func(e *env) {
				e.outerFields = func(_ *http.Request, h http.Header) { h.Set("Cache-Control", "no-cache") }
				e.get("/").ran().says("Cachex; fwd=uri-miss; detail=outer").lines("Cache-Control", "public, max-age=60")
				e.get("/").ran().says("Cachex; fwd=uri-miss; detail=outer")
			},
		},
		{
			Name: "outer private", Rule: "ruling on judging: an outer private or no-store is judged, on storing and on answering",
			Options: options(minute),
			Test: func(e *env) {
				e.outerFields = func(r *http.Request, h http.Header) {
					if v := r.Header.Get("X-Outer"); v != "" {
						h.Set("Cache-Control", v)
					}
				}
				e.get("/", "X-Outer: private").ran().has("Cache-Control", "private")
				e.get("/").ran()
				e.get("/").hit()
				e.get("/", "X-Outer: private").ran().has("Cache-Control", "private")
				e.get("/", "X-Outer: no-store").ran().has("Cache-Control", "no-store")
				e.get("/").hit().by(2).lacks("Cache-Control")
			},
		},
		{
			Name: "outer Set-Cookie", Rule: "A26, A30: a Set-Cookie of outer middleware is never stored, and never lost",
			Options: options(minute),
			Test: func(e *env) {
				e.outerFields = func(r *http.Request, h http.Header) {
					if v := r.Header.Get("X-Name"); v != "" {
						h.Add("Set-Cookie", "session="+v)
					}
				}
				e.get("/").ran()
				e.get("/", "X-Name: a").has("Set-Cookie", "session=a")
				e.get("/").hit().lacks("Set-Cookie")
				e.get("/new", "X-Name: b").ran().has("Set-Cookie", "session=b")
				e.get("/new").ran().lacks("Set-Cookie")
			},
		},
		{
			Name: "outer Content-Type", Rule: "A29, A30: a type that outer middleware has named is not guessed anew from the content: what was sent as text must not come back as HTML",
			Options: options(minute), Needs: []string{OuterType},
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html><script>1</script>")) }
			},
			Test: func(e *env) {
				e.outerFields = func(_ *http.Request, h http.Header) { h.Set("Content-Type", "text/csv") }
				e.get("/").ran().lines("Content-Type", "text/csv")
				e.get("/").hit().lines("Content-Type", "text/csv")
				e.head("/").hit().lines("Content-Type", "text/csv")
			},
		},
		{
			Name: "outer Set-Cookie and 304", Rule: "A30: a 304 that is made of a new answer keeps the cookie that outer middleware sets, as one from the cache does",
			Options: options(minute, cachex.StripSetCookie()), Handler: says(`Etag: "a"`, "Set-Cookie: inner=1"),
			Test: func(e *env) {
				e.outerFields = func(r *http.Request, h http.Header) { h.Add("Set-Cookie", "session="+r.Header.Get("X-Name")) }
				e.get("/", "X-Name: a", `If-None-Match: "a"`).code(304).lines("Set-Cookie", "session=a")
				e.get("/", "X-Name: b", `If-None-Match: "a"`).hit().code(304).lines("Set-Cookie", "session=b")
				e.get("/", "X-Name: c").hit().code(200).lines("Set-Cookie", "session=c")
			},
		},
		{
			Name: "outer fields and 304", Rule: "E24, A30: outer fields stand on an answer after a validation, once",
			Handler: func(*env) handler { return validated(`"a"`, "Cache-Control: max-age=60", "X-Inner: i") },
			Test: func(e *env) {
				e.outerFields = func(r *http.Request, h http.Header) { h.Set("X-Outer", r.Header.Get("X-Name")) }
				e.get("/", "X-Name: a").ran()
				e.advance(time.Minute)
				e.get("/", "X-Name: b").code(200).lines("X-Outer", "b").lines("X-Inner", "i").lines("Etag", `"a"`)
				e.get("/", "X-Name: c").hit().lines("X-Outer", "c").lines("X-Inner", "i")
			},
		},
		{
			Name: "status of caches upstream", Rule: "I1, I3, RFC 9211, section 2: members of caches nearer to the origin are kept, before ours",
			Options: options(minute), Handler: says("Cache-Status: up; hit; ttl=9"),
			Test: func(e *env) {
				e.get("/").ran().says("up; hit; ttl=9, Cachex; fwd=uri-miss; stored; ttl=60")
				e.get("/").hit().says("up; hit; ttl=9, Cachex; hit; ttl=60")
				e.get("/").hit().says("up; hit; ttl=9, Cachex; hit; ttl=60")
			},
		},
		{
			Name: "content coding", Rule: "lessons: Content-Encoding, Content-Length and content are one unit",
			Options: options(minute), Handler: answers(200, "\x1f\x8bnot really", "Content-Encoding: gzip", "Vary: Accept-Encoding"),
			Test: func(e *env) {
				e.get("/", "Accept-Encoding: gzip").ran().has("Content-Encoding", "gzip")
				e.get("/", "Accept-Encoding: gzip").hit().has("Content-Encoding", "gzip").has("Content-Length", "12").body("\x1f\x8bnot really")
			},
		},
		{
			Name: "entries do not change", Rule: "M17, lessons: what one answer's middleware adds to a field is not in the next answer",
			Options: options(minute), Handler: says("Vary: X-A", "Link: </x>"),
			Test: func(e *env) {
				e.get("/").ran()
				for range 3 {
					e.get("/").hit().lines("Vary", "X-A").lines("Link", "</x>")
				}
			},
		},
		{
			Name: "trailer announced", Rule: "A20, M14: a response that announces trailers is passed on and not stored",
			Options: options(minute), Needs: []string{Trailers},
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Trailer", "X-Sum")
					answer(200, "content")(w, r)
					w.Header().Set("X-Sum", "42")
				}
			},
			Test: func(e *env) {
				for range 2 {
					r := e.get("/").ran().body("content").lacks("X-Sum")
					if r.trailer.Get("X-Sum") != "42" {
						r.fail("trailers %v", r.trailer)
					}
				}
			},
		},
		{
			Name: "trailer with prefix", Rule: "A20, M14: trailers that nobody announced are passed on, and such a response is not stored",
			Options: options(minute), Needs: []string{Trailers},
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					answer(200, "content")(w, r)
					_ = http.NewResponseController(w).Flush()
					w.Header().Set(http.TrailerPrefix+"X-Sum", "42")
				}
			},
			Test: func(e *env) {
				for range 2 {
					r := e.get("/").ran().body("content").lacks("X-Sum")
					if r.trailer.Get("X-Sum") != "42" {
						r.fail("trailers %v", r.trailer)
					}
				}
			},
		},
	}
}
