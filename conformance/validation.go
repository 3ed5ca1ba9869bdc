package conformance

import (
	"net/http"
	"strings"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// validation: asking the handler whether what is stored is still good (RFC
// 9111, section 4.3).
func validation() []Case {
	const lifetime = "Cache-Control: max-age=60"
	return []Case{
		{
			Name: "304", Rule: "E8, RFC 9111, section 4.3.3: a 304 lets the stored response be used, fresh again",
			Handler: func(*env) handler { return validated(`"a"`, lifetime) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").code(200).body(`content of "a"`).by(2).has("X-Asked", `"a"`).has("Content-Length", "14").
					says("Cachex; fwd=stale; fwd-status=304; ttl=60")
				e.wantRuns(2)
				e.advance(59 * time.Second)
				e.get("/").hit().has("Age", "59").body(`content of "a"`)
			},
		},
		{
			Name: "304 chain", Rule: "RFC 9111, section 4.3.4: what a 304 has freshened can be freshened again",
			Handler: func(*env) handler { return validated(`"a"`, lifetime) },
			Test: func(e *env) {
				e.get("/").ran()
				for range 4 {
					e.advance(time.Minute)
					e.get("/").code(200).body(`content of "a"`).has("X-Asked", `"a"`)
					e.get("/").hit().code(200).body(`content of "a"`).has("Content-Type", "text/plain; charset=utf-8").has("Content-Length", "14")
				}
				e.wantRuns(5)
			},
		},
		{
			Name: "fields of a 304", Rule: "E11, RFC 9111, section 3.2: each field of a 304 takes the place of the stored one; others stay",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 1 {
						answer(200, "hello", lifetime, `ETag: "a"`, "X-Old: 1", "X-Both: 1", "X-Both: 2", "Content-Foo: 1")(w, r)
						return
					}
					answer(304, "", "Cache-Control: max-age=100", `ETag: "a"`, "X-Both: 3", "X-New: 4", "Content-Foo: 5")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").code(200).body("hello").has("X-Old", "1").lines("X-Both", "3").has("X-New", "4")
				e.advance(99 * time.Second)
				e.get("/").hit().body("hello").has("X-Old", "1").lines("X-Both", "3").has("X-New", "4").
					has("Content-Foo", "5").has("Cache-Control", "max-age=100").has("Age", "99")
			},
		},
		{
			Name: "length of a 304", Rule: "E12, RFC 9111, section 3.2: Content-Length and Content-Encoding of a 304 are not taken over",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 1 {
						answer(200, "hello", lifetime, `ETag: "a"`)(w, r)
						return
					}
					answer(304, "", lifetime, `ETag: "a"`, "Content-Length: 99")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").code(200).whole().body("hello").has("Content-Length", "5")
				e.get("/").hit().whole().body("hello").has("Content-Length", "5")
			},
		},
		{
			Name: "Last-Modified", Rule: "E3, RFC 9111, section 4.3.1: the stored Last-Modified goes out as If-Modified-Since, to the letter",
			Handler: func(*env) handler {
				modified := at(-time.Hour)
				return func(w http.ResponseWriter, r *http.Request) {
					since := r.Header.Get("If-Modified-Since")
					set(w.Header(), lifetime, "Last-Modified: "+modified, "X-Asked: "+since)
					if since == modified {
						w.WriteHeader(304)
						return
					}
					answer(200, "hello")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").code(200).body("hello").has("X-Asked", at(-time.Hour))
				e.get("/").hit()
			},
		},
		{
			Name: "weak tag", Rule: "E2, RFC 9111, section 4.3.1: weak tags are sent too, byte for byte",
			Handler: func(*env) handler { return validated(`W/"a,b"`, lifetime) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").code(200).has("X-Asked", `W/"a,b"`)
				e.get("/").hit()
			},
		},
		{
			Name: "own tags stay", Rule: "E4, K6: entity tags that are made here are not sent to the handler",
			Options: options(minute), Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					answer(200, "x", "X-Asked: "+r.Header.Get("If-None-Match"))(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").ran().has("X-Asked", "")
			},
		},
		{
			Name: "new content", Rule: "E8, RFC 9111, section 4.3.3: a full answer to a validation is used, and takes the place of the stored one",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					say(lifetime, "ETag: \""+w.Header().Get("X-Run")+"\"")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").ran().body("run 2").lacks("Age").says("Cachex; fwd=stale; stored; ttl=60")
				e.get("/").hit().body("run 2")
			},
		},
		{
			Name: "gone", Rule: "E8, RFC 9111, section 4.3.3: a 404 to a validation is used, and the stored response is not good any more",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 1 {
						validated(`"a"`, lifetime)(w, r)
						return
					}
					answer(404, "gone")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").ran().code(404)
				e.get("/", "Cache-Control: max-stale").ran().code(404)
			},
		},
		{
			Name: "error on validation", Rule: "E9, RFC 9111, section 4.3.3: a 5xx to a validation is passed on; the stored response is kept",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 2 {
						answer(500, "broken")(w, r)
						return
					}
					validated(`"a"`, lifetime)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").ran().code(500).body("broken")
				e.get("/").code(200).has("X-Asked", `"a"`)
			},
		},
		{
			Name: "304 turns private", Rule: "E13: what a 304 makes private or no-store answers this request and is kept no longer",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 1 {
						validated(`"a"`, lifetime)(w, r)
						return
					}
					validated(`"a"`, "Cache-Control: private")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").code(200).body(`content of "a"`)
				e.get("/").ran().has("X-Asked", "")
			},
		},
		{
			Name: "right variant", Rule: "E10, RFC 9111, section 4.3.4: a 304 freshens the variant that it names, and no other",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					validated(`"`+r.Header.Get("X-A")+`"`, "Vary: X-A", lifetime)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "X-A: 1").ran()
				e.get("/", "X-A: 2").ran()
				e.advance(time.Minute)
				e.get("/", "X-A: 1").code(200).body(`content of "1"`).has("X-Asked", `"1"`)
				e.get("/", "X-A: 1").hit().body(`content of "1"`)
				e.get("/", "X-A: 2").code(200).body(`content of "2"`).says("Cachex; fwd=stale; fwd-status=304; ttl=60")
				e.wantRuns(4)
			},
		},
		{
			Name: "tag of another variant", Rule: "B17, E10, RFC 9111, section 4.1: a request that no variant fits may ask with the tag of a variant; a 304 makes that one answer it; for a proxy, whose origin tells its variants apart",
			Options: options(cachex.Proxy()), Needs: []string{OtherVariants},
			Handler: func(*env) handler { return validated(`"same"`, "Vary: X-A", lifetime) },
			Test: func(e *env) {
				e.get("/", "X-A: 1").ran()
				e.get("/", "X-A: 2").code(200).body(`content of "same"`).says("Cachex; fwd=vary-miss; fwd-status=304; ttl=60")
				e.get("/", "X-A: 2").hit().body(`content of "same"`)
				e.get("/", "X-A: 1").hit().body(`content of "same"`)
				e.wantRuns(2)
			},
		},
		{
			Name: "one tag for several languages", Rule: "B8, RFC 9111, section 4.1: handlers give one tag to all languages of a page: a variant is no answer to a request that it does not fit, whatever its tag",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("If-None-Match") != "" {
						answer(304, "", `ETag: "1"`)(w, r)
						return
					}
					answer(200, "in "+r.Header.Get("Accept-Language"), `ETag: "1"`, "Vary: Accept-Language", lifetime)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Accept-Language: en").ran().body("in en")
				e.get("/", "Accept-Language: de").ran().body("in de").says("Cachex; fwd=vary-miss; stored; ttl=60")
				e.get("/", "Accept-Language: en").hit().body("in en")
			},
		},
		{
			Name: "one tag for several codings", Rule: "B8, E10, RFC 9110, section 8.8.3.3: some origins give one tag to all codings of a page: nobody gets one that he cannot read",
			Options: options(cachex.Proxy()),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					fields := []string{`ETag: W/"1"`, "Vary: Accept-Encoding", lifetime}
					if r.Header.Get("Accept-Encoding") == "gzip" {
						fields = append(fields, "Content-Encoding: gzip")
					}
					if r.Header.Get("If-None-Match") != "" {
						answer(304, "", fields...)(w, r)
						return
					}
					answer(200, "for "+r.Header.Get("Accept-Encoding"), fields...)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Accept-Encoding: gzip").ran().body("for gzip")
				e.get("/").ran().code(200).body("for ").lacks("Content-Encoding")
				e.get("/").hit().body("for ").lacks("Content-Encoding")
			},
		},
		{
			Name: "conditions are the cache's", Rule: "E5, RFC 9111, section 4.3.2: on a validation the cache's own conditions go out, and the client's are judged afterwards",
			Handler: func(*env) handler { return validated(`"a"`, lifetime) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/", `If-None-Match: "z"`).code(200).body(`content of "a"`).has("X-Asked", `"a"`)
				e.advance(time.Minute)
				e.get("/", `If-None-Match: "a"`).code(304).body("")
				e.advance(time.Minute)
				e.get("/", "Range: bytes=0-6").code(206).body("content")
				e.wantRuns(4)
			},
		},
		{
			Name: "client conditions on new content", Rule: "E25, RFC 9110, section 15.4.5: a client that has what the handler now sends gets 304",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					answer(200, "v"+w.Header().Get("X-Run"), lifetime, `ETag: "`+w.Header().Get("X-Run")+`"`)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/", `If-None-Match: "2"`).ran().code(304).body("")
				e.get("/").hit().code(200).body("v2")
			},
		},
		{
			Name: "304 on a miss", Rule: "A25, RFC 9111, section 4.3.3: a 304 that answers the client's own condition is passed on and makes no entry",
			Handler: func(*env) handler { return validated(`"a"`, lifetime) },
			Test: func(e *env) {
				e.get("/", `If-None-Match: "a"`).ran().code(304).says("Cachex; fwd=uri-miss; detail=status")
				e.get("/").ran().code(200).body(`content of "a"`)
				e.get("/").hit()
			},
		},
		{
			Name: "HEAD validates", Rule: "E1, G10: a HEAD whose stored GET is stale is answered after a 304 with the fields of the GET",
			Handler: func(*env) handler { return validated(`"a"`, lifetime) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.head("/").code(200).body("").has("Etag", `"a"`).has("Content-Length", "14")
				e.get("/").hit().body(`content of "a"`)
			},
		},
		{
			Name: "Vary fields of a validation", Rule: "E1, RFC 9111, section 4.3.1: a validation carries the fields that selected",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					validated(`"a"`, lifetime, "Vary: X-A", "X-Saw: "+r.Header.Get("X-A"))(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "X-A: 1").ran()
				e.advance(time.Minute)
				e.get("/", "X-A: 1").code(200).has("X-Saw", "1").by(2)
			},
		},
		{
			Name: "validators keep what is stale", Rule: "N1: what has a validator is kept beyond its lifetime, for validation",
			Handler: func(*env) handler { return validated(`"a"`, lifetime) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Hour)
				e.get("/").code(200).by(2).says("Cachex; fwd=stale; fwd-status=304; ttl=60")
			},
		},
		{
			Name: "Age after validation", Rule: "C23: after a validation the old Age is not sent",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 1 {
						validated(`"a"`, lifetime, "Age: 30")(w, r)
						return
					}
					validated(`"a"`, lifetime)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(40 * time.Second)
				e.get("/").code(200).by(2).lacks("Age")
				e.advance(10 * time.Second)
				e.get("/").hit().lines("Age", "10")
			},
		},
		{
			Name: "304 that names another tag", Rule: "E10, RFC 9111, section 4.3.4: a 304 with a strong validator that nothing stored has updates nothing",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 2 {
						answer(304, "", lifetime, `ETag: "other"`)(w, r)
						return
					}
					validated(`"a"`, lifetime)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").code(200)
				// Nothing was freshened: the next request asks again.
				if r := e.get("/"); r.after == r.before {
					r.fail("a 304 with another tag has freshened what is stored")
				}
			},
		},
		{
			Name: "304 without validator", Rule: "E10, RFC 9111, section 4.3.4: a 304 that names no validator is about the only response that was asked for",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("If-None-Match") != "" {
						w.WriteHeader(304)
						return
					}
					answer(200, "hello", lifetime, `ETag: "a"`)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.get("/").code(200).body("hello")
				e.get("/").hit().body("hello").has("Etag", `"a"`)
			},
		},
		{
			Name: "own weak tag", Rule: "K1, K3: a stored response without entity tag gets a weak one, which answers If-None-Match with 304",
			Options: options(minute),
			Test: func(e *env) {
				tag := e.get("/").ran().header.Get("Etag")
				if !strings.HasPrefix(tag, `W/"`) {
					e.fatalf("ETag is %q, want a weak one", tag)
				}
				e.get("/").hit().has("Etag", tag)
				e.get("/", "If-None-Match: "+tag).hit().code(304).body("").has("Etag", tag)
				e.get("/other").ran() // another run, another content
				if other := e.get("/other").hit().header.Get("Etag"); other == tag {
					e.fatalf("two contents have the tag %q", tag)
				}
			},
		},
		{
			Name: "own tag on new content", Rule: "K6: a client whose copy is the same as what a new run made gets 304",
			Options: options(minute), Handler: answers(200, "always"),
			Test: func(e *env) {
				tag := e.get("/").ran().header.Get("Etag")
				e.advance(time.Minute)
				e.get("/", "If-None-Match: "+tag).ran().code(304).body("")
				e.get("/").hit().code(200).body("always").by(2)
			},
		},
		{
			Name: "strong tag", Rule: "K2: StrongETag makes the entity tags strong",
			Options: options(minute, cachex.StrongETag()),
			Test: func(e *env) {
				if tag := e.get("/").ran().header.Get("Etag"); !strings.HasPrefix(tag, `"`) {
					e.fatalf("ETag is %q, want a strong one", tag)
				}
			},
		},
		{
			Name: "no tag", Rule: "NoETag makes no entity tags",
			Options: options(minute, cachex.NoETag()),
			Test: func(e *env) {
				e.get("/").ran().lacks("Etag")
				e.get("/").hit().lacks("Etag")
			},
		},
		{
			Name: "tag of the handler", Rule: "K5, lessons: the handler's entity tag is left as it is",
			Handler: says(lifetime, `ETag: W/"mine"`),
			Test: func(e *env) {
				e.get("/").ran().has("Etag", `W/"mine"`)
				e.get("/").hit().has("Etag", `W/"mine"`)
			},
		},
		{
			Name: "tag of large content", Rule: "K1: what streams gets its entity tag from the first hit on",
			Options: options(minute), Handler: answers(200, strings.Repeat("z", 5000)),
			Test: func(e *env) {
				e.get("/").ran()
				tag := e.get("/").hit().header.Get("Etag")
				if !strings.HasPrefix(tag, `W/"`) {
					e.fatalf("ETag is %q, want a weak one", tag)
				}
				e.get("/", "If-None-Match: "+tag).hit().code(304)
			},
		},
		{
			Name: "no tag where nothing is stored", Rule: "K1: what is not stored gets no entity tag",
			Options: options(minute), Handler: says("Cache-Control: no-store"),
			Test: func(e *env) { e.get("/").ran().lacks("Etag") },
		},
	}
}
