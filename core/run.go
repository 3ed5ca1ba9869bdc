package cachex

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
	"github.com/go-cachex/cachex/core/store"
)

// run is one run of the handler, from before it starts until its response is
// complete: it is the adapter's Sink, and what SetTTL and its sisters find in
// the handler's context.
type run struct {
	call   adapter.Call
	rt     *route
	p      *policy
	rq     *request // nil once Run has returned
	dec    decision
	method string

	place     place
	fieldTags []string // of Config.TagField
	groups    []string // of Cache-Groups
	ticket    ticket   // taken before anything was looked up
	began     ticket   // the first one, where the run has got another
	birth     birth
	selected  *entry // what the request would have got, stale or not
	candidate *entry // whose validators were sent
	spare     *entry // what stands in for a failure
	stripped  bool   // the client's conditions are ours to evaluate

	// said to us by the handler, possibly from goroutines of its own
	mu         sync.Mutex
	ttl        time.Duration
	hasTTL     bool
	doNotStore bool
	tags       []string

	background bool // for no client

	passing bool        // only a mark of the New around a chain that passes
	claimed atomic.Bool // by a New further in, which answers in our place

	ctx      tether      // of the handler
	detached atomic.Bool // from its client: the response is being stored

	requested moment
	capture   capture // on while the response is being recorded
	released  bool    // nothing of it is held back any more
	pending   *entry  // until the content is complete
	sniffed   bool    // no Content-Type was named, so that the server guesses one
	whole     bool    // pending has its content
	committed bool
	reason    detail // why pending is not stored all the same
	status    int
	result    *entry // to be served in place of a discarded response
	contained bool   // the handler panicked, and that is for us to answer
	stoodIn   bool   // result is the spare
	timedOut  bool   // the response came after limit, and was discarded

	limit time.Duration // until the response begins, 0 for none
	phase atomic.Int32  // waiting, begun or late

	flight *flight // that it leads

	// sending is since when its client is being given content, in nanoseconds
	// from the beginning of the flight, and 0 while it is not: a client that has
	// stopped to read holds up the handler.
	sending atomic.Int64
}

// runTimeout bounds a run whose client has left: it goes on for the cache.
const runTimeout = 30 * time.Second

// newRun begins a run, which leads f, unless that is nil. Everything that a purge or
// an unsafe request takes back from here on is newer than the ticket.
func (rq *request) newRun(rt *route, dec decision, f *flight) *run {
	r := rq.p.cache.flights.room(f)
	r.rt, r.p, r.rq, r.dec, r.method = rt, rq.p, rq, dec, rq.head.Method
	r.ticket, r.began, r.birth, r.requested = rq.ticket, rq.ticket, rq.birth, rq.now
	r.background = IsBackground(rq.ctx)
	r.ctx.client, r.ctx.run = rq.ctx, r
	if rq.urlEnd > 0 {
		r.place = rq.place()
	}
	rq.calls(r)
	if f != nil {
		r.lead(f)
	}
	return r
}

// place is where the request's resource stands, as far as marks are concerned.
func (rq *request) place() place {
	if rq.at.url == 0 {
		rq.at = rq.placeIn(rq.kept())
	}
	return rq.at
}

// placeIn is place for those who have the key as a string.
func (rq *request) placeIn(key string) place {
	return rq.p.cache.marks.place(key[rq.hostStart():rq.hostEnd], key[rq.hostEnd:rq.urlEnd])
}

// kept is the key as a string that outlives the request.
func (rq *request) kept() string {
	if rq.text != string(rq.key) {
		rq.text = string(rq.key)
	}
	return rq.text
}

// host is the host in the key.
func (rq *request) host() string { return string(rq.key[rq.hostStart():rq.hostEnd]) }

func (rq *request) hostStart() int { return len("GET ") + len(rq.scheme) + len("://") }

// run runs the handler, with the validators of what is stored where there are
// any, and serves what comes of it.
func (rq *request) run(rt *route, dec decision, selected *entry, res *resource, f *flight) {
	r := rq.newRun(rt, dec, f)
	r.selected, r.limit = selected, rq.p.hard
	call := &r.call
	r.spare = rq.spareFor(selected, dec)
	call.Contain = r.spare != nil
	if dec.action == actValidate && (selected == nil || rq.mayConfirm(selected)) {
		r.candidate = rq.candidate(selected, res)
		call.Edits = append(call.Edits, rq.validators(r)...)
	}
	if f != nil && rq.head.Has&adapter.Conditions != 0 && !r.stripped {
		r.stripped = true
		call.Edits = append(call.Edits, noConditions...)
	}
	rq.perform(r)
	if r.contained {
		r.standIn(http.StatusInternalServerError)
	}
	switch {
	case r.result != nil:
		rq.now = rq.p.cache.now() // of the age that it has by now
		rq.serveEntry(r.result, r.dec)
	case r.timedOut:
		rq.serveText(http.StatusGatewayTimeout, tookTooLong)
	case r.contained: // and the spare was taken back meanwhile
		rq.serveText(http.StatusInternalServerError, "Internal Server Error\n")
	}
}

