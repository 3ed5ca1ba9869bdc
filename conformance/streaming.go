package conformance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// streaming: responses that come in parts, break off, or are none of HTTP's
// (digest M).
func streaming() []Case {
	return []Case{
		{
			Name: "flush", Rule: "M3: what a handler flushes passes at once, and does not forbid storing", Needs: []string{Streaming},
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, "first ")
					w.(http.Flusher).Flush()
					pass(e, "seen")
					_, _ = io.WriteString(w, "second")
				}
			},
			Test: func(e *env) {
				p := e.begin("GET", "/")
				resp := p.open()
				first := make([]byte, 6)
				if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first " {
					e.fatalf("read %q: %v", first, err)
				}
				open(e, "seen")
				if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "second" {
					e.fatalf("read %q: %v", rest, err)
				}
				e.waitFinished()
				e.get("/").hit().body("first second").has("Content-Length", "12")
			},
		},
		{
			Name: "flush without content", Rule: "M3: the fields pass at once where the handler flushes them", Needs: []string{Streaming},
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-Early", "yes")
					_ = http.NewResponseController(w).Flush()
					pass(e, "seen")
					_, _ = io.WriteString(w, "late")
				}
			},
			Test: func(e *env) {
				p := e.begin("GET", "/")
				resp := p.open()
				if resp.Header.Get("X-Early") != "yes" {
					e.fatalf("fields %v", resp.Header)
				}
				open(e, "seen")
				_, _ = io.ReadAll(resp.Body)
				e.waitFinished()
				e.get("/").hit().body("late").has("X-Early", "yes")
			},
		},
		{
			Name: "large content streams", Rule: "M1: of a miss no more than the first 2048 bytes are held back", Needs: []string{Streaming},
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, _ *http.Request) {
					// net/http holds back 2 KiB and 4 KiB by itself.
					_, _ = io.WriteString(w, strings.Repeat("x", 20_000))
					pass(e, "seen")
					_, _ = io.WriteString(w, "end")
				}
			},
			Test: func(e *env) {
				p := e.begin("GET", "/")
				resp := p.open()
				if _, err := io.ReadFull(resp.Body, make([]byte, 10_000)); err != nil {
					e.fatalf("%v", err)
				}
				open(e, "seen")
				_, _ = io.ReadAll(resp.Body)
				e.waitFinished()
				if r := e.get("/").hit(); len(r.content) != 20_003 {
					r.fail("%d bytes", len(r.content))
				}
			},
		},
		{
			Name: "event stream", Rule: "M3: an event stream passes at once and is never stored; its handler hears of the disconnect", Needs: []string{Streaming, Disconnect},
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					set(w.Header(), "Content-Type: text/event-stream; charset=utf-8")
					_, _ = io.WriteString(w, "data: 1\n\n")
					w.(http.Flusher).Flush()
					leaves(e, r.Context())
				}
			},
			Test: func(e *env) {
				for i := range 2 {
					p := e.begin("GET", "/")
					if line, err := bufio.NewReader(p.open().Body).ReadString('\n'); err != nil || line != "data: 1\n" {
						e.fatalf("read %q: %v", line, err)
					}
					p.leave()
					e.wait(gateOf(e, fmt.Sprint("left ", i+1)), "the handler to hear of the disconnect")
					e.waitFinished()
				}
				e.wantRuns(2)
			},
		},
		{
			Name: "no-store and disconnect", Rule: "ruling on disconnects: a disconnect reaches the handler the moment that its response proves unstorable", Needs: []string{Streaming, Disconnect},
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					set(w.Header(), "Cache-Control: no-store")
					_, _ = io.WriteString(w, "a part")
					w.(http.Flusher).Flush()
					leaves(e, r.Context())
				}
			},
			Test: func(e *env) {
				p := e.begin("GET", "/")
				_ = p.open()
				p.leave()
				e.wait(gateOf(e, "left 1"), "the handler to hear of the disconnect")
			},
		},
		{
			Name: "long poll and disconnect", Rule: "ruling on disconnects: before its response is known a handler hears of the disconnect", Needs: []string{Disconnect},
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(_ http.ResponseWriter, r *http.Request) {
					open(e, "in")
					leaves(e, r.Context())
				}
			},
			Test: func(e *env) {
				p := e.begin("GET", "/")
				e.wait(gateOf(e, "in"), "the handler")
				p.leave()
				e.wait(gateOf(e, "left 1"), "the handler to hear of the disconnect")
			},
		},
		{
			Name: "unstorable after the disconnect", Rule: "ruling on disconnects: a client that has left before the status: the handler has heard of it, and nothing is stored of what it still says", Needs: []string{Disconnect},
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("X-Slow") != "" {
						open(e, "in")
						leaves(e, r.Context())
					}
					_, _ = io.WriteString(w, "half")
				}
			},
			Test: func(e *env) {
				p := e.begin("GET", "/", "X-Slow: 1")
				e.wait(gateOf(e, "in"), "the handler")
				p.leave()
				e.wait(gateOf(e, "left 1"), "the handler to hear of the disconnect")
				e.waitFinished()
				e.get("/").ran().by(2)
			},
		},
		{
			Name: "too large and disconnect", Rule: "M1, M12: a response that outgrows the limit is for its client alone again, and hears of its leaving", Needs: []string{Streaming, Disconnect},
			Options: options(minute), Config: func(c *cachex.Config) { c.MaxEntryBytes = 10_000 },
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.WriteString(w, strings.Repeat("x", 5000))
					w.(http.Flusher).Flush()
					pass(e, "gone")
					_, _ = io.WriteString(w, strings.Repeat("x", 6000))
					leaves(e, r.Context())
				}
			},
			Test: func(e *env) {
				p := e.begin("GET", "/")
				_ = p.open()
				p.leave()
				open(e, "gone")
				e.wait(gateOf(e, "left 1"), "the handler to hear of the disconnect")
			},
		},
		{
			Name: "storable runs on", Rule: "M12: a handler whose response is storable runs on and is stored though its client has left", Needs: []string{Streaming, Disconnect},
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.WriteString(w, "first ")
					w.(http.Flusher).Flush()
					pass(e, "left")
					for range 50 {
						if _, err := io.WriteString(w, strings.Repeat("y", 1000)); err != nil {
							return // nobody may tell it so
						}
					}
					if r.Context().Err() == nil {
						_, _ = io.WriteString(w, " last")
					}
				}
			},
			Test: func(e *env) {
				p := e.begin("GET", "/")
				_ = p.open()
				p.leave()
				open(e, "left")
				e.waitFinished()
				if r := e.get("/").hit().whole(); !strings.HasPrefix(r.content, "first y") || !strings.HasSuffix(r.content, "y last") || len(r.content) != 50_011 {
					r.fail("%d bytes", len(r.content))
				}
			},
		},
		{
			Name: "panic before the first byte", Rule: "M11, lessons: a handler that panics stores nothing, and the panic reaches the server",
			Options: options(minute),
			Handler: func(e *env) handler { return panics(e, func(http.ResponseWriter) {}) },
			Test: func(e *env) {
				e.abandoned("/")
				e.get("/").ran().by(2)
				e.get("/").hit().by(2)
			},
		},
		{
			Name: "panic after the first byte", Rule: "M11, A21: what was written before a panic is not stored",
			Options: options(minute),
			Handler: func(e *env) handler {
				return panics(e, func(w http.ResponseWriter) { _, _ = io.WriteString(w, "half") })
			},
			Test: func(e *env) {
				e.abandoned("/")
				e.get("/").ran().by(2)
			},
		},
		{
			Name: "panic after a flush", Rule: "M11, A21: what was written before a panic is not stored, and its client sees that it is not whole", Needs: []string{Streaming},
			Options: options(minute),
			Handler: func(e *env) handler {
				return panics(e, func(w http.ResponseWriter) {
					_, _ = io.WriteString(w, "half")
					w.(http.Flusher).Flush()
				})
			},
			Test: func(e *env) {
				if r := e.get("/"); !r.cut {
					r.fail("a response that broke off looks whole")
				}
				e.get("/").ran().by(2)
			},
		},
		{
			Name: "panic with a declared length", Rule: "M11, A21: a panic after the last byte that was announced stores nothing either",
			Options: options(minute),
			Handler: func(e *env) handler {
				return panics(e, func(w http.ResponseWriter) {
					w.Header().Set("Content-Length", "4")
					_, _ = io.WriteString(w, "full")
				})
			},
			Test: func(e *env) {
				e.abandoned("/")
				e.get("/").ran().by(2)
			},
		},
		{
			Name: "panic after good content", Rule: "M11: a panic on a validation leaves what is stored as it is",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if e.runs.Load() == 2 {
						panic(http.ErrAbortHandler)
					}
					validated(`"a"`, "Cache-Control: max-age=60")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(time.Minute)
				e.abandoned("/")
				e.get("/").code(200).body(`content of "a"`).has("X-Asked", `"a"`)
			},
		},
		{
			Name: "short content", Rule: "A21, A22, RFC 9111, section 3.3: a response shorter than its Content-Length is not stored", Needs: []string{LengthChecked},
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", "10")
					_, _ = io.WriteString(w, "short")
				}
			},
			Test: func(e *env) {
				for i := range 2 {
					p := e.begin("GET", "/")
					_, _ = p.e.read(p.c, "GET", p.text, p.before)
					e.waitFinished()
					e.wantRuns(int64(i + 1))
				}
			},
		},
		{
			Name: "buffer reused", Rule: "lessons (gin-cache 61): the handler's buffer is its own again when Write has returned",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, _ *http.Request) {
					buffer := make([]byte, 1000)
					for i := range 10 {
						for j := range buffer {
							buffer[j] = byte('a' + i)
						}
						_, _ = w.Write(buffer)
					}
					for j := range buffer {
						buffer[j] = '!'
					}
				}
			},
			Test: func(e *env) {
				var want strings.Builder
				for i := range 10 {
					want.WriteString(strings.Repeat(string(rune('a'+i)), 1000))
				}
				e.get("/").ran().body(want.String())
				e.get("/").hit().body(want.String())
				e.get("/").hit().body(want.String())
			},
		},
		{
			Name: "fields changed later", Rule: "A30: a field whose lines the handler changes after it has answered is stored as it was sent", Needs: []string{FrozenFields},
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					lines := []string{"a", "b"}
					w.Header()["X-Lines"] = lines
					answer(200, strings.Repeat("x", 3000))(w, r)
					lines[0] = "changed"
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit().lines("X-Lines", "a", "b")
			},
		},
		{
			Name: "concurrent misses", Rule: "lessons (gin-cache 15, 32): concurrent misses are whole answers, each, and one of them is stored",
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					for range 10 {
						_, _ = io.WriteString(w, strings.Repeat(w.Header().Get("X-Run"), 500))
					}
				}
			},
			Test: func(e *env) {
				var all []*pending
				for range 8 {
					all = append(all, e.begin("GET", "/"))
				}
				for _, p := range all {
					r := p.end().whole().code(200)
					if r.content != strings.Repeat(r.header.Get("X-Run"), 5000) {
						r.fail("a mixture of runs")
					}
				}
				for range 8 {
					e.waitFinished()
				}
				if r := e.get("/").hit(); r.content != strings.Repeat(r.header.Get("X-Run"), 5000) {
					r.fail("a mixture of runs")
				}
			},
		},
		{
			Name: "interim responses", Rule: "A4, G8, RFC 9110, section 15.2: 1xx pass at once, are not stored, and leave nothing in the final response", Needs: []string{Interim},
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Link", "</style.css>; rel=preload")
					w.WriteHeader(http.StatusEarlyHints)
					w.Header().Del("Link")
					w.WriteHeader(http.StatusProcessing)
					say()(w, r)
				}
			},
			Test: func(e *env) {
				r := e.get("/").ran().code(200).lacks("Link")
				if fmt.Sprint(r.interim) != "[103 102]" {
					r.fail("interim responses %v", r.interim)
				}
				r = e.get("/").hit().code(200).lacks("Link")
				if len(r.interim) > 0 {
					r.fail("interim responses %v on a hit", r.interim)
				}
			},
		},
		{
			Name: "upgrade", Rule: "M5, RFC 9110, section 7.8: an upgrade passes by the cache, and the connection is the handler's", Needs: []string{Hijack},
			Options: options(minute), Handler: func(*env) handler { return hijacks },
			Test: func(e *env) {
				for range 2 {
					p := e.begin("GET", "/", "Connection: Upgrade", "Upgrade: echo")
					if r := p.open(); r.StatusCode != 101 || r.Header.Get("Upgrade") != "echo" {
						e.fatalf("status %d %v", r.StatusCode, r.Header)
					}
					_, _ = io.WriteString(p.c, "hello\n")
					if line, err := p.c.r.ReadString('\n'); err != nil || line != "hello\n" {
						e.fatalf("echo %q: %v", line, err)
					}
					p.leave()
				}
				e.wantRuns(2)
			},
		},
		{
			Name: "hijack", Rule: "M4, M5: a handler that takes over the connection of a plain GET is not stored", Needs: []string{Hijack},
			Options: options(minute), Handler: func(*env) handler { return hijacks },
			Test: func(e *env) {
				for range 2 {
					p := e.begin("GET", "/")
					if r := p.open(); r.StatusCode != 101 {
						e.fatalf("status %d", r.StatusCode)
					}
					p.leave()
				}
				e.wantRuns(2)
			},
		},
		{
			Name: "upgrade of what is stored", Rule: "M5: a request with Upgrade is not answered from the cache",
			Options: options(minute),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/", "Connection: Upgrade", "Upgrade: websocket").ran().lacks("Cache-Status")
				e.get("/").hit().by(1)
			},
		},
		{
			Name: "response controller", Rule: "M4: http.ResponseController works through the cache, and leaves responses storable", Needs: []string{Controller},
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					c := http.NewResponseController(w)
					for _, err := range []error{c.SetWriteDeadline(time.Now().Add(time.Hour)), c.SetReadDeadline(time.Now().Add(time.Hour)), c.Flush()} {
						if err != nil {
							answer(500, err.Error())(w, r)
							return
						}
					}
					_, _ = io.WriteString(w, "fine")
				}
			},
			Test: func(e *env) {
				e.get("/").ran().code(200).body("fine")
				e.get("/").hit().body("fine")
			},
		},
		{
			Name: "ReadFrom", Rule: "M4: content that is copied into the writer is recorded as well",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/no-store" {
						w.Header().Set("Cache-Control", "no-store")
					}
					_, _ = io.Copy(w, strings.NewReader(strings.Repeat("z", 9000)))
				}
			},
			Test: func(e *env) {
				e.get("/").ran().body(strings.Repeat("z", 9000))
				e.get("/").hit().body(strings.Repeat("z", 9000))
				e.get("/no-store").ran().body(strings.Repeat("z", 9000))
				e.get("/no-store").ran().body(strings.Repeat("z", 9000))
			},
		},
		{
			Name: "HEAD with content", Rule: "M6, RFC 9110, section 9.3.2: what a handler writes to HEAD is sent to nobody and kept for nobody",
			Options: options(minute),
			Test: func(e *env) {
				e.head("/").ran().body("")
				e.head("/").ran().body("")
				e.get("/").ran().body("run 3")
			},
		},
		{
			Name: "HTTP/1.0", Rule: "G9, RFC 9112, section 6.1: an HTTP/1.0 client gets stored and streamed responses without chunks", Needs: []string{HTTP10},
			Options: options(minute), Handler: answers(200, strings.Repeat("q", 6000)),
			Test: func(e *env) {
				text := "GET / HTTP/1.0\r\nHost: " + site + "\r\n\r\n"
				e.raw("GET", text).ran().lacks("Transfer-Encoding").body(strings.Repeat("q", 6000))
				e.raw("GET", text).hit().body(strings.Repeat("q", 6000)).has("Content-Length", "6000")
				e.get("/").hit()
			},
		},
		{
			Name: "context of the handler", Rule: "M12: the handler's context leads to a run, and ends with the request at the latest",
			Options: options(minute),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					cachex.AddTags(r.Context(), "a")
					if err := r.Context().Err(); err != nil {
						answer(500, err.Error())(w, r)
						return
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().code(200)
				e.get("/").hit()
			},
		},
	}
}

