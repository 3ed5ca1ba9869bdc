package cachex

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowd is a server whose handler the test holds at a gate until all who ask
// wait for the first one.
type crowd struct {
	t     *testing.T
	cache *Cache
	url   string
	runs  atomic.Int64
	gate  chan struct{}
}

func newCrowd(t *testing.T, handler func(run int64, w http.ResponseWriter, r *http.Request), opts ...Option) *crowd {
	c := &crowd{t: t, cache: MustNew(Config{}), gate: make(chan struct{})}
	server := httptest.NewServer(c.cache.Middleware(opts...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		run := c.runs.Add(1)
		if run == 1 {
			<-c.gate
		}
		handler(run, w, r)
	})))
	server.Config.ErrorLog = nil
	c.url = server.URL
	t.Cleanup(func() {
		server.Close()
		_ = c.cache.Close()
	})
	return c
}

type outcome struct {
	status int
	body   string
	cache  string
	err    error
}

func (c *crowd) ask(ctx context.Context) (r outcome) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return outcome{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return outcome{resp.StatusCode, string(body), resp.Header.Get("Cache-Status"), err}
}

// gather has n clients ask and returns when all but the leader wait. The first
// context is the leader's.
func (c *crowd) gather(leader context.Context, n int) (replies chan outcome) {
	replies = make(chan outcome, n)
	go func() { replies <- c.ask(leader) }()
	for c.runs.Load() == 0 {
		runtime.Gosched()
	}
	for range n - 1 {
		go func() { replies <- c.ask(context.Background()) }()
	}
	c.waitFor(n - 1)
	return replies
}

func (c *crowd) waitFor(waiters int) {
	fs := c.cache.flights
	for {
		n := 0
		fs.mu.Lock()
		for _, f := range fs.open {
			n += f.waiters
		}
		fs.mu.Unlock()
		if n == waiters {
			return
		}
		runtime.Gosched()
	}
}

const everybody = 200

func TestOneRunForAColdKey(t *testing.T) {
	body := strings.Repeat("x", 100_000)
	c := newCrowd(t, func(_ int64, w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) }, TTL(time.Minute))
	replies := c.gather(context.Background(), everybody)
	close(c.gate)
	collapsed := 0
	for range everybody {
		r := <-replies
		if r.err != nil || r.status != 200 || r.body != body {
			t.Fatalf("%d, %d bytes, %v", r.status, len(r.body), r.err)
		}
		if strings.Contains(r.cache, "; collapsed") {
			collapsed++
		}
	}
	if c.runs.Load() != 1 || collapsed != everybody-1 {
		t.Errorf("%d runs, %d collapsed, want 1 and %d", c.runs.Load(), collapsed, everybody-1)
	}
}

func TestTheLeaderLeaves(t *testing.T) {
	c := newCrowd(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() == nil {
			_, _ = io.WriteString(w, "whole")
		}
	}, TTL(time.Minute))
	leader, leave := context.WithCancel(context.Background())
	replies := c.gather(leader, everybody)
	leave()
	if r := <-replies; r.err == nil {
		t.Fatal("the leader's client got an answer after it had left")
	}
	close(c.gate)
	for range everybody - 1 {
		if r := <-replies; r.err != nil || r.body != "whole" {
			t.Fatalf("a waiter: %q, %v", r.body, r.err)
		}
	}
	if n := c.runs.Load(); n != 1 {
		t.Errorf("%d runs", n)
	}
}

func TestWaitersLeave(t *testing.T) {
	c := newCrowd(t, func(_ int64, w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "whole") }, TTL(time.Minute))
	replies := c.gather(context.Background(), 2)
	waiter, leave := context.WithCancel(context.Background())
	left := make(chan outcome)
	go func() { left <- c.ask(waiter) }()
	c.waitFor(2)
	leave()
	if r := <-left; r.err == nil {
		t.Error("an answer for who has left")
	}
	c.waitFor(1)
	close(c.gate)
	for range 2 {
		if r := <-replies; r.body != "whole" {
			t.Errorf("%q, %v", r.body, r.err)
		}
	}
}

func TestTheFirstRunPanics(t *testing.T) {
	c := newCrowd(t, func(run int64, w http.ResponseWriter, r *http.Request) {
		if run == 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "whole")
	}, TTL(time.Minute))
	replies := c.gather(context.Background(), everybody)
	close(c.gate)
	failed := 0
	for range everybody {
		if r := <-replies; r.err != nil || r.body != "whole" {
			failed++
		}
	}
	if failed > 1 || c.runs.Load() != 2 {
		t.Errorf("%d clients failed in %d runs, want at most 1 and 2", failed, c.runs.Load())
	}
}

func TestEveryRunFails(t *testing.T) {
	for _, parts := range []int{1, 400} { // more than is held back
		c := newCrowd(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			for range parts {
				_, _ = io.WriteString(w, "out of order")
			}
		}, TTL(time.Minute))
		replies := c.gather(context.Background(), everybody)
		close(c.gate)
		want := strings.Repeat("out of order", parts)
		for range everybody {
			if r := <-replies; r.status != http.StatusServiceUnavailable || r.body != want {
				t.Fatalf("%d, %d bytes of %d, %v", r.status, len(r.body), len(want), r.err)
			}
		}
		if n := c.runs.Load(); n != 2 {
			t.Errorf("%d runs of a handler in trouble, want 2: the leader's, and one more for all others", n)
		}
	}
}

