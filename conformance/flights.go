package conformance

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// flights: requests that wait for the run of another one, and those that must
// not (collapsed forwarding; digest D21, D22, M11 to M13).
func flights() []Case {
	long := strings.Repeat("0123456789", 2000)
	cases := []Case{
		{
			Name: "one run", Rule: "D21: however many ask for a cold key at the same time, the handler runs once and all get the whole of it",
			Options: options(minute),
			Handler: func(e *env) handler { return holds(e, 1, answer(200, long)) },
			Test: func(e *env) {
				all := e.gather(e.crowd())
				open(e, "go")
				all[0].end().code(200).whole().by(1).body(long)
				for _, p := range all[1:] {
					p.end().code(200).whole().by(1).body(long).says("Cachex; fwd=uri-miss; collapsed; ttl=60")
				}
				e.wantRuns(1)
				if s := e.cache.Stats(); s.Collapsed != uint64(len(all)-1) {
					e.fatalf("%+v", s)
				}
			},
		},
		{
			Name: "one run without order", Rule: "D21: a request that comes as another's run ends does not begin one of its own",
			Options: options(minute), Handler: answers(200, long),
			Test: func(e *env) {
				for i := range 10 {
					target := fmt.Sprint("/", i)
					var all []*pending
					for range 20 {
						all = append(all, e.begin("GET", target))
					}
					for _, p := range all {
						p.end().code(200).whole().by(i + 1).body(long)
					}
				}
				e.wantRuns(10)
			},
		},
		{
			Name: "an expired key", Rule: "D21, RFC 9111, section 4.3: who asks for what has expired waits for one validation",
			Options: options(minute),
			Handler: func(e *env) handler { return holds(e, 2, validated(`"a"`)) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Hour)
				all := e.gather(20)
				open(e, "go")
				for _, p := range all[1:] {
					p.end().code(200).by(2).body(`content of "a"`).has("X-Asked", `"a"`).says("Cachex; fwd=stale; collapsed; ttl=60")
				}
				all[0].end().code(200).body(`content of "a"`)
				e.wantRuns(2)
			},
		},
		{
			Name: "fields of outer middleware", Rule: "D21: who waits gets the fields that outer middleware sets for this request, once, and none of the first one's",
			Options: options(minute),
			Handler: func(e *env) handler { return holds(e, 1, say("X-Inner: of the run")) },
			Test: func(e *env) {
				e.outerFields = func(r *http.Request, h http.Header) { h.Set("X-Request-Id", r.Header.Get("X-Id")) }
				all := []*pending{e.begin("GET", "/", "X-Id: 0")}
				e.wait(gateOf(e, "in"), "the first run")
				for i := 1; i < 5; i++ {
					all = append(all, e.begin("GET", "/", fmt.Sprint("X-Id: ", i)))
				}
				e.waiting(4)
				open(e, "go")
				for i, p := range all {
					p.end().by(1).lines("X-Request-Id", fmt.Sprint(i)).lines("X-Inner", "of the run")
				}
			},
		},
		{
			Name: "conditions of who waits", Rule: "E25: who waits has its own conditions judged on what the run brings",
			Options: options(minute),
			Handler: func(e *env) handler { return holds(e, 2, validated(`"a"`)) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Hour)
				first := e.begin("GET", "/")
				e.wait(gateOf(e, "in"), "the validation")
				same, other := e.begin("GET", "/", `If-None-Match: "a"`), e.begin("GET", "/", `If-None-Match: "b"`)
				e.waiting(2)
				open(e, "go")
				first.end().code(200).body(`content of "a"`)
				same.end().code(304).body("")
				other.end().code(200).body(`content of "a"`)
				e.wantRuns(2)
			},
		},
		{
			Name: "variants", Rule: "D21, RFC 9111, section 4.1: who waits for another variant waits for its own, with those that want the same",
			Options: options(minute),
			Handler: func(e *env) handler {
				return holds(e, 1, func(w http.ResponseWriter, r *http.Request) {
					answer(200, "for "+r.Header.Get("X-Lang"), "Vary: X-Lang")(w, r)
				})
			},
			Test: func(e *env) {
				all := e.gather(5, "X-Lang: a")
				var others []*pending
				for range 5 {
					others = append(others, e.begin("GET", "/", "X-Lang: b"))
				}
				e.waiting(9)
				open(e, "go")
				for _, p := range all {
					p.end().by(1).body("for a")
				}
				for _, p := range others {
					p.end().by(2).body("for b")
				}
				e.wantRuns(2)
			},
		},
		{
			Name: "levels", Rule: "nesting: the innermost New answers, and its key is waited for",
			App: func(_ *env, a *App) {
				a.Root, a.Group, a.Route = options(minute), options(cachex.KeyHeader("X-Plan")), options(cachex.TTL(time.Hour))
			},
			Handler: func(e *env) handler { return holds(e, 1, say()) },
			Test: func(e *env) {
				all := e.gather(20, "X-Plan: a")
				e.get("/", "X-Plan: b").by(2)
				open(e, "go")
				for _, p := range all {
					p.end().by(1)
				}
				e.wantRuns(2)
			},
		},
		{
			Name: "the first client leaves", Rule: "D22, M12: a run that others wait for goes on when its client leaves, and they get the whole of it", Needs: []string{Disconnect},
			Options: options(minute),
			Handler: func(e *env) handler { return heedful(e, long) },
			Test: func(e *env) {
				all := e.gather(e.crowd())
				all[0].leave()
				open(e, "go")
				for _, p := range all[1:] {
					p.end().code(200).whole().by(1).body(long)
				}
				e.wantRuns(1)
			},
		},
		{
			Name: "the first client leaves at a random moment", Rule: "D22, M12: whenever the first client leaves, the others get the whole of one run", Needs: []string{Disconnect},
			Options: options(minute),
			Handler: func(e *env) handler { return heedful(e, long) },
			Test: func(e *env) {
				n := e.crowd()
				all := []*pending{e.begin("GET", "/")}
				e.wait(gateOf(e, "in"), "the first run")
				leaves, goes := rand.IntN(n), rand.IntN(n)
				for i := range n {
					if i == leaves {
						all[0].leave()
					}
					if i == goes {
						open(e, "go")
					}
					all = append(all, e.begin("GET", "/"))
				}
				for _, p := range all[1:] {
					if r := p.end().code(200).whole().body(long); e.runs.Load() > 2 {
						r.fail("%d runs: it left after %d, and the handler went on after %d", e.runs.Load(), leaves, goes)
					}
				}
			},
		},
		{
			Name: "who waits leaves", Rule: "D22, lessons (singleflight): who waits may leave, and is not counted any more", Needs: []string{Disconnect},
			Options: options(minute),
			Handler: func(e *env) handler { return holds(e, 1, say()) },
			Test: func(e *env) {
				all := e.gather(6)
				all[1].leave()
				all[2].leave()
				e.waiting(3)
				open(e, "go")
				all[0].end().by(1)
				for _, p := range all[3:] {
					p.end().by(1)
				}
				e.wantRuns(1)
			},
		},
		{
			Name: "everybody leaves", Rule: "lessons (bucketeer 2552, WaveHouse 120): a run that nobody waits for any more hears of it", Needs: []string{Disconnect},
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if w.Header().Get("X-Run") == "1" {
						open(e, "in")
						leaves(e, r.Context())
						return
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				all := e.gather(4)
				for _, p := range all {
					p.leave()
				}
				e.wait(gateOf(e, "left 1"), "the handler to hear that all have left")
				e.waiting(0)
				e.get("/").ran().by(2)
			},
		},
		{
			Name: "a slow reader", Rule: "M13: a first client that does not read delays nobody",
			App: func(_ *env, a *App) { a.Route = options(minute) }, Config: func(c *cachex.Config) { c.MaxEntryBytes, c.MemoryBytes = 16<<20, 64<<20 },
			Handler: func(e *env) handler { return holds(e, 1, parts(50)) },
			Test: func(e *env) {
				all := e.gather(3)
				open(e, "go")
				for _, p := range append(all[1:], all[0]) {
					if r := p.end().code(200).whole().by(1); len(r.content) != 50*len(part) {
						r.fail("%d bytes", len(r.content))
					}
				}
				e.wantRuns(1)
			},
		},
		{
			Name: "a slow reader of a stream", Rule: "M13: those who come while a response is held up by its client do not wait for that client", Needs: []string{Streaming},
			App: func(_ *env, a *App) { a.Route = options(minute) }, Config: func(c *cachex.Config) { c.MaxEntryBytes, c.MemoryBytes = 16<<20, 64<<20 },
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if w.Header().Get("X-Run") == "1" {
						open(e, "in")
					}
					parts(50)(w, r)
				}
			},
			Test: func(e *env) {
				first := e.begin("GET", "/")
				e.wait(gateOf(e, "in"), "the first run")
				var all []*pending
				for range 2 {
					all = append(all, e.begin("GET", "/"))
				}
				for _, p := range append(all, first) {
					if r := p.end().code(200).whole(); len(r.content) != 50*len(part) {
						r.fail("%d bytes", len(r.content))
					}
				}
				if n := e.runs.Load(); n > 2 {
					e.fatalf("%d runs, want one, and one more where the first was held up", n)
				}
			},
		},
		{
			Name: "flush", Rule: "M3: what is flushed reaches the first client at once, while others wait for the whole", Needs: []string{Streaming},
			Options: options(minute),
			Handler: func(e *env) handler {
				return holds(e, 1, func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, "first ")
					w.(http.Flusher).Flush()
					pass(e, "seen")
					_, _ = io.WriteString(w, "second")
				})
			},
			Test: func(e *env) {
				all := e.gather(5)
				open(e, "go")
				resp, first := all[0].open(), make([]byte, 6)
				if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first " {
					e.fatalf("read %q: %v", first, err)
				}
				open(e, "seen")
				if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "second" {
					e.fatalf("read %q: %v", rest, err)
				}
				for _, p := range all[1:] {
					p.end().whole().by(1).body("first second")
				}
				e.wantRuns(1)
			},
		},
		{
			Name: "hijack", Rule: "M5: a handler that takes the connection frees at that moment those who wait, and they run by themselves", Needs: []string{Hijack},
			Options: options(minute),
			Handler: func(e *env) handler {
				return holds(e, 1, func(w http.ResponseWriter, r *http.Request) {
					if w.Header().Get("X-Run") == "1" {
						hijacks(w, r) // and stays in the handler until a line comes
						return
					}
					say()(w, r)
				})
			},
			Test: func(e *env) {
				all := e.gather(5)
				open(e, "go")
				for _, p := range all[1:] {
					if r := p.end().code(200); r.header.Get("X-Run") == "1" {
						r.fail("the answer of a run that nobody knows the content of")
					}
				}
				if r := all[0].open(); r.StatusCode != 101 {
					e.fatalf("status %d", r.StatusCode)
				}
				_, _ = io.WriteString(all[0].c, "hello\n")
				if line, err := all[0].c.r.ReadString('\n'); err != nil || line != "hello\n" {
					e.fatalf("echo %q: %v", line, err)
				}
			},
		},
		{
			Name: "a handler that never returns", Rule: "M13, lessons (souin 849): HardTimeout answers those who wait, though the handler does not come back",
			Options: options(minute, cachex.HardTimeout(time.Second)),
			Handler: func(e *env) handler { return holds(e, 1, say()) },
			Test: func(e *env) {
				first := e.begin("GET", "/")
				e.wait(gateOf(e, "in"), "the first run")
				var all []*pending
				for range 4 {
					all = append(all, e.begin("GET", "/"))
				}
				for _, p := range all {
					if r := p.end(); r.status != 504 && r.status != 200 { // 200 where it came after the second
						r.code(504)
					}
				}
				open(e, "go")
				first.end().code(504)
				e.get("/").code(200)
			},
		},
		{
			Name: "every run fails", Rule: "D21: a first run that fails is followed by one other, whose failure is everybody's answer",
			Options: options(minute),
			Handler: func(e *env) handler { return holds(e, 1, answer(503, "out of order")) },
			Test: func(e *env) {
				all := e.gather(20)
				open(e, "go")
				for _, p := range all {
					p.end().code(503).body("out of order")
				}
				e.wantRuns(2)
				e.get("/").ran().code(503)
			},
		},
		{
			Name: "an unsafe request meanwhile", Rule: "D21, F6: who waits gets nothing that was taken back while it was being made",
			Options: options(minute),
			Handler: func(e *env) handler { return holds(e, 1, say()) },
			Test: func(e *env) {
				all := e.gather(5)
				e.send("POST", "/").by(2)
				e.get("/").by(3) // does not wait for what began before the POST
				open(e, "go")
				for _, p := range all[1:] {
					p.end().code(200).by(3)
				}
				all[0].end().code(200)
				e.wantRuns(3)
				e.get("/").hit().by(3)
			},
		},
		{
			Name: "a purge meanwhile", Rule: "D21, F6: who waits gets nothing that was purged while it was being made; one other run is for all",
			Options: options(minute),
			Handler: func(e *env) handler { return holds(e, 1, say()) },
			Test: func(e *env) {
				all := e.gather(5)
				if err := e.cache.Purge(context.Background(), cachex.ByPath("/")); err != nil {
					e.fatalf("%v", err)
				}
				open(e, "go")
				for _, p := range all[1:] {
					p.end().code(200).by(2)
				}
				all[0].end().code(200)
				e.wantRuns(2)
			},
		},
		{
			Name: "hit for miss", Rule: "D22: a key whose response could not be shared is remembered for a short while, in which nobody waits",
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					switch run := w.Header().Get("X-Run"); run {
					case "2", "4":
						open(e, "in "+run)
						pass(e, "go "+run)
					}
					if e.runs.Load() < 4 {
						w.Header().Set("Cache-Control", "private")
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				first := e.begin("GET", "/")
				e.wait(gateOf(e, "in 2"), "the second run")
				e.get("/").ran().by(3)
				open(e, "go 2")
				first.end().by(2)
				e.advance(time.Minute)
				first = e.begin("GET", "/")
				e.wait(gateOf(e, "in 4"), "the fourth run")
				second := e.begin("GET", "/")
				e.waiting(1)
				open(e, "go 4")
				first.end().by(4)
				second.end().by(4).says("Cachex; fwd=uri-miss; collapsed; ttl=60")
			},
		},
		{
			Name: "endless streams", Rule: "M3, D21: who waits is freed once the first response proves to be a stream, not when it ends", Needs: []string{Streaming},
			Options: options(minute),
			Handler: func(e *env) handler {
				return holds(e, 1, func(w http.ResponseWriter, _ *http.Request) {
					set(w.Header(), "Content-Type: text/event-stream; charset=utf-8")
					_, _ = io.WriteString(w, "data: 1\n\n")
					w.(http.Flusher).Flush()
					pass(e, "end")
				})
			},
			Test: func(e *env) {
				all := e.gather(5)
				open(e, "go")
				for _, p := range all { // all are open at the same time
					event := make([]byte, 9)
					if _, err := io.ReadFull(p.open().Body, event); err != nil || string(event) != "data: 1\n\n" {
						e.fatalf("read %q: %v", event, err)
					}
				}
				e.wantRuns(5)
				open(e, "end")
			},
		},
		{
			Name: "outgrown", Rule: "M1, D21: who waits is freed once the response outgrows the limit, not when it ends", Needs: []string{Streaming},
			Options: options(minute), Config: func(c *cachex.Config) { c.MaxEntryBytes = 10_000 },
			Handler: func(e *env) handler {
				return holds(e, 1, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.WriteString(w, long)
					if w.Header().Get("X-Run") == "1" {
						pass(e, "end")
					}
				})
			},
			Test: func(e *env) {
				all := e.gather(5)
				open(e, "go")
				for _, p := range all[1:] {
					p.end().whole().body(long)
				}
				open(e, "end")
				all[0].end().whole().body(long)
				e.wantRuns(5)
			},
		},
	}
	for name, fault := range map[string]struct {
		needs []string
		h     handler
	}{
		"panic before the first byte": {nil, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"panic after the first byte": {nil, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		}},
		"panic after much content": {nil, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, long)
			panic(http.ErrAbortHandler)
		}},
		"panic after a flush": {[]string{Streaming}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}},
		"short content": {[]string{LengthChecked}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "short")
		}},
		"error": {nil, answer(500, "broken")},
	} {
		cases = append(cases, Case{
			Name: name, Rule: "M11, D21: a first run that fails fails for its own client alone; one other runs for all who waited", Needs: fault.needs,
			Options: options(minute),
			Handler: func(e *env) handler {
				return holds(e, 1, func(w http.ResponseWriter, r *http.Request) {
					if w.Header().Get("X-Run") == "1" {
						fault.h(w, r)
						return
					}
					answer(200, long)(w, r)
				})
			},
			Test: func(e *env) {
				n := 20
				if name == "panic before the first byte" {
					n = e.crowd()
				}
				all := e.gather(n)
				open(e, "go")
				for _, p := range all[1:] {
					p.end().code(200).whole().by(2).body(long)
				}
				if r, err := e.read(all[0].c, "GET", all[0].text, 0); err == nil && r.status == 200 && !r.cut {
					r.fail("a run that failed looks whole")
				}
				e.wantRuns(2)
				e.get("/").hit().by(2).body(long)
			},
		})
	}
	for name, unshared := range map[string]struct {
		needs  []string
		h      handler
		config func(*cachex.Config)
	}{
		"private":        {h: say("Cache-Control: private")},
		"no-store":       {h: say("Cache-Control: no-store")},
		"Set-Cookie":     {h: say("Set-Cookie: a=b")},
		"no lifetime":    {h: say("Cache-Control: max-age=0")},
		"Vary star":      {h: say("Vary: *")},
		"event stream":   {h: answer(200, "data: 1\n\n", "Content-Type: text/event-stream; charset=utf-8")},
		"too large":      {h: answer(200, long), config: func(c *cachex.Config) { c.MaxEntryBytes = 10_000 }},
		"declared large": {h: answer(200, long, fmt.Sprint("Content-Length: ", len(long))), config: func(c *cachex.Config) { c.MaxEntryBytes = 10_000 }},
		"trailers":       {needs: []string{Trailers}, h: trailing},
		"DoNotStore": {h: func(w http.ResponseWriter, r *http.Request) {
			cachex.DoNotStore(r.Context())
			say()(w, r)
		}},
	} {
		cases = append(cases, Case{
			Name: "not shareable: " + name, Rule: "D21, D22: a response that is not for everybody frees all who wait to run side by side: nobody waits longer than two runs", Needs: unshared.needs,
			Options: options(minute), Config: unshared.config,
			Handler: func(e *env) handler {
				others := &meeting{n: int64(unsharedCrowd(e, name) - 1), all: make(chan struct{})}
				return holds(e, 1, func(w http.ResponseWriter, r *http.Request) {
					if w.Header().Get("X-Run") != "1" && !others.meet() {
						answer(500, "not side by side")(w, r)
						return
					}
					unshared.h(w, r)
				})
			},
			Test: func(e *env) {
				all := e.gather(unsharedCrowd(e, name))
				open(e, "go")
				seen := map[string]bool{}
				for _, p := range all {
					r := p.end().code(200).whole()
					if run := r.header.Get("X-Run"); seen[run] {
						r.fail("two clients got the answer of run %s", run)
					} else {
						seen[run] = true
					}
					if strings.Contains(r.header.Get("Cache-Status"), "collapsed") {
						r.fail("shared")
					}
				}
				e.wantRuns(int64(len(all)))
			},
		})
	}
	for _, own := range []struct{ method, field string }{
		{"POST", "X: 1"}, {"PUT", "X: 1"}, {"DELETE", "X: 1"}, {"HEAD", "X: 1"},
		{"GET", "Authorization: Basic eDp5"}, {"GET", "X-Api-Key: k"}, {"GET", "Cookie: a=b"},
		{"GET", "Range: bytes=0-1"}, {"GET", "Cache-Control: no-store"}, {"GET", "Cache-Control: no-cache"},
		{"GET", "Pragma: no-cache"}, {"GET", "If-Match: *"}, {"GET", `If-None-Match: "x"`},
	} {
		cases = append(cases, Case{
			Name: "never for " + own.method + " " + own.field, Rule: "D22: unsafe methods, credentials that are not keyed, ranges and no-store wait for nobody, and nobody waits for them",
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("X-First") != "" {
						open(e, "in "+r.URL.Path)
						pass(e, "go "+r.URL.Path)
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				first := e.begin("GET", "/a", "X-First: 1")
				e.wait(gateOf(e, "in /a"), "the first run")
				e.send(own.method, "/a", own.field).ran().by(2)
				open(e, "go /a")
				first.end().by(1)

				fields := []string{own.field, "X-First: 1"}
				if own.method != "GET" && own.method != "HEAD" {
					fields = append(fields, "Content-Length: 0")
				}
				first = e.begin(own.method, "/b", fields...)
				e.wait(gateOf(e, "in /b"), "the first run")
				e.get("/b").ran().by(4)
				open(e, "go /b")
				first.end().by(3)
			},
		})
	}
	return cases
}

