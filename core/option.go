package cachex

import (
	"net/http"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// Option sets how a route is cached. Options are made by the functions of this
// package and of the adapters, may be kept and used in several places, and are
// applied by New of an adapter, by Cache.Middleware, by Config.Defaults and by
// Options.
//
// Levels combine: of a single value the innermost level's counts; key parts,
// ignored cookies, query rules and tags of all levels add up. Two options that
// contradict each other in one level are an error, see Validate.
type Option struct {
	apply func(*settings)
}

// Options is several options under one name.
func Options(opts ...Option) Option {
	return Option{func(s *settings) {
		for _, o := range opts {
			s.apply(o)
		}
	}}
}

// Validate returns what is wrong with the options of one New, or nil: every bad
// value and every contradiction, joined. New of an adapter panics with the same
// errors; use Validate for options that were read from configuration.
func Validate(opts ...Option) error {
	_, err := newSettings("", opts)
	return err
}

// TTL keeps responses with status 200 for d where the handler named no lifetime
// of its own (Cache-Control or Expires). It is for this cache alone and never
// sent to the client, who is told nothing and sees an answer without Age and
// with the present Date. 0 takes back the TTL of an outer level.
//
// A TTL is no permission to share what belongs to a user: a request with Cookie,
// Authorization or a credential field is neither stored from nor answered by an
// entry that only a TTL allows. See PerUser, Shared and IgnoreCookies.
func TTL(d time.Duration) Option { return ttlFor("TTL", d, []int{http.StatusOK}) }

// TTLFor is TTL for responses with other statuses, such as 404.
func TTLFor(d time.Duration, status ...int) Option { return ttlFor("TTLFor", d, status) }

func ttlFor(name string, d time.Duration, status []int) Option {
	return Option{func(s *settings) {
		if d < 0 {
			s.fail("%s(%v): a negative lifetime", name, d)
		}
		if len(status) == 0 {
			s.fail("%s(%v): no status", name, d)
		}
		for _, code := range status {
			if code < 200 || code > 599 || neverStored(code) || code == http.StatusPartialContent || code == http.StatusNotModified {
				s.fail("%s(%v, %d): responses with status %d are never stored", name, d, code, code)
				continue
			}
			if before, ok := s.ttl[code]; ok && before != d {
				s.fail("%s for status %d given twice: %v and %v", name, code, before, d)
			}
			s.ttl[code] = d
		}
	}}
}

// CacheControl sends v as Cache-Control where the handler wrote none, and obeys
// it here. It takes the response directives max-age, s-maxage, public, private,
// no-cache, no-store, no-transform, must-revalidate, proxy-revalidate,
// must-understand, immutable, stale-while-revalidate and stale-if-error
// (RFC 9111, 5861, 8246); an unknown or contradicting one is an error. An inner
// level replaces the value as a whole, but never loosens no-store or private.
func CacheControl(v string) Option {
	return Option{func(s *settings) {
		c, err := field.CheckControl(v)
		if err != nil {
			s.fail("CacheControl(%q): %v", v, err)
			return
		}
		if s.control != nil && s.control.value != v {
			s.fail("CacheControl given twice: %q and %q", s.control.value, v)
		}
		s.control = &control{v, c}
	}}
}

// StaleWhileRevalidate answers with a stale response at once for up to d after
// its lifetime, while one run in the background renews it (RFC 5861, section 3).
// It is for this cache alone and never sent; a response's own
// stale-while-revalidate goes before it. Nothing stale is served of responses
// with no-cache, must-revalidate, proxy-revalidate or s-maxage (RFC 9111,
// section 4.2.4).
func StaleWhileRevalidate(d time.Duration) Option {
	return duration("StaleWhileRevalidate", d, func(s *settings) **time.Duration { return &s.whileRevalidate })
}

// StaleIfError answers with a stale response for up to d after its lifetime
// where the handler fails: with status 500, 502, 503 or 504, an error given to
// the framework's error handler, a panic or a timeout (RFC 5861, section 4). It is
// never sent; see StaleWhileRevalidate for what goes before it.
func StaleIfError(d time.Duration) Option {
	return duration("StaleIfError", d, func(s *settings) **time.Duration { return &s.ifError })
}

// SoftTimeout answers with a stale response where the run that renews it takes
// longer than d, and lets the run go on and be stored. It needs a response that
// may still be used stale, by stale-while-revalidate or stale-if-error of the
// response or the route; where there is none, or the request does not want one, it
// does nothing. The run is made in the background, see IsBackground, and bounded by
// HardTimeout and Config.RefreshTimeout; requests that cannot share a run, such as
// those for ranges, and runs beyond Config.MaxRefreshes wait for the handler as
// without it. 0 takes back the SoftTimeout of an outer level.
func SoftTimeout(d time.Duration) Option {
	return duration("SoftTimeout", d, func(s *settings) **time.Duration { return &s.soft })
}

// HardTimeout ends runs for GET and HEAD that have begun no response after d: the
// handler's context is cancelled, with context.DeadlineExceeded as its cause, and
// the answer is 504 Gateway Timeout or, where stale-if-error allows it, a stale
// response. What the handler still writes is thrown away. A response that has begun
// is not cut short.
//
// Those who wait for the run of another request are answered after d whatever the
// handler does, and so is everyone who could get a stale response. With nothing to
// fall back on the run's own client is answered when the handler returns: a handler
// should heed its context, as it should without a cache. 0 takes back the
// HardTimeout of an outer level.
func HardTimeout(d time.Duration) Option {
	return duration("HardTimeout", d, func(s *settings) **time.Duration { return &s.hard })
}

func duration(name string, d time.Duration, of func(*settings) **time.Duration) Option {
	return Option{func(s *settings) {
		if d < 0 {
			s.fail("%s(%v): a negative duration", name, d)
			return
		}
		if have := of(s); *have != nil && **have != d {
			s.fail("%s given twice: %v and %v", name, **have, d)
		}
		*of(s) = &d
	}}
}

// Override puts TTL and CacheControl of the route before the Cache-Control and
// Expires of the handler. The handler's no-store and private stand.
func Override() Option { return Option{func(s *settings) { s.override = true }} }

// Off passes requests through: nothing is looked up, stored or sent.
func Off() Option { return Option{func(s *settings) { s.off = true }} }

// SkipIf passes those requests through for which f returns true. On fiber the
// request is converted for f, which costs some microseconds: prefer
// cachexfiber.SkipIf there.
func SkipIf(f func(*http.Request) bool) Option {
	return Option{func(s *settings) {
		if f == nil {
			s.fail("SkipIf(nil)")
			return
		}
		s.skips = append(s.skips, func(x adapter.Exchange) bool { return f(x.Request()) })
	}}
}

// StoreIf stores a response only where f returns true. It is a veto: f cannot
// make a response storable that is not. header is a copy of the fields that leave.
func StoreIf(f func(status int, header http.Header) bool) Option {
	return Option{func(s *settings) {
		if f == nil {
			s.fail("StoreIf(nil)")
			return
		}
		s.vetoes = append(s.vetoes, f)
	}}
}

// KeyHeader adds the values of these request fields to the key. A field that is
// absent and one that is empty are kept apart.
func KeyHeader(names ...string) Option {
	return Option{func(s *settings) {
		canonical, err := fieldNames("KeyHeader", names)
		if err != nil {
			s.errs = append(s.errs, err)
			return
		}
		if len(names) == 0 {
			s.fail("KeyHeader(): no name")
		}
		for _, n := range canonical {
			s.parts = append(s.parts, keyPart{kind: partHeader, name: n})
		}
	}}
}

// KeyCookie adds the values of these cookies to the key. A request whose
// cookies are all in the key, or ignored by IgnoreCookies, is not held to carry
// credentials.
func KeyCookie(names ...string) Option {
	return Option{func(s *settings) {
		if len(names) == 0 {
			s.fail("KeyCookie(): no name")
		}
		for _, n := range names {
			if !validName(n) {
				s.fail("KeyCookie: %q is no cookie name", n)
				continue
			}
			s.parts = append(s.parts, keyPart{kind: partCookie, name: n})
		}
	}}
}

// KeyFunc adds what f returns to the key; where ok is false the request is not
// cached. See SkipIf for its cost on fiber.
func KeyFunc(f func(*http.Request) (part string, ok bool)) Option {
	return Option{func(s *settings) {
		if f == nil {
			s.fail("KeyFunc(nil)")
			return
		}
		s.parts = append(s.parts, keyPart{kind: partFunc, f: func(x adapter.Exchange) (string, bool) { return f(x.Request()) }})
	}}
}

// PerUser keeps an answer for each user: id joins the key, so the bar on
// credentials does not apply, and responses leave as private. Where ok is false
// or id is empty the request is not cached.
func PerUser(f func(*http.Request) (id string, ok bool)) Option {
	return Option{func(s *settings) {
		if f == nil {
			s.fail("PerUser(nil)")
			return
		}
		s.perUser = append(s.perUser, keyPart{kind: partUser, f: func(x adapter.Exchange) (string, bool) { return f(x.Request()) }})
	}}
}

// Shared says that credentials do not change the answer, as behind auth
// middleware that stands before the cache. Responses leave as private unless
// CacheControl says otherwise.
func Shared() Option { return Option{func(s *settings) { s.shared = true }} }

// IgnoreCookies hides cookies from the credentials rule, the key and the
// handler. A * stands for any characters: "_ga*".
func IgnoreCookies(patterns ...string) Option {
	return Option{func(s *settings) { s.ignoreCookies = s.globs("IgnoreCookies", s.ignoreCookies, patterns) }}
}

// DropQuery removes query parameters from the key and from what the handler
// sees. A * stands for any characters: "utm_*".
func DropQuery(patterns ...string) Option {
	return Option{func(s *settings) { s.query.drop = s.globs("DropQuery", s.query.drop, patterns) }}
}

// KeepQuery removes all query parameters but these from the key and from what
// the handler sees. Without a name it removes all of them.
func KeepQuery(names ...string) Option {
	return Option{func(s *settings) {
		s.query.keepSet = true
		if len(names) > 0 {
			s.query.keep = s.globs("KeepQuery", s.query.keep, names)
		}
	}}
}

// SortQuery sorts query parameters by name in the key and in what the handler
// sees; parameters of the same name keep their order.
func SortQuery() Option { return Option{func(s *settings) { s.query.sort = true }} }

// StripSetCookie removes Set-Cookie from responses, stored and sent. Without it
// a response with Set-Cookie is not stored.
func StripSetCookie() Option { return Option{func(s *settings) { s.stripCookie = true }} }

// Tags marks what is stored, for Purge with ByTag. A tag is up to 256 bytes
// without blanks and control characters. A response with more than 256 tags, those
// of AddTags and Config.TagField included, is not stored.
func Tags(tags ...string) Option {
	return Option{func(s *settings) {
		if len(s.tags)+len(tags) > maxTags {
			s.fail("Tags: %d tags, more than %d", len(s.tags)+len(tags), maxTags)
			return
		}
		for _, t := range tags {
			if err := checkTag(t); err != nil {
				s.fail("Tags: %v", err)
				continue
			}
			s.tags = append(s.tags, t)
		}
	}}
}

// StrongETag makes the entity tags that are made here strong. That is right
// only where no outer middleware changes the content, as compression does.
func StrongETag() Option { return Option{func(s *settings) { s.setETag(etagStrong, "StrongETag") }} }

// NoETag makes no entity tags. By default a stored response without one gets a
// weak entity tag (RFC 9110, section 8.8.3).
func NoETag() Option { return Option{func(s *settings) { s.setETag(etagNone, "NoETag") }} }

// IgnoreReload takes from clients the means to force a run: no-cache, max-age
// and min-fresh in requests, and Pragma, are ignored (RFC 9111, section 5.2.1:
// request directives are advisory). no-store and only-if-cached still count.
func IgnoreReload() Option { return Option{func(s *settings) { s.ignoreReload = true }} }

// Proxy is for routes that forward to an origin server, which speaks for itself
// in HTTP: responses without explicit lifetime get a heuristic one (RFC 9111,
// section 4.2.2), CDN-Cache-Control is obeyed (RFC 9213), Set-Cookie is stored,
// no entity tags are made, and explicit freshness is enough for requests with
// a Cookie.
func Proxy() Option { return Option{func(s *settings) { s.proxy = true }} }

// FrameworkOption makes an option out of functions that take a framework's own
// context. It is for authors of adapters: set-up fails where an option reaches
// another framework's New.
func FrameworkOption(framework string, f adapter.Funcs) Option {
	return Option{func(s *settings) {
		if s.framework != "" && s.framework != framework {
			s.fail("cachex%s.%s is an option for %s and was given to %s: use %s.%[2]s",
				framework, f.Name, framework, s.framework, packageFor(s.framework))
			return
		}
		switch {
		case f.Key != nil:
			s.parts = append(s.parts, keyPart{kind: partFunc, f: func(x adapter.Exchange) (string, bool) { return f.Key(x.Native()) }})
		case f.User != nil:
			s.perUser = append(s.perUser, keyPart{kind: partUser, f: func(x adapter.Exchange) (string, bool) { return f.User(x.Native()) }})
		case f.Skip != nil:
			s.skips = append(s.skips, func(x adapter.Exchange) bool { return f.Skip(x.Native()) })
		default:
			s.fail("cachex%s.%s(nil)", framework, f.Name)
		}
	}}
}

// packageFor is the package whose KeyFunc, PerUser and SkipIf fit a framework.
func packageFor(framework string) string {
	if framework == NetHTTP {
		return "cachex"
	}
	return "cachex" + framework
}
