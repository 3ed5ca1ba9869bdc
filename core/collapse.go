package cachex

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// collapses tells whether the request may lead a flight or wait for one: what
// comes of it must be a whole response, for anybody with the same key.
func (rq *request) collapses(selected *entry) bool {
	has, c := rq.head.Has, rq.demands.control
	if rq.head.Method != http.MethodGet || rq.outerForbids() || has&(adapter.Range|adapter.IfMatch|adapter.IfUnmodifiedSince) != 0 || rq.demands.pragma ||
		c.Has&(field.NoStore|field.NoCache|field.MaxAge|field.MinFresh) != 0 {
		return false
	}
	if has&adapter.Conditions != 0 && selected == nil {
		return false // with nothing stored the origin judges them
	}
	switch rq.demands.credentials {
	case 0:
		return true
	case byCookie: // known to be for everybody
		return selected != nil && selected.shareable
	}
	return false
}

// flightKey is the key of the request and, where its resource varies, of the
// variant that it would get.
//
// With a shared store it also holds the token of the resource: a run that began
// before another process took the URL back is nobody's to wait for.
func (rq *request) flightKey(res *resource) string {
	names, token := res.varies(), rq.birth.token.ID
	if len(names) == 0 && token == 0 {
		return rq.kept()
	}
	var b strings.Builder
	b.Write(rq.key)
	if token != 0 {
		b.WriteString("\n=" + strconv.FormatUint(token, 36))
		if soft := rq.birth.token.Soft; soft != 0 {
			b.WriteString("," + strconv.FormatInt(soft, 36))
		}
	}
	for _, name := range names {
		value, present := field.Selecting(name, rq.lines(name))
		if len(value) > maxSelectingBytes {
			return ""
		}
		b.Write(appendPart(nil, partHeader, name, value, present))
	}
	return b.String()
}

// miss answers a request that nothing stored answers: it leads a flight, or
// waits for one, or runs by itself.
func (rq *request) miss(rt *route, d decision, selected *entry, res *resource) {
	c := rq.p.cache
	var failed *flight
	for range maxRounds {
		if !rq.collapses(selected) {
			break
		}
		rq.ensureTicket()
		f, leads := c.flights.join(rq, rq.flightKey(res), failed)
		if f == nil {
			break
		}
		if leads && c.flights.landings.Load() != rq.landings {
			// What one of them has brought may be the answer.
			selected, res = rq.lookup()
			if d = rq.judge(selected, res); d.action == actServe {
				c.flights.land(f, landedStored, selected, rq.now)
				if d.refresh {
					rq.refreshInBackground(rt, selected, res)
				}
				rq.serveEntry(selected, d)
				return
			}
			rq.ensureTicket()
		}
		spare := rq.standby(selected, d)
		if leads {
			switch rq.sendAhead(rt, spare, f) {
			case notSent:
				rq.lead(rt, f, d, selected, res)
				return
			case sentBefore: // and not come back: it is late already
				c.flights.land(f, landedVoid, nil, rq.now)
				if !rq.serveLate(spare, d) {
					rq.run(rt, d, selected, res, nil)
				}
				return
			}
		}
		d.collapsed = !leads
		end := rq.wait(f, spare)
		rq.now = c.now()
		alone := false
		switch end {
		case waitLeft:
			rq.serveLeft()
			return
		case waitLate:
			if rq.serveLate(spare, d) {
				return
			}
		case waitStuck: // too slow: somebody leads another one
		default:
			var answered bool
			if answered, alone = rq.landed(f, d, selected); answered {
				return
			}
			if f.end == landedFailed || f.end == landedSpared {
				failed = f
			}
		}
		// Judge anew: what was stored may be another variant, or have been
		// taken back meanwhile.
		rq.ticket = c.marks.ticket() // before the look at what is stored
		selected, res = rq.lookup()
		if d = rq.judge(selected, res); d.action == actServe {
			if d.refresh {
				rq.refreshInBackground(rt, selected, res)
			}
			rq.serveEntry(selected, d)
			return
		}
		if alone {
			break
		}
	}
	rq.ensureTicket()
	rq.run(rt, d, selected, res, nil)
}

// lead runs the handler for all who wait, unless another process has the answer.
func (rq *request) lead(rt *route, f *flight, d decision, selected *entry, res *resource) {
	flights := rq.p.cache.flights
	now := rq.elsewhere(f, found{selected: selected, res: res}, true)
	switch {
	case now.left:
		flights.land(f, landedVoid, nil, rq.now)
		rq.serveLeft()
	case now.serve:
		flights.land(f, landedStored, now.selected, rq.now)
		now.d.fwd, now.d.collapsed = d.fwd, true
		rq.p.cache.stats.collapsed.Add(1)
		rq.serveEntry(now.selected, now.d)
	default:
		rq.run(rt, d, now.selected, now.res, f)
	}
}

// serveLeft answers a request whose context has ended while it waited. Mostly its
// client has left, and no one reads it. Where a deadline of outer middleware has
// passed, though, somebody does, and saying nothing would be an empty 200.
func (rq *request) serveLeft() {
	rq.serveText(http.StatusGatewayTimeout, tookTooLong)
}

// landed answers with what a flight has brought, if it can. With alone the
// request is not to wait for another one.
func (rq *request) landed(f *flight, d decision, selected *entry) (answered, alone bool) {
	switch f.end {
	case landedFree:
		return false, true
	case landedLate:
		if spare := rq.spareFor(selected, d); spare == nil || !rq.serveInstead(spare, d, http.StatusGatewayTimeout, staleIfError) {
			rq.serveText(http.StatusGatewayTimeout, tookTooLong)
		}
		return true, false
	case landedFailed, landedSpared:
		e := f.error()
		if f.attempt == 1 || e != nil && !rq.p.cache.marks.alive(e) {
			return false, false
		}
		if spare := rq.spareFor(selected, d); spare != nil && rq.serveInstead(spare, d, f.status(), staleIfError) {
			return true, false
		}
		if e == nil && f.end == landedSpared {
			return false, false // one of those without a spare has to lead
		}
		if e != nil && (!rq.selects(e) || !e.fits(rq.demands.credentials, rq.p.proxy)) {
			return false, true
		}
		rq.serveFailure(e, d)
		return true, false
	case landedStored:
		return rq.shares(f.entry, d)
	}
	return false, false
}

// shares serves what a flight has brought, if it answers this request too. With
// alone it is for the requests of this key, but cannot be used by this one: the
// next flight would bring nothing better.
func (rq *request) shares(e *entry, d decision) (answered, alone bool) {
	if e == nil || !rq.p.cache.marks.alive(e) || !rq.selects(e) {
		return false, false
	}
	now := decide(e, true, &rq.demands, rq.p.proxy, rq.now)
	switch {
	case now.action != actServe || rq.outerForbids():
		return false, true
	case now.detail != noDetail: // it has expired meanwhile, and is no answer to a miss
		return false, false
	}
	if d.collapsed {
		rq.p.cache.stats.collapsed.Add(1)
	}
	d.renewed = !d.collapsed
	rq.serveEntry(e, d)
	return true, false
}

// serveFailure answers with the error of a second leader: a third would most
// likely bring the same, at the cost of a handler that is in trouble already.
func (rq *request) serveFailure(e *entry, d decision) {
	d.collapsed = true
	if e != nil && rq.selects(e) {
		rq.serveEntry(e, d)
		return
	}
	rq.serveText(http.StatusInternalServerError, "Internal Server Error\n")
}