// crowd is how many clients ask at once. A thousand at each level, and in front of
// each store, would take long under the race detector.
func (e *env) crowd() int {
	if e.level == "route" && e.config == nil {
		return 1000
	}
	return 50
}

func unsharedCrowd(e *env, name string) int {
	if name == "private" {
		return e.crowd()
	}
	return 10
}

// gather has n clients ask for "/" and returns when all but the first wait. The
// first one's run opens the gate "in".
func (e *env) gather(n int, fields ...string) []*pending {
	e.t.Helper()
	all := []*pending{e.begin("GET", "/", fields...)}
	e.wait(gateOf(e, "in"), "the first run")
	for range n - 1 {
		all = append(all, e.begin("GET", "/", fields...))
	}
	e.waiting(n - 1)
	return all
}

// waiting waits until so many requests wait for a run that is not their own.
func (e *env) waiting(n int) {
	e.t.Helper()
	e.until(fmt.Sprint(n, " requests to wait"), func(s cachex.Stats) bool { return s.Waiting == n })
}

// heedful is a handler whose first run opens the gate "in", and goes on once "go"
// is open; it ends early when it hears that its client has left.
func heedful(e *env, content string) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get("X-Run") == "1" {
			open(e, "in")
			select {
			case <-gateOf(e, "go"):
			case <-r.Context().Done():
			case <-time.After(patience):
			}
		}
		if r.Context().Err() != nil {
			return
		}
		answer(200, content)(w, r)
	}
}

// part is a piece of a content that is larger than what sockets hold; parts
// answers with n of them.
var part = strings.Repeat("x", 100_000)

func parts(n int) handler {
	return func(w http.ResponseWriter, _ *http.Request) {
		for range n {
			_, _ = io.WriteString(w, part)
		}
	}
}

func trailing(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "content")
	w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
}

// meeting brings n runs together: none goes on before all are there.
type meeting struct {
	n     int64
	there atomic.Int64
	all   chan struct{}
}

func (m *meeting) meet() bool {
	if m.there.Add(1) == m.n {
		close(m.all)
	}
	select {
	case <-m.all:
		return true
	case <-time.After(patience):
		return false
	}
}
