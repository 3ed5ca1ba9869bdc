package cachexredis

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	aloneBelow  = 8  // trips under way
	maxTrips    = 32 // and no more than there are connections
	maxTogether = 32 // lookups on one trip

	// patience is how long a lookup waits for one that is back: little beside a
	// trip on a network, and enough for company where the processor is what there
	// is too little of.
	patience = 100 * time.Microsecond
)

// together has lookups of many goroutines share trips to the server: a command and
// its answer cost the kernel more on both sides than they cost the server. As long
// as few trips are under way each lookup goes at once and by itself. What comes
// later waits for one that is back, or for its patience to end, and goes with all
// who wait.
//
// It is for a single server. On a Cluster, one node that hangs would hold up
// lookups in others.
type together struct {
	client *redis.Client // which keeps the deadlines of contexts
	limit  int           // of trips

	mu      sync.Mutex
	trips   int
	waiting []*lookup
	timer   *time.Timer // of the patience of who waits; nil before anybody has
}

func newTogether(client *redis.Client) *together {
	return &together{client: client, limit: min(client.Options().PoolSize, maxTrips)}
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
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := t.enter(deadline, keys)
	if l == nil {
		defer t.follow() //nolint:contextcheck // who waits has contexts of its own
		return t.client.MGet(ctx, keys...).Result()
	}
	select {
	case <-l.done:
		return l.values, l.err
	case <-ctx.Done():
		t.remove(l)
		return nil, ctx.Err()
	}
}

// enter returns nil where a lookup goes by itself.
func (t *together) enter(deadline time.Time, keys []string) *lookup {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.trips < min(aloneBelow, t.limit) && len(t.waiting) == 0 {
		t.trips++
		return nil
	}
	l := &lookup{keys: keys, deadline: deadline, done: make(chan struct{})}
	if t.waiting = append(t.waiting, l); len(t.waiting) == 1 {
		t.hurry()
	}
	return l
}

// remove is for who has left before its trip began.
func (t *together) remove(l *lookup) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, l); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
}

// hurry has those who wait go after a while.
func (t *together) hurry() {
	if t.timer == nil {
		t.timer = time.AfterFunc(patience, t.depart)
		return
	}
	t.timer.Reset(patience)
}

// depart begins a trip of its own for those who have waited long enough.
func (t *together) depart() {
	t.mu.Lock()
	if t.trips >= t.limit {
		t.mu.Unlock()
		return // the next that is back takes them along
	}
	t.trips++
	t.mu.Unlock()
	t.carry()
}

// follow ends a trip. Its goroutine has an answer to give, so that another one
// takes over for those who wait.
func (t *together) follow() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.trips--
		return
	}
	go t.carry()
}

// carry makes one trip after the other, as long as somebody waits.
func (t *together) carry() {
	for group := t.next(); group != nil; group = t.next() {
		t.send(group)
	}
}

// next returns who goes on the trip that follows one that has ended, or nil.
func (t *together) next() []*lookup {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(len(t.waiting), maxTogether)
	if n == 0 {
		t.trips--
		return nil
	}
	group := slices.Clone(t.waiting[:n])
	if t.waiting = slices.Delete(t.waiting, 0, n); len(t.waiting) > 0 {
		t.hurry()
	} else {
		t.timer.Stop()
	}
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
	err := exec(ctx, pipe)
	for i, l := range group {
		if l.values, l.err = answers[i].Result(); l.values == nil && l.err == nil {
			l.err = err // where there was no connection, the client tells of no command
		}
		close(l.done)
	}
}

// exec makes an error of a panic in a hook of the client: there is no request here
// for it to end.
func exec(ctx context.Context, pipe redis.Pipeliner) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cachexredis: the client has panicked: %v", p)
		}
	}()
	_, err = pipe.Exec(ctx)
	return err
}
