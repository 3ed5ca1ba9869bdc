package cachex

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-cachex/cachex/core/adapter"

	"github.com/go-cachex/cachex/core/internal/field"
)

// testCache is closed with the test. Its clock stands at epoch.
func testCache(t testing.TB, cfg Config) *Cache {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return epoch }
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// testPolicy is the policy of levels of options, the outermost first.
func testPolicy(t testing.TB, c *Cache, levels ...[]Option) *policy {
	t.Helper()
	s, err := newSettings(NetHTTP, c.cfg.Defaults)
	if err != nil {
		t.Fatal(err)
	}
	for _, opts := range levels {
		inner, err := newSettings(NetHTTP, opts)
		if err != nil {
			t.Fatal(err)
		}
		s = inner.under(s)
	}
	return newPolicy(c, s, len(levels))
}

func header(lines ...string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		h.Add(name, strings.TrimPrefix(value, " "))
	}
	return h
}

// judge is what a run does with a response, up to the verdict.
func judge(p *policy, status int, h http.Header, more func(*reply)) (freshness, detail) {
	rep := &reply{policy: p, status: status, h: h, said: h["Cache-Control"], requested: epoch, received: epoch}
	if more != nil {
		more(rep)
	}
	r := &run{p: p, method: http.MethodGet}
	r.decorate(status, h, nil)
	rep.control, rep.targeted = p.directives(h)
	rep.vary = field.ParseVary(h["Vary"])
	return storable(rep)
}

func httpDate(d time.Duration) string { return epoch.Add(d).Format(http.TimeFormat) }

