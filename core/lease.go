package cachex

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"
)

// lease lets one process of many run the handler for a key. Losing it, or the
// store, costs one more run.
type lease struct {
	s        *shared
	at       address
	owner    string
	released atomic.Bool
}

const (
	// leaseFor outlives the runs of most handlers.
	leaseFor = maxWait + 10*time.Second

	// awaitOthers is how long another process is waited for. It may have ended
	// with the lease in its hands.
	awaitOthers = 10 * time.Second

	askEvery = 20 * time.Millisecond // at first, and then less often
	askRarer = 250 * time.Millisecond
)

// acquire returns a lease, or nil where another process holds it. free is true
// where it cannot be asked for: then nobody is waited for.
func (s *shared) acquire(ctx context.Context, at address) (l *lease, free bool) {
	l = &lease{s: s, at: at, owner: rand.Text()}
	var ok bool
	err := s.do(ctx, func(ctx context.Context) (err error) {
		ok, err = s.space.Acquire(ctx, at.resource, at.name, l.owner, leaseFor)
		return err
	})
	if err != nil {
		return nil, true
	}
	if !ok {
		return nil, false
	}
	return l, false
}

// release gives it back, behind the answer. It may be called more than once, and
// on nil.
func (l *lease) release() {
	if l == nil || !l.released.CompareAndSwap(false, true) {
		return
	}
	l.s.after.Go(func() {
		_ = l.s.do(context.Background(), func(ctx context.Context) error { // it ends by itself
			return l.s.space.Release(ctx, l.at.resource, l.at.name, l.owner)
		})
	})
}

// elsewhere is called by the leader of a flight before it runs the handler. It
// returns what another process has stored meanwhile, and the decision to serve
// it, or a lease, or nothing where the store does not help. here is false when
// the client has left.
func (rq *request) elsewhere(f *flight) (e *entry, d decision, here bool) {
	s := rq.p.cache.shared
	if s == nil || !rq.birth.valid() {
		return nil, d, true
	}
	at := addressOf(f.key, rq.scheme, rq.urlEnd)
	limit := time.NewTimer(awaitOthers)
	defer limit.Stop()
	for pause := askEvery; ; pause = min(2*pause, askRarer) {
		l, free := s.acquire(rq.x.Context(), at)
		if free {
			return nil, d, true
		}
		if l != nil {
			// Between the last look and now its owner may have written what it
			// made, and given the lease back.
			if e, d = rq.lookAgain(); e != nil {
				l.release()
				return e, d, true
			}
			f.lease = l
			return nil, d, true
		}
		next := time.NewTimer(pause)
		select {
		case <-next.C:
		case <-limit.C:
			next.Stop()
			return nil, d, true
		case <-rq.x.Context().Done():
			next.Stop()
			return nil, d, false
		}
		if e, d = rq.lookAgain(); e != nil || !rq.birth.valid() {
			return e, d, true
		}
	}
}

// lookAgain returns what is stored by now, and the decision to serve it, or a
// new ticket for the run.
func (rq *request) lookAgain() (*entry, decision) {
	c := rq.p.cache
	rq.now, rq.ticket = c.now(), c.marks.ticket()
	selected, res := rq.lookup()
	d := decide(selected, res != nil, rq.demands, rq.p.proxy, rq.now)
	if d.action == actServe && !d.refresh {
		return selected, d
	}
	rq.ensureTicket()
	return nil, d
}
