package cachex

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// reply is a response whose status and fields are known, with what matters of
// the request that it answers.
type reply struct {
	policy      *policy
	credentials credentials
	noStore     bool   // the request's Cache-Control says no-store
	origin      string // the request's Origin

	status int
	h      http.Header    // all fields that leave
	before []adapter.Line // of these, what outer middleware had set

	control  field.Control // what the response itself says
	targeted bool
	vary     field.VaryNames
	said     []string // the handler's Cache-Control; nil: the route's stands in h

	setTTL     time.Duration // by the handler, with hasTTL
	hasTTL     bool
	handlerOff bool // the handler called DoNotStore

	requested, received time.Time
}

// storable decides whether a response may be kept (RFC 9111, section 3) and how
// long it may be used. It is a function of its argument alone. The reason is
// noDetail if the response is storable.
func storable(r *reply) (f freshness, reason detail) {
	p, c := r.policy, r.control
	switch {
	case r.handlerOff:
		return f, notHandler
	case neverStored(r.status), r.status == http.StatusPartialContent, r.status == http.StatusNotModified:
		return f, notStatus
	case keepsOut(c, r.status), p.control != nil && keepsOut(p.control.parsed, r.status):
		return f, notNoStore
	case c.Is(field.Private) && !p.perUser && !r.privateToShared():
		return f, notPrivate
	case p.control != nil && p.control.parsed.Is(field.Private) && !p.perUser && !p.shared:
		return f, notPrivate
	case c.Broken:
		return f, notMalformed
	case r.noStore:
		return f, notRequest
	case isStream(r.h):
		return f, notStream
	case len(r.h["Trailer"]) > 0:
		return f, notTrailers
	case namesVital(r.h["Connection"]):
		return f, notConnection
	case !p.strip && !p.proxy && hidesCookie(c, r.h):
		return f, notSetCookie
	case !consistentCORS(r):
		return f, notCORS
	case c.Is(field.MustUnderstand) && !understoodStatus(r.status):
		return f, notStatus // last: who shares errors takes it that nothing else is against it
	}

	f = r.freshness()
	allowed := f.explicit || f.governed || c.Is(field.Public) || heuristicStatus(r.status)
	switch {
	case !allowed:
		return f, notStatus
	case r.credentials != 0 && !f.shareable && !(p.proxy && r.credentials == byCookie && f.explicit):
		return f, notCredentials
	}
	usable := f.lifetime > f.age && !f.noCache
	validator := originValidator(r.h, r.received)
	switch {
	case r.vary.Star, len(r.vary.Names) > maxVaryNames:
		return f, notVary // RFC 9110, section 12.5.5: nothing ever matches a *
	case !usable && !validator:
		return f, notLifetime
	case r.outerContradicts(f):
		return f, notOuter
	}
	for _, veto := range p.vetoes {
		if !veto(r.status, r.h.Clone()) { // which it may keep: adapters use theirs again
			return f, notVeto
		}
	}
	return f, noDetail
}

// keepsOut tells whether no-store counts: must-understand lifts it for statuses that
// are understood, and for no others (RFC 9111, section 5.2.2.3).
func keepsOut(c field.Control, status int) bool {
	return c.Is(field.NoStore) && !(c.Is(field.MustUnderstand) && understoodStatus(status))
}

// privateToShared tells whether private is what a Shared route itself tells other
// caches, and not what the handler said.
func (r *reply) privateToShared() bool {
	p := r.policy
	return p.shared && p.control != nil && p.control.parsed.Is(field.Private) && !field.ParseControl(r.said).Is(field.Private)
}

// freshness applies the order of precedence: SetTTL; Override; the response's
// own fields; the route.
func (r *reply) freshness() freshness {
	p, c := r.policy, r.control
	date := dateOf(r.h, r.received)
	f := freshness{
		age:       initialAge(r.h, date, r.requested, r.received),
		noCache:   c.Is(field.NoCache),
		locked:    c.Has&(field.MustRevalidate|field.ProxyRevalidate|field.SMaxAge) != 0,
		immutable: c.Is(field.Immutable),
		shareable: c.Has&(field.Public|field.SMaxAge|field.MustRevalidate) != 0,
	}
	if p.control != nil && p.control.parsed.Has&(field.Public|field.SMaxAge|field.MustRevalidate) != 0 {
		f.shareable = true
	}
	own, named := ownLifetime(c, r.targeted, r.h, date, r.received)
	ttl, routed := p.lifetime(r.status)
	// The route's own Cache-Control stands in h where the handler wrote none;
	// a lifetime in it is told to others, while the TTL counts here.
	fromRoute := r.said == nil && p.control != nil && r.h["Expires"] == nil
	switch {
	case r.hasTTL:
		f.govern(r.setTTL)
		f.noCache = false
	case routed && (p.override || !named && !(f.noCache && !fromRoute) || fromRoute):
		f.govern(ttl)
	case named:
		f.lifetime, f.explicit = own, true
	case p.proxy:
		f.lifetime = heuristic(c, r.status, r.h, date, r.received)
	}
	longest := p.cache.cfg.MaxLifetime
	f.lifetime = min(f.lifetime, longest)
	if !f.locked && !f.noCache { // RFC 9111, section 4.2.4: otherwise never stale
		f.whileRevalidate = min(window(c, field.StaleWhileRevalidate, c.StaleWhileRevalidate, p.whileRevalidate), longest)
		f.ifError = min(window(c, field.StaleIfError, c.StaleIfError, p.ifError), longest)
	}
	return f
}

