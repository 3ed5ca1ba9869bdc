package cachex

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// tether is the context of a handler. It has the values and the deadline of the
// client's context and leads to the run, which decides what the end of that context
// means: a run for its client alone ends with it, one for the cache does not.
//
// Few handlers ask a context when it is done, and one that can tell costs several
// allocations and a registration with the client's. So it is made when the first
// one asks; until then, there is nobody to be told that the client has left.
type tether struct {
	client context.Context
	run    *run
	over   atomic.Bool // the run has ended, or was cancelled

	made atomic.Pointer[asked]

	mu    sync.Mutex // of the change of all but client and run
	cause error      // of over
}

// asked is the context of somebody who has asked.
type asked struct {
	context.Context
	cancel  context.CancelCauseFunc
	expiry  *expiry     // nil without a deadline
	unwatch func() bool // the client's context
}

var _ context.Context = (*tether)(nil)

// context is the one that can tell. It is one of the standard library's, so that
// contexts that are derived from it are told without a goroutine each.
func (t *tether) context() *asked {
	if a := t.made.Load(); a != nil {
		return a
	}
	a, left := t.make()
	if left {
		t.run.clientLeft()
	}
	return a
}

// make makes it, with whether the client has left already, which nobody was told.
func (t *tether) make() (a *asked, left bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.made.Load(); a != nil {
		return a, false
	}
	a = new(asked)
	a.detach(t.client)
	switch {
	case t.over.Load():
		a.cancel(t.cause)
	case t.client.Err() != nil:
		left = true
	default:
		a.unwatch = context.AfterFunc(t.client, t.run.clientLeft)
	}
	t.made.Store(a)
	return a, left
}

// cancel ends the context. Only the first cause counts.
func (t *tether) cancel(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over.Load() {
		t.cause = cause
		t.over.Store(true)
	}
	a := t.made.Load()
	if a == nil {
		return
	}
	a.cancel(cause)
	if a.unwatch != nil {
		a.unwatch()
	}
}

// expire ends the context because its deadline has passed.
func (t *tether) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.made.Load(); a != nil {
		a.expiry.expire()
	}
}

// expired tells, of a client's context that has ended, whether its deadline is
// what counts: that is the application's, a disconnect is the client's.
func (t *tether) expired() bool {
	deadline, ok := t.client.Deadline()
	return ok && (errors.Is(t.client.Err(), context.DeadlineExceeded) || time.Until(deadline) <= 0)
}

// detach makes a context with the values and the deadline of ctx that does not end
// with it.
func (a *asked) detach(ctx context.Context) {
	free := context.WithoutCancel(ctx) //nolint:contextcheck // it is not to end with the client's
	if deadline, ok := ctx.Deadline(); ok {
		a.expiry = &expiry{Context: free, deadline: deadline, done: make(chan struct{})}
		free = a.expiry
	}
	a.Context, a.cancel = context.WithCancelCause(free)
}

// expiry is a context that ends when it is told that its deadline has passed. With
// a timer of its own it could end before the client's: outer middleware that answers
// for its deadline would find that there is time left.
type expiry struct {
	context.Context
	deadline time.Time
	done     chan struct{}
	told     func() // the one context that is derived from it
}

// Deadline implements context.Context.
func (e *expiry) Deadline() (time.Time, bool) { return e.deadline, true }

// Done implements context.Context.
func (e *expiry) Done() <-chan struct{} { return e.done }

// Err implements context.Context.
func (e *expiry) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// AfterFunc is what the standard library asks for, or it would take a goroutine.
func (e *expiry) AfterFunc(f func()) (stop func() bool) {
	e.told = f
	return func() bool { return true } // who has stopped pays no heed
}

func (e *expiry) expire() {
	if e.Err() != nil {
		return
	}
	close(e.done)
	if e.told != nil {
		e.told()
	}
}

// Deadline implements context.Context.
func (t *tether) Deadline() (deadline time.Time, ok bool) { return t.client.Deadline() }

// Done implements context.Context.
func (t *tether) Done() <-chan struct{} { return t.context().Done() }

// Err implements context.Context.
func (t *tether) Err() error {
	if t.made.Load() == nil && !t.over.Load() && t.client.Err() == nil {
		return nil
	}
	return t.context().Err()
}

// Value implements context.Context. The standard library finds out by a value what
// a context ends with, and that is not the client's: where the client's has
// a context as the value, the answer is left to one that knows.
func (t *tether) Value(key any) any {
	if key == adapter.RunKey {
		return t.run
	}
	if t.made.Load() == nil && !t.over.Load() {
		v := t.client.Value(key)
		if _, ok := v.(context.Context); !ok {
			return v
		}
	}
	return t.context().Value(key)
}
