package cachex

import (
	"net/http"
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// decorate does to the outgoing fields what the route asks for: Cache-Control
// where the handler wrote none, or where the route overrides it, and no
// Set-Cookie but that of outer middleware.
func (r *run) decorate(status int, h http.Header, before []adapter.Line) {
	p := r.p
	if p.strip && asMethod(r.method) {
		delete(h, "Set-Cookie")
		for _, l := range before {
			if l.Name == "Set-Cookie" {
				h["Set-Cookie"] = l.Values
			}
		}
	}
	if p.control == nil {
		return
	}
	if forbids(p.control.parsed) || asMethod(r.method) && status < 400 {
		said := field.ParseControl(h["Cache-Control"])
		if h["Cache-Control"] == nil || p.override && !forbids(said) {
			h["Cache-Control"] = p.ctlLines
			if p.override {
				delete(h, "Expires")
			}
		}
	}
}

// makePrivate marks what belongs to one user, or to those who are let in, as
// private for every other cache. It comes after the response was judged by what
// it said itself.
func (r *run) makePrivate(c field.Control, h http.Header) {
	p := r.p
	switch {
	case p.perUser:
	case p.shared && p.control == nil && !c.Is(field.Public):
	default:
		return
	}
	// Caches further out obey these before Cache-Control (RFC 9213).
	delete(h, "Cdn-Cache-Control")
	delete(h, "Surrogate-Control")
	if c.Has&(field.Private|field.NoStore) != 0 {
		return
	}
	members := []string{"private"}
	for m := range field.Members(h["Cache-Control"]) {
		name, _, _ := strings.Cut(strings.ToLower(m), "=")
		if name != "public" && name != "s-maxage" && name != "private" {
			members = append(members, m)
		}
	}
	h["Cache-Control"] = []string{strings.Join(members, ", ")}
}
