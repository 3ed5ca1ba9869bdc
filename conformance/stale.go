package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// renewed is fresh for ten seconds, and may be used for thirty more while it is
// being renewed.
const renewed = "Cache-Control: max-age=10, stale-while-revalidate=30"

// stale: responses that are served after their lifetime and renewed in the
// background (RFC 5861, section 3).
func stale() []Case {
	served := func(ttl int) string {
		return fmt.Sprintf("Cachex; hit; ttl=%d; detail=stale-while-revalidate", ttl)
	}
	cases := []Case{
		{
			Name: "from the response", Rule: "D14, RFC 5861, section 3: after its lifetime a response is served at once with its true age, and renewed",
			Handler: says(renewed),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/").code(200).by(1).body("run 1").has("Age", "15").says(served(-5)).
					has("Cache-Control", "max-age=10, stale-while-revalidate=30")
				e.quiet()
				e.get("/").hit().by(2).has("Age", "0").says("Cachex; hit; ttl=10")
				e.wantRuns(2)
			},
		},
		{
			Name: "from the route", Rule: "StaleWhileRevalidate is this cache's: nothing of it is sent",
			Options: options(cachex.TTL(10*time.Second), cachex.StaleWhileRevalidate(30*time.Second)),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/").code(200).by(1).says(served(-5)).lacks("Age", "Cache-Control")
				e.quiet()
				e.get("/").hit().by(2).says("Cachex; hit; ttl=10")
				e.wantRuns(2)
			},
		},
		{
			Name: "blocks nobody", Rule: "D14, D18: while one run renews a response all get it as it is, on the same connection too, and it grows no younger",
			Handler: func(e *env) handler { return holds(e, 2, say(renewed)) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				p := e.begin("GET", "/")
				p.end().by(1).says(served(-5))
				e.wait(gateOf(e, "in"), "the renewal")
				for i := range 3 {
					e.advance(time.Second)
					p = p.again()
					p.end().by(1).says(served(-6-i)).has("Age", fmt.Sprint(16+i))
				}
				e.get("/").by(1)
				e.wantRuns(2)
				open(e, "go")
				e.quiet()
				e.get("/").hit().by(2)
				e.wantRuns(2)
			},
		},
		{
			Name: "after the window", Rule: "D14, RFC 5861, section 3: after the window a request waits for the handler",
			Handler: says(renewed),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(41 * time.Second)
				e.get("/").ran().by(2)
				e.advance(40 * time.Second)
				e.get("/").by(2).says(served(-30))
				e.quiet()
				e.get("/").hit().by(3)
			},
		},
		{
			Name: "after the window of a renewal", Rule: "D14: who comes after the window waits for the run that is there already",
			Handler: func(e *env) handler { return holds(e, 2, say(renewed)) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(39 * time.Second)
				e.get("/").by(1).says(served(-29))
				e.wait(gateOf(e, "in"), "the renewal")
				e.advance(2 * time.Second)
				p := e.begin("GET", "/")
				e.waiting(1)
				open(e, "go")
				p.end().by(2)
				e.wantRuns(2)
			},
		},
		{
			Name: "variants", Rule: "D14: one renewal at a time for each variant, with that variant's fields",
			Handler: func(e *env) handler {
				return holds(e, 3, func(w http.ResponseWriter, r *http.Request) {
					answer(200, "for "+r.Header.Get("X-Lang"), renewed, "Vary: X-Lang")(w, r)
				})
			},
			Test: func(e *env) {
				e.get("/", "X-Lang: a").ran()
				e.get("/", "X-Lang: b").ran()
				e.advance(15 * time.Second)
				e.get("/", "X-Lang: a").by(1).body("for a").says(served(-5))
				e.wait(gateOf(e, "in"), "the renewal of a")
				e.get("/", "X-Lang: a").by(1).says(served(-5))
				e.get("/", "X-Lang: b").by(2).body("for b").says(served(-5))
				e.until("the renewal of b", func(s cachex.Stats) bool { return s.Refreshes == 1 })
				e.get("/", "X-Lang: b").hit().by(4).body("for b")
				open(e, "go")
				e.quiet()
				e.get("/", "X-Lang: a").hit().by(3).body("for a")
				e.wantRuns(4)
			},
		},
		{
			Name: "no credentials", Rule: "D16: a renewal carries no credentials that are not in the key, no conditions of the client's and no Range",
			Handler: func(*env) handler { return reveals(renewed + ", public") },
			Test: func(e *env) {
				e.get("/").ran().body("sees")
				e.advance(15 * time.Second)
				e.get("/", "Authorization: Basic eDp5", "Cookie: a=b", "X-Api-Key: k", "X-Auth-Token: t", "X-Else: kept",
					`If-None-Match: "x"`, "If-Modified-Since: "+at(-time.Hour), "Range: bytes=0-1", `If-Range: "x"`).by(1).says(served(-5))
				e.quiet()
				e.get("/").hit().by(2).body("sees X-Else=kept")
			},
		},
		{
			Name: "keyed credentials", Rule: "D16: credentials that are in the key are a renewal's too, and no others",
			Options: options(cachex.KeyHeader("Authorization")), Handler: func(*env) handler { return reveals(renewed) },
			Test: func(e *env) {
				e.get("/", "Authorization: Basic eDp5").ran()
				e.advance(15 * time.Second)
				e.get("/", "Authorization: Basic eDp5").by(1).says(served(-5))
				e.quiet()
				e.get("/", "Authorization: Basic eDp5").hit().by(2).body("sees Authorization=Basic eDp5")
			},
		},
		{
			Name: "keyed cookie", Rule: "D16: of the cookies a renewal carries those in the key",
			Options: options(cachex.KeyCookie("plan"), cachex.IgnoreCookies("_ga")), Handler: func(*env) handler { return reveals(renewed) },
			Test: func(e *env) {
				e.get("/", "Cookie: plan=b").ran()
				e.advance(15 * time.Second)
				e.get("/", "Cookie: _ga=1; plan=b").by(1).says(served(-5))
				e.quiet()
				e.get("/", "Cookie: plan=b").hit().by(2).body("sees Cookie=plan=b")
			},
		},
		{
			Name: "per user", Rule: "PerUser: what is kept for a user is renewed with that user's credentials, for that user",
			Options: options(cachex.PerUser(func(r *http.Request) (string, bool) { return r.Header.Get("Authorization"), true })),
			Handler: func(*env) handler { return reveals(renewed) },
			Test: func(e *env) {
				for _, user := range []string{"ann", "bob"} {
					e.get("/", "Authorization: "+user, "Cookie: of="+user).ran()
				}
				e.advance(15 * time.Second)
				for i, user := range []string{"ann", "bob"} {
					e.get("/", "Authorization: "+user, "Cookie: of="+user).by(i + 1)
					e.quiet()
				}
				for i, user := range []string{"ann", "bob"} {
					e.get("/", "Authorization: "+user).hit().by(i + 3).body("sees Authorization=" + user + " Cookie=of=" + user)
				}
			},
		},
		{
			Name: "confirmed", Rule: "D16, RFC 9111, section 4.3.1: a renewal has the stored validators, and a 304 makes the response fresh again",
			Handler: func(*env) handler { return validated(`"a"`, renewed) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", `If-None-Match: "z"`).by(1).says(served(-5))
				e.quiet()
				e.get("/").hit().by(2).body(`content of "a"`).has("X-Asked", `"a"`).has("Age", "0")
				e.wantRuns(2)
			},
		},
		{
			Name: "of a user", Rule: "E1, lessons: what Vary says was made for a user is not renewed without one, and no other gets it",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("If-Modified-Since") != "" {
						answer(304, "", renewed+", public", "Vary: Cookie", "Last-Modified: "+at(-time.Hour))(w, r)
						return
					}
					answer(200, "for "+r.Header.Get("Cookie"), renewed+", public", "Vary: Cookie", "Last-Modified: "+at(-time.Hour))(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/", "Cookie: u=ann").ran().body("for u=ann")
				e.advance(15 * time.Second)
				e.get("/", "Cookie: u=ann").by(1).says(served(-5))
				e.quiet()
				e.wantRuns(1)
				e.get("/").ran().body("for ")
				e.get("/", "Cookie: u=ann").by(3).body("for u=ann") // renewed by who asks
				e.get("/", "Cookie: u=ann").hit().body("for u=ann")
			},
		},
		{
			Name: "becomes of a user", Rule: "E1: a renewal that turns out to depend on what it was not given is not kept",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					vary := "Vary: X-Lang"
					if w.Header().Get("X-Run") == "2" {
						vary = "Vary: X-Lang, Cookie"
					}
					answer(200, w.Header().Get("X-Run"), renewed+", public", vary)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", "Cookie: u=ann").by(1).says(served(-5))
				e.quiet()
				e.wantRuns(2)
				e.get("/").ran().by(3)
			},
		},
		{
			Name: "under fields of outer middleware", Rule: "what outer middleware says in Vary and in fields that the handler adds to is the same for what was renewed",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					w.Header().Add("X-Twice", "inner")
					w.Header().Add("Vary", "X-Lang")
					answer(200, w.Header().Get("X-Run"), renewed)(w, r)
				}
			},
			Test: func(e *env) {
				e.outerFields = func(_ *http.Request, h http.Header) {
					h.Set("Vary", "Origin")
					h.Set("X-Twice", "outer")
				}
				e.get("/").ran().lines("X-Twice", "outer", "inner")
				e.advance(15 * time.Second)
				e.get("/").by(1).says(served(-5))
				e.quiet()
				e.get("/").hit().by(2).lines("X-Twice", "outer", "inner")
				e.get("/", "X-Lang: a").ran()
				e.get("/", "Origin: http://a.test").ran()
			},
		},
		{
			Name: "no longer storable", Rule: "E8: a renewal that may not be stored leaves nothing old behind",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if w.Header().Get("X-Run") == "2" {
						say("Cache-Control: no-store")(w, r)
						return
					}
					say(renewed)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/").by(1)
				e.quiet()
				e.get("/").ran().by(3)
			},
		},
		{
			Name: "taken back meanwhile", Rule: "F6: a renewal that began before a change does not put the old content back",
			Handler: func(e *env) handler { return holds(e, 2, say(renewed)) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/").by(1)
				e.wait(gateOf(e, "in"), "the renewal")
				e.send("POST", "/").by(3)
				open(e, "go")
				e.quiet()
				e.get("/").ran().by(4)
			},
		},
		{
			Name: "HEAD", Rule: "D14: HEAD is answered from a stale GET, which is renewed whole",
			Handler: says(renewed),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.head("/").by(1).body("").says(served(-5))
				e.quiet()
				e.get("/") // where a HEAD may lead to another handler, this one renews it
				e.quiet()
				e.get("/").hit().by(2).body("run 2")
			},
		},
		{
			Name: "only-if-cached", Rule: "D8: only-if-cached forwards nothing, not in the background either",
			Handler: says(renewed),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", "Cache-Control: only-if-cached").hit().by(1).says(served(-5))
				e.quiet()
				e.wantRuns(1)
			},
		},
		{
			Name: "bounded", Rule: "D16: background runs beyond Config.MaxRefreshes are not begun; the stale response is served all the same",
			Config:  func(c *cachex.Config) { c.MaxRefreshes = 1 },
			Handler: func(e *env) handler { return holds(e, 3, say(renewed)) },
			Test: func(e *env) {
				e.get("/a").ran()
				e.get("/b").ran()
				e.advance(15 * time.Second)
				e.get("/a").by(1)
				e.wait(gateOf(e, "in"), "the renewal of /a")
				e.get("/b").hit().by(2).says(served(-5))
				if s := e.cache.Stats(); s.Refused != 1 || s.Background != 1 {
					e.fatalf("%+v", s)
				}
				open(e, "go")
				e.quiet()
				e.get("/b").by(2)
				e.quiet()
				e.get("/b").hit().by(4)
			},
		},
		{
			Name: "IsBackground", Rule: "IsBackground tells handlers that no client waits",
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					say(renewed, fmt.Sprint("X-Background: ", cachex.IsBackground(r.Context())))(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().has("X-Background", "false")
				e.advance(15 * time.Second)
				e.get("/").by(1)
				e.quiet()
				e.get("/").hit().by(2).has("X-Background", "true")
			},
		},
		{
			Name: "outer middleware is told", Rule: "IsBackground tells middleware outside of the cache, through which a renewal passes", Needs: []string{OuterRenewals},
			Handler: says(renewed),
			Test: func(e *env) {
				var clients, background atomic.Int64
				e.outerFields = func(r *http.Request, _ http.Header) {
					if cachex.IsBackground(r.Context()) {
						background.Add(1)
					} else {
						clients.Add(1)
					}
				}
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/").by(1)
				e.quiet()
				if c, b := clients.Load(), background.Load(); c != 2 || b != 1 {
					e.fatalf("outer middleware saw %d requests of clients and %d renewals, want 2 and 1", c, b)
				}
			},
		},
		{
			Name: "refused", Rule: "D16: a renewal that outer middleware refuses keeps the response, which requests of clients renew from then on", Needs: []string{OuterRenewals},
			Handler: says(renewed),
			Test: func(e *env) {
				e.deny = func(r *http.Request) bool { return cachex.IsBackground(r.Context()) }
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/").by(1).says(served(-5))
				e.quiet()
				e.wantRuns(1)
				e.get("/").ran().by(2)
				e.get("/").hit().by(2)
			},
		},
	}
	for failure, needs := range map[string][]string{"500": nil, "503": nil, "panic": nil, "half": nil, "short": {LengthChecked}} {
		cases = append(cases, Case{
			Name: "failed by " + failure, Rule: "D16: a renewal that fails keeps the response, and the next attempt is made later", Needs: needs,
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if w.Header().Get("X-Run") == "2" {
						fail(w, r, failure)
						return
					}
					say(renewed)(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				for range 3 {
					e.get("/").code(200).by(1).says(served(-5)).lacks("X-Failed")
					e.quiet()
				}
				e.wantRuns(2)
				e.advance(5 * time.Second)
				e.get("/").by(1).says(served(-10))
				e.quiet()
				e.get("/").hit().by(3)
			},
		})
	}
	for _, control := range []string{
		"no-cache, max-age=10, stale-while-revalidate=30", "max-age=10, must-revalidate, stale-while-revalidate=30",
		"max-age=10, proxy-revalidate, stale-while-revalidate=30", "s-maxage=10, stale-while-revalidate=30",
	} {
		cases = append(cases, Case{
			Name: "never with " + control, Rule: "D9, D10, D12, RFC 9111, section 4.2.4: what forbids stale use goes before stale-while-revalidate",
			Handler: func(*env) handler { return validated(`"a"`, "Cache-Control: "+control) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/").code(200).by(2).has("X-Asked", `"a"`)
				e.quiet()
				e.wantRuns(2)
			},
		})
	}
	for _, demand := range []string{"Cache-Control: no-cache", "Cache-Control: max-age=100", "Cache-Control: max-age=0", "Cache-Control: min-fresh=1", "Pragma: no-cache"} {
		cases = append(cases, Case{
			Name: "not for " + demand, Rule: "D15: such a client does not want a stale response",
			Handler: says(renewed),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(15 * time.Second)
				e.get("/", demand).ran().by(2)
				e.quiet()
				e.wantRuns(2)
			},
		})
	}
	return cases
}

// quiet waits until nothing runs in the background. What a request has begun
// there is counted before it is answered.
func (e *env) quiet() {
	e.t.Helper()
	e.until("the end of what runs in the background", func(s cachex.Stats) bool { return s.Background == 0 })
}

// holds is a handler whose nth run opens the gate "in" and goes on once "go" is
// open.
func holds(e *env, n int, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get("X-Run") == fmt.Sprint(n) {
			open(e, "in")
			pass(e, "go")
		}
		h(w, r)
	}
}

// reveals answers with what the request has of a client's own.
func reveals(fields ...string) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		var b strings.Builder
		b.WriteString("sees")
		for _, name := range []string{
			"Authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "X-Else", "If-None-Match", "If-Modified-Since", "Range", "If-Range",
		} {
			if lines := r.Header[name]; lines != nil {
				b.WriteString(" " + name + "=" + strings.Join(lines, ","))
			}
		}
		answer(200, b.String(), fields...)(w, r)
	}
}
