package cachex

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// request is the state of one request on its way through the cache. Its exchange
// keeps it for the next one; what outlives the request, such as a run, is not kept in it.
type request struct {
	p    *policy
	x    adapter.Exchange
	ctx  context.Context // of x: some frameworks look long for it
	head adapter.Head
	now  moment

	// ticket is older than everything that the request has found: what is taken
	// back after it was looked up must not come back by way of a 304.
	ticket ticket
	birth  birth // the same in a shared store

	part  uint32 // of a tally
	reads uint32 // so far, of all requests that it has been the state of

	landings uint64 // of flights, before the last look at what is stored

	key             []byte
	text            string // of the key, where a string of it was needed; see kept
	at              place  // where that was needed
	prefix          prefix
	hostEnd, urlEnd int // the URL, without its scheme, is a part of the key
	trusted         bool
	movedHost       bool // outer middleware has rewritten it
	movedPath       bool
	movedQuery      bool
	anonymous       bool     // PerUser knows no user
	hidden          []string // see refresh
	hiddenHit       bool     // a response has named one of them
	scheme, target  string
	rewritten       string // the target for the handler, where query rules changed it
	asked           string // what it was before
	demands         demands

	answer adapter.Answer
	stored []adapter.Line // the lines of answer; room, unless there are more
	room   [12]adapter.Line
	extra  [4]adapter.Line
}

var parts atomic.Uint32 // that were given out

func newRequest() *request {
	rq := &request{key: make([]byte, 0, 256), part: parts.Add(1)}
	rq.stored = rq.room[:0]
	return rq
}

// Handle implements adapter.Handler.
func (rt *route) Handle(x adapter.Exchange) {
	ctx := x.Context()
	p, marker := rt.policyFor(x, ctx)
	if p == nil {
		x.Pass(marker)
		return
	}
	kept := x.Kept()
	rq, ok := (*kept).(*request)
	if !ok {
		rq = newRequest()
	}
	*kept = nil // it may be gone where the handler panics
	rq.p, rq.x, rq.ctx, rq.now, rq.ticket = p, x, ctx, p.cache.now(), p.cache.marks.ticket()
	rq.head.Credentials = p.cache.cfg.CredentialFields
	rq.head.Untouched, rq.head.OtherHost = false, "" // an adapter may say nothing of it
	x.Read(&rq.head)
	rq.handle(rt)
	rq.release() // not where the handler panics: then it is garbage
	if cap(rq.key) <= 2*maxKey {
		*kept = rq
	}
}

func (rq *request) release() {
	if rq.head.Has&adapter.CacheControl != 0 {
		rq.demands.control = field.Control{}
	}
	rq.demands.pragma, rq.demands.conditional, rq.demands.credentials = false, false, 0
	rq.p, rq.x, rq.ctx, rq.head.Has = nil, nil, nil, 0 // Read writes over the rest of head
	rq.scheme, rq.target, rq.rewritten, rq.asked = "", "", "", ""
	rq.hostEnd, rq.urlEnd, rq.trusted, rq.anonymous = 0, 0, false, false
	rq.movedHost, rq.movedPath, rq.movedQuery = false, false, false
	if rq.hidden != nil {
		rq.hidden, rq.hiddenHit = nil, false
	}
	rq.answer.Body, rq.birth = nil, birth{} // of the entry, its text alone stays behind
	if rq.text != "" {
		rq.text, rq.at = "", place{}
	}
}

// handle is the life of a request. Everything that it calls stands in a file
// named after the concept.
func (rq *request) handle(rt *route) {
	c, head := rq.p.cache, &rq.head

	// An unsafe request with Upgrade is none of the kind: clients offer h2c with
	// each, and a websocket begins with GET (RFC 9110, section 7.8; RFC 6455).
	if head.Method == http.MethodConnect || head.Has&adapter.Upgrade != 0 && safe(head.Method) {
		c.stats.bypasses.Add(1)
		rq.x.Pass(nil) // another protocol: not even the writer is wrapped
		return
	}
	if c.background.busy() { // without a walk through the context where there is none
		if f := refreshOf(rq.ctx); f != nil && f.rt == rt {
			rq.renew(rt, f)
			return
		}
	}
	if rq.serveAtOnce() {
		return
	}
	reason, ok := rq.makeURL()
	if ok && head.Has&adapter.Override != 0 {
		reason = overridden // the handler may act on another method or target
	}
	if reason == noDetail && !asMethod(head.Method) {
		rq.forward(rt, decision{fwd: fwdMethod}) // and, if it is unsafe, invalidate
		return
	}
	if reason == noDetail && head.Content {
		reason = hasContent // RFC 9110, section 9.3.1: what it does is not defined
	}
	if reason == noDetail && !rq.addParts() {
		reason = noKey
	}
	if reason != noDetail {
		c.stats.bypasses.Add(1)
		rq.forward(rt, decision{fwd: fwdBypass, detail: reason})
		return
	}

	rq.readDemands()
	selected, res := rq.lookup()
	d := rq.judge(selected, res)
	switch d.action {
	case actServe:
		c.stats.hits.add(rq.part)
		if d.refresh {
			rq.refreshInBackground(rt, selected, res)
		}
		rq.serveEntry(selected, d)
	case actGatewayTimeout:
		c.stats.misses.Add(1)
		// RFC 9111, section 5.2.1.7
		rq.serveText(http.StatusGatewayTimeout, "Gateway Timeout: nothing stored answers this request\n")
	default:
		c.stats.misses.Add(1)
		rq.miss(rt, d, selected, res)
	}
}

