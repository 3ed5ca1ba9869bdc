package cachex

import (
	"net/http"
	"time"

	"github.com/go-cachex/cachex/core/internal/field"
)

// freshness is what a response, and the route that it came by, say about its
// reuse (RFC 9111, sections 4.2 and 5.2.2).
type freshness struct {
	lifetime time.Duration
	age      time.Duration // when it was received

	explicit  bool // the response named a lifetime of its own
	governed  bool // the lifetime is the route's: nothing about it leaves
	noCache   bool
	locked    bool // never stale: must-revalidate, proxy-revalidate, s-maxage
	immutable bool
	shareable bool // RFC 9111, section 3.5: for requests with credentials too

	// How long after its lifetime the response may still be used while it is
	// being renewed, and where it cannot be (RFC 5861).
	whileRevalidate, ifError time.Duration
}

// currentAge is RFC 9111, section 4.2.3. A clock that was set back does not
// make anything younger than it was when it came.
func (e *entry) currentAge(now moment) time.Duration {
	return satAdd(e.age, max(0, now.since(e.received)))
}

// life is the lifetime, up to where Expire has ended it, of an entry of that age. The
// age may be from before: the clock is read first and the marks are looked at later,
// and of several calls of Expire the last one says when.
func (e *entry) life(age time.Duration) time.Duration {
	if at := e.expired.Load(); at != 0 {
		return min(e.lifetime, e.currentAge(moment(at)), age)
	}
	return e.lifetime
}

// expire ends the lifetime, unless that was done earlier.
func (e *entry) expire(at moment) {
	for n := int64(at); ; {
		if old := e.expired.Load(); old != 0 && old <= n || e.expired.CompareAndSwap(old, n) {
			return
		}
	}
}

// ttl is what is left of the lifetime, in whole seconds that add up with Age
// (RFC 9211, section 2.4).
func (e *entry) ttl(age time.Duration) int64 {
	return int64(e.life(age)/time.Second) - int64(age/time.Second)
}

// fresh is RFC 9111, section 4.2.
func (e *entry) fresh(now moment) bool { return e.staleFor(now) < 0 }

// staleFor is the time since the lifetime has ended; less than 0 for a fresh entry.
func (e *entry) staleFor(now moment) time.Duration {
	age := e.currentAge(now)
	return age - e.life(age)
}

// initialAge is the age of a response when it arrived.
func initialAge(h http.Header, date, requested, received time.Time) time.Duration {
	apparent := max(0, received.Sub(date))
	value, _ := field.ParseAge(h["Age"])
	return max(apparent, satAdd(seconds(value), max(0, received.Sub(requested))))
}

// seconds converts clamped delta-seconds.
func seconds(n int64) time.Duration { return time.Duration(max(0, n)) * time.Second }

func satAdd(a, b time.Duration) time.Duration {
	if sum := a + b; sum >= a {
		return sum
	}
	return 1<<63 - 1
}

// directives returns what the response says to this cache: the Cache-Control,
// or, for a reverse proxy, the targeted field that replaces it and Expires
// (RFC 9213, section 2.2). Surrogate-Control is its older sister.
func (p *policy) directives(h http.Header) (c field.Control, targeted bool) {
	if p.proxy {
		if lines := h["Cdn-Cache-Control"]; lines != nil {
			if c, ok := field.ParseTargeted(lines); ok {
				return c, true
			}
		}
		if lines := h["Surrogate-Control"]; lines != nil {
			if c, ok := field.ParseSurrogate(lines, p.cache.token); ok {
				return c, true
			}
		}
	}
	return field.ParseControl(h["Cache-Control"]), false
}

// ownLifetime is the lifetime that the response itself names, if it does.
// Anything named but unusable means stale (RFC 9111, section 4.2.1).
func ownLifetime(c field.Control, targeted bool, h http.Header, date, now time.Time) (d time.Duration, named bool) {
	switch {
	case c.Is(field.SMaxAge):
		return seconds(c.SMaxAge), true
	case c.Is(field.MaxAge):
		return seconds(c.MaxAge), true
	case targeted:
		return 0, false
	}
	if lines := h["Expires"]; lines != nil {
		t, ok := field.ParseExpires(lines, now)
		if !ok {
			return 0, true
		}
		return max(0, t.Sub(date)), true
	}
	return 0, false
}

// maxHeuristic caps what is guessed from Last-Modified.
const maxHeuristic = 24 * time.Hour

// heuristic is RFC 9111, section 4.2.2: a tenth of the time since the last
// modification.
func heuristic(c field.Control, status int, h http.Header, date, now time.Time) time.Duration {
	if !heuristicStatus(status) && !c.Is(field.Public) {
		return 0
	}
	if _, written := h["Cache-Control"]; !written && h.Get("Pragma") == "no-cache" {
		return 0
	}
	lines := h["Last-Modified"]
	if len(lines) != 1 {
		return 0
	}
	modified, ok := field.ParseDate(lines[0], now)
	if !ok || modified.After(date) {
		return 0
	}
	return min(date.Sub(modified)/10, maxHeuristic)
}

// dateOf is the Date of a response, or the time of its receipt (RFC 9110,
// section 6.6.1).
func dateOf(h http.Header, now time.Time) time.Time {
	if lines := h["Date"]; len(lines) > 0 {
		if t, ok := field.ParseDate(lines[0], now); ok {
			return t
		}
	}
	return now
}
