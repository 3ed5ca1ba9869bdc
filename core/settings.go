package cachex

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// settings is what the options of one level say.
type settings struct {
	framework string // whose New the options were given to; "" in Validate
	errs      []error

	ttl           map[int]time.Duration // by status
	control       *control
	override      bool
	off           bool
	skips         []func(adapter.Exchange) bool
	vetoes        []func(int, http.Header) bool
	parts         []keyPart
	perUser       []keyPart // at most one
	shared        bool
	ignoreCookies []string
	query         queryRules
	stripCookie   bool
	tags          []string
	etag          etagMode
	ignoreReload  bool
	proxy         bool

	whileRevalidate, ifError *time.Duration
	soft, hard               *time.Duration
}

// control is a Cache-Control value of a route.
type control struct {
	value  string
	parsed field.Control
}

type etagMode uint8

const (
	etagUnset etagMode = iota
	etagWeak
	etagStrong
	etagNone
)

// newSettings applies the options of one level and returns everything that is
// wrong with them.
func newSettings(framework string, opts []Option) (*settings, error) {
	s := &settings{framework: framework, ttl: map[int]time.Duration{}}
	for _, o := range opts {
		s.apply(o)
	}
	s.contradictions()
	return s, errors.Join(s.errs...)
}

func (s *settings) apply(o Option) {
	if o.apply == nil {
		s.fail("an Option that no function of cachex made")
		return
	}
	o.apply(s)
}

func (s *settings) fail(format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("cachex: "+format, args...))
}

func (s *settings) setETag(m etagMode, name string) {
	if s.etag != etagUnset && s.etag != m {
		s.fail("%s contradicts StrongETag or NoETag before it", name)
	}
	s.etag = m
}

// globs checks the patterns of an option: names with * for any characters.
func (s *settings) globs(option string, to, patterns []string) []string {
	if len(patterns) == 0 {
		s.fail("%s(): no name", option)
	}
	for _, p := range patterns {
		if p == "" || strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || strings.ContainsRune("&=;", r) }) {
			s.fail("%s: %q is no name", option, p)
			continue
		}
		to = append(to, p)
	}
	return to
}

// contradictions finds options that cannot both be meant in one level.
func (s *settings) contradictions() {
	kept := false
	for _, d := range s.ttl {
		kept = kept || d > 0
	}
	if len(s.perUser) > 1 {
		s.fail("PerUser given twice")
	}
	if len(s.perUser) > 0 && s.shared {
		s.fail("PerUser contradicts Shared: credentials either change the answer or do not")
	}
	if c := s.control; c != nil {
		is, v := c.parsed.Is, c.value
		perUser := len(s.perUser) > 0
		switch {
		case kept && is(field.NoStore):
			s.fail("CacheControl(%q) contradicts a TTL: no-store keeps nothing", v)
		case kept && is(field.NoCache):
			s.fail("CacheControl(%q) contradicts a TTL: no-cache is obeyed here too, so that nothing would be answered without the handler", v)
		case kept && is(field.Private) && !perUser && !s.shared:
			s.fail("CacheControl(%q) contradicts a TTL: private is not stored, except with PerUser or Shared", v)
		case kept && is(field.SMaxAge):
			s.fail("CacheControl(%q) contradicts a TTL: both name the lifetime in this cache", v)
		case perUser && (is(field.Public) || is(field.SMaxAge)):
			s.fail("CacheControl(%q) contradicts PerUser: it invites other caches to share what belongs to a user", v)
		}
	}
	s.staleContradictions()
	for _, p := range s.parts {
		if p.kind == partCookie && matchAny(s.ignoreCookies, p.name) {
			s.fail("KeyCookie(%q) contradicts IgnoreCookies, which hides it", p.name)
		}
	}
	for _, k := range s.query.keep {
		if matchAny(s.query.drop, k) {
			s.fail("KeepQuery(%q) contradicts DropQuery", k)
		}
	}
}

// staleContradictions finds stale windows of a route that keeps nothing.
func (s *settings) staleContradictions() {
	if s.soft != nil && s.hard != nil && *s.hard > 0 && *s.soft >= *s.hard {
		s.fail("SoftTimeout(%v) contradicts HardTimeout(%v), which is over first", *s.soft, *s.hard)
	}
	for name, d := range map[string]*time.Duration{"StaleWhileRevalidate": s.whileRevalidate, "StaleIfError": s.ifError, "SoftTimeout": s.soft} {
		if c := s.control; d != nil && *d > 0 && c != nil && c.parsed.Has&(field.NoStore|field.NoCache|field.MustRevalidate|field.ProxyRevalidate|field.SMaxAge) != 0 {
			s.fail("%s(%v) contradicts CacheControl(%q), which keeps or allows nothing stale (RFC 9111, section 4.2.4)", name, *d, c.value)
		}
	}
}

// under combines an inner level, s, with the outer one around it: of single
// values the inner one counts, lists add up, and neither no-store nor private
// of the outer level is loosened.
func (s *settings) under(outer *settings) *settings {
	m := *s
	m.ttl = map[int]time.Duration{}
	if s.control == nil || !namesLifetime(s.control.parsed) {
		for code, d := range outer.ttl {
			m.ttl[code] = d
		}
	}
	for code, d := range s.ttl {
		m.ttl[code] = d
	}
	if s.control == nil || outer.control != nil && strictness(outer.control.parsed) > strictness(s.control.parsed) {
		m.control = outer.control
	}
	m.override = s.override || outer.override
	m.off = s.off || outer.off
	m.skips = concat(outer.skips, s.skips)
	m.vetoes = concat(outer.vetoes, s.vetoes)
	m.parts = concat(outer.parts, s.parts)
	if len(s.perUser) == 0 && !s.shared {
		m.perUser = outer.perUser
	}
	m.shared = len(m.perUser) == 0 && (s.shared || outer.shared)
	m.ignoreCookies = concat(outer.ignoreCookies, s.ignoreCookies)
	m.query = s.query.under(outer.query)
	m.stripCookie = s.stripCookie || outer.stripCookie
	m.tags = concat(outer.tags, s.tags)
	if s.etag == etagUnset {
		m.etag = outer.etag
	}
	if s.whileRevalidate == nil {
		m.whileRevalidate = outer.whileRevalidate
	}
	if s.ifError == nil {
		m.ifError = outer.ifError
	}
	if s.soft == nil {
		m.soft = outer.soft
	}
	if s.hard == nil {
		m.hard = outer.hard
	}
	m.ignoreReload = s.ignoreReload || outer.ignoreReload
	m.proxy = s.proxy || outer.proxy
	return &m
}

func namesLifetime(c field.Control) bool {
	return c.Has&(field.MaxAge|field.SMaxAge|field.NoCache|field.NoStore|field.Private) != 0
}

func forbids(c field.Control) bool { return c.Has&(field.NoStore|field.Private) != 0 }

// strictness orders what an inner level must not loosen.
func strictness(c field.Control) int {
	switch {
	case c.Is(field.NoStore):
		return 2
	case c.Is(field.Private):
		return 1
	}
	return 0
}

func concat[T any](a, b []T) []T { return slices.Concat(a, b) }
