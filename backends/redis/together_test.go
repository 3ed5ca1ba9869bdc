package cachexredis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cachexredis "github.com/go-cachex/cachex/backends/redis"
	"github.com/go-cachex/cachex/conformance/servers"
	"github.com/go-cachex/cachex/core/store"
	"github.com/redis/go-redis/v9"
)

// gate is a hook that holds up lookups which go by themselves, and notes how many
// are in each group that goes together.
type gate struct {
	open   chan struct{}
	panics bool          // a group does
	hold   chan struct{} // what a group waits for, nil for nothing
	mu     sync.Mutex
	alone  int
	groups []int
}

// gated returns a client with so many connections, which is as many trips as it
// makes at a time.
func gated(s *servers.Server, connections int) (*redis.Client, *gate) {
	client := redis.NewClient(&redis.Options{Addr: s.Addr, PoolSize: connections, ContextTimeoutEnabled: true})
	g := &gate{open: make(chan struct{})}
	client.AddHook(g)
	return client, g
}

func (g *gate) DialHook(next redis.DialHook) redis.DialHook { return next }

func (g *gate) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "mget" {
			g.mu.Lock()
			g.alone++
			g.mu.Unlock()
			<-g.open
		}
		return next(ctx, cmd)
	}
}

func (g *gate) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "mget" { // and not a new connection's greeting
			g.mu.Lock()
			g.groups = append(g.groups, len(cmds))
			g.mu.Unlock()
			if g.hold != nil {
				<-g.hold
			}
			if g.panics {
				panic("a hook")
			}
		}
		return next(ctx, cmds)
	}
}

// crowd has n lookups ask at the same time, with trips held up until all of them
// either are on one or wait. What they got is passed to see.
func crowd(t *testing.T, space store.Space, g *gate, n int, see func(i int, token store.Token, values [][]byte, err error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			token, values, err := space.Get(ctx, resourceOf(i), "a", "b")
			see(i, token, values, err)
		})
	}
	until(t, "lookups to wait", func() bool {
		waiting, trips := cachexredis.Trips(space)
		return waiting == n-cachexredis.AloneBelow && trips == cachexredis.AloneBelow
	})
	close(g.open)
	all.Wait()
	until(t, "trips to end", func() bool {
		waiting, trips := cachexredis.Trips(space)
		return waiting == 0 && trips == 0
	})
}

func resourceOf(i int) string { return fmt.Sprintf("//example.com/%d", i) }

// Who goes together with others gets its own answer.
func TestTogether(t *testing.T) {
	const n = cachexredis.AloneBelow + 2*cachexredis.MaxTogether + 1
	s := servers.Redis(t)
	client, g := gated(s, cachexredis.AloneBelow)
	space := open(t, client)
	tokens := make([]store.Token, n)
	for i := range n {
		var err error
		tokens[i], err = space.Token(ctx, resourceOf(i), time.Hour)
		ok(t, err)
		ok(t, space.Set(ctx, resourceOf(i), "a", []byte(resourceOf(i)), time.Hour))
	}
	crowd(t, space, g, n, func(i int, token store.Token, values [][]byte, err error) {
		if err != nil || token != tokens[i] || string(values[0]) != resourceOf(i) || values[1] != nil {
			t.Errorf("%d got %v, %q, %v", i, token, values, err)
		}
	})
	slices.Sort(g.groups)
	if want := []int{1, cachexredis.MaxTogether, cachexredis.MaxTogether}; g.alone != cachexredis.AloneBelow || !slices.Equal(g.groups, want) {
		t.Errorf("%d went alone and %v together, want %d and %v", g.alone, g.groups, cachexredis.AloneBelow, want)
	}
}

// Nobody waits long for company: who finds others under way goes soon, whether one
// of these is back or not.
func TestTogetherIsImpatient(t *testing.T) {
	s := servers.Redis(t)
	client, g := gated(s, cachexredis.AloneBelow+1)
	space := open(t, client)
	ok(t, space.Set(ctx, "//r", "a", []byte("v"), time.Hour))
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	get := func() {
		if _, values, err := space.Get(ctx, "//r", "a"); err != nil || string(values[0]) != "v" {
			t.Errorf("%q, %v", values, err)
		}
	}
	var held sync.WaitGroup
	for range cachexredis.AloneBelow {
		held.Go(get)
	}
	until(t, "trips to be under way", func() bool {
		_, trips := cachexredis.Trips(space)
		return trips == cachexredis.AloneBelow
	})
	get()
	get()
	if want := []int{1, 1}; !slices.Equal(g.groups, want) {
		t.Errorf("behind those that are held up went %v, want %v", g.groups, want)
	}
	close(g.open)
	held.Wait()
}

