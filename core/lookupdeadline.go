package cachex

import (
	"context"
	"sync/atomic"
	"time"
)

// deadlines lend a deadline to the lookups in a shared store. A context with a
// timer for each is a good part of what a hit costs beside the store, so that
// those which begin at about the same time have one together: it is never later
// than their timeout, and up to an eighth of that earlier.
type deadlines struct {
	current atomic.Pointer[period]
}

// period is a stretch of time in which lookups get the same deadline.
type period struct {
	context.Context
	cancel context.CancelFunc
	ends   time.Time // lent no more from then on
}

// lookupContext has the deadline of a period, and the values of a request. It does
// not end with its client: nobody waits long for a lookup.
type lookupContext struct {
	context.Context
	values context.Context
}

func (c *lookupContext) Value(key any) any { return c.values.Value(key) }

// under returns a context for a lookup of a request, and its period. What the
// application's own deadline ends earlier gets a timer of its own, and has none.
func (d *deadlines) under(ctx context.Context, now time.Time, timeout time.Duration) (limited context.Context, p *period, cancel context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		limited, cancel = context.WithTimeout(ctx, timeout)
		return limited, nil, cancel
	}
	w := d.current.Load()
	if w == nil || !now.Before(w.ends) {
		next := &period{ends: now.Add(timeout / 8)}
		next.Context, next.cancel = context.WithDeadline(context.Background(), now.Add(timeout))
		d.current.CompareAndSwap(w, next) // where another lookup was first, this one is for us alone
		w = next
	}
	return &lookupContext{w, ctx}, w, func() {}
}

// close ends the lookups of the last period. Those of earlier ones end by their
// deadline.
func (d *deadlines) close() {
	if w := d.current.Swap(nil); w != nil {
		w.cancel()
	}
}
