package cachex

import (
	"net/http"
	"time"

	"github.com/go-cachex/cachex/core/internal/field"
)

// retryAfter is how long a resource rests whose renewal has failed: an origin
// that is down is probed, not hammered.
const retryAfter = 5 * time.Second

// resting tells whether a renewal has failed just now.
func (e *entry) resting(now moment) bool { return int64(now) < e.renewing().rests.Load() }

func (e *entry) rest(now moment) { e.renewing().rests.Store(int64(now) + int64(retryAfter)) }

// fails tells which statuses stale-if-error is about (RFC 5861, section 4).
func fails(status int) bool {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayBeStale tells whether nothing forbids to use a stored response that a run is
// to validate as it is (RFC 9111, section 4.2.4).
func (rq *request) mayBeStale(e *entry, dec decision) bool {
	d := rq.demands
	return e != nil && dec.action == actValidate && !e.noCache && !e.locked && !e.state.is(unsure) &&
		!d.pragma && !d.control.Is(field.NoCache) && (d.credentials == 0 || e.shareable)
}

// spareFor is the stored response that may stand in for a failure: the response,
// the route or the request allows it for so long after its lifetime (RFC 5861,
// section 4).
func (rq *request) spareFor(e *entry, dec decision) *entry {
	d := rq.demands
	if !rq.mayBeStale(e, dec) {
		return nil
	}
	window := e.ifError
	if d.control.Is(field.StaleIfError) {
		window = max(window, min(seconds(d.control.StaleIfError), rq.p.cache.cfg.MaxLifetime))
	}
	if window == 0 || e.staleFor(rq.now) > window {
		return nil
	}
	return e
}

// standIn answers a failure with the stored response.
func (r *run) standIn(status int) {
	c := r.p.cache
	if r.spare == nil || !c.marks.alive(r.spare) {
		return
	}
	r.rest()
	c.stats.failures.Add(1)
	r.result, r.stoodIn = r.spare, true
	r.dec.code, r.dec.detail = uint16(status), staleIfError
	r.land(landedSpared, nil)
}

// rest has the response that stands in rest, unless the run was cancelled: that
// its client has left is no failure of the handler's.
func (r *run) rest() {
	if r.spare != nil && r.ctx.Err() == nil {
		r.spare.rest(r.p.cache.now())
	}
}