// A server that is gone, one that turns the client away, and a hook that panics are
// an error for each.
func TestTogetherFails(t *testing.T) {
	const n = cachexredis.AloneBelow + 5
	for name, c := range map[string]struct {
		fail func(*servers.Server, *gate)
		says string
		all  bool // who goes by itself as well
	}{
		"killed":   {func(s *servers.Server, _ *gate) { s.Kill() }, "refused", true},
		"refused":  {func(s *servers.Server, _ *gate) { do(t, s, "CONFIG", "SET", "requirepass", "secret") }, "NOAUTH", true},
		"panicked": {func(_ *servers.Server, g *gate) { g.panics = true }, "a hook", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := servers.Redis(t)
			client, g := gated(s, cachexredis.AloneBelow)
			space := open(t, client)
			c.fail(s, g)
			var failed atomic.Int64
			crowd(t, space, g, n, func(i int, _ store.Token, values [][]byte, err error) {
				if err == nil {
					return
				}
				if failed.Add(1); !strings.Contains(err.Error(), c.says) {
					t.Errorf("%d got %q and the error %v", i, values, err)
				}
			})
			if len(g.groups) == 0 {
				t.Error("none went together")
			}
			want := int64(n)
			if !c.all {
				want -= cachexredis.AloneBelow
			}
			if failed.Load() != want {
				t.Errorf("%d failed, want %d", failed.Load(), want)
			}
		})
	}
}

// Who waits leaves at its own deadline, or when it is cancelled, and nothing is
// sent for it any more.
func TestTogetherDeadlines(t *testing.T) {
	s := servers.Redis(t)
	client, g := gated(s, cachexredis.AloneBelow)
	space := open(t, client)
	ok(t, space.Set(ctx, "//r", "a", []byte("v"), time.Hour))
	long, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var patient sync.WaitGroup
	for range cachexredis.AloneBelow + 1 {
		patient.Go(func() {
			if _, values, err := space.Get(long, "//r", "a"); err != nil || string(values[0]) != "v" {
				t.Errorf("%q, %v", values, err)
			}
		})
	}
	waiting := func(n int) func() bool {
		return func() bool { w, _ := cachexredis.Trips(space); return w == n }
	}
	until(t, "a lookup to wait", waiting(1))
	short, cancelShort := context.WithTimeout(ctx, time.Millisecond)
	defer cancelShort()
	if _, _, err := space.Get(short, "//r", "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its deadline a lookup returns %v", err)
	}
	canceled, stop := context.WithTimeout(ctx, time.Minute)
	done := make(chan error)
	go func() { _, _, err := space.Get(canceled, "//r", "a"); done <- err }()
	until(t, "two lookups to wait", waiting(2))
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a lookup that is cancelled returns %v", err)
	}
	if _, _, err := space.Get(canceled, "//r", "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("a lookup that was cancelled before returns %v", err)
	}
	close(g.open)
	patient.Wait()
	if want := []int{1}; !slices.Equal(g.groups, want) {
		t.Errorf("the groups were of %v, want %v", g.groups, want)
	}
}

// A trip has the deadline of who can wait the longest: the others cannot fail it.
func TestTogetherTakesTheLatestDeadline(t *testing.T) {
	s := servers.Redis(t)
	client, g := gated(s, cachexredis.AloneBelow)
	space := open(t, client)
	ok(t, space.Set(ctx, "//r", "a", []byte("v"), time.Hour))
	get := func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		_, _, err := space.Get(ctx, "//r", "a")
		return err
	}
	var held sync.WaitGroup
	for range cachexredis.AloneBelow {
		held.Go(func() { ok(t, get(time.Minute)) })
	}
	until(t, "trips to be under way", func() bool {
		_, trips := cachexredis.Trips(space)
		return trips == cachexredis.AloneBelow
	})
	g.hold = make(chan struct{})
	errs := make(chan error, 2)
	for _, timeout := range []time.Duration{time.Second, time.Minute} {
		go func() { errs <- get(timeout) }()
	}
	until(t, "two to wait", func() bool { w, _ := cachexredis.Trips(space); return w == 2 })
	close(g.open)
	if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who has a second got %v", err)
	}
	close(g.hold)
	if err := <-errs; err != nil {
		t.Errorf("who has a minute got %v", err)
	}
	held.Wait()
	if want := []int{2}; !slices.Equal(g.groups, want) {
		t.Errorf("the groups were of %v, want %v", g.groups, want)
	}
}

// Only a single server's client that keeps deadlines has lookups go together: on a
// Cluster a node that hangs would hold up lookups in others, and a call of a client
// that does not keep deadlines would hold a trip for as long as it likes.
func TestTogetherOrNot(t *testing.T) {
	for name, c := range map[string]struct {
		client redis.UniversalClient
		want   bool
	}{
		"single":            {single("127.0.0.1:1", true), true},
		"without deadlines": {single("127.0.0.1:1", false), false},
		"a Cluster":         {cluster([]string{"127.0.0.1:1"}, true), false},
		"an application's":  {struct{ redis.UniversalClient }{single("127.0.0.1:1", true)}, false},
	} {
		if got := cachexredis.Together(open(t, c.client)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
