// Package field parses the fields of HTTP that a cache must understand, as
// strictly as their RFCs ask for. It decides nothing.
package field

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Directive is a set of cache directives (RFC 9111, section 5.2; RFC 5861; RFC
// 8246).
type Directive uint32

// The directives of requests and responses.
const (
	NoStore Directive = 1 << iota
	NoCache
	Private
	Public
	MustRevalidate
	ProxyRevalidate
	MustUnderstand
	NoTransform
	Immutable
	OnlyIfCached
	MaxAge
	SMaxAge
	MaxStale
	MinFresh
	StaleWhileRevalidate
	StaleIfError
)

// Invalid is the value of a directive that is present and cannot be used.
// Unbounded is that of max-stale without a value, and the largest delta-seconds
// (RFC 9111, section 1.2.2).
const (
	Invalid   = -1
	Unbounded = 1 << 31
)

// Control is a parsed Cache-Control or a targeted field.
type Control struct {
	// Has are the directives that are present. NoCache and Private stand for
	// the forms without a list of fields, or with one that is malformed.
	Has Directive

	// Values in seconds, at most Unbounded, or Invalid. They mean nothing
	// where Has lacks the directive.
	MaxAge, SMaxAge, MaxStale, MinFresh, StaleWhileRevalidate, StaleIfError int64

	// PrivateFields and NoCacheFields are the canonical names of the forms
	// with a list.
	PrivateFields, NoCacheFields []string

	// Broken: a quote stands where none can, or a quoted string does not end, so
	// that nobody knows which names were meant as directives. Such a response
	// is not to be stored.
	Broken bool
}

// Is tells whether all of these directives are present.
func (c Control) Is(d Directive) bool { return c.Has&d == d }

// ParseControl parses the lines of Cache-Control of a request or a response.
// Names do not depend on letter case, unknown directives are ignored with their
// arguments, and equal repetitions count once; of different ones the value is
// Invalid (RFC 9111, sections 4.2.1 and 5.2).
func ParseControl(lines []string) Control {
	var c Control
	for _, line := range lines {
		for rest := line; rest != ""; {
			var name, arg string
			var form argForm
			name, arg, form, rest = nextDirective(rest)
			// A stray quote hides nothing that follows it: what stands there
			// may be a no-store.
			if form == argBroken || strings.IndexByte(name, '"') >= 0 || form == argToken && strings.IndexByte(arg, '"') >= 0 {
				c.Broken = true
			}
			if name != "" {
				c.add(name, arg, form)
			}
		}
	}
	return c
}

type argForm uint8

const (
	argNone   argForm = iota
	argToken          // name=token
	argQuoted         // name="string", unescaped
	argSpaced         // blanks around the equals sign
	argBroken         // a quoted string that does not end
)

// nextDirective takes the first member off a list of directives.
func nextDirective(s string) (name, arg string, form argForm, rest string) {
	s = strings.TrimLeft(s, " \t,")
	end := strings.IndexAny(s, ",=")
	if end < 0 {
		return strings.TrimRight(s, " \t"), "", argNone, ""
	}
	if s[end] == ',' {
		return strings.TrimRight(s[:end], " \t"), "", argNone, s[end+1:]
	}
	name = strings.TrimRight(s[:end], " \t")
	form = argToken
	after := strings.TrimLeft(s[end+1:], " \t")
	if len(name) != end || len(after) != len(s)-end-1 {
		form = argSpaced
	}
	if strings.HasPrefix(after, `"`) {
		value, tail, ok := unquote(after)
		if !ok {
			return name, value, argBroken, ""
		}
		if form == argToken {
			form = argQuoted
		}
		// Anything between the closing quote and the comma spoils the value.
		if comma := strings.IndexByte(tail, ','); comma >= 0 {
			tail, rest = tail[:comma], tail[comma+1:]
		}
		switch {
		case strings.IndexByte(tail, '"') >= 0:
			form = argBroken
		case strings.Trim(tail, " \t") != "":
			form = argSpaced
		}
		return name, value, form, rest
	}
	arg = after
	if comma := strings.IndexByte(after, ','); comma >= 0 {
		arg, rest = after[:comma], after[comma+1:]
	}
	return name, strings.TrimRight(arg, " \t"), form, rest
}

// unquote takes a quoted-string off s (RFC 9110, section 5.6.4).
func unquote(s string) (value, rest string, ok bool) {
	escaped := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			value = s[1:i]
			if escaped {
				value = unescape(value)
			}
			return value, s[i+1:], true
		}
	}
	return s[1:], "", false
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// add puts a directive into the set.
func (c *Control) add(name, arg string, form argForm) {
	d, value := c.directive(name)
	switch {
	case d == 0:
		return
	case value != nil:
		n := int64(Invalid)
		if form == argToken || form == argQuoted {
			if parsed, ok := ParseDelta(arg); ok {
				n = parsed
			}
		} else if form == argNone && d == MaxStale {
			n = Unbounded
		}
		c.set(d, value, n)
	case (d == Private || d == NoCache) && (form == argToken || form == argQuoted):
		names, ok := fieldList(arg)
		if !ok {
			c.Has |= d
			return
		}
		if d == Private {
			c.PrivateFields = append(c.PrivateFields, names...)
		} else {
			c.NoCacheFields = append(c.NoCacheFields, names...)
		}
	case d == Public && form != argNone:
		// The one pure permission must be said clearly.
	default:
		// A restriction counts even with an argument that it does not
		// have: whoever wrote it wanted less caching.
		c.Has |= d
	}
}

