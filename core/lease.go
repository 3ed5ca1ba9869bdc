package cachex

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// lease lets one process of many run the handler for a key. Losing it, or the
// store, costs one more run.
//
// Within a process it is shared: who leads a flight while what an earlier one has
// brought is still being written, or after that one was given up, does not wait
// for a lease of its own process.
type lease struct {
	*holding
	released atomic.Bool
}

// holding is a lease as the store knows it.
type holding struct {
	s     *shared
	at    address
	owner string
	uses  int           // guarded by leases.mu; at 0 it is being given back
	ended chan struct{} // closed when it was
}

// leases are those that this process holds.
type leases struct {
	mu   sync.Mutex
	held map[address]*holding

	// doubtful are those that this process has asked for, or given back, and got no
	// answer: the store may have them once it answers again, and nobody uses them.
	doubtful []*holding
}

const maxDoubtful = 1 << 10 // more end by themselves

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
	for own, ok := s.leases.use(at); own != nil; own, ok = s.leases.use(at) {
		if ok {
			return &lease{holding: own}, false
		}
		select {
		case <-own.ended: // it is being given back
		case <-ctx.Done():
			return nil, true
		}
	}
	h := &holding{s: s, at: at, owner: rand.Text(), uses: 1, ended: make(chan struct{})}
	var ok bool
	err := s.do(ctx, func(ctx context.Context) (err error) {
		ok, err = s.space.Acquire(ctx, at.resource, at.name, h.owner, leaseFor)
		return err
	})
	if err != nil {
		if !errors.Is(err, errUnavailable) {
			s.leases.doubt(h)
		}
		return nil, true
	}
	if !ok {
		return nil, false
	}
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	if s.leases.held == nil {
		s.leases.held = map[address]*holding{}
	}
	s.leases.held[at] = h
	return &lease{holding: h}, false
}

// afterwork is the giving back of leases, behind the answers.
type afterwork struct {
	mu      sync.Mutex
	ended   bool
	running sync.WaitGroup
}

// start is for handlers too that still run when the cache is shut down, as those that
// took over their connections may: nobody waits for them.
func (a *afterwork) start(work func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		go work()
		return
	}
	a.running.Go(work)
}

// end waits for what has been started.
func (a *afterwork) end() {
	a.mu.Lock()
	a.ended = true
	a.mu.Unlock()
	a.running.Wait()
}

func (ls *leases) doubt(h *holding) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if len(ls.doubtful) < maxDoubtful {
		ls.doubtful = append(ls.doubtful, h)
	}
}

// releaseDoubtful gives back what the store may have for nobody, once it answers:
// others would wait for it.
func (s *shared) releaseDoubtful(ctx context.Context) {
	s.leases.mu.Lock()
	list := s.leases.doubtful
	s.leases.doubtful = nil
	s.leases.mu.Unlock()
	for i, h := range list {
		if s.giveBack(ctx, h) != nil {
			for _, h := range list[i:] {
				s.leases.doubt(h)
			}
			return
		}
	}
}

func (s *shared) giveBack(ctx context.Context, h *holding) error {
	return s.do(ctx, func(ctx context.Context) error {
		return s.space.Release(ctx, h.at.resource, h.at.name, h.owner)
	})
}

// use returns what this process holds for an address, and whether it may go on
// doing so.
func (ls *leases) use(at address) (h *holding, ok bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if h = ls.held[at]; h == nil || h.uses == 0 {
		return h, false
	}
	h.uses++
	return h, true
}

// release gives it back, behind the answer. It may be called more than once, and
// on nil.
func (l *lease) release() {
	if l == nil || !l.released.CompareAndSwap(false, true) {
		return
	}
	s, h := l.s, l.holding
	s.leases.mu.Lock()
	h.uses--
	last := h.uses == 0
	s.leases.mu.Unlock()
	if !last {
		return
	}
	s.after.start(func() {
		if s.giveBack(context.Background(), h) != nil {
			s.leases.doubt(h)
		}
		s.leases.mu.Lock()
		defer s.leases.mu.Unlock()
		if s.leases.held[h.at] == h { // and not another one, got when this one was lost
			delete(s.leases.held, h.at)
		}
		close(h.ended)
	})
}

// found is what stands in the store before a run: another process may have put
// it there meanwhile.
type found struct {
	selected *entry
	res      *resource
	d        decision
	serve    bool // selected, by d
	left     bool // the client has, or another process is at it and not waited for
}

// elsewhere is called by the leader of a flight before it runs the handler, with
// what it has found so far. It returns what another process has stored meanwhile,
// or has the flight hold a lease, or neither where the store does not help.
func (rq *request) elsewhere(f *flight, now found, wait bool) found {
	s := rq.p.cache.shared
	if s == nil || !rq.birth.valid() {
		return now
	}
	at := addressOf(f.key, rq.scheme, rq.urlEnd)
	patience := awaitOthers
	if hard := rq.p.hard; hard > 0 {
		patience = min(patience, hard)
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for pause := askEvery; ; pause = min(2*pause, askRarer) {
		l, free := s.acquire(rq.x.Context(), at)
		if free {
			return now
		}
		if l == nil && !wait {
			return found{left: true}
		}
		if l == nil {
			next := time.NewTimer(pause)
			select {
			case <-next.C:
			case <-limit.C:
				next.Stop()
				return now
			case <-rq.x.Context().Done():
				next.Stop()
				return found{left: true}
			}
		}
		// With the lease as well: its last holder may have stored something, and
		// given it back, after we had looked.
		rq.now, rq.ticket = rq.p.cache.now(), rq.p.cache.marks.ticket()
		now.selected, now.res = rq.lookup()
		if d := decide(now.selected, now.res != nil, &rq.demands, rq.p.proxy, rq.now); d.action == actServe && !d.refresh {
			l.release()
			now.d, now.serve = d, true
			return now
		}
		if rq.ensureTicket(); !rq.birth.valid() {
			l.release()
			return now
		}
		if l != nil {
			f.lease = l
			return now
		}
	}
}

// renewedElsewhere is elsewhere for a run in the background. Where a client waits
// for it, it waits for other processes too; otherwise they may go on by themselves.
func (rq *request) renewedElsewhere(b *refresh) bool {
	c, f := rq.p.cache, b.flight
	if f == nil {
		return false
	}
	now := rq.elsewhere(f, found{}, c.flights.waiting(f))
	if now.serve {
		c.flights.land(f, landedStored, now.selected, rq.now)
	}
	b.elsewhere = now.serve || now.left
	if b.elsewhere {
		renewing := &b.old.renewing().elsewhere
		renewing.Store(true)
		time.AfterFunc(briefly, func() { renewing.Store(false) })
	}
	return b.elsewhere
}

// briefly is how long a resource is left alone that another process renews.
const briefly = time.Second

// mayConfirm tells whether a 304 may make an entry fresh again under the ticket of
// the request: not where another process has taken it back.
func (rq *request) mayConfirm(e *entry) bool {
	c := rq.p.cache
	return c.marks.alive(e) && (c.shared == nil || e.shared().birth.token.ID == rq.birth.token.ID)
}
