package cachex

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// bubble is a cache in front of a handler, in a bubble of testing/synctest: its
// time passes only while all goroutines wait for something, and it fails where
// a goroutine is left at the end.
type bubble struct {
	t       *testing.T
	cache   *Cache
	served  http.Handler
	handler func(run int64, w http.ResponseWriter, r *http.Request)
	runs    atomic.Int64
}

func inBubble(t *testing.T, opts []Option, test func(b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{t: t, cache: MustNew(Config{MaxEntryBytes: 20_000})}
		b.served = b.cache.Middleware(opts...)(http.HandlerFunc(b.run))
		test(b)
		if err := b.cache.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func (b *bubble) run(w http.ResponseWriter, r *http.Request) { b.handler(b.runs.Add(1), w, r) }

// says has the handler answer with a text, after a time.
func (b *bubble) says(text string, after time.Duration) {
	b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) {
		passes(after)
		_, _ = w.Write([]byte(text))
	}
}

func passes(d time.Duration) { <-time.After(d) }

// received is what a client has got, and how long it took.
type received struct {
	status int
	body   string
	cache  string
	header http.Header
	took   time.Duration
	broken any // what the server recovered from
}

// client is one request that is under way.
type client struct {
	leave func()
	done  chan received
}

func (b *bubble) asks(fields ...string) *client { return b.asksOn(httptest.NewRecorder(), fields...) }

type recorder interface {
	http.ResponseWriter
	Result() *http.Response
}

func (b *bubble) asksOn(w recorder, fields ...string) *client {
	ctx, leave := context.WithCancel(context.Background())
	c := &client{leave: leave, done: make(chan received, 1)}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	began := time.Now()
	go func() {
		defer leave()
		var got received
		defer func() { c.done <- got }()
		defer func() {
			got.took = time.Since(began)
			got.broken = recover()
		}()
		b.served.ServeHTTP(w, r)
		res := w.Result()
		got.status, got.header, got.cache = res.StatusCode, res.Header, res.Header.Get("Cache-Status")
		var body strings.Builder
		_, _ = copyAll(&body, res)
		got.body = body.String()
	}()
	return c
}

func (b *bubble) get(fields ...string) received { return <-b.asks(fields...).done }

// crowd has n clients ask, one after the other, who then all wait.
func (b *bubble) crowd(n int) []*client {
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = b.asks()
		if i == 0 {
			synctest.Wait() // the first one leads
		}
	}
	synctest.Wait()
	return clients
}

// stale has something stored that is a minute old.
func (b *bubble) stale(text string) {
	b.says(text, 0)
	b.get()
	passes(time.Minute)
	b.runs.Store(0)
}

func (b *bubble) wantRuns(n int64) {
	b.t.Helper()
	if got := b.runs.Load(); got != n {
		b.t.Errorf("%d runs, want %d", got, n)
	}
}

// want checks a reply: its content, what Cache-Status says, and how long it took.
func (r received) want(t *testing.T, status int, body, cache string, took time.Duration) {
	t.Helper()
	if r.status != status || r.body != body || r.cache != cache || r.took != took {
		t.Errorf("%d %q, Cache-Status: %s, after %v; want %d %q, %s, %v (%v)", r.status, r.body, r.cache, r.took, status, body, cache, took, r.broken)
	}
}

// gate is opened once, by the test.
type gate struct {
	c    chan struct{}
	once sync.Once
}

func newGate() *gate      { return &gate{c: make(chan struct{})} }
func (g *gate) open()     { g.once.Do(func() { close(g.c) }) }
func (g *gate) waitOpen() { <-g.c }
