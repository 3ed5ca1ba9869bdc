package cachex_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/store"
)

// way is how one process gets to the board, with faults of its own. Each func is
// nil, or called in place of an operation.
type way struct {
	*board
	get     atomic.Pointer[func() error] // before
	acquire atomic.Pointer[func() error] // after
	down    atomic.Bool                  // nothing comes through
}

type wayTo struct {
	store.Space
	*way
}

var errWay = errors.New("no way to the store")

func (w *way) Open(namespace string) (store.Space, error) {
	s, err := w.board.Open(namespace)
	return &wayTo{s, w}, err
}

func (s *wayTo) Get(ctx context.Context, resource string, names ...string) (store.Token, [][]byte, error) {
	if s.down.Load() {
		return store.Token{}, nil, errWay
	}
	if f := s.get.Load(); f != nil {
		if err := (*f)(); err != nil {
			return store.Token{}, nil, err
		}
	}
	return s.Space.Get(ctx, resource, names...)
}

func (s *wayTo) Token(ctx context.Context, resource string, ttl time.Duration) (store.Token, error) {
	if s.down.Load() {
		return store.Token{}, errWay
	}
	return s.Space.Token(ctx, resource, ttl)
}

func (s *wayTo) Read(ctx context.Context, ttl time.Duration, after store.Position) (store.Log, error) {
	if s.down.Load() {
		return store.Log{}, errWay
	}
	return s.Space.Read(ctx, ttl, after)
}

func (s *wayTo) Acquire(ctx context.Context, resource, name, owner string, ttl time.Duration) (bool, error) {
	ok, err := s.Space.Acquire(ctx, resource, name, owner, ttl)
	if f := s.acquire.Load(); f != nil {
		return false, (*f)()
	}
	return ok, err
}

// until asks again and again.
func (f *fleet) until(i int, target, body string) {
	f.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		got, state := f.get(i, target)
		if got == body {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("process %d, %s: still %q, %s; want %q", i, target, got, state, body)
		}
	}
}

func (f *fleet) purge(i int, s cachex.Selector) {
	f.t.Helper()
	if err := f.caches[i].Purge(context.Background(), s); err != nil {
		f.t.Fatal(err)
	}
}

// A process that begins after the log has lost many records, one here and one there,
// comes to its end all the same: what is purged then is gone there too.
func TestFleetLogWithHoles(t *testing.T) {
	const records, within = 200, 4 * time.Second // in which one hole a poll would be four
	f := newFleet(t, 1, nil)
	for i := range records {
		f.purge(0, cachex.ByTag(fmt.Sprint("old", i)))
	}
	f.board.mu.Lock()
	for i := 0; i < records; i += 2 {
		f.board.spaces["test"].records[i] = nil
	}
	f.board.mu.Unlock()
	f.want(0, "/a", "1", "stored", "Tag", "x")
	f.settle()
	g := newFleet(t, 0, nil)
	g.board = f.board
	g.add(nil)
	g.until(0, "/a", "1")
	g.version.Store(2)
	f.purge(0, cachex.ByTag("x"))
	purged := time.Now()
	g.until(0, "/a", "2")
	if took := time.Since(purged); took > within {
		t.Errorf("it took %v, want less than %v", took, within)
	}
}

// A confirmation that comes late does not bring back what somebody else has replaced.
func TestFleetConfirmedLate(t *testing.T) {
	for name, change := range map[string]func(*cachex.Config){"store alone": nil, "two tiers": tier} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, 2, change)
			asked, answer := make(chan struct{}), make(chan struct{})
			handler := func(w http.ResponseWriter, r *http.Request) {
				tag := fmt.Sprintf(`"%d"`, f.version.Load())
				w.Header().Set("Etag", tag)
				if r.Header.Get("If-None-Match") == tag {
					close(asked)
					<-answer
					w.WriteHeader(http.StatusNotModified)
					return
				}
				f.handle(w, r)
			}
			for i, c := range f.caches {
				f.sites[i] = c.Middleware(cachex.TTL(time.Minute))(http.HandlerFunc(handler))
			}
			f.want(0, "/a", "1", "stored")
			f.settle()
			f.now.Add(int64(2 * time.Minute)) // it is stale
			var late sync.WaitGroup
			late.Go(func() { f.get(0, "/a") })
			<-asked
			f.version.Store(2)
			f.now.Add(int64(time.Second))
			f.want(1, "/a", "2", "stored", "Cache-Control", "no-cache")
			f.settle()
			close(answer)
			late.Wait()
			for range 2 { // while it waits to be written, and afterwards
				f.want(1, "/a", "2", "hit")
				f.settle()
			}
			f.until(0, "/a", "2")
		})
	}
}

// What is renewed stays in memory in front of the store.
func TestFleetRenewsInMemory(t *testing.T) {
	f := newFleet(t, 1, tier)
	f.sites[0] = f.caches[0].Middleware(cachex.TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		f.handle(w, r)
	}))
	f.want(0, "/a", "1", "stored")
	f.settle()
	for range 3 {
		f.now.Add(int64(2 * time.Minute))
		f.want(0, "/a", "1", "fwd=stale; fwd-status=304")
		f.settle()
		asked := f.board.count("Get")
		f.want(0, "/a", "1", "hit")
		if n := f.board.count("Get") - asked; n != 0 {
			t.Errorf("the store was asked %d times for what has just been renewed", n)
		}
	}
}

