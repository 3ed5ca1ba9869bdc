package conformance

import (
	"net/http"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// conditions: what a client has already (RFC 9110, section 13; RFC 9111,
// section 4.3.2).
func conditions() []Case {
	const lifetime = "Cache-Control: max-age=60"
	stored := func(fields ...string) func(*env) handler {
		return answers(200, "0123456789", append([]string{lifetime}, fields...)...)
	}
	var cases []Case
	for _, c := range []struct {
		name, rule, tag string
		asked           []string // request fields
		status          int
	}{
		{"match", "E20, RFC 9110, section 13.1.2: a tag that matches is a 304", `"a"`, []string{`If-None-Match: "a"`}, 304},
		{"no match", "E20, RFC 9110, section 13.1.2: no tag that matches is a 200", `"a"`, []string{`If-None-Match: "b"`}, 200},
		{"list", "E20, RFC 9110, section 13.1.2: any of a list", `"a"`, []string{`If-None-Match: "x", "a" ,"y"`}, 304},
		{"several lines", "E20, RFC 9110, section 5.3: several lines are one list", `"a"`, []string{`If-None-Match: "x"`, `If-None-Match: "a"`}, 304},
		{"star", "E20, RFC 9110, section 13.1.2: * matches whatever there is", `"a"`, []string{"If-None-Match: *"}, 304},
		{"weak asked", "E20, RFC 9110, section 8.8.3.2: the comparison is weak", `"a"`, []string{`If-None-Match: W/"a"`}, 304},
		{"weak stored", "E20, RFC 9110, section 8.8.3.2: the comparison is weak", `W/"a"`, []string{`If-None-Match: "a"`}, 304},
		{"comma in a tag", "E20, RFC 9110, section 8.8.3: a comma may stand in a tag", `"a,b"`, []string{`If-None-Match: "x", "a,b"`}, 304},
		{"half of a tag", "E20, lessons: a tag is not split at its commas", `"b"`, []string{`If-None-Match: "a,b,c"`}, 200},
		{"comma and quotes", "E20, lessons: a tag is not found inside of others", `"b"`, []string{`If-None-Match: "a, ", "c"`}, 200},
		{"empty tag", `E20, RFC 9110, section 8.8.3: "" is a tag`, `""`, []string{`If-None-Match: ""`}, 304},
		{"backslash", "E20, RFC 9110, section 8.8.3: a backslash escapes nothing", `"a\"`, []string{`If-None-Match: "a\"`}, 304},
		{"small w", "E20, RFC 9110, section 8.8.3: W/ is case-sensitive", `"a"`, []string{`If-None-Match: w/"a"`}, 200},
		{"without quotes", "E20: what is no tag matches nothing", `"a"`, []string{"If-None-Match: a"}, 200},
		{"case of tags", "E20, RFC 9110, section 8.8.3.2: tags are compared octet by octet", `"a"`, []string{`If-None-Match: "A"`}, 200},
		{"tag outranks date", "E19, RFC 9110, section 13.2.2: with If-None-Match, If-Modified-Since is ignored", `"a"`, []string{`If-None-Match: "b"`, "If-Modified-Since: " + at(time.Hour)}, 200},
	} {
		cases = append(cases, Case{
			Name: "tags/" + c.name, Rule: c.rule, Handler: stored("ETag: "+c.tag, "Last-Modified: "+at(-time.Hour)),
			Test: func(e *env) {
				e.get("/").ran()
				r := e.get("/", c.asked...).hit().code(c.status)
				if c.status == 304 {
					r.body("").lacks("Content-Length")
				} else {
					r.body("0123456789")
				}
				e.head("/", c.asked...).hit().code(c.status).body("")
			},
		})
	}
	for _, c := range []struct {
		name, rule, since string
		status            int
	}{
		{"same", "E22, RFC 9110, section 13.1.3: not modified after the date", at(-time.Hour), 304},
		{"later", "E22, RFC 9110, section 13.1.3: not modified after the date", at(time.Hour), 304},
		{"earlier", "E22, RFC 9110, section 13.1.3: modified after the date", at(-2 * time.Hour), 200},
		{"RFC 850 form", "E22, RFC 9110, section 5.6.7: all three forms of dates", start.Add(-time.Hour).Format("Monday, 02-Jan-06 15:04:05 GMT"), 304},
		{"asctime form", "E22, RFC 9110, section 5.6.7: all three forms of dates", start.Add(-time.Hour).Format(time.ANSIC), 304},
		{"no date", "E22, RFC 9110, section 13.1.3: what is no date is ignored", "yesterday", 200},
		{"other zone", "E22, C13: a zone other than GMT is no date", start.Format("Mon, 02 Jan 2006 15:04:05 EST"), 200},
	} {
		cases = append(cases, Case{
			Name: "dates/" + c.name, Rule: c.rule, Handler: stored("Last-Modified: " + at(-time.Hour)), Options: options(cachex.NoETag()),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "If-Modified-Since: "+c.since).hit().code(c.status)
			},
		})
	}
	return append(cases,
		Case{
			Name: "dates/by Date", Rule: "E22, RFC 9111, section 4.3.2: without Last-Modified the time of receipt counts",
			Handler: stored(), Options: options(cachex.NoETag()),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "If-Modified-Since: "+at(0)).hit().code(304)
				e.get("/", "If-Modified-Since: "+at(-time.Second)).hit().code(200)
			},
		},
		Case{
			Name: "dates/of the answer", Rule: "E22, RFC 9110, section 13.1.3: where no date of modification is known the condition is ignored; a TTL gives each answer a Date of its own, which is none",
			Handler: answers(200, "0123456789"), Options: options(minute, cachex.NoETag()),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "If-Modified-Since: "+at(time.Hour)).hit().code(200).body("0123456789")
			},
		},
		Case{
			Name: "dates/on a miss", Rule: "E22, RFC 9110, section 13.1.3: what the handler has just made has no other date of modification than the one that it names",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					answer(200, "0123456789", lifetime, r.Header.Get("X-Says"))(w, r)
				}
			},
			Options: options(cachex.NoETag()),
			Test: func(e *env) {
				e.get("/", "If-Modified-Since: "+at(time.Hour), "X-Says: X-A: b").ran().code(200).body("0123456789")
				e.get("/dated", "If-Modified-Since: "+at(0), "X-Says: Last-Modified: "+at(0)).ran().code(304).body("")
				e.get("/dated").hit().code(200)
			},
		},
		Case{
			Name: "fields of a 304", Rule: "E24, G3, RFC 9110, section 15.4.5: a 304 carries what the 200 would of Cache-Control, Content-Location, ETag, Expires and Vary, Age, and policies; nothing about the content",
			Handler: stored(`ETag: "a"`, "Content-Location: /here", "Expires: "+at(time.Hour), "Vary: X-A", "Content-Language: en",
				"Access-Control-Allow-Origin: *", "X-Frame-Options: DENY", "Content-Security-Policy: default-src 'self'"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(5 * time.Second)
				e.get("/", `If-None-Match: "a"`).hit().code(304).
					has("Cache-Control", "max-age=60").has("Content-Location", "/here").has("Etag", `"a"`).
					has("Expires", at(time.Hour)).has("Vary", "X-A").has("Age", "5").
					has("Access-Control-Allow-Origin", "*").has("X-Frame-Options", "DENY").has("Content-Security-Policy", "default-src 'self'").
					lacks("Content-Type", "Content-Language", "Content-Length", "Content-Encoding").says("Cachex; hit; ttl=55")
			},
		},
		Case{
			Name: "Date of a 304", Rule: "E24, RFC 9110, section 15.4.5: a 304 carries the Date of the 200", Needs: []string{StoredDate},
			Handler: stored(`ETag: "a"`),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(5 * time.Second)
				e.get("/", `If-None-Match: "a"`).hit().code(304).lines("Date", at(0))
			},
		},
		Case{
			Name: "only on 200", Rule: "E17, RFC 9110, section 13.2.1: conditions and ranges are for a stored 200; a stored 404 is sent whole",
			Handler: answers(404, "0123456789", lifetime, `ETag: "a"`),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", `If-None-Match: "a"`).hit().code(404).body("0123456789")
				e.get("/", "Range: bytes=0-1").hit().code(404).body("0123456789")
			},
		},
		Case{
			Name: "on a miss they go on", Rule: "E17, E18, RFC 9111, section 4.3.2: with nothing stored the client's conditions reach the handler",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					answer(200, "x", lifetime, "X-Range: "+r.Header.Get("Range"), "X-Match: "+r.Header.Get("If-None-Match"), "X-Since: "+r.Header.Get("If-Modified-Since"))(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Range: bytes=0-3").ran().has("X-Range", "bytes=0-3")
				e.get("/2", `If-None-Match: "q"`, "If-Modified-Since: "+at(-time.Hour)).ran().has("X-Match", `"q"`).has("X-Since", at(-time.Hour))
			},
		},
		Case{
			Name: "If-None-Match without a stored tag", Rule: "E21, RFC 9110, sections 13.1.2 and 13.1.3: no tag, no match; the date is still ignored",
			Handler: stored("Last-Modified: " + at(-time.Hour)), Options: options(cachex.NoETag()),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", `If-None-Match: "a"`, "If-Modified-Since: "+at(time.Hour)).hit().code(200)
			},
		},
	)
}