// forward runs the handler of a request that has no key, or no business with
// what is stored.
func (rq *request) forward(rt *route, dec decision) {
	rq.perform(rq.newRun(rt, dec, nil))
}

// calls is what the run asks of the adapter.
func (rq *request) calls(r *run) {
	call := &r.call
	call.Context, call.Run, call.Sink, call.Target = &r.ctx, r, r, rq.rewritten
	if rq.head.Has&adapter.Cookie != 0 && len(rq.p.ignore) > 0 {
		if visible, hidden := visibleCookies(rq.x.Lines("Cookie"), rq.p.ignore); hidden {
			call.Edits = append(call.Edits, adapter.Edit{Name: "Cookie", Value: visible, Delete: visible == ""})
		}
	}
	if rq.p.proxy && asMethod(rq.head.Method) {
		call.Edits = append(call.Edits, rq.capability())
	}
}

// capability tells the origin that Surrogate-Control is understood here.
func (rq *request) capability() adapter.Edit {
	const name = "Surrogate-Capability"
	own := rq.p.cache.token + `="Surrogate/1.0"`
	return adapter.Edit{Name: name, Value: field.Joined(append(slices.Clip(rq.x.Lines(name)), own))}
}

// perform runs the handler under a context of its own. It stays tied to the
// client until the response is known to be worth storing.
func (rq *request) perform(r *run) {
	var limit *time.Timer
	if r.limit > 0 {
		limit = time.AfterFunc(r.limit, r.tooLate)
	}
	defer func() {
		if limit != nil {
			limit.Stop()
		}
		r.ctx.cancel(nil)
		r.rq = nil
	}()
	rq.x.Run(&r.call)
}

// clientLeft passes a disconnect on to the handler, unless the response is
// being stored: then it runs on, for a while. A deadline counts all the same.
func (r *run) clientLeft() {
	nobody := r.forNobody()
	switch {
	case r.ctx.expired():
		r.ctx.expire()
	case nobody:
		r.ctx.cancel(nil)
	default:
		r.bound(runTimeout, func() { r.ctx.cancel(nil) })
		if deadline, ok := r.ctx.Deadline(); ok {
			r.bound(time.Until(deadline), r.ctx.expire)
		}
	}
}

// bound calls end after d, unless the run has ended before.
func (r *run) bound(d time.Duration, end func()) {
	t := time.AfterFunc(d, end)
	context.AfterFunc(&r.ctx, func() { t.Stop() })
}

// Begin implements adapter.Sink.
func (r *run) Begin(status int, h http.Header, before []adapter.Line) adapter.Verdict {
	r.status = status
	if !r.phase.CompareAndSwap(waiting, begun) && r.phase.Load() == late {
		r.standIn(http.StatusGatewayTimeout)
		r.timedOut = true
		return adapter.Verdict{Mode: adapter.Discard}
	}
	r.readTags(h)
	if fails(status) && !r.claimed.Load() {
		if r.standIn(status); r.result != nil {
			return adapter.Verdict{Mode: adapter.Discard}
		}
	}
	switch {
	case r.claimed.Load():
		return adapter.Verdict{}
	case !asMethod(r.method) || r.dec.fwd == fwdBypass:
		last, untouched := r.untouched()
		own := r.invalidate(h)
		if untouched && own == last+1 && r.answersGet(status, h) {
			// It was made after the change that it brought, and after no other.
			r.began, r.ticket = r.ticket, own
			r.rq.birth.token = store.Token{} // it has ended with the change
			r.rq.ensureTicket()
			r.birth = r.rq.birth
			return r.fullAnswer(status, h, before)
		}
		r.decorate(status, h, before)
		if asMethod(r.method) && !r.rq.anonymous {
			r.makePrivate(field.ParseControl(h["Cache-Control"]), h)
		}
		r.announce(h, noDetail)
		return adapter.Verdict{}
	case status == http.StatusNotModified && r.candidate != nil:
		return r.notModified(h, before)
	case r.method == http.MethodHead:
		r.decorate(status, h, before)
		r.headUpdates(status, h, before)
		r.makePrivate(field.ParseControl(h["Cache-Control"]), h)
		r.announce(h, noDetail)
		return adapter.Verdict{}
	}
	return r.fullAnswer(status, h, before)
}