// leaves waits for the end of the context, which the client's leaving brings,
// and opens the gate that is named after the run.
func leaves(e *env, ctx context.Context) {
	n := e.runs.Load()
	select {
	case <-ctx.Done():
		open(e, fmt.Sprint("left ", n))
	case <-time.After(patience):
	}
}

// panics is a handler whose first run panics, after what f does.
func panics(e *env, f func(http.ResponseWriter)) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		if e.runs.Load() == 1 {
			f(w)
			panic(http.ErrAbortHandler)
		}
		say()(w, r)
	}
}

// abandoned sends a GET that the handler panics on: there is no whole answer
// with 200, whatever the framework makes of it.
func (e *env) abandoned(target string) {
	e.t.Helper()
	p := e.begin("GET", target)
	r, err := e.read(p.c, "GET", p.text, p.before)
	if err == nil && r.status == 200 && !r.cut {
		r.fail("a whole 200 of a handler that panicked")
	}
	if err == nil && r.status != 200 {
		r.code(500).lacks("Etag", "X-Run")
	}
	e.waitFinished()
}

// hijacks takes over the connection, switches protocols, and sends back a line.
func hijacks(w http.ResponseWriter, _ *http.Request) {
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	defer func() { _ = c.Close() }()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	_ = rw.Flush()
	line, _ := rw.ReadString('\n')
	_, _ = rw.WriteString(line)
	_ = rw.Flush()
}