// judge decides, with regard to what outer middleware has said.
func (rq *request) judge(selected *entry, res *resource) decision {
	d := decide(selected, res != nil, &rq.demands, rq.p.proxy, rq.now)
	if d.action == actServe && rq.outerForbids() {
		d = decision{action: actRun, fwd: fwdRequest, detail: notPrivate}
		if rq.demands.control.Is(field.OnlyIfCached) {
			d.action = actGatewayTimeout
		}
	}
	return d
}

// serveEntry answers from the cache: the whole response, a part of it, or that
// the client has it already.
func (rq *request) serveEntry(e *entry, d decision) {
	a := &rq.answer
	rq.stored = e.linesIn(rq.stored)
	a.Status, a.Lines, a.Body = int(e.status), rq.stored, e.body
	a.NoBody = rq.head.Method == http.MethodHead
	a.Extra = rq.extra[:0]
	age := e.currentAge(rq.now)
	if !e.governed && d.code != http.StatusNotModified { // which has just confirmed it
		a.Extra = append(a.Extra, adapter.Line{Name: "Age", Values: rq.p.cache.ages.line(int64(age / time.Second))})
	}
	if !rq.p.cache.cfg.HideStatus {
		a.Extra = append(a.Extra, adapter.Line{Name: "Cache-Status", Values: rq.statusLines(e, d, e.ttl(age))})
	}
	if !e.typed() && len(e.body) > 0 && rq.x.Sent("Content-Type") == nil {
		a.Extra = append(a.Extra, adapter.Line{Name: "Content-Type"}) // or the server would guess one
	}
	if rq.head.Has&adapter.Conditions != 0 && e.status == http.StatusOK {
		rq.applyConditions(e)
	}
	if rq.observed() {
		rq.observe(status{decision: d})
	}
	if !rq.head.Untouched {
		if outer := rq.x.Sent("Vary"); outer != nil {
			rq.replace("Vary", func(own []string) []string { return unite(outer, own) })
		}
	}
	for _, name := range e.more().added {
		if outer := rq.x.Sent(name); outer != nil {
			rq.replace(name, func(own []string) []string { return append(cloned(outer), own...) })
		}
	}
	rq.x.Serve(a)
}

// serveText answers with a response of our own. It has no Cache-Status: nothing
// stored is behind it (RFC 9211, section 2).
func (rq *request) serveText(status int, text string) {
	rq.answer = adapter.Answer{
		Status: status,
		Lines: []adapter.Line{
			{Name: "Content-Type", Values: []string{"text/plain; charset=utf-8"}},
			lengthLine(len(text)),
		},
		Body: []byte(text), NoBody: rq.head.Method == http.MethodHead,
	}
	rq.x.Serve(&rq.answer)
}

// replace changes a field of the entry for this answer, if it has it: where outer
// middleware has said something in the same field, Serve would replace that.
func (rq *request) replace(name string, f func([]string) []string) {
	a := &rq.answer
	for i, l := range a.Lines {
		if l.Name != name {
			continue
		}
		lines := make([]adapter.Line, 0, len(a.Lines))
		lines = append(append(lines, a.Lines[:i]...), a.Lines[i+1:]...)
		a.Lines = lines
		a.Extra = append(a.Extra, adapter.Line{Name: name, Values: f(l.Values)})
		return
	}
}

// unite returns all the lines of a and those of b that a lacks.
func unite(a, b []string) []string {
	out := cloned(a)
	for _, l := range b {
		if !containsFold(a, l) {
			out = append(out, l)
		}
	}
	return out
}

// cloned copies lines that an exchange has lent. What it sends them in may lie in
// the same memory.
func cloned(lent []string) []string {
	out := make([]string, 0, len(lent)+1)
	for _, l := range lent {
		out = append(out, strings.Clone(l))
	}
	return out
}