// window is a stale window of the response or, where it names none, the route.
func window(c field.Control, d field.Directive, named int64, route time.Duration) time.Duration {
	if c.Is(d) {
		return seconds(named)
	}
	return route
}

// govern gives the response a lifetime that starts now and is nobody else's
// business. It comes before what the handler tells the client, no-cache included.
func (f *freshness) govern(d time.Duration) {
	f.lifetime, f.age, f.governed, f.explicit, f.noCache = d, 0, true, false, false
}

// understoodStatus: statuses all of whose caching rules are implemented here
// (RFC 9111, section 3).
func understoodStatus(code int) bool {
	switch code {
	case 200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// heuristicStatus: RFC 9110, section 15.1, and 451 (RFC 7725).
func heuristicStatus(code int) bool {
	switch code {
	case 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 451, 501:
		return true
	}
	return false
}

// neverStored: statuses that are about one request (RFC 6585; 401, 407, 412 and
// 416 answer what that request brought), and numbers that are no final status.
func neverStored(code int) bool {
	switch code {
	case 401, 407, 412, 416, 428, 429, 431, 511:
		return true
	}
	return code < 200 || code > 599
}

// isStream: content that has no end, or that is read as it comes.
func isStream(h http.Header) bool {
	lines := h["Content-Type"]
	if len(lines) == 0 {
		return false
	}
	kind, _, _ := strings.Cut(strings.ToLower(lines[0]), ";")
	switch kind = strings.TrimSpace(kind); kind {
	case "text/event-stream", "multipart/x-mixed-replace":
		return true
	}
	return strings.HasPrefix(kind, "application/grpc")
}

// namesVital: a Connection field that takes from the response what a cache must
// know of it makes its fields untrustworthy.
func namesVital(connection []string) bool {
	for m := range field.Members(connection) {
		switch http.CanonicalHeaderKey(m) {
		case "Cache-Control", "Expires", "Vary", "Date", "Set-Cookie":
			return true
		}
	}
	return false
}

// hidesCookie tells whether Set-Cookie is there and not left out by a
// directive (RFC 9111, sections 5.2.2.4 and 5.2.2.7).
func hidesCookie(c field.Control, h http.Header) bool {
	return h["Set-Cookie"] != nil && !slices.Contains(c.PrivateFields, "Set-Cookie") && !slices.Contains(c.NoCacheFields, "Set-Cookie")
}

// consistentCORS refuses a response that lets in the one origin that asked, and
// does not say so in Vary: another site would get it. What outer middleware
// sets is not stored, so it does not count.
func consistentCORS(r *reply) bool {
	allow := inside("Access-Control-Allow-Origin", r.h["Access-Control-Allow-Origin"], r.before)
	if len(allow) == 0 {
		return true
	}
	credentials := len(inside("Access-Control-Allow-Credentials", r.h["Access-Control-Allow-Credentials"], r.before)) > 0
	if !credentials && (allow[0] == "*" || r.origin == "" || allow[0] != r.origin) {
		return true
	}
	if r.vary.Star || slices.Contains(r.vary.Names, "Origin") {
		return true
	}
	return slices.ContainsFunc(r.policy.parts, func(k keyPart) bool { return k.kind == partHeader && k.name == "Origin" })
}

// outerContradicts tells whether outer middleware has said what would keep the response
// from every request like this one, while what leaves does not say it: at a hit it is
// said again, and nobody is there to replace it.
func (r *reply) outerContradicts(f freshness) bool {
	for _, l := range r.before {
		switch l.Name {
		case "Cache-Control":
			if !f.noCache && forbidsSharing(l.Values) {
				return true
			}
		case "Vary":
			outer := field.ParseVary(l.Values)
			if outer.Star || slices.ContainsFunc(outer.Names, func(n string) bool { return !slices.Contains(r.vary.Names, n) }) {
				return true
			}
		}
	}
	return false
}

func originValidator(h http.Header, now time.Time) bool {
	if v := h["Etag"]; len(v) == 1 {
		if _, ok := field.ParseTag(v[0]); ok {
			return true
		}
	}
	if v := h["Last-Modified"]; len(v) == 1 {
		if _, ok := field.ParseDate(v[0], now); ok {
			return true
		}
	}
	return false
}