func TestStorable(t *testing.T) {
	const day = 24 * time.Hour
	ttl := []Option{TTL(time.Minute)}
	proxy := []Option{Proxy()}
	perUser := []Option{PerUser(func(*http.Request) (string, bool) { return "u", true })}
	cookie := func(r *reply) { r.credentials = byCookie }
	auth := func(r *reply) { r.credentials = byAuthorization }
	setTTL := func(r *reply) { r.setTTL, r.hasTTL = time.Hour, true }
	off := func(r *reply) { r.handlerOff = true }
	from := func(origin string) func(*reply) { return func(r *reply) { r.origin = origin } }
	outer := func(name, value string) func(*reply) {
		return func(r *reply) { r.before = []adapter.Line{{Name: name, Values: []string{value}}} }
	}

	const stored = noDetail // no reason against it
	tests := []struct {
		name   string
		opts   []Option
		status int // 0: 200
		header []string
		more   func(*reply)
		want   detail
		life   time.Duration // where it is stored
	}{
		// Permission and status
		{name: "A13 max-age (RFC 9111, 3)", header: []string{"Cache-Control: max-age=60"}, life: time.Minute},
		{name: "A13 s-maxage (RFC 9111, 3)", header: []string{"Cache-Control: s-maxage=60"}, life: time.Minute},
		{name: "A13 Expires (RFC 9111, 3)", header: []string{"Expires: " + httpDate(time.Minute)}, life: time.Minute},
		{name: "A17 nothing said (RFC 9111, 3)", want: notLifetime},
		{name: "A17 public alone, without validator (RFC 9111, 3)", header: []string{"Cache-Control: public"}, want: notLifetime},
		{name: "A17 lifetime 0 without validator (RFC 9111, 3)", header: []string{"Cache-Control: max-age=0"}, want: notLifetime},
		{name: "A17 lifetime 0 with ETag (RFC 9111, 3)", header: []string{"Cache-Control: max-age=0", `Etag: "a"`}, want: stored},
		{name: "A17 lifetime 0 with Last-Modified (RFC 9111, 3)", header: []string{"Cache-Control: max-age=0", "Last-Modified: " + httpDate(-day)}, want: stored},
		{name: "A17 a malformed ETag is no validator (RFC 9110, 8.8.3)", header: []string{"Cache-Control: max-age=0", "Etag: a"}, want: notLifetime},
		{name: "A17 a malformed Last-Modified is no validator (RFC 9110, 8.8.2)", header: []string{"Cache-Control: max-age=0", "Last-Modified: yesterday"}, want: notLifetime},
		{name: "A17 no-cache with validator (RFC 9111, 3)", header: []string{"Cache-Control: no-cache", `Etag: "a"`}, want: stored},
		{name: "A17 no-cache without validator (RFC 9111, 3)", header: []string{"Cache-Control: no-cache, max-age=60"}, want: notLifetime},
		{name: "A4 interim (RFC 9110, 15.2)", status: 103, header: []string{"Cache-Control: max-age=60"}, want: notStatus},
		{name: "A4 101 (RFC 9110, 15.2.2)", status: 101, header: []string{"Cache-Control: max-age=60"}, want: notStatus},
		{name: "A4 600 (RFC 9110, 15)", status: 600, header: []string{"Cache-Control: max-age=60"}, want: notStatus},
		{name: "A4 99 (RFC 9110, 15)", status: 99, header: []string{"Cache-Control: max-age=60"}, want: notStatus},
		{name: "A5 206 (RFC 9111, 3)", status: 206, header: []string{"Cache-Control: max-age=60"}, want: notStatus},
		{name: "A5 304 (RFC 9111, 3)", status: 304, header: []string{"Cache-Control: max-age=60"}, want: notStatus},
		{name: "A5 299 explicit (RFC 9111, 3)", status: 299, header: []string{"Cache-Control: max-age=60"}, life: time.Minute},
		{name: "A5 499 explicit (RFC 9111, 3)", status: 499, header: []string{"Cache-Control: max-age=60"}, life: time.Minute},
		{name: "A5 599 explicit (RFC 9111, 3)", status: 599, header: []string{"Cache-Control: max-age=60"}, life: time.Minute},
		{name: "A14 302 without permission (RFC 9110, 15.1)", status: 302, header: []string{`Etag: "a"`}, want: notStatus},
		{name: "A14 500 without permission (RFC 9110, 15.1)", status: 500, header: []string{`Etag: "a"`}, want: notStatus},
		{name: "A14 404 with validator (RFC 9110, 15.1)", status: 404, header: []string{`Etag: "a"`}, want: stored},
		{name: "A14 451 with validator (RFC 7725, 3)", status: 451, header: []string{`Etag: "a"`}, want: stored},
		{name: "A16 302 with public (RFC 9111, 5.2.2.9)", status: 302, header: []string{"Cache-Control: public", `Etag: "a"`}, want: stored},
		{name: "A15 401 (ours)", status: 401, header: []string{"Cache-Control: public, max-age=60"}, want: notStatus},
		{name: "A15 407 (ours)", status: 407, header: []string{"Cache-Control: public, max-age=60"}, want: notStatus},
		{name: "A25 412 (ours)", status: 412, header: []string{"Cache-Control: public, max-age=60"}, want: notStatus},
		{name: "A15 416 (ours)", status: 416, header: []string{"Cache-Control: public, max-age=60"}, want: notStatus},
		{name: "A15 428 (RFC 6585, 3)", status: 428, header: []string{"Cache-Control: public, max-age=60"}, want: notStatus},
		{name: "A15 429 (RFC 6585, 4)", status: 429, header: []string{"Cache-Control: public, max-age=60"}, want: notStatus},
		{name: "A15 431 (RFC 6585, 5)", status: 431, header: []string{"Cache-Control: public, max-age=60"}, want: notStatus},
		{name: "A15 511 (RFC 6585, 6)", status: 511, header: []string{"Cache-Control: public, max-age=60"}, want: notStatus},

		// Prohibitions
		{name: "A7 no-store (RFC 9111, 5.2.2.5)", header: []string{"Cache-Control: no-store, max-age=60"}, want: notNoStore},
		{name: "A7 no-store in another case and line (RFC 9111, 5.2)", header: []string{"Cache-Control: max-age=60", "Cache-Control: No-Store"}, want: notNoStore},
		{name: "C8 no-store inside of a string is none (RFC 9111, 5.2)", header: []string{`Cache-Control: x="no-store", max-age=60`}, life: time.Minute},
		{name: "C9 an open string (ours)", header: []string{`Cache-Control: max-age=60, x="a`}, want: notMalformed},
		{name: "A8 no-store of the request (RFC 9111, 5.2.1.5)", header: []string{"Cache-Control: max-age=60"}, more: func(r *reply) { r.noStore = true }, want: notRequest},
		{name: "A9 private (RFC 9111, 5.2.2.7)", header: []string{"Cache-Control: private, max-age=60"}, want: notPrivate},
		{name: "A9 private beats public (RFC 9111, 4.2.1)", header: []string{"Cache-Control: public, s-maxage=60, private"}, want: notPrivate},
		{name: "A10 private with fields (RFC 9111, 5.2.2.7)", header: []string{`Cache-Control: private="x-a", max-age=60`}, life: time.Minute},
		{name: "A10 private with an empty list (ours)", header: []string{`Cache-Control: private="", max-age=60`}, want: notPrivate},
		{name: "A11 no-cache with fields (RFC 9111, 5.2.2.4)", header: []string{`Cache-Control: no-cache="x-a", max-age=60`}, life: time.Minute},
		{name: "A6 must-understand lifts no-store (RFC 9111, 5.2.2.3)", header: []string{"Cache-Control: must-understand, no-store, max-age=60"}, life: time.Minute},
		{name: "A6 must-understand, another status (RFC 9111, 5.2.2.3)", status: 299, header: []string{"Cache-Control: must-understand, max-age=60"}, want: notStatus},
		{name: "A6 must-understand does not lift no-store of another status (RFC 9111, 5.2.2.3)", status: 299, header: []string{"Cache-Control: must-understand, no-store, max-age=60"}, want: notNoStore},
		{name: "A6 must-understand of the route, another status (RFC 9111, 5.2.2.3)", opts: []Option{CacheControl("must-understand, no-store")}, status: 299, header: []string{"Cache-Control: max-age=60"}, want: notNoStore},
		{name: "A6 private before the status that is not understood (RFC 9111, 5.2.2.7)", status: 503, header: []string{"Cache-Control: must-understand, private"}, want: notPrivate},
		{name: "A6 Set-Cookie before the status that is not understood (RFC 9111, 7.3)", status: 503, header: []string{"Cache-Control: must-understand", "Set-Cookie: a=b"}, want: notSetCookie},
		{name: "A6 must-understand does not lift private (RFC 9111, 5.2.2.3)", header: []string{"Cache-Control: must-understand, private, max-age=60"}, want: notPrivate},
		{name: "A16 public does not lift no-store (RFC 9111, 5.2.2.9)", header: []string{"Cache-Control: public, no-store, max-age=60"}, want: notNoStore},

		// Credentials
		{name: "A12 Authorization, max-age (RFC 9111, 3.5)", header: []string{"Cache-Control: max-age=60"}, more: auth, want: notCredentials},
		{name: "A12 Authorization, Expires (RFC 9111, 3.5)", header: []string{"Expires: " + httpDate(time.Minute)}, more: auth, want: notCredentials},
		{name: "A12 Authorization, proxy-revalidate (RFC 9111, 3.5)", header: []string{"Cache-Control: max-age=60, proxy-revalidate, immutable"}, more: auth, want: notCredentials},
		{name: "A12 Authorization, public (RFC 9111, 3.5)", header: []string{"Cache-Control: max-age=60, public"}, more: auth, life: time.Minute},
		{name: "A12 Authorization, s-maxage (RFC 9111, 3.5)", header: []string{"Cache-Control: s-maxage=60"}, more: auth, life: time.Minute},
		{name: "A12 Authorization, must-revalidate (RFC 9111, 3.5)", header: []string{"Cache-Control: max-age=60, must-revalidate"}, more: auth, life: time.Minute},
		{name: "A12 Authorization behind a proxy (RFC 9111, 3.5)", opts: proxy, header: []string{"Cache-Control: max-age=60"}, more: auth, want: notCredentials},
		{name: "A27 Cookie, max-age (ours)", header: []string{"Cache-Control: max-age=60"}, more: cookie, want: notCredentials},
		{name: "A27 Cookie, public (RFC 9111, 7.3)", header: []string{"Cache-Control: max-age=60, public"}, more: cookie, life: time.Minute},
		{name: "A27 Cookie, max-age, proxy (ours)", opts: proxy, header: []string{"Cache-Control: max-age=60"}, more: cookie, life: time.Minute},
		{name: "A27 Cookie, a guess, proxy (ours)", opts: proxy, header: []string{"Last-Modified: " + httpDate(-day)}, more: cookie, want: notCredentials},
		{name: "C25 Cookie, TTL (ours)", opts: ttl, more: cookie, want: notCredentials},
		{name: "C25 Cookie, SetTTL (ours)", more: func(r *reply) { cookie(r); setTTL(r) }, want: notCredentials},
		{name: "C25 Cookie, TTL, proxy (ours)", opts: []Option{TTL(time.Minute), Proxy()}, more: cookie, want: notCredentials},
		{name: "A12 Cookie, TTL, the route says public (RFC 9111, 3.5)", opts: []Option{TTL(time.Minute), CacheControl("public, max-age=5")}, more: cookie, life: time.Minute},

		// Set-Cookie, CORS, streams, the connection
		{name: "A26 Set-Cookie (ours)", header: []string{"Cache-Control: max-age=60", "Set-Cookie: a=b"}, want: notSetCookie},
		{name: "A26 Set-Cookie, TTL (ours)", opts: ttl, header: []string{"Set-Cookie: a=b"}, want: notSetCookie},
		{name: "A26 Set-Cookie stripped (ours)", opts: []Option{StripSetCookie()}, header: []string{"Cache-Control: max-age=60", "Set-Cookie: a=b"}, life: time.Minute},
		{name: "A26 Set-Cookie left out by private (RFC 9111, 5.2.2.7)", header: []string{`Cache-Control: max-age=60, private="set-cookie"`, "Set-Cookie: a=b"}, life: time.Minute},
		{name: "A26 Set-Cookie left out by no-cache (RFC 9111, 5.2.2.4)", header: []string{`Cache-Control: max-age=60, no-cache="set-cookie"`, "Set-Cookie: a=b"}, life: time.Minute},
		{name: "A26 Set-Cookie, proxy (RFC 9111, 7.3)", opts: proxy, header: []string{"Cache-Control: max-age=60", "Set-Cookie: a=b"}, life: time.Minute},
		{name: "L12 the Origin allowed without Vary (Fetch)", header: []string{"Cache-Control: max-age=60", "Access-Control-Allow-Origin: https://a"}, more: from("https://a"), want: notCORS},
		{name: "L12 the Origin allowed with Vary (Fetch)", header: []string{"Cache-Control: max-age=60", "Access-Control-Allow-Origin: https://a", "Vary: Origin"}, more: from("https://a"), life: time.Minute},
		{name: "L12 the Origin allowed and in the key (Fetch)", opts: []Option{KeyHeader("origin")}, header: []string{"Cache-Control: max-age=60", "Access-Control-Allow-Origin: https://a"}, more: from("https://a"), life: time.Minute},
		{name: "L12 any Origin (Fetch)", header: []string{"Cache-Control: max-age=60", "Access-Control-Allow-Origin: *"}, more: from("https://a"), life: time.Minute},
		{name: "L12 credentials allowed (Fetch)", header: []string{"Cache-Control: max-age=60", "Access-Control-Allow-Origin: https://a", "Access-Control-Allow-Credentials: true"}, want: notCORS},
		{name: "L12 one fixed origin (Fetch)", header: []string{"Cache-Control: max-age=60", "Access-Control-Allow-Origin: https://b"}, more: from("https://a"), life: time.Minute},
		{name: "A30 CORS of outer middleware does not count (ours)", header: []string{"Cache-Control: max-age=60", "Access-Control-Allow-Origin: https://a"},
			more: func(r *reply) { r.origin = "https://a"; outer("Access-Control-Allow-Origin", "https://a")(r) }, life: time.Minute},
		{name: "M3 event streams (ours)", header: []string{"Cache-Control: max-age=60", "Content-Type: Text/Event-Stream; charset=utf-8"}, want: notStream},
		{name: "M3 multipart streams (ours)", header: []string{"Cache-Control: max-age=60", "Content-Type: multipart/x-mixed-replace;boundary=a"}, want: notStream},
		{name: "M3 gRPC (ours)", header: []string{"Cache-Control: max-age=60", "Content-Type: application/grpc+proto"}, want: notStream},
		{name: "A20 trailers (ours)", header: []string{"Cache-Control: max-age=60", "Trailer: X-Sum"}, want: notTrailers},
		{name: "A19 Connection names Cache-Control (ours)", header: []string{"Cache-Control: max-age=60", "Connection: close, cache-control"}, want: notConnection},
		{name: "A19 Connection names Vary (ours)", header: []string{"Cache-Control: max-age=60", "Connection: vary"}, want: notConnection},
		{name: "A19 Connection names another field (RFC 9111, 3.1)", header: []string{"Cache-Control: max-age=60", "Connection: x-hop"}, life: time.Minute},

		// Vary
		{name: "B7 Vary: * (RFC 9111, 4.1)", header: []string{"Cache-Control: max-age=60", "Vary: *"}, want: notVary},
		{name: "B7 * among others, in a second line (RFC 9111, 4.1)", header: []string{"Cache-Control: max-age=60", "Vary: A", "Vary: B, *", `Etag: "a"`}, want: notVary},
		{name: "L16 sixteen names (ours)", header: []string{"Cache-Control: max-age=60", "Vary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p"}, life: time.Minute},
		{name: "L16 seventeen names (ours)", header: []string{"Cache-Control: max-age=60", "Vary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"}, want: notVary},

		// Which lifetime
		{name: "C2 s-maxage before max-age (RFC 9111, 4.2.1)", header: []string{"Cache-Control: max-age=0, s-maxage=60", "Expires: 0"}, life: time.Minute},
		{name: "C2 a shorter s-maxage counts as well (RFC 9111, 4.2.1)", header: []string{"Cache-Control: max-age=600, s-maxage=60"}, life: time.Minute},
		{name: "C2 max-age before Expires (RFC 9111, 5.3)", header: []string{"Cache-Control: max-age=60", "Expires: 0"}, life: time.Minute},
		{name: "C3 an unusable Expires forbids guessing (RFC 9111, 4.2.2)", opts: proxy, header: []string{"Expires: soon", "Last-Modified: " + httpDate(-10*day)}, life: 0},
		{name: "C3 an unusable max-age forbids guessing (RFC 9111, 4.2.2)", opts: proxy, header: []string{"Cache-Control: max-age=1.5", "Last-Modified: " + httpDate(-10*day)}, life: 0},
		{name: "C3 an unusable max-age is not repaired by TTL (RFC 9111, 4.2.1)", opts: ttl, header: []string{"Cache-Control: max-age=x"}, want: notLifetime},
		{name: "C4 a huge max-age saturates (RFC 9111, 1.2.2)", opts: nil, header: []string{"Cache-Control: max-age=99999999999999999999"}, life: 30 * day},
		{name: "C7 a quoted max-age (RFC 9111, 5.2)", header: []string{`Cache-Control: max-age="60"`}, life: time.Minute},
		{name: "C10 two that differ (RFC 9111, 4.2.1)", header: []string{"Cache-Control: max-age=60, max-age=50"}, want: notLifetime},
		{name: "C10 two that agree (RFC 9111, 4.2.1)", header: []string{"Cache-Control: max-age=60", "Cache-Control: max-age=60"}, life: time.Minute},
		{name: "C17 Expires less Date, both behind (RFC 9111, 4.2.1)", header: []string{"Date: " + httpDate(-time.Hour), "Expires: " + httpDate(2*time.Hour-time.Hour)}, life: 2 * time.Hour},
		{name: "C17 Expires without Date (RFC 9110, 6.6.1)", header: []string{"Expires: " + httpDate(time.Hour)}, life: time.Hour},
		{name: "C17 Expires with an invalid Date (RFC 9110, 6.6.1)", header: []string{"Date: now", "Expires: " + httpDate(time.Hour)}, life: time.Hour},
		{name: "C17 Expires in the past (RFC 9111, 4.2.1)", header: []string{"Expires: " + httpDate(-time.Hour)}, want: notLifetime},
		{name: "C26 stale on arrival by Age (RFC 9111, 4.2)", header: []string{"Cache-Control: max-age=60", "Age: 60"}, want: notLifetime},
		{name: "C26 nearly stale on arrival (RFC 9111, 4.2)", header: []string{"Cache-Control: max-age=60", "Age: 59"}, life: time.Minute},
		{name: "C26 stale on arrival by Date (RFC 9111, 4.2.3)", header: []string{"Cache-Control: max-age=60", "Date: " + httpDate(-time.Minute)}, want: notLifetime},
		{name: "C18 an Age that is no number (RFC 9111, 5.1)", header: []string{"Cache-Control: max-age=60", "Age: -1"}, life: time.Minute},
		{name: "C19 the run's own time counts (RFC 9111, 4.2.3)", header: []string{"Cache-Control: max-age=60", "Age: 50"}, more: func(r *reply) { r.requested = epoch.Add(-10 * time.Second) }, want: notLifetime},

		// Guessing, for a proxy alone
		{name: "C24 a tenth since Last-Modified (RFC 9111, 4.2.2)", opts: proxy, header: []string{"Last-Modified: " + httpDate(-100*time.Minute)}, life: 10 * time.Minute},
		{name: "C24 at most a day (ours)", opts: proxy, header: []string{"Last-Modified: " + httpDate(-1000*day)}, life: day},
		{name: "C24 Last-Modified after Date (RFC 9111, 4.2.2)", opts: proxy, header: []string{`Etag: "a"`, "Last-Modified: " + httpDate(time.Hour)}, life: 0},
		{name: "C24 a status that does not allow it (RFC 9110, 15.1)", opts: proxy, status: 302, header: []string{"Last-Modified: " + httpDate(-10*day)}, want: notStatus},
		{name: "C24 public allows it (RFC 9111, 5.2.2.9)", opts: proxy, status: 302, header: []string{"Cache-Control: public", "Last-Modified: " + httpDate(-10*day)}, life: day},
		{name: "A28 Pragma: no-cache suppresses it (ours)", opts: proxy, header: []string{"Pragma: no-cache", "Last-Modified: " + httpDate(-10*day)}, life: 0},
		{name: "A28 Pragma means nothing beside max-age (RFC 9111, 5.4)", opts: proxy, header: []string{"Pragma: no-cache", "Cache-Control: max-age=60"}, life: time.Minute},
		{name: "C24 never for a handler in the process (ours)", header: []string{"Last-Modified: " + httpDate(-10*day)}, life: 0},
		{name: "RFC 9213 a targeted field replaces the rest", opts: proxy, header: []string{"Cdn-Cache-Control: max-age=60", "Cache-Control: no-store", "Expires: 0"}, life: time.Minute},
		{name: "RFC 9213 not outside of a proxy", header: []string{"Cdn-Cache-Control: max-age=60"}, want: notLifetime},

		// The route's TTL
		{name: "C25 TTL where nothing is said (ours)", opts: ttl, life: time.Minute},
		{name: "L22 TTL is for 200 alone (ours)", opts: ttl, status: 404, want: notLifetime},
		{name: "TTLFor its status", opts: []Option{TTLFor(time.Minute, 404, 302)}, status: 302, life: time.Minute},
		{name: "TTL does not stand in for max-age (ours)", opts: ttl, header: []string{"Cache-Control: max-age=5"}, life: 5 * time.Second},
		{name: "TTL does not stand in for Expires (ours)", opts: ttl, header: []string{"Expires: " + httpDate(5*time.Second)}, life: 5 * time.Second},
		{name: "TTL with public alone", opts: ttl, header: []string{"Cache-Control: public"}, life: time.Minute},
		{name: "TTL does not lift no-cache (RFC 9111, 5.2.2.4)", opts: ttl, header: []string{"Cache-Control: no-cache"}, want: notLifetime},
		{name: "TTL does not lift no-store (RFC 9111, 5.2.2.5)", opts: ttl, header: []string{"Cache-Control: no-store"}, want: notNoStore},
		{name: "TTL counts here, the route's max-age elsewhere", opts: []Option{TTL(time.Minute), CacheControl("public, max-age=5")}, life: time.Minute},
		{name: "CacheControl is obeyed here too", opts: []Option{CacheControl("public, max-age=5")}, life: 5 * time.Second},
		{name: "CacheControl no-store is obeyed here too", opts: []Option{CacheControl("no-store")}, want: notNoStore},
		{name: "CacheControl no-store, whatever the handler says", opts: []Option{CacheControl("no-store")}, header: []string{"Cache-Control: max-age=60"}, want: notNoStore},
		{name: "CacheControl private, whatever the handler says", opts: []Option{CacheControl("private")}, header: []string{"Cache-Control: public, max-age=60"}, want: notPrivate},
		{name: "CacheControl does not stand in for what the handler wrote", opts: []Option{CacheControl("max-age=5")}, header: []string{"Cache-Control: max-age=60"}, life: time.Minute},
		{name: "MaxLifetime caps (C27)", header: []string{"Cache-Control: max-age=31536000"}, life: 30 * day},

		// Precedence
		{name: "Override puts TTL before max-age", opts: []Option{TTL(time.Minute), Override()}, header: []string{"Cache-Control: max-age=5"}, life: time.Minute},
		{name: "Override puts TTL before no-cache", opts: []Option{TTL(time.Minute), Override()}, header: []string{"Cache-Control: no-cache"}, life: time.Minute},
		{name: "Override puts CacheControl before max-age and Expires", opts: []Option{CacheControl("max-age=60"), Override()}, header: []string{"Cache-Control: max-age=5", "Expires: 0"}, life: time.Minute},
		{name: "Override: no-store of the handler stands", opts: []Option{TTL(time.Minute), CacheControl("max-age=60"), Override()}, header: []string{"Cache-Control: no-store"}, want: notNoStore},
		{name: "Override: private of the handler stands", opts: []Option{TTL(time.Minute), CacheControl("max-age=60"), Override()}, header: []string{"Cache-Control: private"}, want: notPrivate},
		{name: "SetTTL before Override", opts: []Option{TTL(time.Minute), Override()}, header: []string{"Cache-Control: max-age=5"}, more: setTTL, life: time.Hour},
		{name: "SetTTL before the handler's max-age=0", header: []string{"Cache-Control: max-age=0"}, more: setTTL, life: time.Hour},
		{name: "SetTTL before the handler's no-cache", header: []string{"Cache-Control: no-cache"}, more: setTTL, life: time.Hour},
		{name: "SetTTL for any status that may be stored", status: 500, more: setTTL, life: time.Hour},
		{name: "SetTTL does not lift no-store", header: []string{"Cache-Control: no-store"}, more: setTTL, want: notNoStore},
		{name: "SetTTL does not lift private", header: []string{"Cache-Control: private"}, more: setTTL, want: notPrivate},
		{name: "SetTTL does not lift the route's no-store", opts: []Option{CacheControl("no-store")}, more: setTTL, want: notNoStore},
		{name: "SetTTL does not lift 401", status: 401, more: setTTL, want: notStatus},
		{name: "DoNotStore before everything", opts: ttl, header: []string{"Cache-Control: public, max-age=60"}, more: func(r *reply) { setTTL(r); off(r) }, want: notHandler},
		{name: "SetTTL puts Age from upstream aside", header: []string{"Age: 7200"}, more: setTTL, life: time.Hour},

		// PerUser and Shared
		{name: "PerUser stores private", opts: perUser, header: []string{"Cache-Control: private, max-age=60"}, life: time.Minute},
		{name: "PerUser does not store no-store", opts: perUser, header: []string{"Cache-Control: no-store"}, want: notNoStore},
		{name: "Shared does not store the handler's private", opts: []Option{Shared()}, header: []string{"Cache-Control: private, max-age=60"}, want: notPrivate},
		{name: "Shared stores under the route's private", opts: []Option{Shared(), TTL(time.Minute), CacheControl("private")}, life: time.Minute},
		{name: "StoreIf is a veto", opts: []Option{StoreIf(func(int, http.Header) bool { return false })}, header: []string{"Cache-Control: max-age=60"}, want: notVeto},
		{name: "StoreIf permits nothing", opts: []Option{StoreIf(func(int, http.Header) bool { return true })}, header: []string{"Cache-Control: no-store"}, want: notNoStore},
	}
	c := testCache(t, Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status := tt.status
			if status == 0 {
				status = http.StatusOK
			}
			f, reason := judge(testPolicy(t, c, tt.opts), status, header(tt.header...), tt.more)
			if reason != tt.want {
				t.Fatalf("reason %q, want %q", reason, tt.want)
			}
			if reason == stored && f.lifetime != tt.life {
				t.Errorf("lifetime %v, want %v", f.lifetime, tt.life)
			}
			if reason == stored && tt.life > 0 && f.noCache {
				t.Error("stored, and never usable without validation")
			}
		})
	}
}