// set stores a value; a repetition that differs makes it unusable.
func (c *Control) set(d Directive, value *int64, n int64) {
	if c.Has&d != 0 && *value != n {
		n = Invalid
	}
	c.Has |= d
	*value = n
}

// directive is the flag of a name and, for those that have one, its value.
func (c *Control) directive(name string) (Directive, *int64) {
	is := func(want string) bool { return strings.EqualFold(name, want) }
	switch len(name) {
	case 6:
		if is("public") {
			return Public, nil
		}
	case 7:
		switch {
		case is("max-age"):
			return MaxAge, &c.MaxAge
		case is("private"):
			return Private, nil
		}
	case 8:
		switch {
		case is("no-store"):
			return NoStore, nil
		case is("no-cache"):
			return NoCache, nil
		case is("s-maxage"):
			return SMaxAge, &c.SMaxAge
		}
	case 9:
		switch {
		case is("immutable"):
			return Immutable, nil
		case is("max-stale"):
			return MaxStale, &c.MaxStale
		case is("min-fresh"):
			return MinFresh, &c.MinFresh
		}
	case 12:
		if is("no-transform") {
			return NoTransform, nil
		}
	case 14:
		switch {
		case is("only-if-cached"):
			return OnlyIfCached, nil
		case is("stale-if-error"):
			return StaleIfError, &c.StaleIfError
		}
	case 15:
		switch {
		case is("must-revalidate"):
			return MustRevalidate, nil
		case is("must-understand"):
			return MustUnderstand, nil
		}
	case 16:
		if is("proxy-revalidate") {
			return ProxyRevalidate, nil
		}
	case 22:
		if is("stale-while-revalidate") {
			return StaleWhileRevalidate, &c.StaleWhileRevalidate
		}
	}
	return 0, nil
}

// fieldList parses the argument of private and no-cache.
func fieldList(arg string) (names []string, ok bool) {
	for member := range strings.SplitSeq(arg, ",") {
		member = strings.Trim(member, " \t")
		if member == "" {
			continue
		}
		if !ValidName(member) {
			return nil, false
		}
		names = append(names, http.CanonicalHeaderKey(member))
	}
	return names, len(names) > 0
}

const responseDirectives = NoStore | NoCache | Private | Public | MustRevalidate | ProxyRevalidate | MustUnderstand |
	NoTransform | Immutable | MaxAge | SMaxAge | StaleWhileRevalidate | StaleIfError

// CheckControl parses a Cache-Control that a programmer wrote for a response.
// Where ParseControl makes the best of what came, it names every mistake:
// unknown directives, bad arguments and contradictions.
func CheckControl(v string) (Control, error) {
	var c Control
	var errs []error
	seen := Directive(0)
	for rest := v; rest != ""; {
		var name, arg string
		var form argForm
		name, arg, form, rest = nextDirective(rest)
		if name == "" && form == argNone {
			continue
		}
		d, value := c.directive(name)
		switch {
		case d&responseDirectives == 0:
			errs = append(errs, fmt.Errorf("%q is no response directive", name))
			continue
		case seen&d != 0:
			errs = append(errs, fmt.Errorf("%s is given twice", name))
			continue
		case form == argBroken || form == argSpaced:
			errs = append(errs, fmt.Errorf("the argument of %s is malformed: %q", name, arg))
			continue
		case value != nil:
			// Recipients accept the quoted form, senders must not use it
			// (RFC 9111, section 5.2.2.1).
			if _, ok := ParseDelta(arg); !ok || form != argToken {
				errs = append(errs, fmt.Errorf("%s needs a number of seconds, not %q", name, arg))
				continue
			}
		case form != argNone && d != Private && d != NoCache:
			errs = append(errs, fmt.Errorf("%s takes no argument, not %q", name, arg))
			continue
		case form != argNone:
			if _, ok := fieldList(arg); !ok {
				errs = append(errs, fmt.Errorf("%s needs a list of field names, not %q", name, arg))
				continue
			}
		}
		seen |= d
		c.add(name, arg, form)
	}
	if seen == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("no directive in it"))
	}
	lifetimes := MaxAge | SMaxAge | StaleWhileRevalidate | StaleIfError
	conflict := func(a, b Directive, why string) {
		if c.Has&a != 0 && c.Has&b != 0 {
			errs = append(errs, errors.New(why))
		}
	}
	if !c.Is(MustUnderstand) { // RFC 9111, section 5.2.2.3: no-store is for those who do not
		if c.MaxAge == 0 && c.SMaxAge == 0 {
			// The usual "no-store, max-age=0" says one thing twice.
			lifetimes &^= MaxAge | SMaxAge
		}
		conflict(NoStore, lifetimes|Public|Immutable, "no-store contradicts everything that keeps the response")
	}
	conflict(Private, Public, "private contradicts public")
	conflict(Private, SMaxAge, "private contradicts s-maxage, which is for shared caches")
	conflict(NoCache, Immutable|StaleWhileRevalidate|StaleIfError, "no-cache contradicts immutable and the stale directives")
	conflict(MustRevalidate|ProxyRevalidate, StaleWhileRevalidate|StaleIfError, "must-revalidate and proxy-revalidate contradict the stale directives (RFC 9111, section 4.2.4)")
	if c.Is(Immutable) && c.Has&(MaxAge|SMaxAge) == 0 {
		errs = append(errs, errors.New("immutable needs a lifetime: it counts while the response is fresh"))
	}
	return c, errors.Join(errs...)
}