func TestUnshareableResponsesFreeEverybody(t *testing.T) {
	var busy sync.WaitGroup
	busy.Add(9)
	c := newCrowd(t, func(run int64, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private")
		if run > 1 { // all at the same time: none of them waits for another
			busy.Done()
			busy.Wait()
		}
		_, _ = io.WriteString(w, "yours")
	}, TTL(time.Minute))
	replies := c.gather(context.Background(), 10)
	close(c.gate)
	for range 10 {
		if r := <-replies; r.body != "yours" || strings.Contains(r.cache, "collapsed") {
			t.Errorf("%q %s %v", r.body, r.cache, r.err)
		}
	}
	if n := c.runs.Load(); n != 10 {
		t.Errorf("%d runs, want one for each", n)
	}
}

// What is kept of requests that run alone is small, whatever they say, and it goes
// when its time is over, whether they come again or not.
func TestWhatRunsAloneTakesLittle(t *testing.T) {
	const requests = 5000
	for name, set := range map[string]struct{ asked, answered []string }{
		"a long key":         {[]string{"X-Forwarded-Prefix", strings.Repeat("x", 7500)}, []string{"Cache-Control", "private"}},
		"a long field":       {[]string{"Accept-Language", strings.Repeat("x", maxSelectingBytes)}, []string{"Vary", "Accept-Language", "Cache-Control", "private"}},
		"a longer one still": {[]string{"Accept-Language", strings.Repeat("x", 20_000)}, []string{"Vary", "Accept-Language"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := epoch
			c := testCache(t, Config{Now: func() time.Time { return now }})
			h := c.Middleware(TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if w.Header().Set("Vary", "Accept-Language"); r.Header.Get(set.asked[0]) == "" {
					return // it is stored, so that Vary is known
				}
				for i := 0; i < len(set.answered); i += 2 {
					w.Header().Set(set.answered[i], set.answered[i+1])
				}
			}))
			ask := func(value string) {
				r := httptest.NewRequest("GET", "http://example.com/", nil)
				if value != "" {
					r.Header.Set(set.asked[0], value)
				}
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
			ask("")
			before := heapInUse()
			for i := range requests {
				ask(set.asked[1][8:] + fmt.Sprintf("%08d", i))
			}
			if grown := int64(heapInUse()) - int64(before); grown > 1<<20 {
				t.Errorf("%d KiB are kept of what is not stored", grown>>10)
			}
			now = now.Add(aloneFor)
			ask(set.asked[1][8:] + "the last")
			alone := &c.flights.alone
			if len(alone.until) > 1 || len(alone.order) > 1 {
				t.Errorf("%d keys in %d places are kept beyond their time", len(alone.until), len(alone.order))
			}
		})
	}
}

// A key that comes again runs alone until its own time is over, and not until that of
// the first one is.
func TestAKeyRunsAloneOnceMore(t *testing.T) {
	alone := &newFlights().alone
	alone.add("a", 1)
	alone.add("a", 2)
	alone.add("b", 1+moment(aloneFor))
	if now := 1 + moment(aloneFor); !alone.has("a", now) || alone.has("a", now+1) || alone.has("c", 0) {
		t.Errorf("%+v", alone)
	}
}

func TestPurgedWhileWaiting(t *testing.T) {
	c := newCrowd(t, func(run int64, w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, map[bool]string{true: "old", false: "new"}[run == 1])
	}, TTL(time.Minute))
	replies := c.gather(context.Background(), 5)
	resp, err := http.Post(c.url, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	late := c.ask(context.Background()) // began after the POST: not for the open flight
	if late.body != "new" {
		t.Errorf("a request after the POST got %q", late.body)
	}
	close(c.gate)
	old := 0
	for range 5 {
		if r := <-replies; r.body == "old" {
			old++
		}
	}
	if old > 1 {
		t.Errorf("%d clients have the old content, want the leader's at most", old)
	}
}

func TestASlowReaderDelaysNobody(t *testing.T) {
	body := strings.Repeat("x", 900_000) // beyond what sockets hold
	c := newCrowd(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		for range 9 {
			_, _ = io.WriteString(w, body[:100_000])
		}
	}, TTL(time.Minute))
	// The leader's client asks and never reads.
	req, err := http.NewRequest(http.MethodGet, c.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	slow := &http.Transport{ReadBufferSize: 1}
	defer slow.CloseIdleConnections()
	answered := make(chan *http.Response, 1)
	go func() {
		if resp, err := slow.RoundTrip(req); err == nil {
			answered <- resp
		}
		close(answered)
	}()
	for c.runs.Load() == 0 {
		runtime.Gosched()
	}
	replies := make(chan outcome, 10)
	for range 10 {
		go func() { replies <- c.ask(context.Background()) }()
	}
	c.waitFor(10)
	close(c.gate)
	for range 10 {
		if r := <-replies; r.body != body {
			t.Fatalf("%d bytes, %v", len(r.body), r.err)
		}
	}
	if n := c.runs.Load(); n != 1 {
		t.Errorf("%d runs", n)
	}
	if resp := <-answered; resp != nil {
		whole, err := io.ReadAll(resp.Body)
		if string(whole) != body {
			t.Errorf("the slow reader: %d bytes, %v", len(whole), err)
		}
		resp.Body.Close()
	}
}
