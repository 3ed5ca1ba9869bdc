package cachex

import (
	"net/http"
	"slices"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// noConditions takes the client's own conditions from a request, so that the
// answer is whole; they are evaluated on it afterwards.
var noConditions = []adapter.Edit{
	{Name: "If-None-Match", Delete: true},
	{Name: "If-Modified-Since", Delete: true},
	{Name: "Range", Delete: true},
	{Name: "If-Range", Delete: true},
}

// candidate is the stored response that the origin may confirm: the selected
// one, or, where none fits the request, the only variant that has an entity tag
// of the origin's own (RFC 9111, section 4.3.1). The latter is for reverse
// proxies, whose origins are held to RFC 9110, section 8.8.3: handlers in the process
// give one tag to all languages of a page, and compression behind them passes it on
// for every coding. The latter some origins do too, so no coded variant is one,
// which its client may not be able to read. It is one alone, because a 304
// often does not say which of several it means, and a chain of handlers cannot
// be run a second time to find out. What was made for another user is none: a tag
// of it that says nothing of the user would give it away.
func (rq *request) candidate(selected *entry, res *resource) *entry {
	if selected != nil {
		if selected.tagged && !selected.ownTag || selected.modified != 0 {
			return selected
		}
		return nil
	}
	if !rq.p.proxy || res == nil {
		return nil
	}
	var only *entry
	for _, e := range res.variants() {
		if !e.tagged || e.line("Content-Encoding") != nil || e.ownTag || !rq.p.cache.marks.alive(e) || !e.fits(rq.demands.credentials, rq.p.proxy) || rq.p.cache.personal(e.more().vary) {
			continue
		}
		if only != nil {
			return nil
		}
		only = e
	}
	return only
}

// personal tells whether it depends on who asks which variant is right.
func (c *Cache) personal(vary []selecting) bool {
	return slices.ContainsFunc(vary, func(s selecting) bool {
		return s.name == "Cookie" || s.name == "Authorization" || slices.Contains(c.cfg.CredentialFields, s.name)
	})
}

// validators are the edits that turn the client's request into a validation.
func (rq *request) validators(r *run) []adapter.Edit {
	e := r.candidate
	if e == nil {
		return nil
	}
	r.stripped = true
	edits := slices.Clone(noConditions)
	if e.tagged && !e.ownTag {
		edits[0] = adapter.Edit{Name: "If-None-Match", Value: string(e.tag())}
	}
	if modified := e.line("Last-Modified"); r.selected == e && len(modified) == 1 && e.modified != 0 {
		edits[1] = adapter.Edit{Name: "If-Modified-Since", Value: modified[0]}
	}
	return edits
}

// notModified is told of a 304 that answers our validators. It allows the stored
// response to be used, and, where it names the same validator, brings it up to
// date (RFC 9111, sections 4.3.3 and 4.3.4).
func (r *run) notModified(h http.Header, before []adapter.Line) adapter.Verdict {
	c, old := r.p.cache, r.candidate
	c.stats.validations.Add(1)
	r.result, r.dec.code = old, http.StatusNotModified
	keep := true
	if confirms(h, old, r.requested) {
		r.result, keep = r.freshen(old, h, before)
		switch {
		case !c.marks.alive(r.result): // it must not push out what came after
		case r.selected == nil && keep: // it answers one more kind of request
			c.keep(r.result, r.takeLease())
		case keep:
			c.swap(old, r.result, r.takeLease())
		case r.selected != nil:
			c.drop(old)
		}
	}
	if keep {
		r.landStored(r.result)
	} else {
		r.land(landedFree, nil)
	}
	return adapter.Verdict{Mode: adapter.Discard}
}

// confirms tells whether a 304 is about this stored response. One without any
// validator can only mean what was asked about.
func confirms(h http.Header, e *entry, now moment) bool {
	if lines := h["Etag"]; len(lines) > 0 {
		tag, ok := field.ParseTag(lines[0])
		own := e.tag()
		return ok && len(lines) == 1 && (field.StrongEqual(tag, own) || tag.Weak() && tag.Opaque() == own.Opaque())
	}
	if lines := h["Last-Modified"]; len(lines) > 0 {
		modified, ok := field.ParseDate(lines[0], now.time())
		return ok && e.modified != 0 && fieldDateOf(modified) == e.modified
	}
	return true
}

// fixedFields of a stored response belong to its content, which a 304 does not
// bring (RFC 9111, section 3.2).
func fixedField(name string) bool {
	switch name {
	case "Content-Length", "Content-Encoding", "Content-Range", "Content-Md5", "Content-Digest", "Etag":
		return true
	}
	return false
}

// birthOf is that of what an entry becomes. One that another process has taken back
// must not come back under the token that the resource has got since.
func (r *run) birthOf(old *entry) birth {
	if old.shared().birth.token.ID != r.birth.token.ID {
		return birth{}
	}
	return r.birth
}

// freshen makes the entry that a confirmed one becomes: its content, and the
// fields of the 304 in the place of those that it had (RFC 9111, section 4.3.4).
// What must not be kept any longer is still the answer to this request.
func (r *run) freshen(old *entry, h http.Header, before []adapter.Line) (e *entry, keep bool) {
	merged := make(http.Header, len(old.values)+len(before))
	for _, l := range before {
		merged[l.Name] = l.Values
	}
	for _, l := range old.lines() {
		if l.Name != "Content-Length" && !(old.ownTag && l.Name == "Etag") {
			merged[l.Name] = l.Values
		}
	}
	update := storedLines(h, before, nil)
	said := false
	for _, l := range update {
		if !fixedField(l.Name) {
			merged[l.Name] = l.Values
			said = said || l.Name == "Cache-Control"
		}
	}
	for _, l := range before {
		if l.Name == "Vary" {
			merged["Vary"] = unite(l.Values, old.line("Vary"))
		}
	}
	if age := h["Age"]; age != nil {
		merged["Age"] = age
	}
	if h["Date"] == nil { // received now
		delete(merged, "Date")
	}
	rep := r.reply(int(old.status), merged, before)
	r.decorate(int(old.status), merged, before)
	rep.control, rep.targeted = r.p.directives(merged)
	rep.vary = field.ParseVary(merged["Vary"])
	if !said && r.p.control != nil && slices.Equal(merged["Cache-Control"], r.p.ctlLines) {
		rep.said = nil // the route's own, from the time when it was stored
	}
	if r.p.perUser || r.p.shared && !said {
		rep.control.Has &^= field.Private // ours: see makePrivate
	}
	r.makePrivate(rep.control, merged)
	fresh, reason := storable(&rep)
	vary, ok := r.rq.selectingFields(rep.vary.Names)
	e = &entry{
		key: string(r.rq.key), born: r.ticket, sharing: r.sharingOf(r.birthOf(old)), status: old.status, body: old.body,
		freshness: fresh, requested: r.requested, received: momentOf(rep.received),
	}
	x := extras{
		vary: vary, upstream: old.more().upstream,
		added: slices.Compact(slices.Sorted(slices.Values(slices.Concat(old.more().added, added(h, before))))),
	}
	x.stands(e, r.placeOfEntry())
	e.extend(x)
	if err := r.tagEntry(e, old.more().tags); err != nil && reason == noDetail {
		reason = r.refuseTags(err)
	}
	e.finish(storedLines(merged, before, dropped(rep.control)), false, r.p.etag, rep.received)
	return e, ok && reason == noDetail && !outerForbids(r.rq.x)
}

// headUpdates: a 200 to HEAD tells whether what is stored for GET is still the
// same, and how long it is good for (RFC 9111, section 4.3.5).
func (r *run) headUpdates(status int, h http.Header, before []adapter.Line) {
	e := r.selected
	if e == nil || status != http.StatusOK || e.status != http.StatusOK {
		return
	}
	same, known := true, false
	for _, name := range [...]string{"Etag", "Last-Modified"} {
		if v := h[name]; v != nil && !(name == "Etag" && e.ownTag) {
			same, known = same && slices.Equal(v, e.line(name)), true
		}
	}
	if n := declaredLength(h); n >= 0 && n != int64(len(e.body)) {
		same = false
	}
	if same && !known { // nothing says what content the fields are about
		return
	}
	if !same {
		e.state.set(unsure)
		if r.p.cache.shared != nil { // where the entry is read anew each time
			r.p.cache.drop(e)
		}
		return
	}
	if updated, keep := r.freshen(e, h, before); keep {
		r.p.cache.swap(e, updated, nil)
	}
}
