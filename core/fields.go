package cachex

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// describes304 tells which fields a 304 from the cache carries: those that RFC
// 9110, section 15.4.5 lists, Last-Modified, and everything that is not about
// the content, such as policies of security.
func describes304(name string) bool {
	switch name {
	case "Content-Location", "Content-Security-Policy", "Content-Security-Policy-Report-Only":
		return true
	case "Set-Cookie":
		return false
	}
	return !strings.HasPrefix(name, "Content-")
}

// stores tells whether a response field is kept with an entry. It is not if it
// belongs to the connection (RFC 9111, section 3.1) or to the one request that
// was answered.
func stores(name string, h http.Header, dropped []string) bool {
	switch name {
	case "Age", "Content-Length", "Cache-Status", "Trailer",
		"X-Request-Id", "X-Correlation-Id", "X-Trace-Id", "Traceparent", "Tracestate",
		"Ratelimit", "Ratelimit-Policy", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset",
		"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset":
		return false
	}
	if field.HopByHop(name) || strings.HasPrefix(name, http.TrailerPrefix) {
		return false
	}
	if connection := h["Connection"]; connection != nil {
		for member := range field.Members(connection) {
			if http.CanonicalHeaderKey(member) == name {
				return false
			}
		}
	}
	return !slices.Contains(dropped, name)
}

// storedLines copies the fields that an entry keeps: those set inside of the
// cache, without what outer middleware had set before and will set again.
func storedLines(h http.Header, before []adapter.Line, dropped []string) []adapter.Line {
	t := new(tape)
	t.take(h, before, dropped)
	return t.lines
}

// take is storedLines in memory that is used again.
func (t *tape) take(h http.Header, before []adapter.Line, dropped []string) {
	lines, all := slices.Grow(t.lines[:0], len(h)+3), t.values[:0] // with room for what finish adds
	for name, values := range h {
		values = inside(name, values, before)
		if len(values) == 0 || !stores(name, h, dropped) || !sound(name, values) {
			continue
		}
		begin := len(all)
		all = append(all, values...)
		lines = append(lines, adapter.Line{Name: name, Values: all[begin:len(all):len(all)]})
	}
	t.lines, t.values = lines, all
}

// inside returns the lines of a field that were set since before was taken.
// Where the chain has added to what outer middleware set, it is what was added.
func inside(name string, values []string, before []adapter.Line) []string {
	for i := range before {
		if before[i].Name != name {
			continue
		}
		outer := before[i].Values
		if len(values) >= len(outer) && slices.Equal(values[:len(outer)], outer) {
			return values[len(outer):]
		}
	}
	return values
}

// added names the fields to which the chain has added lines, behind those of
// outer middleware. A hit does the same; Vary is united in any case.
func added(h http.Header, before []adapter.Line) (names []string) {
	for _, l := range before {
		if values := h[l.Name]; l.Name != "Vary" && len(l.Values) > 0 && len(values) > len(l.Values) && slices.Equal(values[:len(l.Values)], l.Values) {
			names = append(names, l.Name)
		}
	}
	return names
}

// sound keeps out of storage what could not be sent again safely (RFC 9110,
// section 5.5).
func sound(name string, values []string) bool {
	if !field.ValidName(name) {
		return false
	}
	for _, v := range values {
		if !field.ValidValue(v) {
			return false
		}
	}
	return true
}