// Who cannot ask the store waits for no run that may be from before a purge.
func TestFleetJoinsNothingOld(t *testing.T) {
	f := newFleet(t, 1, nil)
	cut := &way{board: f.board}
	cut.down.Store(true)
	f.add(func(c *cachex.Config) { c.Store = cut })
	began, end := make(chan struct{}), make(chan struct{})
	f.during = func() {
		if f.version.Load() == 1 {
			close(began)
			<-end
		}
	}
	var old sync.WaitGroup
	old.Go(func() { f.want(1, "/a", "1", "detail=store") })
	<-began
	f.version.Store(2)
	f.purge(0, cachex.ByURL("http://example.com/a"))
	f.caches[1].AgeFlights(3 * time.Second)
	answered := make(chan struct{})
	go func() { f.want(1, "/a", "2", "detail=store"); close(answered) }()
	for done := false; !done; runtime.Gosched() {
		select {
		case <-answered:
			done = true
		default:
			if f.caches[1].Stats().Waiting > 0 {
				t.Error("it waits for a run from before the purge")
				done = true
			}
		}
	}
	close(end)
	<-answered
	old.Wait()
}

// With memory in front, other processes are told of what is replaced by something
// that has the same content and other fields.
func TestFleetTellsOfFields(t *testing.T) {
	f := newFleet(t, 2, tier)
	location := func(i int, to string, fields ...string) string {
		h, _ := visit(f.sites[i], "/a", append(fields, "Send-Location", to)...)
		return h.Get("Location")
	}
	location(0, "/old")
	f.settle()
	location(1, "/old")
	f.now.Add(int64(time.Second))
	location(0, "/new", "Cache-Control", "no-cache")
	f.settle()
	for deadline := time.Now().Add(10 * time.Second); location(1, "/newer") != "/new"; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it is still sent to the old place")
		}
	}
}

// A client of the store that panics while the breaker tries it does not leave it open.
func TestFleetPanics(t *testing.T) {
	f := newFleet(t, 0, nil)
	w := &way{board: f.board}
	f.add(func(c *cachex.Config) { c.Store = w })
	f.want(0, "/a", "1", "stored")
	f.settle()
	fail, panics := func() error { return errWay }, func() error { panic("a hook of the client") }
	w.get.Store(&fail)
	for f.caches[0].Stats().StoreRefusals == 0 {
		f.get(0, "/a")
	}
	w.get.Store(&panics)
	for deadline := time.Now().Add(10 * time.Second); !panicked(func() { f.get(0, "/a") }); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the breaker does not try")
		}
	}
	w.get.Store(nil)
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		if _, state := f.get(0, "/a"); strings.Contains(state, "hit") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the store answers, and is not asked: %+v", f.caches[0].Stats())
		}
	}
}

func panicked(f func()) (p bool) {
	defer func() { p = recover() != nil }()
	f()
	return false
}

// What says in which fields a page varies is kept as long as its variants, though
// the one that has said so first is kept for less.
func TestFleetKeepsWhatVaries(t *testing.T) {
	f := newFleet(t, 2, nil)
	f.board.expires(func() time.Time { return time.Unix(0, f.now.Load()) })
	variant := func(language, control string) []string {
		return []string{"Send-Vary", "Accept-Language", "Accept-Language", language, "Send-Cache-Control", control}
	}
	for i, c := range f.caches {
		f.sites[i] = c.Middleware()(http.HandlerFunc(f.handle))
	}
	en, de := variant("en", "max-age=1"), variant("de", "max-age=86400")
	f.want(0, "/", "1en", "stored", en...)
	f.settle()
	f.want(0, "/", "1de", "stored", de...)
	f.settle()
	f.now.Add(int64(6 * time.Minute))
	f.want(1, "/", "1de", "hit", de...)
}

// A lease of which nobody knows whether it was got is given back by Shutdown.
func TestFleetShutdownReleases(t *testing.T) {
	f := newFleet(t, 1, nil)
	w := &way{board: f.board}
	f.add(func(c *cachex.Config) { c.Store = w })
	lost := func() error { return errors.New("the answer was lost") }
	w.acquire.Store(&lost)
	f.want(1, "/a", "1", "fwd=", "Send-Cache-Control", "no-store")
	if err := f.caches[1].Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := f.board.leases("test"); n != 0 {
		t.Errorf("%d leases are left", n)
	}
}

// Two processes expire a page at the same reading of the clock: the second one ends
// what was stored after the first.
func TestFleetExpiresAtOneTime(t *testing.T) {
	f := newFleet(t, 2, nil)
	f.want(0, "/a", "1", "stored")
	for i := range 2 {
		f.settle()
		if err := f.caches[i].Expire(context.Background(), cachex.ByURL("http://example.com/a")); err != nil {
			t.Fatal(err)
		}
		f.version.Add(1)
		f.want(0, "/a", fmt.Sprint(f.version.Load()), "stored")
	}
}

// A purge of a process whose clock is weeks behind is not forgotten before its time.
func TestFleetPurgesInThePast(t *testing.T) {
	f := newFleet(t, 1, nil)
	f.add(func(c *cachex.Config) {
		now := c.Now
		c.Now = func() time.Time { return now().Add(-40 * 24 * time.Hour) }
	})
	f.want(0, "/a", "1", "stored", "Tag", "x")
	f.settle()
	f.version.Store(2)
	f.purge(1, cachex.ByTag("x"))
	f.purge(1, cachex.ByTag("seen"))
	f.want(0, "/seen", "2", "stored", "Tag", "other")
	f.settle()
	f.purge(0, cachex.ByTag("other")) // who writes reads, and then forgets what is old
	f.want(0, "/a", "2", "")
}
