package conformance

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// spared is fresh for ten seconds, and stands in for failures for a minute more.
const spared = "Cache-Control: max-age=10, stale-if-error=60"

// failures: stored responses that stand in for a handler that fails (RFC 5861,
// section 4).
func failures() []Case {
	instead := func(status, ttl int) string {
		return fmt.Sprintf("Cachex; fwd=stale; fwd-status=%d; ttl=%d; detail=stale-if-error", status, ttl)
	}
	cases := []Case{
		{
			Name: "from the response", Rule: "D17, RFC 5861, section 4: 500, 502, 503 and 504 are answered with the stale response, and its true age",
			Handler: failing(spared),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				for i, status := range []int{500, 502, 503, 504} {
					e.get("/", fmt.Sprint("X-Fail: ", status)).code(200).by(1).body("run 1").
						has("Age", fmt.Sprint(15+5*i)).says(instead(status, -5-5*i))
					e.wantRuns(int64(i + 2))
					e.advance(5 * time.Second)
				}
				e.get("/").ran()
			},
		},
		{
			Name: "from the request", Rule: "D17, RFC 5861, section 4.1: stale-if-error of the request allows it for that request",
			Handler: failing("Cache-Control: max-age=10"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", "Cache-Control: stale-if-error=4", "X-Fail: 503").code(503)
				e.get("/", "Cache-Control: stale-if-error=5", "X-Fail: 503").code(200).by(1).says(instead(503, -5))
				e.get("/", "X-Fail: 503").code(503)
			},
		},
		{
			Name: "from the route", Rule: "StaleIfError is this cache's: nothing of it is sent",
			Options: options(cachex.TTL(10*time.Second), cachex.StaleIfError(time.Minute)), Handler: failing(),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", "X-Fail: 502").code(200).by(1).says(instead(502, -5)).lacks("Age", "Cache-Control")
			},
		},
		{
			Name: "panic", Rule: "D17, M11: a handler that panics before anything was sent is answered for with the stale response",
			Handler: failing(spared),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", "X-Fail: panic").code(200).by(1).body("run 1").says(instead(500, -5))
				e.advance(5 * time.Second)
				e.get("/", "X-Fail: half").code(200).by(1).body("run 1").says(instead(500, -10))
				e.advance(5 * time.Second)
				e.get("/").ran().by(4)
			},
		},
		{
			Name: "panic after a flush", Rule: "D17, M11: half a response that is on its way is broken off, and what is stored stays", Needs: []string{Streaming},
			Handler: failing(spared),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				if r := e.get("/", "X-Fail: flushed"); !r.cut {
					r.fail("half a response looks whole")
				}
				e.advance(5 * time.Second)
				e.get("/", "X-Fail: 500").code(200).by(1)
			},
		},
		{
			Name: "leaves no trace", Rule: "D17: fields that the failed run set do not leave; those of outer middleware stand once",
			Handler: failing(spared, `Etag: "good"`, "Vary: X-Lang"),
			Test: func(e *env) {
				e.outerFields = func(_ *http.Request, h http.Header) { h.Set("X-Outer", "1") }
				e.get("/").ran()
				e.advance(15 * time.Second)
				for _, failure := range []string{"500", "panic", "half"} {
					e.get("/", "X-Fail: "+failure).code(200).by(1).body("run 1").
						lines("X-Outer", "1").lines("Etag", `"good"`).lines("Vary", "X-Lang").lines("Content-Length", "5").
						lines("Cache-Control", "max-age=10, stale-if-error=60").lines("Content-Type", "text/plain; charset=utf-8").
						lacks("X-Failed", "Set-Cookie", "Content-Language", "Retry-After")
					e.advance(5 * time.Second)
				}
			},
		},
		{
			Name: "rests", Rule: "a dead handler is probed, not hammered: after a failure the stale response is served for five seconds without a run",
			Handler: failing(spared),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", "X-Fail: 503").by(1)
				e.wantRuns(2)
				e.advance(4 * time.Second)
				e.get("/").hit().by(1).says("Cachex; hit; ttl=-9; detail=stale-if-error").has("Age", "19")
				e.advance(time.Second)
				e.get("/").ran().by(3)
			},
		},
		{
			Name: "outside the window", Rule: "D17: beyond the window the error passes",
			Handler: failing(spared),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(70 * time.Second)
				e.get("/", "X-Fail: 503").code(200).by(1).says(instead(503, -60))
				e.advance(time.Second)
				e.get("/", "X-Fail: 503").code(503).body("failed").has("X-Failed", "yes")
				e.get("/").ran()
			},
		},
		{
			Name: "while fresh", Rule: "D17: a failed validation that the client asked for is a failure like any other",
			Handler: failing(spared),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(5 * time.Second)
				e.get("/", "Cache-Control: max-age=1", "X-Fail: 503").code(200).by(1)
				e.wantRuns(2)
			},
		},
		{
			Name: "no-cache of the request", Rule: "D7: a request with no-cache gets no unvalidated answer, not in place of an error either",
			Handler: failing(spared),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", "Cache-Control: no-cache", "X-Fail: 503").code(503)
				e.get("/", "Pragma: no-cache", "X-Fail: 503").code(503)
				e.get("/", "X-Fail: 503").code(200).by(1)
			},
		},
		{
			Name: "other statuses", Rule: "D17: other statuses are no failures, and pass",
			Handler: failing(spared),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				for _, status := range []int{400, 403, 429, 501, 505} {
					e.get("/", fmt.Sprint("X-Fail: ", status)).code(status).body("failed").has("X-Failed", "yes")
				}
				e.get("/", "X-Fail: 503").code(200).by(1)
				e.advance(5 * time.Second)
				e.get("/", "X-Fail: 404").code(404).body("failed")
				e.get("/", "X-Fail: 503").code(503) // E8: what was stored is gone
			},
		},
		{
			Name: "conditions and ranges", Rule: "E19, E25: in place of an error too, a client's own conditions and ranges are for the cache to judge",
			Handler: failing(spared, `Etag: "good"`),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", `If-None-Match: "good"`, "X-Fail: 500").code(304).body("")
				e.advance(5 * time.Second)
				e.get("/", "Range: bytes=0-2", "X-Fail: 500").code(206).body("run").has("Content-Range", "bytes 0-2/5")
				e.advance(5 * time.Second)
				e.head("/", "X-Fail: 500").code(200).body("").has("Content-Length", "5")
			},
		},
		{
			Name: "credentials", Rule: "rulings, credentials: what a TTL alone allows does not stand in for who brings credentials",
			Options: options(cachex.TTL(10*time.Second), cachex.StaleIfError(time.Minute)), Handler: failing(),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", "Authorization: Basic eDp5", "X-Fail: 503").code(503)
				e.get("/", "Cookie: a=b", "X-Fail: 503").code(503)
			},
		},
		{
			Name: "outage", Rule: "D17: behind a lifetime of 1 s and a window of 1 h an outage of 60 s shows no client an error, and the handler is probed, not hammered",
			Options: options(cachex.TTL(time.Second), cachex.StaleIfError(time.Hour)), Handler: failing(),
			Test: func(e *env) {
				e.get("/").ran()
				for second := range 60 {
					e.advance(time.Second)
					for _, failure := range []string{"503", "panic", "half"} {
						e.get("/", "X-Fail: "+failure).code(200).by(1).body("run 1")
					}
					// a probe each five seconds
					if most := int64(1 + second/5 + 1); e.runs.Load() > most {
						e.fatalf("%d runs in %d seconds of an outage, want %d", e.runs.Load()-1, second+1, most-1)
					}
				}
				e.wantRuns(1 + 60/5)
				e.advance(5 * time.Second)
				e.get("/").ran()
				e.get("/").hit()
			},
		},
		{
			Name: "outage in the background", Rule: "D14, D17: with both windows an outage shows no client an error either, and nobody waits for the handler",
			Options: options(cachex.TTL(time.Second), cachex.StaleWhileRevalidate(30*time.Second), cachex.StaleIfError(time.Hour)), Handler: failing(),
			Test: func(e *env) {
				e.get("/").ran()
				for range 60 {
					e.advance(time.Second)
					e.get("/", "X-Fail: 503").code(200).by(1)
					e.quiet()
				}
				if most := int64(1 + 60/5 + 1); e.runs.Load() > most {
					e.fatalf("%d runs in an outage of 60 seconds, want %d", e.runs.Load()-1, most-1)
				}
				e.advance(5 * time.Second)
				e.get("/").ran()
			},
		},
		{
			Name: "a crowd before a dead handler", Rule: "D17, D21: one run fails for all who wait, and all get the stale response",
			Options: options(cachex.TTL(time.Second), cachex.StaleIfError(time.Hour)),
			Handler: func(e *env) handler { return holds(e, 2, failing()(e)) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				all := e.gather(10, "X-Fail: 503")
				open(e, "go")
				for _, p := range all {
					p.end().code(200).by(1).body("run 1").lacks("X-Failed")
				}
				e.wantRuns(2)
			},
		},
	}
	for _, control := range []string{"no-cache, max-age=10", "max-age=10, must-revalidate", "max-age=10, proxy-revalidate", "s-maxage=10"} {
		cases = append(cases, Case{
			Name: "never with " + control, Rule: "D9 to D12, RFC 9111, section 4.2.4: what forbids stale use goes before stale-if-error, of the response, of the request and of the route",
			Options: options(cachex.StaleIfError(time.Minute)), Handler: failing("Cache-Control: "+control+", stale-if-error=60", `Etag: "a"`),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", "X-Fail: 503").code(503).body("failed")
				e.get("/", "X-Fail: 503", "Cache-Control: stale-if-error=60").code(503)
				p := e.begin("GET", "/", "X-Fail: panic")
				if r, err := e.read(p.c, "GET", p.text, p.before); err == nil && r.status != 500 {
					r.fail("a panic was answered for")
				}
			},
		})
	}
	return cases
}

// failing is a handler that fails as the request's X-Fail says, and else answers
// with these fields.
func failing(fields ...string) func(*env) handler {
	return func(*env) handler {
		return func(w http.ResponseWriter, r *http.Request) {
			if how := r.Header.Get("X-Fail"); how != "" {
				fail(w, r, how)
				return
			}
			say(fields...)(w, r)
		}
	}
}

// fail fails with a status, or in the middle of a response that could have been
// stored.
func fail(w http.ResponseWriter, r *http.Request, how string) {
	set(w.Header(), "X-Failed: yes", "Cache-Control: max-age=1000", "Content-Language: xx", `Etag: "failed"`)
	switch how {
	case "panic":
		panic(http.ErrAbortHandler)
	case "half":
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	case "flushed":
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "short":
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "short")
	default:
		status, err := strconv.Atoi(how)
		if err != nil {
			panic("no such failure: " + how)
		}
		answer(status, "failed", "Cache-Control: no-store", "Set-Cookie: failed=1", "Vary: X-Failed", "Retry-After: 1")(w, r)
	}
}
