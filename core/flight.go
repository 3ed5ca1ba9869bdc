package cachex

import (
	"hash/maphash"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A flight is one run that several requests wait for (RFC 9111, section 4, allows
// it; RFC 9211 calls it collapsed). The leader runs the handler for its own
// client; the others wait for what is stored, and then judge it each for
// themselves, as they would judge anything stored.
type flight struct {
	key     string
	ticket  ticket
	attempt int    // 2 where the leader of a first one has failed
	before  *entry // and this was its error, nil for none
	began   time.Time
	lead    *run // set by the leader before its handler runs; guarded by flights.mu
	run     run  // what lead is, mostly

	done  chan struct{} // for those who wait: closed when it has landed, and end and entry stand
	end   landing
	entry *entry
	lease *lease // in a shared store, for the leader alone

	// guarded by flights.mu
	waiters  int
	landed   bool
	deserted bool    // its leader's client has left, and nobody waited: it is called off
	next     *flight // led by one of those who waited for this one in vain
}

// landing is how a flight ends.
type landing uint8

const (
	landedStored landing = iota // entry is what was stored
	landedFailed                // the leader failed; entry is its error, or nil
	landedSpared                // the same, and its own client got something stale
	landedFree                  // what came is for its client alone: all run
	landedVoid                  // what came was taken back meanwhile: once more
	landedLate                  // it has begun no response within HardTimeout
)

const (
	maxWait      = 30 * time.Second // for one flight
	maxStall     = time.Second      // of a client that does not read
	maxWaiters   = 1 << 14          // for one flight; more run by themselves
	maxRounds    = 4                // of waiting, before a request runs by itself
	aloneFor     = 5 * time.Second  // keys whose responses cannot be shared
	maxAloneKeys = 1 << 12
)

// flights are the open flights of a cache, and the keys that have turned out to
// be unshareable: their requests would wait for nothing, one after the other.
type flights struct {
	mu    sync.Mutex
	open  map[string]*flight
	alone hitForMiss

	// landings tells a request that leads whether any flight has landed since it
	// looked at what is stored.
	landings atomic.Uint64
}

func newFlights() *flights {
	return &flights{open: map[string]*flight{}, alone: hitForMiss{seed: maphash.MakeSeed(), until: map[uint64]moment{}}}
}

// hitForMiss are the keys whose requests run alone, until when. Of a key there is a
// hash: nobody is to fill memory with what requests say, and where two collide, one
// of them runs where it might have waited.
type hitForMiss struct {
	seed  maphash.Seed
	until map[uint64]moment
	order []missUntil // as they came, which is as they go; what came again stands twice
}

type missUntil struct {
	key   uint64
	until moment
}

// add has a key run alone for a while. Those whose time is over go, and the oldest
// where there are too many.
func (hm *hitForMiss) add(key string, now moment) {
	for len(hm.order) > 0 && (hm.order[0].until <= now || len(hm.order) >= maxAloneKeys) {
		if old := hm.order[0]; hm.until[old.key] == old.until { // and it has not come again
			delete(hm.until, old.key)
		}
		hm.order = hm.order[1:]
	}
	m := missUntil{maphash.String(hm.seed, key), now + moment(aloneFor)}
	hm.until[m.key], hm.order = m.until, append(hm.order, m)
}

func (hm *hitForMiss) has(key string, now moment) bool {
	if len(hm.until) == 0 {
		return false
	}
	until, ok := hm.until[maphash.String(hm.seed, key)]
	return ok && now < until
}

// join returns the flight to wait for or, with leads, to lead; nil means to run
// alone, as who has no key does. One that began before its URL was taken back is
// nobody's to join, and neither is one that was called off, or one of which nobody
// could tell. All who waited for one that failed, before, wait for the same next one.
func (fs *flights) join(rq *request, key string, before *flight) (f *flight, leads bool) {
	if key == "" {
		return nil, false
	}
	p, m := rq.place(), rq.p.cache.marks
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.alone.has(key, rq.now) {
		return nil, false
	}
	if before != nil && before.next != nil {
		f = before.next
	} else {
		f = fs.open[key]
	}
	if f != nil && !f.deserted && !rq.outOfTouch(f) && m.since(f.ticket, &p, nil).taken() == 0 {
		if f.waiters >= maxWaiters {
			return nil, false
		}
		f.board()
		return f, false
	}
	f = &flight{key: key, ticket: rq.ticket, attempt: 1, began: time.Now()}
	if before != nil {
		f.attempt, f.before = before.attempt+1, before.entry
		before.next = f
	}
	fs.open[key] = f
	return f, true
}

// outOfTouch tells whether the flight may be from before a purge elsewhere, of which
// the request has no way to know: the store has not told it the token of its URL.
func (rq *request) outOfTouch(f *flight) bool {
	return rq.p.cache.shared != nil && rq.birth.token.ID == 0 && time.Since(f.began) >= staleAfter
}

// land ends a flight. Only its first landing counts. now is of landedFree alone.
func (fs *flights) land(f *flight, end landing, e *entry, now moment) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.landed {
		return
	}
	if fs.open[f.key] == f {
		delete(fs.open, f.key)
	}
	if end == landedFree {
		fs.alone.add(f.key, now)
	}
	fs.landings.Add(1)
	f.landed, f.end, f.entry = true, end, e
	if f.done != nil {
		close(f.done)
	}
}

// board adds a waiter. Most flights have none.
func (f *flight) board() {
	if f.waiters++; f.done == nil {
		if f.done = make(chan struct{}); f.landed {
			close(f.done)
		}
	}
}

// board makes a waiter of the request that leads f, where a run in the
// background takes its place.
func (fs *flights) board(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.board()
}

// leave is told of a waiter who is gone. With giveUp the flight has taken too
// long: the next one to come leads another.
func (fs *flights) leave(f *flight, giveUp bool) {
	fs.mu.Lock()
	f.waiters--
	if giveUp && fs.open[f.key] == f {
		delete(fs.open, f.key)
	}
	forNobody, lead := f.waiters == 0, f.lead
	fs.mu.Unlock()
	if forNobody && lead != nil {
		lead.nobodyWaits()
	}
}

func (fs *flights) waiting(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return f.waiters > 0
}

// desert calls the flight off unless somebody waits for it. Nobody joins it any
// more: whoever came between that and its end would get the error of a run that
// was cancelled, as if the handler had failed.
func (fs *flights) desert(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.waiters > 0 {
		return false
	}
	if f.deserted = true; fs.open[f.key] == f {
		delete(fs.open, f.key)
	}
	return true
}

// error is what a flight that has failed has brought, nil for nothing. Where the
// second leader had something stale to stand in, it is the error of the first.
func (f *flight) error() *entry {
	if f.entry == nil {
		return f.before
	}
	return f.entry
}

func (f *flight) status() int {
	if e := f.error(); e != nil {
		return int(e.status)
	}
	return http.StatusInternalServerError
}

// waited is how waiting for a flight ends.
type waited uint8

const (
	waitLanded waited = iota
	waitLate          // for who has something stale to go on with
	waitStuck         // for everybody
	waitLeft          // the client is no longer here
)

// wait returns when the flight has landed or has taken too long, or when the
// client is no longer here. Who has a spare waits no longer than the route's
// timeouts, counted from the beginning of the flight: who comes later than that
// does not wait at all.
func (rq *request) wait(f *flight, spare *entry) waited {
	fs, client := rq.p.cache.flights, rq.x.Context()
	waiting := &rq.p.cache.stats.waiting
	waiting.Add(1)
	defer waiting.Add(-1)
	limit := time.NewTimer(maxWait)
	defer limit.Stop()
	look := time.NewTicker(maxStall)
	defer look.Stop()
	var late <-chan time.Time
	if patience := rq.p.patience(); spare != nil && patience > 0 {
		t := time.NewTimer(time.Until(f.began.Add(patience)))
		defer t.Stop()
		late = t.C
	}
	for {
		select {
		case <-f.done:
			fs.leave(f, false)
			return waitLanded
		case <-late:
			fs.leave(f, false)
			return waitLate
		case <-look.C:
			if fs.stalled(f) {
				fs.leave(f, true)
				return waitStuck
			}
		case <-limit.C:
			fs.leave(f, true)
			return waitStuck
		case <-client.Done():
			fs.leave(f, false)
			return waitLeft
		}
	}
}

// stalled tells whether the run of the flight is held up by its client, who does
// not read. A handler that takes its time between two parts is not.
func (fs *flights) stalled(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.lead == nil {
		return false
	}
	since := f.lead.sending.Load()
	return since != 0 && time.Since(f.began)-time.Duration(since) >= maxStall
}
