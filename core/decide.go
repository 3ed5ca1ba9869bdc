package cachex

import (
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// action is what to do with a request.
type action uint8

const (
	actRun            action = iota // run the handler: nothing stored is of use
	actValidate                     // run it with the validators of what is stored
	actServe                        // answer from the cache
	actGatewayTimeout               // only-if-cached, and nothing to answer with
)

// decision is an action and the reason for it, as Cache-Status names it
// (RFC 9211, section 2.2).
type decision struct {
	action  action
	fwd     forward
	detail  detail
	refresh bool   // and renew it in the background
	code    uint16 // status of the next hop, where another one is sent; 0 for none

	collapsed bool // answered by the run of another request
	renewed   bool // answered by a run in the background that was begun for it
}

// demands are what a request asks of a cache (RFC 9111, section 5.2.1).
type demands struct {
	control     field.Control
	pragma      bool // no-cache, by Pragma alone
	conditional bool // conditions that only the origin may judge: If-Match
	credentials credentials
}

// readDemands parses what is there; a request without any costs nothing.
func (rq *request) readDemands() *demands {
	d := &rq.demands
	d.credentials = rq.credentials()
	d.conditional = rq.head.Has&(adapter.IfMatch|adapter.IfUnmodifiedSince) != 0
	if rq.head.Has&adapter.CacheControl != 0 {
		d.control = field.ParseControl(rq.x.Lines("Cache-Control"))
	} else if rq.head.Has&adapter.Pragma != 0 {
		for m := range field.Members(rq.x.Lines("Pragma")) {
			d.pragma = d.pragma || strings.EqualFold(m, "no-cache")
		}
	}
	if rq.p.noReload {
		d.pragma = false
		d.control.Has &^= field.NoCache | field.MaxAge | field.MinFresh
	}
	return d
}

// decide judges the selected entry, nil for none, for a request. It is a
// function of its arguments alone (RFC 9111, sections 4 and 5.2.1).
func decide(e *entry, known bool, d *demands, proxy bool, now moment) decision {
	var dec decision
	switch {
	case e == nil && known && d.conditional:
		dec = decision{action: actRun, fwd: fwdVaryMiss}
	case e == nil && known:
		dec = decision{action: actValidate, fwd: fwdVaryMiss}
	case e == nil:
		dec = decision{action: actRun, fwd: fwdURIMiss}
	case d.conditional:
		dec = decision{action: actRun, fwd: fwdRequest}
	case !e.fits(d.credentials, proxy):
		// What a TTL alone allows was made for nobody in particular.
		dec = decision{action: actRun, fwd: fwdRequest, detail: notCredentials}
	default:
		dec = decideStored(e, d, now)
	}
	if dec.action != actServe && d.control.Is(field.OnlyIfCached) {
		dec.action = actGatewayTimeout
	}
	return dec
}

// fits tells whether a request with these credentials may have the entry.
func (e *entry) fits(c credentials, proxy bool) bool {
	return c == 0 || e.shareable || proxy && c == byCookie && e.explicit
}

func decideStored(e *entry, d *demands, now moment) decision {
	c, age := &d.control, e.currentAge(now)
	life := e.life(age)
	fresh := life > age
	if fresh && c.Has == 0 && !d.pragma && !e.noCache && !e.state.is(unsure) {
		return decision{action: actServe} // what almost all come to
	}
	withinAge := !c.Is(field.MaxAge) || c.MaxAge < 0 || age <= seconds(c.MaxAge) ||
		e.immutable && fresh && c.MaxAge == 0 // RFC 8246, section 2
	switch {
	case e.noCache || e.state.is(unsure):
		return decision{action: actValidate, fwd: fwdStale}
	case c.Is(field.NoCache) || d.pragma:
		if fresh {
			return decision{action: actValidate, fwd: fwdRequest}
		}
		return decision{action: actValidate, fwd: fwdStale}
	case fresh:
		keepsFresh := !c.Is(field.MinFresh) || c.MinFresh < 0 || life >= satAdd(age, seconds(c.MinFresh))
		if withinAge && keepsFresh {
			return decision{action: actServe}
		}
		return decision{action: actValidate, fwd: fwdRequest}
	case e.locked:
		return decision{action: actValidate, fwd: fwdStale}
	case c.Is(field.MaxStale) && c.MaxStale >= 0 && !c.Is(field.MinFresh) && withinAge &&
		(c.MaxStale == field.Unbounded || age-life <= seconds(c.MaxStale)):
		return decision{action: actServe, detail: maxStale}
	case c.Has&(field.MaxAge|field.MinFresh) != 0:
		// Such a client does not want a stale answer, unless it says so.
	case e.whileRevalidate > 0 && !e.renewing().foreground.Load() && age-life <= e.whileRevalidate:
		return decision{action: actServe, detail: staleWhileRevalidate, refresh: !e.resting(now) && !e.renewing().elsewhere.Load() && !c.Is(field.OnlyIfCached)}
	case e.ifError > 0 && age-life <= e.ifError && e.resting(now):
		return decision{action: actServe, detail: staleIfError}
	}
	return decision{action: actValidate, fwd: fwdStale}
}
