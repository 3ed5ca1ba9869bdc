package conformance

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// ranges: parts of a stored 200 (RFC 9110, section 14).
func ranges() []Case {
	const content = "0123456789"
	strong := answers(200, content, "Cache-Control: max-age=60", `ETag: "a"`, "Last-Modified: "+at(-time.Hour), "Content-Language: en", "X-A: b")
	var cases []Case
	for _, c := range []struct {
		name, rule, ask, part, contentRange string
	}{
		{"first", "E27, RFC 9110, section 14.1.2: both ends are inclusive, from 0", "bytes=0-3", "0123", "bytes 0-3/10"},
		{"one byte", "E27: both ends are inclusive", "bytes=4-4", "4", "bytes 4-4/10"},
		{"open", "E27: to the end", "bytes=7-", "789", "bytes 7-9/10"},
		{"suffix", "E27: the last bytes", "bytes=-2", "89", "bytes 8-9/10"},
		{"long suffix", "E27: more than there is means all", "bytes=-20", content, "bytes 0-9/10"},
		{"beyond the end", "E27: an end beyond the content is the last byte", "bytes=5-100", "56789", "bytes 5-9/10"},
		{"huge", "E27: numbers above 64 bits saturate", "bytes=5-99999999999999999999999999", "56789", "bytes 5-9/10"},
		{"unit in capitals", "E26, RFC 9110, section 14.1: unit names are case-insensitive", "Bytes=0-0", "0", "bytes 0-0/10"},
	} {
		cases = append(cases, Case{
			Name: c.name, Rule: c.rule + "; E28, RFC 9110, section 15.3.7", Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(5 * time.Second)
				e.get("/", "Range: "+c.ask).hit().code(206).body(c.part).has("Content-Range", c.contentRange).
					has("Content-Length", fmt.Sprint(len(c.part))).has("Etag", `"a"`).has("Cache-Control", "max-age=60").
					has("Age", "5").has("Content-Type", "text/plain; charset=utf-8").has("Content-Language", "en").has("X-A", "b").
					says("Cachex; hit; ttl=55")
			},
		})
	}
	cases = append(cases,
		Case{
			Name: "coded on the way", Rule: "E26, K4, RFC 9110, sections 14.1.2 and 14.2: a range counts bytes of what is sent; where outer middleware may compress a part by itself, the whole is sent",
			Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Range: bytes=0-3", "Accept-Encoding: gzip, br").hit().code(200).body(content).lacks("Content-Range")
				e.get("/", "Range: bytes=0-3", "Accept-Encoding: identity").hit().code(206).body("0123")
				e.get("/", "Range: bytes=0-3", "Accept-Encoding: identity;q=1, *;q=0").hit().code(206).body("0123")
			},
		},
		Case{
			Name: "coded by the origin", Rule: "E26: a proxy's origin codes what it wants coded, and parts are sent",
			Options: options(cachex.Proxy()), Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Range: bytes=0-3", "Accept-Encoding: gzip, br").hit().code(206).body("0123")
			},
		},
		Case{
			Name: "coded inside", Rule: "E26, RFC 9110, section 14.1.2: a range counts the bytes of the stored, coded content",
			Handler: answers(200, content, "Cache-Control: max-age=60", "Content-Encoding: gzip"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Range: bytes=0-3", "Accept-Encoding: gzip").hit().code(206).body("0123").has("Content-Encoding", "gzip").has("Content-Range", "bytes 0-3/10")
			},
		},
	)
	for _, c := range []struct{ name, rule, ask string }{
		{"inverted", "E27, RFC 9110, section 14.1.1: an invalid range makes the whole field void", "bytes=3-2"},
		{"no number", "E27: an invalid range makes the whole field void", "bytes=a-b"},
		{"nothing", "E27: an invalid range makes the whole field void", "bytes="},
		{"dash", "E27: an invalid range makes the whole field void", "bytes=-"},
		{"other unit", "E26, RFC 9110, section 14.2: an unknown unit is ignored", "lines=0-3"},
		{"one of two invalid", "E27: an invalid range makes the whole field void", "bytes=0-1,x"},
		{"too many", "E29, RFC 9110, section 14.2: an attack is answered with the whole", "bytes=" + strings.Repeat("0-0,", 17) + "1-1"},
		{"too much", "E29: parts that are more than the whole are answered with the whole", "bytes=0-9,0-9"},
	} {
		cases = append(cases, Case{
			Name: "ignored/" + c.name, Rule: c.rule, Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Range: "+c.ask).hit().code(200).body(content).lacks("Content-Range")
			},
		})
	}
	for _, c := range []struct {
		name, rule, ifRange string
		part                bool
	}{
		{"strong", "E31, RFC 9110, section 13.1.5: a strong tag that is the same", `"a"`, true},
		{"other", "E31, RFC 9110, section 13.1.5: another tag is answered with the whole", `"b"`, false},
		{"weak", "E31, RFC 9110, section 8.8.3.2: the comparison is strong", `W/"a"`, false},
		{"date", "E31, RFC 9110, section 13.1.5: a date that is exactly Last-Modified", at(-time.Hour), true},
		{"later date", "E31, RFC 9110, section 13.1.5: not exactly Last-Modified", at(0), false},
		{"neither", "E31: what is neither tag nor date is false", "x", false},
	} {
		cases = append(cases, Case{
			Name: "If-Range/" + c.name, Rule: c.rule, Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				r := e.get("/", "Range: bytes=0-3", "If-Range: "+c.ifRange).hit()
				if c.part {
					r.code(206).body("0123")
				} else {
					r.code(200).body(content)
				}
			},
		})
	}
	return append(cases,
		Case{
			Name: "If-Range/weak stored", Rule: "E31, K3: a weak tag never holds for If-Range",
			Options: options(minute), Handler: answers(200, content),
			Test: func(e *env) {
				tag := e.get("/").ran().header.Get("Etag")
				e.get("/", "Range: bytes=0-3", "If-Range: "+tag).hit().code(200).body(content)
			},
		},
		Case{
			Name: "If-Range/own strong tag", Rule: "E31, K2: a strong tag holds for If-Range",
			Options: options(minute, cachex.StrongETag()), Handler: answers(200, content),
			Test: func(e *env) {
				tag := e.get("/").ran().header.Get("Etag")
				e.get("/", "Range: bytes=0-3", "If-Range: "+tag).hit().code(206).body("0123")
			},
		},
		Case{
			Name: "If-Range/alone", Rule: "E31: If-Range without Range is ignored", Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", `If-Range: "a"`).hit().code(200).body(content)
			},
		},
		Case{
			Name: "unsatisfiable", Rule: "E30, RFC 9110, section 15.5.17: 416 with the length, which is not stored", Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Range: bytes=10-").hit().code(416).has("Content-Range", "bytes */10").body("")
				e.get("/", "Range: bytes=-0").hit().code(416)
				e.get("/").hit().code(200).body(content)
			},
		},
		Case{
			Name: "empty content", Rule: "E30: no part of nothing; the range is ignored",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, _ *http.Request) {
					set(w.Header(), "Cache-Control: max-age=60", "Content-Type: text/plain")
					w.WriteHeader(200)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Range: bytes=0-0").hit().code(200).body("")
			},
		},
		Case{
			Name: "multipart", Rule: "E29, RFC 9110, sections 14.6 and 15.3.7.2: several ranges are parts of a multipart, in the order asked for", Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				r := e.get("/", "Range: bytes=8-9, 0-1").hit().code(206).lacks("Content-Range").
					has("Content-Language", "en").has("Etag", `"a"`)
				kind, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
				if err != nil || kind != "multipart/byteranges" {
					r.fail("Content-Type is no multipart/byteranges")
				}
				parts := multipart.NewReader(strings.NewReader(r.content), params["boundary"])
				for _, want := range []struct{ contentRange, content string }{{"bytes 8-9/10", "89"}, {"bytes 0-1/10", "01"}} {
					p, err := parts.NextRawPart()
					if err != nil {
						r.fail("part: %v", err)
					}
					b, _ := io.ReadAll(p)
					if string(b) != want.content || p.Header.Get("Content-Range") != want.contentRange || p.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
						r.fail("part %v %q, want %v", p.Header, b, want)
					}
				}
				if _, err := parts.NextRawPart(); err != io.EOF {
					r.fail("more than two parts")
				}
			},
		},
		Case{
			Name: "one of two satisfiable", Rule: "E29: a single part is never a multipart", Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Range: bytes=0-1, 20-30").hit().code(206).body("01").has("Content-Range", "bytes 0-1/10")
			},
		},
		Case{
			Name: "not modified first", Rule: "E19, RFC 9110, section 13.2.2: a 304 comes before any range", Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Range: bytes=0-3", `If-None-Match: "a"`).hit().code(304)
			},
		},
		Case{
			Name: "not for HEAD", Rule: "E26, RFC 9110, section 14.2: Range is for GET alone", Handler: strong,
			Test: func(e *env) {
				e.get("/").ran()
				e.head("/", "Range: bytes=0-3").hit().code(200).has("Content-Length", "10").lacks("Content-Range")
			},
		},
		Case{
			Name: "digests", Rule: "E28, RFC 9530, section 2: Content-Digest is about other content",
			Handler: answers(200, content, "Cache-Control: max-age=60", "Content-Digest: sha-256=:AA==:", "Repr-Digest: sha-256=:BB==:"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Range: bytes=0-3").hit().code(206).lacks("Content-Digest").has("Repr-Digest", "sha-256=:BB==:")
			},
		},
		Case{
			Name: "miss", Rule: "E18, lessons: a 206 of the handler is passed on, and never stored as the whole",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Range") != "" {
						answer(206, "0123", "Cache-Control: max-age=60", "Content-Range: bytes 0-3/10")(w, r)
						return
					}
					answer(200, content, "Cache-Control: max-age=60")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Range: bytes=0-3").ran().code(206).body("0123")
				e.get("/").ran().code(200).body(content)
				e.get("/", "Range: bytes=0-3").hit().code(206).body("0123")
			},
		},
	)
}