// fullAnswer judges a response to GET with content of its own.
func (r *run) fullAnswer(status int, h http.Header, before []adapter.Line) adapter.Verdict {
	rep := r.reply(status, h, before)
	r.decorate(status, h, before)
	rep.control, rep.targeted = r.p.directives(h)
	rep.vary = field.ParseVary(h["Vary"])
	r.makePrivate(rep.control, h)
	fresh, reason := storable(&rep)
	var vary []selecting
	if reason == noDetail {
		var ok bool
		if vary, ok = r.rq.selectingFields(rep.vary.Names); !ok {
			reason = notVary
		}
	}
	large := declaredLength(h) > r.p.cache.cfg.MaxEntryBytes
	if reason == noDetail && large {
		reason = notTooLarge
	}
	if err := r.checkTags(); err != nil && reason == noDetail {
		reason = r.refuseTags(err)
	}
	switch {
	case reason == noDetail:
	case !large && reason == notLifetime && r.tagsUnstored(&rep),
		// An error is for those who wait, if the next leader fails too.
		!large && r.flight != nil && fails(status) && (reason == notStatus || reason == notLifetime) && r.sharesError(&rep, fresh, &vary):
		r.reason = reason
	default:
		r.refuse(status, reason)
		r.announce(h, reason)
		r.land(landedFree, nil)
		return adapter.Verdict{}
	}
	r.sniffed = sniffed(h)
	r.capture = newCapture(r.p.cache.cfg.MaxEntryBytes, declaredLength(h))
	if r.reason != noDetail && r.capture.declared > adapter.HoldLimit {
		r.capture.room = 0 // it is hardly going to be written down
	}
	r.capture.tape.take(h, before, dropped(rep.control))
	r.pending = &entry{
		key: r.rq.kept(), born: r.ticket, sharing: r.sharingOf(r.birth), status: uint16(status), freshness: fresh, // storable ones are below 600
		requested: r.requested, received: momentOf(rep.received),
	}
	x := extras{
		vary: vary, added: added(h, before),
		upstream: slices.Clone(inside("Cache-Status", h["Cache-Status"], before)),
	}
	x.stands(r.pending, r.placeOfEntry())
	r.pending.extend(x)
	if r.reason == noDetail {
		// Unless it left before this was known, and the handler has heard.
		r.detached.Store(r.ctx.client.Err() == nil || r.ctx.Err() == nil)
	}
	return adapter.Verdict{Mode: adapter.Hold}
}

// sharesError tells whether an error that is not stored may be given to those who
// wait: it is nobody's own, it is known in what it varies, and it does not ask for a
// cache that knows more of its status.
func (r *run) sharesError(rep *reply, fresh freshness, vary *[]selecting) (ok bool) {
	if rep.control.Is(field.MustUnderstand) || rep.credentials != 0 && !fresh.shareable || rep.vary.Star || len(rep.vary.Names) > maxVaryNames {
		return false
	}
	*vary, ok = r.rq.selectingFields(rep.vary.Names)
	return ok
}

// placeOfEntry leaves out what only routes with query rules need.
func (r *run) placeOfEntry() place {
	p := r.place
	if !r.p.query.any() {
		p.hostPath = 0
	}
	return p
}

// sharingOf is what an entry has of a shared store that is born there.
func (r *run) sharingOf(b birth) *sharing {
	if r.p.cache.shared == nil {
		return nil
	}
	return &sharing{birth: b}
}

// tagsUnstored tells whether a response that is not worth storing gets an entity
// tag, as long as it is short: no-cache has clients ask each time, and most of
// the answers can then be that nothing has changed.
func (r *run) tagsUnstored(rep *reply) bool {
	return r.p.etag != etagNone && rep.status == http.StatusOK && rep.control.Is(field.NoCache) && rep.h["Etag"] == nil
}

// reply gathers what storable needs to know.
func (r *run) reply(status int, h http.Header, before []adapter.Line) reply {
	rq := r.rq
	r.mu.Lock()
	defer r.mu.Unlock()
	return reply{
		policy: r.p, credentials: rq.demands.credentials,
		noStore: rq.demands.control.Is(field.NoStore), origin: first(rq.x.Lines("Origin")),
		status: status, h: h, before: before, said: h["Cache-Control"],
		setTTL: r.ttl, hasTTL: r.hasTTL, handlerOff: r.doNotStore,
		requested: r.requested.time(), received: r.p.cache.now().time(),
	}
}

// refuse is told of a response that is not stored. If it says what the resource
// is like now, what it would have replaced is no longer good (RFC 9111, section
// 4.3.3); an error, or an answer to this one request, says nothing of the kind.
func (r *run) refuse(status int, reason detail) {
	c := r.p.cache
	c.stats.rejections.Add(1)
	switch reason {
	case notCredentials:
		c.warnOnce(&r.rt.warnedCredentials, "cachex: not stored: the request has credentials and the response is only allowed by a TTL or max-age; say public, or use PerUser, Shared, KeyCookie or IgnoreCookies", r.rq.x.Pattern())
		return
	case notRequest, notOuter:
		return
	}
	if r.dec.detail == notPrivate {
		return // outer middleware said so of this one request
	}
	current := status < 400 && status != http.StatusPartialContent && status != http.StatusNotModified ||
		status == http.StatusNotFound || status == http.StatusGone
	if r.selected != nil && current {
		c.drop(r.selected)
	}
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

func dropped(c field.Control) []string {
	if len(c.PrivateFields) == 0 {
		return c.NoCacheFields
	}
	return slices.Concat(c.PrivateFields, c.NoCacheFields)
}
