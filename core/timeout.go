package cachex

import (
	"context"
	"net/http"
	"time"
)

// tookTooLong is what a client reads where HardTimeout has passed.
const tookTooLong = "Gateway Timeout: the response has taken too long\n"

// The phases of a run with a HardTimeout.
const (
	waiting = iota
	begun   // the status of the response is known
	late    // it was not in time, and no longer counts
)

// tooLate ends a run that has begun no response within its limit. What the
// handler writes from here on is not believed: it may be what is left of a page
// whose parts were cancelled. Whoever waits hears of it at once; the run's own
// client when the handler returns, because the response is written from there.
func (r *run) tooLate() {
	if !r.phase.CompareAndSwap(waiting, late) {
		return
	}
	r.p.cache.stats.timeouts.Add(1)
	r.rest()
	r.land(landedLate, nil)
	r.ctx.cancel(context.DeadlineExceeded)
}

// patience is how long a request waits that has something stale to go on with.
func (p *policy) patience() time.Duration {
	if p.soft > 0 {
		return p.soft
	}
	return p.hard
}

// standby is what the request gets, stale as it is, where a run takes too long.
// With SoftTimeout that is what either stale window allows: the one of
// stale-while-revalidate where there is no way to renew in the background.
func (rq *request) standby(e *entry, d decision) *entry {
	if rq.p.patience() == 0 {
		return nil
	}
	if spare := rq.spareFor(e, d); spare != nil || rq.p.soft == 0 {
		return spare
	}
	if rq.mayBeStale(e, d) && e.whileRevalidate > 0 && e.staleFor(rq.now) <= e.whileRevalidate {
		return e
	}
	return nil
}

// sendAhead has the run that f is for made in the background, so that it may take
// longer than its client waits.
func (rq *request) sendAhead(rt *route, spare *entry, f *flight) sending {
	if spare == nil || spare.renewing().foreground.Load() {
		return notSent
	}
	fs := rq.p.cache.flights
	fs.board(f)
	s := rq.send(rt, spare, f)
	if s != sent {
		fs.leave(f, false)
	}
	return s
}

// serveLate answers with something stale in the place of a run that goes on. It
// returns false where that may not be used any more.
func (rq *request) serveLate(spare *entry, d decision) bool {
	rq.now = rq.p.cache.now()
	if rq.standby(spare, d) == nil {
		return false
	}
	if rq.p.soft == 0 {
		return rq.serveInstead(spare, d, http.StatusGatewayTimeout, staleIfError)
	}
	return rq.serveInstead(spare, d, 0, softTimeout)
}

// serveInstead answers with something stale in the place of what a run brings.
func (rq *request) serveInstead(spare *entry, d decision, code int, why detail) bool {
	c := rq.p.cache
	if !c.marks.alive(spare) {
		return false
	}
	if why == softTimeout {
		c.stats.late.Add(1)
	} else {
		c.stats.failures.Add(1)
	}
	d.code, d.detail = uint16(code), why
	rq.serveEntry(spare, d)
	return true
}
