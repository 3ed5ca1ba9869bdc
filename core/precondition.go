package cachex

import (
	"net/http"
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// applyConditions evaluates the client's preconditions and its Range on a
// stored 200, in the order of RFC 9110, section 13.2.2.
func (rq *request) applyConditions(e *entry) {
	if rq.notModified(e, e.changed()) {
		a := &rq.answer
		a.Status, a.Lines, a.NoBody = http.StatusNotModified, a.Lines[:e.shape.in304], true
		return
	}
	if rq.head.Has&adapter.Range != 0 && rq.head.Method == http.MethodGet && rq.ifRange(e) && (rq.p.proxy || !rq.mayBeCoded(e)) {
		rq.serveRange(e)
	}
}

// notModified evaluates If-None-Match and, only without it, If-Modified-Since, which
// says nothing where no date of modification is known (RFC 9110, sections 13.1.2 and
// 13.1.3).
func (rq *request) notModified(e *entry, modified fieldDate) bool {
	if rq.head.Has&adapter.IfNoneMatch != 0 {
		return field.MatchNone(rq.x.Lines("If-None-Match"), e.tag())
	}
	if rq.head.Has&adapter.IfModifiedSince == 0 || modified == 0 {
		return false
	}
	lines := rq.x.Lines("If-Modified-Since")
	if len(lines) != 1 {
		return false
	}
	since, ok := field.ParseDate(lines[0], rq.now.time())
	return ok && modified <= fieldDateOf(since)
}

// changed is when something stored was last modified. Without Last-Modified that is
// when it was sent (RFC 9111, section 4.3.2), unless each answer has a Date of its own:
// a client that has an older version may have got it after this one was made.
func (e *entry) changed() fieldDate {
	if e.modified != 0 || e.governed {
		return e.modified
	}
	return fieldDateOf(e.date.time())
}

// mayBeCoded tells whether outer middleware may compress the answer. What that in
// gin, echo, fiber and chi makes of a 206 is a part that is coded by itself, under
// the Content-Range of the whole that is not: nobody can put that together. So
// such a client gets the whole, as it did from the handler. It is rare: with
// Range browsers accept identity alone (Fetch, section 4.5). A reverse proxy is
// expected to answer with parts, and has nothing to compress that its origin has
// not.
func (rq *request) mayBeCoded(e *entry) bool {
	return e.line("Content-Encoding") == nil && field.AcceptsCoding(rq.x.Lines("Accept-Encoding"))
}

// ifRange tells whether the part that the client wants fits to what it has
// (RFC 9110, section 13.1.5). A false condition means the whole content.
func (rq *request) ifRange(e *entry) bool {
	if rq.head.Has&adapter.IfRange == 0 {
		return true
	}
	lines := rq.x.Lines("If-Range")
	if len(lines) != 1 {
		return false
	}
	v := strings.TrimSpace(lines[0])
	if t, ok := field.ParseTag(v); ok {
		return field.StrongEqual(t, e.tag())
	}
	t, ok := field.ParseDate(v, rq.now.time())
	// A date is a strong validator if nothing can have changed in the same
	// second after it.
	return ok && e.modified != 0 && fieldDateOf(t) == e.modified && e.date.time().Sub(t) >= seconds(1)
}
