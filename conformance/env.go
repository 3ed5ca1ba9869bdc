package conformance

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// env is what a case works with.
type env struct {
	t      testing.TB
	rule   string
	level  string               // at which the New stands
	config func(*cachex.Config) // of all caches
	cache  *cachex.Cache
	addr   string
	began  time.Time // by the real clock

	now  atomic.Int64 // of the cache
	runs atomic.Int64 // of the handler

	outerFields func(*http.Request, http.Header) // set by middleware outside of the cache
	deny        func(*http.Request) bool         // requests that it refuses
	finished    chan struct{}                    // one for each request whose whole chain has returned

	log   syncBuffer
	mu    sync.Mutex
	idle  []*conn
	gates map[string]chan struct{}
}

// start is where the clock of every case begins. It is not the present, so that
// a Date made by the server and a stored one can be told apart.
var start = time.Date(2024, time.March, 1, 12, 0, 0, 0, time.UTC)

// patience is how long a case waits for what must happen. It is no measure of
// time: who waits in vain has failed.
const patience = time.Minute

func newEnv(t testing.TB, a Adapter, c Case) *env {
	e := &env{t: t, rule: c.Rule, config: a.Config, began: time.Now(), finished: make(chan struct{}, 1024)}
	e.now.Store(start.UnixNano())
	e.cache = e.newCache(c.Config)
	return e
}

func (e *env) newCache(change func(*cachex.Config)) *cachex.Cache {
	cfg := cachex.Config{
		Now:    func() time.Time { return time.Unix(0, e.now.Load()).UTC() },
		Logger: slog.New(slog.NewTextHandler(&e.log, nil)),
	}
	if e.config != nil {
		e.config(&cfg)
	}
	if change != nil {
		change(&cfg)
	}
	cache, err := cachex.New(cfg)
	if err != nil {
		e.t.Fatalf("config: %v", err)
	}
	e.t.Cleanup(func() { _ = cache.Shutdown(context.Background()) })
	return cache
}

func (e *env) serve(baseURL string) {
	e.addr = strings.TrimPrefix(baseURL, "http://")
	e.t.Cleanup(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, c := range e.idle {
			c.close()
		}
	})
}

// handler counts the runs, and has every response tell which one it came from.
func (e *env) handler(c Case) http.Handler {
	h := say()
	if c.Handler != nil {
		h = c.Handler(e)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Run", fmt.Sprint(e.runs.Add(1)))
		h(w, r)
	})
}

func (e *env) outer(r *http.Request, h http.Header) func() {
	if e.outerFields != nil {
		e.outerFields(r, h)
	}
	return func() {
		select {
		case e.finished <- struct{}{}:
		default:
		}
	}
}

func (e *env) denies(r *http.Request) bool { return e.deny != nil && e.deny(r) }

// advance sets the clock of the cache forward.
func (e *env) advance(d time.Duration) { e.now.Add(int64(d)) }

// date is the time of the cache in the form of HTTP.
func (e *env) date(d time.Duration) string {
	return time.Unix(0, e.now.Load()).UTC().Add(d).Format(http.TimeFormat)
}

// at is start plus d in the form of HTTP.
func at(d time.Duration) string { return start.Add(d).Format(http.TimeFormat) }

func (e *env) fatalf(format string, args ...any) {
	e.t.Helper()
	e.t.Fatalf("%s\nrule: %s\nlog: %s", fmt.Sprintf(format, args...), e.rule, e.log.String())
}

// wait waits for a gate.
func (e *env) wait(gate <-chan struct{}, what string) {
	e.t.Helper()
	select {
	case <-gate:
	case <-time.After(patience):
		e.fatalf("waited in vain for %s", what)
	}
}

// waitFinished waits until the chain of one more request has returned.
func (e *env) waitFinished() {
	e.t.Helper()
	e.wait(e.finished, "the end of a request")
}

// until waits for what cannot be seen but in Stats.
func (e *env) until(what string, reached func(cachex.Stats) bool) {
	e.t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for began := time.Now(); !reached(e.cache.Stats()); <-look.C {
		if time.Since(began) > patience {
			e.fatalf("waited in vain for %s: %+v", what, e.cache.Stats())
		}
	}
}

// wantRuns checks how often the handler has run.
func (e *env) wantRuns(n int64) {
	e.t.Helper()
	if have := e.runs.Load(); have != n {
		e.fatalf("the handler ran %d times, want %d", have, n)
	}
}

// wantWarning checks what the log says.
func (e *env) wantWarning(text string, times int) {
	e.t.Helper()
	if n := strings.Count(e.log.String(), text); n != times {
		e.fatalf("the log has %q %d times, want %d", text, n, times)
	}
}

// Handlers.

// say answers 200 with these fields and a text that names the run.
func say(fields ...string) handler { return answer(http.StatusOK, "", fields...) }

// answer answers with a status, a content and these fields. An empty content
// stands for a text that names the run.
func answer(status int, content string, fields ...string) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		set(h, "Content-Type: text/plain; charset=utf-8")
		set(h, fields...)
		w.WriteHeader(status)
		if status == http.StatusNoContent || status == http.StatusNotModified {
			return
		}
		if content == "" {
			_, _ = fmt.Fprintf(w, "run %s", h.Get("X-Run"))
			return
		}
		_, _ = w.Write([]byte(content))
	}
}

// set puts fields in the place of those that are there, but keeps several of
// one name in the same call.
func set(h http.Header, fields ...string) {
	seen := map[string]bool{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ":")
		if name = http.CanonicalHeaderKey(name); !seen[name] {
			h.Del(name)
		}
		seen[name] = true
		h.Add(name, strings.TrimSpace(value))
	}
}

// says is say for cases, whose handler is made from their env.
func says(fields ...string) func(*env) handler { return func(*env) handler { return say(fields...) } }

func answers(status int, content string, fields ...string) func(*env) handler {
	return func(*env) handler { return answer(status, content, fields...) }
}

func options(o ...cachex.Option) []cachex.Option { return o }

// minute is the lifetime that most cases use.
var minute = cachex.TTL(time.Minute)

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Gates. A case and its handler meet at gates by name.

func gateOf(e *env, name string) chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gates == nil {
		e.gates = map[string]chan struct{}{}
	}
	if e.gates[name] == nil {
		e.gates[name] = make(chan struct{})
	}
	return e.gates[name]
}

// open opens a gate for everyone.
func open(e *env, name string) { close(gateOf(e, name)) }

// pass waits at a gate, in a handler, which must not fail the test.
func pass(e *env, name string) {
	select {
	case <-gateOf(e, name):
	case <-time.After(patience):
	}
}

// slow is a handler that, where the request has X-Slow, opens the gate "in" and
// answers once "go" is open.
func slow(e *env, fields ...string) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Slow") != "" {
			open(e, "in")
			pass(e, "go")
		}
		say(fields...)(w, r)
	}
}
