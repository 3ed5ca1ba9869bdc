package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// storing: what may be kept at all (RFC 9111, section 3).
func storing() []Case {
	cases := []Case{
		{
			Name: "hit", Rule: "RFC 9111, section 4: a fresh stored response may answer without the handler",
			Options: options(minute),
			Test: func(e *env) {
				e.get("/").ran().code(200).body("run 1").says("Cachex; fwd=uri-miss; stored; ttl=60")
				e.get("/").hit().code(200).body("run 1").has("Content-Type", "text/plain; charset=utf-8").says("Cachex; hit; ttl=60")
				e.wantRuns(1)
			},
		},
		{
			Name: "nothing by default", Rule: "A17: a response with neither a lifetime nor a validator is not stored",
			Test: func(e *env) {
				e.get("/").ran().says("Cachex; fwd=uri-miss; detail=no-lifetime")
				e.get("/").ran().by(2)
			},
		},
		{
			Name: "qualified private", Rule: "A10, RFC 9111, section 5.2.2.7: the fields that private lists must not be stored, the rest may be",
			Handler: says(`Cache-Control: max-age=60, private="x-user, X-Other"`, "X-User: me", "X-Other: b", "X-Kept: c"),
			Test: func(e *env) {
				e.get("/").ran().has("X-User", "me").has("X-Other", "b")
				e.get("/").hit().lacks("X-User", "X-Other").has("X-Kept", "c")
			},
		},
		{
			Name: "qualified no-cache", Rule: "A11, RFC 9111, section 5.2.2.4: fields that no-cache lists are not sent without validation, the rest may be",
			Handler: says(`Cache-Control: max-age=60, no-cache="x-user"`, "X-User: me", "X-Kept: c"),
			Test: func(e *env) {
				e.get("/").ran().has("X-User", "me")
				e.get("/").hit().lacks("X-User").has("X-Kept", "c")
			},
		},
		{
			Name: "no-cache in quotes", Rule: "C8, RFC 9110, section 5.6.4: a name inside the quotes of another directive is no directive",
			Handler: says(`Cache-Control: max-age=60, ext="no-store, private"`),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit()
			},
		},
		{
			Name: "no-cache with validator", Rule: "D9, RFC 9111, section 5.2.2.4: no-cache may be stored, and is never used without validation",
			Handler: func(*env) handler { return validated(`"v1"`, "Cache-Control: max-age=60, no-cache") },
			Test: func(e *env) {
				e.get("/").ran().by(1)
				e.get("/").code(200).body("content of \"v1\"").says("Cachex; fwd=stale; fwd-status=304; ttl=60")
				e.wantRuns(2)
			},
		},
		{
			Name: "must-understand", Rule: "A6, RFC 9111, section 5.2.2.3: with a status that is understood, no-store beside must-understand is ignored",
			Handler: says("Cache-Control: max-age=60, must-understand, no-store"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit()
			},
		},
		{
			Name: "must-understand unknown", Rule: "A6, RFC 9111, section 5.2.2.3: must-understand with a status that is not understood is not stored",
			Handler: answers(299, "", "Cache-Control: max-age=60, must-understand"),
			Test: func(e *env) {
				e.get("/").ran().code(299).says("Cachex; fwd=uri-miss; detail=status")
				e.get("/").ran()
			},
		},
		{
			Name: "request no-store", Rule: "A8, RFC 9111, section 5.2.1.5: the response to a request with no-store is not stored; a stored one may still answer it",
			Options: options(minute),
			Test: func(e *env) {
				e.get("/", "Cache-Control: no-store").ran().says("Cachex; fwd=uri-miss; detail=request-no-store")
				e.get("/").ran().by(2)
				e.get("/", "Cache-Control: no-store").hit().by(2)
			},
		},
		{
			Name: "status on hit", Rule: "lessons: a stored 404 is sent as 404, with its own fields and content",
			Handler: answers(404, "no such thing", "Cache-Control: max-age=60", "X-Why: gone"),
			Test: func(e *env) {
				e.get("/").ran().code(404)
				e.get("/").hit().code(404).body("no such thing").has("X-Why", "gone")
			},
		},
		{
			Name: "TTL is for 200", Rule: "L22 and the ruling on TTL: a TTL stores 200 alone",
			Options: options(minute), Handler: answers(404, "no"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").ran()
			},
		},
		{
			Name: "TTLFor", Rule: "TTLFor gives other statuses a lifetime, and 200 none",
			Options: options(cachex.TTLFor(time.Minute, 404, 302)),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Path {
					case "/404":
						answer(404, "no")(w, r)
					case "/302":
						answer(302, "there", "Location: /there")(w, r)
					default:
						say()(w, r)
					}
				}
			},
			Test: func(e *env) {
				e.get("/404").ran()
				e.get("/404").hit().code(404)
				e.get("/302").ran()
				e.get("/302").hit().code(302).has("Location", "/there")
				e.get("/200").ran()
				e.get("/200").ran()
			},
		},
		{
			Name: "204", Rule: "M6, G3, RFC 9110, section 8.6: a stored 204 has no content and no Content-Length",
			Handler: answers(204, "", "Cache-Control: max-age=60", "X-A: b"),
			Test: func(e *env) {
				e.get("/").ran().code(204)
				e.get("/").hit().code(204).lacks("Content-Length", "Transfer-Encoding").has("X-A", "b").body("")
			},
		},
		{
			Name: "empty content", Rule: "M16: an empty 200 and empty field values are legal and cacheable",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, _ *http.Request) {
					set(w.Header(), "Cache-Control: max-age=60", "X-Empty:", "Content-Type: text/plain")
					w.WriteHeader(200)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().code(200).body("")
				e.get("/").hit().code(200).body("").lines("X-Empty", "").has("Content-Length", "0")
			},
		},
		{
			Name: "no call at all", Rule: "M8: a handler that does nothing answers 200 without content, complete and storable",
			Options: options(minute),
			Handler: func(*env) handler { return func(http.ResponseWriter, *http.Request) {} },
			Test: func(e *env) {
				e.get("/").ran().code(200).body("")
				e.get("/").hit().code(200).body("")
			},
		},
		{
			Name: "implicit status", Rule: "M8: a Write without WriteHeader is a 200",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }
			},
			Test: func(e *env) {
				e.get("/").ran().code(200).body("hello")
				e.get("/").hit().code(200).body("hello")
			},
		},
		{
			Name: "second status", Rule: "M8: a second WriteHeader is ignored; so are fields after the first", Needs: []string{FrozenFields},
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-Before", "yes")
					w.WriteHeader(200)
					w.Header().Set("X-After", "yes")
					_, _ = w.Write([]byte("hello"))
					w.Header().Set("X-Later", "yes")
				}
			},
			Test: func(e *env) {
				e.get("/").ran().code(200).lacks("X-After", "X-Later")
				e.get("/").hit().code(200).has("X-Before", "yes").lacks("X-After", "X-Later")
			},
		},
		{
			Name: "out of order", Rule: "A31: a response does not replace one that was asked for later and is newer",
			Options: options(), Needs: []string{StoredDate},
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("X-Old") != "" {
						e.advance(10 * time.Second)
						date := e.date(-10 * time.Second)
						// A second client, who waits for nobody, is faster.
						e.begin("GET", "/", "Cache-Control: no-cache").end().ran()
						set(w.Header(), "Date: "+date)
					} else {
						set(w.Header(), "Date: "+e.date(0))
					}
					say("Cache-Control: max-age=60")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "X-Old: 1")
				e.get("/").hit().by(2)
			},
		},
		{
			Name: "replaced", Rule: "A31: a new response takes the place of the stored one",
			Options: options(minute),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Cache-Control: no-cache").ran().by(2)
				e.get("/").hit().by(2)
			},
		},
		{
			Name: "forbidden now", Rule: "A7: a no-store answer for what was stored evicts it",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 1 {
						say("Cache-Control: max-age=60")(w, r)
						return
					}
					say("Cache-Control: no-store")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Cache-Control: no-cache").ran().by(2)
				e.get("/").ran().by(3)
			},
		},
		{
			Name: "error keeps", Rule: "E9: a 5xx that is not storable does not take away what is stored",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 1 {
						say("Cache-Control: max-age=60")(w, r)
						return
					}
					answer(503, "down")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Cache-Control: no-cache").ran().code(503)
				e.get("/").hit().by(1)
			},
		},
		{
			Name: "nothing from POST", Rule: "A2, A2a: the response to a POST is not stored, whatever it says",
			Handler: says("Cache-Control: max-age=60", "Content-Location: /"),
			Test: func(e *env) {
				e.send("POST", "/").ran().says("Cachex; fwd=method")
				e.get("/").ran().by(2)
				e.send("POST", "/").ran().by(3)
			},
		},
		{
			Name: "nothing from OPTIONS", Rule: "A2, L12: the response to OPTIONS is never stored, and changes nothing",
			Handler: says("Cache-Control: max-age=60"),
			Test: func(e *env) {
				e.get("/").ran()
				e.send("OPTIONS", "/").ran().says("Cachex; fwd=method")
				e.send("OPTIONS", "/").ran()
				e.get("/").hit().by(1)
			},
		},
		{
			Name: "too large", Rule: "M1: a response above the limit is passed on whole and not stored",
			Options: options(minute), Config: func(c *cachex.Config) { c.MaxEntryBytes = 5000 },
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/declared" {
						w.Header().Set("Content-Length", "6000")
					}
					for range 6 {
						_, _ = w.Write([]byte(strings.Repeat("x", 1000)))
					}
				}
			},
			Test: func(e *env) {
				for _, target := range []string{"/declared", "/undeclared"} {
					for range 2 {
						if r := e.get(target).ran().whole(); len(r.content) != 6000 {
							r.fail("%d bytes, want 6000", len(r.content))
						}
					}
				}
			},
		},
		{
			Name: "declared length", Rule: "A21, RFC 9111, section 3.3: a response with all the bytes that it announced is complete",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Length", "5")
					_, _ = w.Write([]byte("he"))
					_, _ = w.Write([]byte("llo"))
				}
			},
			Test: func(e *env) {
				e.get("/").ran().body("hello")
				e.get("/").hit().body("hello").has("Content-Length", "5")
			},
		},
		{
			Name: "large content", Rule: "M1: what is larger than the part that is held back is stored whole",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, _ *http.Request) {
					for i := range 100 {
						_, _ = fmt.Fprintf(w, "%04d %s\n", i, strings.Repeat("y", 994))
					}
				}
			},
			Test: func(e *env) {
				first := e.get("/").ran().whole()
				if len(first.content) != 100_000 {
					first.fail("%d bytes, want 100000", len(first.content))
				}
				e.get("/").hit().whole().body(first.content).has("Content-Length", "100000")
			},
		},
		{
			Name: "StoreIf", Rule: "StoreIf is a veto: it sees status and fields, and cannot make anything storable",
			Options: options(minute, cachex.StoreIf(func(status int, h http.Header) bool {
				return status == 200 && h.Get("X-Store") != "no"
			})),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					set(w.Header(), "X-Store: "+r.URL.Query().Get("store"))
					if r.URL.Query().Has("private") {
						set(w.Header(), "Cache-Control: private")
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/?store=no").ran().says("Cachex; fwd=uri-miss; detail=store-if")
				e.get("/?store=no").ran()
				e.get("/?store=yes").ran()
				e.get("/?store=yes").hit()
				e.get("/?private").ran()
				e.get("/?private").ran()
			},
		},
	}

	for _, c := range []struct{ name, control, detail, rule string }{
		{"no-store", "no-store, max-age=60", "no-store", "A7, RFC 9111, section 5.2.2.5: no-store is not stored"},
		{"NO-STORE", "max-age=60, No-Store", "no-store", "C8, RFC 9111, section 5.2: directive names are case-insensitive"},
		{"no-store with argument", "max-age=60, no-store=1", "no-store", "C9: a restriction counts with an undefined argument too"},
		{"private", "private, max-age=60", "private", "A9, RFC 9111, section 5.2.2.7: a shared cache does not store private"},
		{"public private", "public, private, s-maxage=60", "private", "A9, C11, RFC 9111, section 4.2.1: the most restrictive directive counts"},
		{"private without list", `private="", max-age=60`, "private", "A10: an empty list is private without a list"},
		{"no-cache without validator", "no-cache, max-age=60", "no-lifetime", "A17, D9: no-cache without a validator is of no use to a cache"},
		{"unterminated quote", `max-age=60, a="b`, "malformed", "C9: with a quote that does not end, nothing is certain"},
	} {
		cases = append(cases, notStored(c.name, c.rule, c.detail, 200, "Cache-Control: "+c.control))
	}
	for _, status := range []int{401, 407, 412, 416, 428, 429, 431, 511} {
		cases = append(cases, notStored(fmt.Sprint(status, " never"), "A15, RFC 6585: a status about one request is never stored", "status",
			status, "Cache-Control: public, max-age=60"))
	}
	cases = append(cases,
		notStored("206 never", "A5, A23, RFC 9111, section 3: a cache that does not combine parts does not store 206", "status",
			206, "Cache-Control: max-age=60", "Content-Range: bytes 0-4/10"),
		notStored("500 not by TTL", "L22: a TTL stores no error", "status", 500),
		notStored("302 not by default", "A14, RFC 9110, section 15.1: 302 needs explicit freshness", "status", 302, "Location: /x"),
	)
	for _, status := range []int{203, 301, 302, 307, 308, 404, 405, 410, 414, 451, 500, 502, 503, 299, 499, 599} {
		cases = append(cases, Case{
			Name:    fmt.Sprint(status, " with max-age"),
			Rule:    "A5, A13, RFC 9111, section 3: any final status, even an unknown one, may be stored with explicit freshness",
			Handler: answers(status, "content", "Cache-Control: max-age=60"),
			Test: func(e *env) {
				e.get("/").ran().code(status)
				e.get("/").hit().code(status).body("content")
			},
		})
	}
	return cases
}

// notStored is a case of a response that is not stored, TTL or not.
func notStored(name, rule, detail string, status int, fields ...string) Case {
	return Case{
		Name: name, Rule: rule, Options: options(minute), Handler: answers(status, "content", fields...),
		Test: func(e *env) {
			e.get("/").ran().code(status).says("Cachex; fwd=uri-miss; detail=" + detail)
			e.get("/").ran().code(status).says("Cachex; fwd=uri-miss; detail=" + detail)
		},
	}
}

// validated is a handler with an entity tag, which answers 304 where it is named.
// The validators that reach it stand in X-Asked, its fields on both answers.
func validated(tag string, fields ...string) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		set(w.Header(), fields...)
		set(w.Header(), "ETag: "+tag, "X-Asked: "+r.Header.Get("If-None-Match"))
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		answer(200, "content of "+tag)(w, r)
	}
}
