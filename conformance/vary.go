package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// vary: which of the variants of a resource answers (RFC 9111, section 4.1).
func vary() []Case {
	byLanguage := says("Vary: Accept-Language")
	return []Case{
		{
			Name: "variants", Rule: "B8, RFC 9111, section 4.1: a variant answers only where every field of its Vary matches",
			Options: options(minute), Handler: says("Vary: X-A, X-B"),
			Test: func(e *env) {
				e.get("/", "X-A: 1", "X-B: 1").ran()
				e.get("/", "X-A: 1", "X-B: 2").ran().says("Cachex; fwd=vary-miss; stored; ttl=60")
				e.get("/", "X-A: 2", "X-B: 1").ran()
				e.get("/", "X-A: 1", "X-B: 1", "X-C: 9").hit().by(1).has("Vary", "X-A, X-B")
				e.get("/", "X-A: 1", "X-B: 2").hit().by(2)
				e.get("/", "X-A: 2", "X-B: 1").hit().by(3)
				e.get("/").ran()
			},
		},
		{
			Name: "own Vary", Rule: "B16, RFC 9111, section 4.1: each variant is judged by its own Vary, not by the newest",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) { say("Vary: "+r.Header.Get("X-Vary"))(w, r) }
			},
			Test: func(e *env) {
				e.get("/", "X-Vary: X-A", "X-A: 1").ran()
				e.get("/", "X-Vary: X-B", "X-A: 2", "X-B: 1").ran()
				e.get("/", "X-A: 1").hit().by(1)
				e.get("/", "X-A: 3", "X-B: 1").hit().by(2)
				e.get("/", "X-A: 3", "X-B: 3").ran()
			},
		},
		{
			Name: "newest with Vary", Rule: "B16, RFC 9111, section 4.1: of those that match, one with Vary goes before one without",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("X-A") != "" {
						say("Vary: X-A")(w, r)
						return
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "X-A: 1").ran()
				e.advance(time.Second)
				e.get("/", "X-A: 1").hit().by(1)
				e.get("/").ran().by(2)
				e.get("/", "X-A: 1").hit().by(1)
			},
		},
		{
			Name: "absent is not empty", Rule: "B9, RFC 9111, section 4.1: absent matches only absent",
			Options: options(minute), Handler: says("Vary: X-A"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "X-A:").ran().by(2)
				e.get("/", "X-A: ").hit().by(2)
				e.get("/").hit().by(1)
			},
		},
		{
			Name: "star", Rule: "B7, RFC 9110, section 12.5.5: a response that varies in * answers nobody else",
			Options: options(minute), Handler: says("Vary: *"),
			Test: func(e *env) {
				e.get("/").ran().says("Cachex; fwd=uri-miss; detail=vary")
				e.get("/").ran()
			},
		},
		{
			Name: "star in a list", Rule: "B7, lessons: * counts anywhere in the list",
			Options: options(minute), Handler: says("Vary: Accept-Encoding, *"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").ran()
			},
		},
		{
			Name: "star in a second line", Rule: "B7: * counts on any line",
			Options: options(minute), Handler: says("Vary: Accept-Encoding", "Vary: *"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").ran()
			},
		},
		{
			Name: "several lines", Rule: "B7, RFC 9110, section 5.3: the lines of Vary are one list, with white space and letter case of no account",
			Options: options(minute), Handler: says("Vary: x-a ,,", "Vary:  X-b\t"),
			Test: func(e *env) {
				e.get("/", "X-A: 1", "X-B: 1").ran()
				e.get("/", "X-A: 2", "X-B: 1").ran()
				e.get("/", "X-A: 1", "X-B: 2").ran()
				e.get("/", "X-A: 1", "X-B: 1").hit().by(1)
			},
		},
		{
			Name: "request lines", Rule: "B10, RFC 9111, section 4.1: lines joined by a comma, and white space around commas, mean the same",
			Options: options(minute), Handler: says("Vary: X-A"),
			Test: func(e *env) {
				e.get("/", "X-A: 1", "X-A: 2").ran()
				e.get("/", "X-A: 1, 2").hit()
				e.get("/", "X-A: 1 ,2").hit()
				e.get("/", "X-A: 2, 1").ran()
			},
		},
		{
			Name: "letter case", Rule: "B10: the case of letters counts in fields that are not known",
			Options: options(minute), Handler: says("Vary: X-A"),
			Test: func(e *env) {
				e.get("/", "X-A: a").ran()
				e.get("/", "X-A: A").ran()
			},
		},
		{
			Name: "Accept-Language", Rule: "B14, RFC 9110, section 12.5.4: case is of no account, order is",
			Options: options(minute), Handler: byLanguage,
			Test: func(e *env) {
				e.get("/", "Accept-Language: en, de").ran()
				e.get("/", "Accept-Language: EN,de").hit()
				e.get("/", "Accept-Language: de, en").ran()
			},
		},
		{
			Name: "Accept-Encoding", Rule: "B12, RFC 9110, section 12.5.3: absent, empty and refusing are three things",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					set(w.Header(), "Vary: Accept-Encoding")
					if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && !strings.Contains(r.Header.Get("Accept-Encoding"), "q=0") {
						answer(200, "squeezed", "Content-Encoding: gzip")(w, r)
						return
					}
					answer(200, "plain")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Accept-Encoding: gzip").ran().has("Content-Encoding", "gzip")
				e.get("/").ran().lacks("Content-Encoding").body("plain")
				e.get("/", "Accept-Encoding:").ran().body("plain")
				e.get("/", "Accept-Encoding: gzip;q=0").ran().body("plain")
				e.get("/", "Accept-Encoding: GZIP").hit().body("squeezed").has("Content-Encoding", "gzip")
				e.get("/").hit().body("plain").lacks("Content-Encoding")
				e.get("/", "Accept-Encoding: gzip;q=0").hit().body("plain")
			},
		},
		{
			Name: "Host", Rule: "B11: Vary: Host is honoured though servers keep Host apart",
			Options: options(minute), Handler: says("Vary: Host"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit()
				e.get("/", "Host: other.test").ran()
			},
		},
		{
			Name: "handler changes the request", Rule: "B11: the selecting fields are those of the request before the handler could change it",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					was := r.Header.Get("X-A")
					r.Header.Set("X-A", "changed")
					answer(200, "for "+was, "Vary: X-A")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "X-A: 1").ran()
				e.get("/", "X-A: changed").ran().body("for changed")
				e.get("/", "X-A: 1").hit().body("for 1")
			},
		},
		{
			Name: "Vary Cookie", Rule: "B19: Vary: Cookie is honoured, with public for what has cookies",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					answer(200, "for "+r.Header.Get("Cookie"), "Vary: Cookie", "Cache-Control: public, max-age=60")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Cookie: user=a").ran().body("for user=a")
				e.get("/", "Cookie: user=b").ran().body("for user=b")
				e.get("/").ran().body("for ")
				e.get("/", "Cookie: user=a").hit().body("for user=a")
				e.get("/", "Cookie: user=b").hit().body("for user=b")
				e.get("/").hit().body("for ")
			},
		},
		{
			Name: "not response fields", Rule: "lessons: Vary is about request fields, not those of the response",
			Options: options(minute), Handler: says("Vary: X-A", "X-A: of the response"),
			Test: func(e *env) {
				e.get("/", "X-A: 1").ran()
				e.get("/", "X-A: 1").hit()
				e.get("/", "X-A: of the response").ran()
			},
		},
		{
			Name: "cap", Rule: "L16: 64 variants of a resource are kept, the oldest goes first", Needs: []string{VariantCap},
			Options: options(cachex.TTL(time.Hour)), Handler: says("Vary: X-A"),
			Test: func(e *env) {
				for i := range 65 {
					e.get("/", fmt.Sprint("X-A: ", i)).ran()
					e.advance(time.Second)
				}
				e.get("/", "X-A: 64").hit()
				e.get("/", "X-A: 1").hit().by(2)
				e.get("/", "X-A: 0").ran()
			},
		},
		{
			Name: "long selecting value", Rule: "L16: a selecting value above 1 KiB is not stored",
			Options: options(minute), Handler: says("Vary: X-A"),
			Test: func(e *env) {
				long := "X-A: " + strings.Repeat("a", 1025)
				e.get("/", long).ran().says("Cachex; fwd=uri-miss; detail=vary")
				e.get("/", long).ran()
			},
		},
		{
			Name: "many names", Rule: "L16: a Vary of more than 16 names is not stored",
			Options: options(minute), Handler: says("Vary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"),
			Test: func(e *env) {
				e.get("/").ran().says("Cachex; fwd=uri-miss; detail=vary")
			},
		},
	}
}
