package cachexredis

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	maxTrips    = 8  // to the server at a time
	maxTogether = 32 // lookups on one of them
)

// together has lookups of many goroutines share trips to the server: a command and
// its answer cost the kernel more on both sides than they cost the server. As long
// as fewer than maxTrips are under way each lookup goes at once and by itself. What
// comes later waits for the next that is back, and goes with all who wait.
//
// It is for a single server. On a Cluster, one node that hangs would hold up
// lookups in others.
type together struct {
	client *redis.Client // which keeps the deadlines of contexts

	mu      sync.Mutex
	trips   int
	waiting []*lookup // empty unless there are maxTrips
}

// lookup is one that waits for a trip, or is on it.
type lookup struct {
	keys     []string
	deadline time.Time
	done     chan struct{} // closed when there is an answer
	values   []any
	err      error
}

func (t *together) mget(ctx context.Context, deadline time.Time, keys []string) ([]any, error) {
	l := t.enter(deadline, keys)
	if l == nil {
		defer t.leave()
		return t.client.MGet(ctx, keys...).Result()
	}
	select {
	case <-l.done:
		return l.values, l.err
	case <-ctx.Done(): // it stays where it is, and nobody looks at the answer
		return nil, ctx.Err()
	}
}

// enter returns nil where a lookup goes by itself.
func (t *together) enter(deadline time.Time, keys []string) *lookup {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.trips < maxTrips {
		t.trips++
		return nil
	}
	l := &lookup{keys: keys, deadline: deadline, done: make(chan struct{})}
	t.waiting = append(t.waiting, l)
	return l
}

// leave ends a trip. Its goroutine has an answer to give, so that another one
// takes over for those who wait.
func (t *together) leave() {
	if group := t.next(); group != nil {
		go func() {
			for ; group != nil; group = t.next() {
				t.send(group)
			}
		}()
	}
}

// next returns who goes on the trip that follows one that has ended, or nil.
func (t *together) next() []*lookup {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.trips--
		return nil
	}
	n := min(len(t.waiting), maxTogether)
	group := slices.Clone(t.waiting[:n])
	t.waiting = slices.Delete(t.waiting, 0, n)
	return group
}

// send has the deadline of who can wait the longest. The others leave by
// themselves.
func (t *together) send(group []*lookup) {
	latest := slices.MaxFunc(group, func(a, b *lookup) int { return a.deadline.Compare(b.deadline) })
	ctx, cancel := context.WithDeadline(context.Background(), latest.deadline)
	defer cancel()
	pipe := t.client.Pipeline()
	answers := make([]*redis.SliceCmd, len(group))
	for i, l := range group {
		answers[i] = pipe.MGet(ctx, l.keys...)
	}
	_, err := pipe.Exec(ctx)
	for i, l := range group {
		l.values, l.err = answers[i].Result()
		if l.values == nil && l.err == nil {
			l.err = err // there was no connection, which the client tells of no command
		}
		close(l.done)
	}
}
