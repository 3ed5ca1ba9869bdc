package cachex

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-cachex/cachex/core/internal/field"
)

// changes tells whether the request may have changed what its URL stands for.
func (r *run) changes() bool {
	return r.place.url != 0 && (!safe(r.method) || r.dec.detail == overridden)
}

// safe methods change nothing (RFC 9110, section 9.2.1). Whatever is not known
// may change everything. PURGE is known: it is a wish to caches, and a handler
// that answers 200 to any method must not grant it to everybody.
func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace,
		"QUERY", "PROPFIND", "REPORT", "SEARCH", "PURGE":
		return true
	}
	return false
}

// invalidates tells whether it did so, as far as its status says: otherwise
// requests that fail could empty the cache.
func (r *run) invalidates() bool {
	return r.changes() && r.status >= 200 && r.status < 400
}

// invalidate takes back what a successful unsafe request has changed, before
// its client can know of the success (RFC 9111, section 4.4).
func (r *run) invalidate(h http.Header) (own ticket) {
	if !r.invalidates() {
		return 0
	}
	c, rq := r.p.cache, r.rq
	c.stats.invalidations.Add(1)
	changed := r.changed()
	for _, name := range [...]string{"Location", "Content-Location"} {
		if lines := h[name]; len(lines) == 1 {
			if target, ok := rq.sameOrigin(lines[0]); ok {
				changed = append(changed, Selector{by: byURL, values: []string{rq.host(), target}})
			}
		}
	}
	if c.cfg.Groups {
		for _, g := range field.ParseGroups(h["Cache-Group-Invalidation"]) {
			changed = append(changed, Selector{by: byGroup, values: []string{rq.origin(), g}})
		}
	}
	return r.takeBack(changed)
}

// changed selects the target of the request: as it came, and as the query rules
// of the route have it, which are not those of every route that answers it.
func (r *run) changed() []Selector {
	rq := r.rq
	host := rq.host()
	changed := []Selector{{by: byURL, values: []string{host, string(rq.key[rq.hostEnd:rq.urlEnd])}}}
	if rq.asked != "" && !safe(r.method) {
		changed = append(changed, Selector{by: byURL, values: []string{host, strings.Clone(rq.asked)}})
	}
	return changed
}

// takeBack does what Purge does. What a shared store does not confirm is
// repeated: the client of an unsafe request need not wait for that.
func (r *run) takeBack(changed []Selector) ticket {
	t, _ := r.p.cache.mark(r.ctx.client, false, false, changed)
	return t
}

// untouched tells whether nothing was taken back of the target since the run
// began, and the ticket up to which that is so.
func (r *run) untouched() (ticket, bool) {
	m := r.p.cache.marks
	now := m.ticket()
	return now, m.since(r.ticket, &r.place, nil).taken() == 0
}

// sameOrigin resolves a reference against the request's URL. Other origins are
// not ours to invalidate.
func (rq *request) sameOrigin(ref string) (target string, ok bool) {
	base, err := url.Parse(string(rq.key[len("GET "):rq.urlEnd]))
	if err != nil {
		return "", false
	}
	u, err := base.Parse(ref)
	if err != nil || u.Scheme != base.Scheme {
		return "", false
	}
	host, ok := appendHost(nil, u.Host, u.Scheme)
	if !ok || string(host) != rq.host() {
		return "", false
	}
	target = u.EscapedPath()
	if target == "" {
		target = "/"
	}
	if u.RawQuery != "" || u.ForceQuery {
		target += "?" + u.RawQuery
	}
	return strings.Clone(target), true // fiber lends strings
}

// answersGet tells whether the response to a POST is what a GET would get now:
// it says so by naming its own URL in Content-Location, and how long it is good
// for (RFC 9110, section 9.3.3). Only a reverse proxy makes use of it.
func (r *run) answersGet(status int, h http.Header) bool {
	if !r.p.proxy || r.method != http.MethodPost || status != http.StatusOK || r.place.url == 0 || r.dec.fwd != fwdMethod {
		return false
	}
	lines := h["Content-Location"]
	if len(lines) != 1 {
		return false
	}
	rq := r.rq
	target, ok := rq.sameOrigin(lines[0])
	if !ok || rq.p.query.target(target) != string(rq.key[rq.hostEnd:rq.urlEnd]) {
		return false
	}
	c, targeted := r.p.directives(h)
	now := r.p.cache.now().time()
	if _, named := ownLifetime(c, targeted, h, dateOf(h, now), now); !named || !rq.addParts() {
		return false
	}
	rq.readDemands()
	return !rq.demands.control.Is(field.NoStore)
}
