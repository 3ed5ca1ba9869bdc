package cachex

import (
	"net/http"
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
)

// Shared implements adapter.Sink.
func (r *run) Shared() bool { return r.flight != nil && r.p.cache.flights.waiting(r.flight) }

// Write implements adapter.Sink.
func (r *run) Write(p []byte) bool {
	if !r.capture.on() {
		return false
	}
	if !r.capture.write(p) {
		r.giveUp()
		return false
	}
	return true
}

// Held implements adapter.Sink.
func (r *run) Held() []byte { return r.capture.content }

// giveUp stops recording: the response turned out to be too large. Its client
// is all that it is for, from here on.
func (r *run) giveUp() {
	r.land(landedFree, nil)
	if r.released {
		r.capture.release()
	} else {
		r.capture.stop()
	}
	r.detached.Store(false)
	if r.ctx.client.Err() != nil {
		r.ctx.cancel(nil)
	}
}

// Release implements adapter.Sink.
func (r *run) Release(h http.Header, complete bool) adapter.Verdict {
	r.released = true
	mode, reason := adapter.Record, r.reason
	e := r.pending
	switch {
	case !r.capture.on():
		mode, reason = adapter.Pass, notTooLarge
	case complete:
		mode = adapter.Pass
		r.commit()
		reason = r.reason
		if r.whole && e.ownTag {
			h["Etag"] = e.line("Etag")
		}
	default:
		r.sniffFlushed()
		e.seal(r.capture.tape.lines, e.received.time()) // without a tag of ours: the content is still to come
		if r.reason != noDetail && !fails(r.status) {
			mode = adapter.Pass // for that tag it was written down
			r.land(landedFree, nil)
			r.capture.stop()
		}
	}
	if r.committed || reason != noDetail {
		r.announce(h, reason)
	} else {
		r.say(h, status{decision: r.dec})
	}
	if (r.stripped || !r.p.proxy && r.whole) && r.status == http.StatusOK && r.rq.notModified(e, e.modified) {
		for name := range h {
			if !describes304(name) && !(name == "Set-Cookie" && r.p.strip) { // what is left of it is not ours
				delete(h, name)
			}
		}
		return adapter.Verdict{Mode: mode, Status: http.StatusNotModified, NoBody: true}
	}
	return adapter.Verdict{Mode: mode}
}

// sniffFlushed is for a response that is flushed: of its content, the server guesses
// the type by what there is, and by nothing where there is nothing.
func (r *run) sniffFlushed() {
	const enough = 512 // for http.DetectContentType
	part := r.capture.content
	if !r.sniffed || len(part) >= enough || !r.pending.mayHaveContent() {
		return
	}
	if r.sniffed = false; len(part) > 0 {
		r.capture.tape.lines = append(r.capture.tape.lines, line("Content-Type", http.DetectContentType(part)))
	}
}

// commit stores the response, if all of it is there. What it has landed, waiters
// read already: it is not touched a second time.
func (r *run) commit() {
	e, c := r.pending, r.p.cache
	if r.whole || !r.capture.on() || !r.capture.whole() || r.ctx.Err() != nil {
		return
	}
	if c.closed.Load() {
		r.land(landedFree, nil)
		return
	}
	vetoed, hasTTL := r.told()
	if vetoed {
		r.land(landedFree, nil)
		return
	}
	if err := r.tagEntry(e, nil); err != nil {
		r.reason = r.refuseTags(err)
		r.land(landedFree, nil)
		return
	}
	if c.now().since(r.requested) > slack {
		r.land(landedFree, nil)
		return // marks that it does not know of may have been forgotten
	}
	if !c.marks.alive(e) || e.expired.Load() != 0 || r.began != r.ticket && c.marks.since(r.began, &place{}, e.more().further).taken() > 0 {
		r.land(landedVoid, nil)
		return // taken back meanwhile; it must not push out what came after
	}
	e.body = r.capture.bytes()
	e.finish(r.capture.tape.lines, r.sniffed, r.p.etag, e.received.time())
	if r.whole = true; r.reason != noDetail {
		if fails(r.status) {
			r.land(landedFailed, e)
		} else {
			r.land(landedFree, nil)
		}
		return
	}
	r.committed = c.keep(e, r.takeLease())
	r.landStored(e)
	if !r.committed {
		r.reason = notStore
		return
	}
	c.stats.stores.Add(1)
	if pattern := r.rq.x.Pattern(); e.governed && !hasTTL && wildcard(pattern) {
		c.warnOnce(&r.rt.warnedWildcard, "cachex: a TTL stores what a wildcard route answers, whatever its path; give it to the routes that are meant", pattern)
	}
}

// told is what the handler has said by now: DoNotStore counts, late as it may
// come.
func (r *run) told() (doNotStore, hasTTL bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.doNotStore, r.hasTTL
}

// wildcard tells whether a route pattern stands for paths of any length: what is
// behind it may be a page of a user under a name that looks public.
func wildcard(pattern string) bool {
	return strings.Contains(pattern, "*") || strings.Contains(pattern, "...}")
}

// End implements adapter.Sink.
func (r *run) End(o adapter.Outcome) {
	r.contained = o.Contained
	if r.capture.on() && !r.committed && !o.Broken && !o.Hijacked && !o.Trailers && !r.claimed.Load() {
		r.commit()
	}
	r.capture.release()
	if o.Hijacked || o.Trailers {
		r.land(landedFree, nil) // nobody knows what came, but its client
	}
	if o.Broken {
		r.rest() // before those who wait judge anew
	}
	r.land(landedFailed, nil) // if it has not landed better
	r.takeLease().release()
	unseen := (o.Hijacked || o.Unanswered) && r.status == 0 && r.changes()
	if !o.Broken && !r.committed && (r.invalidates() || unseen) {
		// Handlers may do their work after they have answered, or answer
		// where nobody sees with what.
		r.takeBack(r.changed())
	}
}

// announce adds our member to Cache-Status, once all is known that it will say.
func (r *run) announce(h http.Header, reason detail) {
	s := status{decision: r.dec, stored: r.committed}
	if r.committed {
		s.ttl, s.hasTTL = r.pending.ttl(r.pending.age), true
	} else if s.detail == noDetail {
		s.detail = reason
	}
	r.say(h, s)
	r.rq.observe(s)
}

// say puts our member behind those that are already there. That of most responses
// that are stored is ready-made.
func (r *run) say(h http.Header, s status) {
	c, have := r.p.cache, h["Cache-Status"]
	switch {
	case c.cfg.HideStatus:
	case len(have) == 0 && s.fwd == fwdURIMiss && s.stored && s.code == 0 && s.detail == noDetail && !s.collapsed:
		h["Cache-Status"] = c.news.line(s.ttl)
	default:
		h["Cache-Status"] = append(have[:len(have):len(have)], c.member(s))
	}
}
