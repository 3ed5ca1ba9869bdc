package cachex

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// policy is everything that the options of all levels say about a route, worked
// out at set-up so that a request builds nothing. It never changes.
type policy struct {
	cache    *Cache
	settings *settings
	level    int // 1 for a New that stands alone

	ttl        map[int]time.Duration
	control    *control
	ctlLines   []string
	override   bool
	off        bool
	skips      []func(adapter.Exchange) bool
	vetoes     []func(int, http.Header) bool
	parts      []keyPart // PerUser last
	perUser    bool
	shared     bool
	ignore     []string // cookies
	keyCookies []string
	query      queryRules
	strip      bool
	tags       []string // each with its kind before it
	etag       etagMode
	noReload   bool
	proxy      bool

	whileRevalidate, ifError time.Duration
	soft, hard               time.Duration // timeouts, 0 for none

	keysCookie bool // the whole Cookie field is in the key
	keysAuth   bool // Authorization is in the key
	keyedCreds []string

	// plain: the key is made of the URL alone, as it came.
	plain bool

	// shape is the part of the key that stands for the policy: entries that
	// were stored under other key parts, or at another level, are never found.
	shape string
}

func newPolicy(c *Cache, s *settings, level int) *policy {
	p := &policy{
		cache: c, settings: s, level: level,
		ttl: s.ttl, control: s.control, override: s.override, off: s.off || c.cfg.Disabled,
		skips: s.skips, vetoes: s.vetoes, shared: s.shared, perUser: len(s.perUser) > 0,
		ignore: s.ignoreCookies, query: s.query, strip: s.stripCookie,
		etag: s.etag, noReload: s.ignoreReload, proxy: s.proxy,
	}
	for _, t := range s.tags {
		p.tags = append(p.tags, string(scopeTag)+t)
	}
	if s.whileRevalidate != nil {
		p.whileRevalidate = *s.whileRevalidate
	}
	if s.ifError != nil {
		p.ifError = *s.ifError
	}
	if s.soft != nil {
		p.soft = *s.soft
	}
	if s.hard != nil {
		p.hard = *s.hard
	}
	if p.control != nil {
		p.ctlLines = []string{p.control.value}
	}
	if p.etag == etagUnset {
		p.etag = etagWeak
		if p.proxy { // an intermediary leaves the metadata of others alone
			p.etag = etagNone
		}
	}
	for _, part := range s.parts {
		if !slices.ContainsFunc(p.parts, part.same) {
			p.parts = append(p.parts, part)
		}
		switch {
		case part.kind == partCookie:
			p.keyCookies = append(p.keyCookies, part.name)
		case part.kind == partHeader && part.name == "Cookie":
			p.keysCookie = true
		case part.kind == partHeader && part.name == "Authorization":
			p.keysAuth = true
		case part.kind == partHeader && slices.Contains(c.cfg.CredentialFields, part.name):
			p.keyedCreds = append(p.keyedCreds, part.name)
		}
	}
	p.parts = append(p.parts, s.perUser...)
	p.shape = p.fingerprint()
	p.plain = len(p.parts) == 0 && !p.query.any()
	if c.shared != nil && p.query.any() {
		c.shared.queryRules.Store(true)
	}
	return p
}

// fingerprint is empty for a policy without anything that shapes its key, so
// that plain keys stay readable.
func (p *policy) fingerprint() string {
	h := fnv.New64a()
	plain := true
	mark := func(format string, args ...any) {
		plain = false
		_, _ = fmt.Fprintf(h, format+"\n", args...)
	}
	if p.level > 1 {
		mark("level %d", p.level)
	}
	for _, part := range p.parts {
		mark("part %d %q", part.kind, part.name)
	}
	if p.shared {
		mark("shared")
	}
	if p.proxy {
		mark("proxy")
	}
	if len(p.ignore) > 0 {
		mark("ignore %q", p.ignore)
	}
	if p.query.any() {
		mark("query %q %q %v %v", p.query.drop, p.query.keep, p.query.keepSet, p.query.sort)
	}
	if plain {
		return ""
	}
	return fmt.Sprintf("\n#%x", h.Sum64())
}

// lifetime is the route's TTL for a status.
func (p *policy) lifetime(status int) (time.Duration, bool) {
	d, ok := p.ttl[status]
	return d, ok && d > 0
}