func TestFreshnessFlags(t *testing.T) {
	c := testCache(t, Config{})
	tests := []struct {
		name string
		opts []Option
		cc   string
		want freshness
	}{
		{"D10 must-revalidate", nil, "max-age=60, must-revalidate", freshness{explicit: true, locked: true, shareable: true}},
		{"D10 proxy-revalidate", nil, "max-age=60, proxy-revalidate", freshness{explicit: true, locked: true}},
		{"D10 s-maxage", nil, "s-maxage=60", freshness{explicit: true, locked: true, shareable: true}},
		{"D19 immutable", nil, "max-age=60, immutable", freshness{explicit: true, immutable: true}},
		{"A12 public", nil, "max-age=60, public", freshness{explicit: true, shareable: true}},
		{"max-age alone", nil, "max-age=60", freshness{explicit: true}},
		{"the route's TTL is nobody else's business", []Option{TTL(time.Minute)}, "", freshness{governed: true}},
		{"Override's TTL as well", []Option{TTL(time.Minute), Override()}, "max-age=5", freshness{governed: true}},
		{"CacheControl is said to everybody", []Option{CacheControl("max-age=60")}, "", freshness{explicit: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			if tt.cc != "" {
				h.Set("Cache-Control", tt.cc)
			}
			got, reason := judge(testPolicy(t, c, tt.opts), 200, h, nil)
			if reason != noDetail {
				t.Fatalf("not stored: %s", reason)
			}
			tt.want.lifetime = time.Minute
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// The order of the rulings: SetTTL, Override, the handler, inner New, outer New,
// Defaults. Each row takes the strongest one away from the row before.
func TestPrecedence(t *testing.T) {
	c := testCache(t, Config{Defaults: []Option{TTL(1 * time.Second)}})
	outer := []Option{TTL(2 * time.Second)}
	inner := []Option{TTL(3 * time.Second)}
	handler := "Cache-Control: max-age=4"
	set := func(r *reply) { r.setTTL, r.hasTTL = 6*time.Second, true }
	tests := []struct {
		name   string
		levels [][]Option
		header []string
		more   func(*reply)
		want   time.Duration
	}{
		{"SetTTL", [][]Option{outer, {TTL(5 * time.Second), Override()}}, []string{handler}, set, 6 * time.Second},
		{"Override", [][]Option{outer, {TTL(5 * time.Second), Override()}}, []string{handler}, nil, 5 * time.Second},
		{"Override of an outer level", [][]Option{{TTL(2 * time.Second), Override()}, inner}, []string{handler}, nil, 3 * time.Second},
		{"the handler", [][]Option{outer, inner}, []string{handler}, nil, 4 * time.Second},
		{"inner New", [][]Option{outer, inner}, nil, nil, 3 * time.Second},
		{"inner CacheControl before outer TTL", [][]Option{outer, {CacheControl("max-age=9")}}, nil, nil, 9 * time.Second},
		{"inner TTL beside outer CacheControl", [][]Option{{CacheControl("max-age=9")}, inner}, nil, nil, 3 * time.Second},
		{"inner CacheControl without lifetime leaves the outer TTL", [][]Option{outer, {CacheControl("public")}}, nil, nil, 2 * time.Second},
		{"outer New", [][]Option{outer, {}}, nil, nil, 2 * time.Second},
		{"Defaults", [][]Option{{}}, nil, nil, 1 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, reason := judge(testPolicy(t, c, tt.levels...), 200, header(tt.header...), tt.more)
			if reason != noDetail || f.lifetime != tt.want {
				t.Errorf("lifetime %v (%q), want %v", f.lifetime, reason, tt.want)
			}
		})
	}
	t.Run("TTL(0) takes back an outer one", func(t *testing.T) {
		if _, reason := judge(testPolicy(t, c, outer, []Option{TTL(0)}), 200, http.Header{}, nil); reason != notLifetime {
			t.Errorf("reason %q, want %q", reason, notLifetime)
		}
	})
	for _, forbidding := range []string{"no-store", "private"} {
		t.Run("an inner level does not loosen "+forbidding, func(t *testing.T) {
			for _, in := range [][]Option{{TTL(time.Minute)}, {CacheControl("public, max-age=60")}, {CacheControl("max-age=60"), Override()}} {
				if f, reason := judge(testPolicy(t, c, []Option{CacheControl(forbidding)}, in), 200, http.Header{}, set); reason.String() != forbidding {
					t.Errorf("reason %q (%v), want %q", reason, f.lifetime, forbidding)
				}
			}
		})
	}
	t.Run("an inner private does not loosen no-store", func(t *testing.T) {
		user := PerUser(func(*http.Request) (string, bool) { return "u", true })
		in := []Option{user, TTL(time.Minute), CacheControl("private")}
		if _, reason := judge(testPolicy(t, c, []Option{CacheControl("no-store")}, in), 200, http.Header{}, nil); reason != notNoStore {
			t.Errorf("reason %q, want %q", reason, notNoStore)
		}
	})
}

func TestUnderstoodStatus(t *testing.T) {
	want := map[int]bool{200: true, 203: true, 204: true, 300: true, 301: true, 302: true, 303: true, 307: true, 308: true, 404: true, 405: true, 410: true, 414: true, 501: true}
	for code := 100; code < 700; code++ {
		if understoodStatus(code) != want[code] {
			t.Errorf("A6: understoodStatus(%d) = %v", code, !want[code])
		}
	}
}

func TestHeuristicStatus(t *testing.T) {
	// 206 is heuristically cacheable too, but never stored here.
	want := map[int]bool{200: true, 203: true, 204: true, 300: true, 301: true, 308: true, 404: true, 405: true, 410: true, 414: true, 451: true, 501: true}
	for code := 100; code < 700; code++ {
		if heuristicStatus(code) != want[code] {
			t.Errorf("A14: heuristicStatus(%d) = %v (RFC 9110, section 15.1)", code, !want[code])
		}
	}
}
