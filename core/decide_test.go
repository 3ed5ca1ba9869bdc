package cachex

import (
	"math"
	"testing"
	"time"

	"github.com/go-cachex/cachex/core/internal/field"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stored is an entry that is age seconds old at epoch and good for life seconds.
func stored(life, age int64, more ...func(*entry)) *entry {
	e := &entry{received: momentOf(epoch.Add(-time.Duration(age) * time.Second))}
	e.lifetime, e.explicit = time.Duration(life)*time.Second, true
	for _, f := range more {
		f(e)
	}
	return e
}

func TestDecide(t *testing.T) {
	locked := func(e *entry) { e.locked = true }
	noCache := func(e *entry) { e.noCache = true }
	immutable := func(e *entry) { e.immutable = true }
	shareable := func(e *entry) { e.shareable = true }
	inexplicit := func(e *entry) { e.explicit = false }
	taken := func(e *entry) { e.state.set(unsure) }
	upstream := func(seconds int64) func(*entry) {
		return func(e *entry) { e.age = time.Duration(seconds) * time.Second }
	}

	serve := decision{action: actServe}
	maxStale := decision{action: actServe, detail: maxStale}
	stale := decision{action: actValidate, fwd: fwdStale}
	asked := decision{action: actValidate, fwd: fwdRequest}
	barred := decision{action: actRun, fwd: fwdRequest, detail: notCredentials}
	timeout := func(d decision) decision { d.action = actGatewayTimeout; return d }

	tests := []struct {
		name    string
		entry   *entry
		known   bool
		control string
		more    func(*demands)
		proxy   bool
		want    decision
	}{
		{name: "D1 nothing stored (RFC 9111, 4)", want: decision{action: actRun, fwd: fwdURIMiss}},
		{name: "D1 no variant matches (RFC 9111, 4.1)", known: true, want: decision{action: actValidate, fwd: fwdVaryMiss}},
		{name: "D1 fresh (RFC 9111, 4)", entry: stored(60, 10), want: serve},

		{name: "C1 one second left (RFC 9111, 4.2)", entry: stored(60, 59), want: serve},
		{name: "C1 equality is stale (RFC 9111, 4.2)", entry: stored(60, 60), want: stale},
		{name: "C1 lifetime 0 is never fresh (RFC 9111, 4.2)", entry: stored(0, 0), want: stale},
		{name: "C19 an age from upstream counts (RFC 9111, 4.2.3)", entry: stored(60, 1, upstream(59)), want: stale},
		{name: "C20 a clock that was set back makes nothing younger (RFC 9111, 4.2.3)", entry: stored(60, -3600, upstream(60)), want: stale},
		{name: "C20 nor older (RFC 9111, 4.2.3)", entry: stored(60, -3600, upstream(59)), want: serve},
		{name: "C4 ages saturate (RFC 9111, 1.2.2)", entry: stored(60, 10, func(e *entry) { e.age = math.MaxInt64 }), want: stale},

		{name: "D3 requests may ask for nothing (RFC 9111, 5.2.1)", entry: stored(60, 10), control: "unknown=1", want: serve},

		{name: "D4 max-age above the age (RFC 9111, 5.2.1.1)", entry: stored(60, 10), control: "max-age=11", want: serve},
		{name: "D4 max-age equal to the age (RFC 9111, 5.2.1.1)", entry: stored(60, 10), control: "max-age=10", want: serve},
		{name: "D4 max-age below the age (RFC 9111, 5.2.1.1)", entry: stored(60, 10), control: "max-age=9", want: asked},
		{name: "D4 the age from upstream counts (RFC 9111, 5.2.1.1)", entry: stored(60, 10, upstream(10)), control: "max-age=19", want: asked},
		{name: "D4 max-age=0 validates (RFC 9111, 5.2.1.1)", entry: stored(60, 10), control: "max-age=0", want: asked},
		{name: "D4 max-age=0 at age 0 (RFC 9111, 5.2.1.1)", entry: stored(60, 0), control: "max-age=0", want: serve},
		{name: "D4 max-age allows nothing stale (RFC 9111, 5.2.1.1)", entry: stored(60, 61), control: "max-age=600", want: stale},
		{name: "D4 a huge max-age saturates (RFC 9111, 1.2.2)", entry: stored(60, 10), control: "max-age=99999999999999999999", want: serve},

		{name: "D5 min-fresh within what is left (RFC 9111, 5.2.1.3)", entry: stored(60, 10), control: "min-fresh=49", want: serve},
		{name: "D5 min-fresh equal to what is left (RFC 9111, 5.2.1.3)", entry: stored(60, 10), control: "min-fresh=50", want: serve},
		{name: "D5 min-fresh above what is left (RFC 9111, 5.2.1.3)", entry: stored(60, 10), control: "min-fresh=51", want: asked},
		{name: "D5 a huge min-fresh saturates (RFC 9111, 1.2.2)", entry: stored(1<<31-1, 10), control: "min-fresh=99999999999999999999", want: asked},

		{name: "D6 max-stale without a value (RFC 9111, 5.2.1.2)", entry: stored(60, 1e6), control: "max-stale", want: maxStale},
		{name: "D6 max-stale above the excess (RFC 9111, 5.2.1.2)", entry: stored(60, 70), control: "max-stale=11", want: maxStale},
		{name: "D6 max-stale equal to the excess (RFC 9111, 5.2.1.2)", entry: stored(60, 70), control: "max-stale=10", want: maxStale},
		{name: "D6 max-stale below the excess (RFC 9111, 5.2.1.2)", entry: stored(60, 70), control: "max-stale=9", want: stale},
		{name: "D6 max-stale=0 at equality (RFC 9111, 5.2.1.2)", entry: stored(60, 60), control: "max-stale=0", want: maxStale},
		{name: "D6 an invalid max-stale is ignored (RFC 9111, 5.2.1.2)", entry: stored(60, 70), control: "max-stale=x", want: stale},
		{name: "D6 max-stale with a sufficient max-age (RFC 9111, 5.2.1.1)", entry: stored(60, 70), control: "max-stale, max-age=70", want: maxStale},
		{name: "D6 max-stale with a smaller max-age (RFC 9111, 5.2.1.1)", entry: stored(60, 70), control: "max-stale, max-age=69", want: stale},
		{name: "D6 max-stale with min-fresh (RFC 9111, 5.2.1.3)", entry: stored(60, 70), control: "max-stale, min-fresh=1", want: stale},
		{name: "D6 max-stale changes nothing while fresh (RFC 9111, 5.2.1.2)", entry: stored(60, 10), control: "max-stale", want: serve},

		{name: "D7 no-cache, fresh (RFC 9111, 5.2.1.4)", entry: stored(60, 10), control: "no-cache", want: asked},
		{name: "D7 no-cache, stale (RFC 9111, 5.2.1.4)", entry: stored(60, 70), control: "no-cache, max-stale", want: stale},
		{name: "D7 Pragma alone (RFC 9111, 5.4)", entry: stored(60, 10), more: func(d *demands) { d.pragma = true }, want: asked},

		{name: "D8 only-if-cached, fresh (RFC 9111, 5.2.1.7)", entry: stored(60, 10), control: "only-if-cached", want: serve},
		{name: "D8 only-if-cached, allowed stale (RFC 9111, 5.2.1.7)", entry: stored(60, 70), control: "only-if-cached, max-stale", want: maxStale},
		{name: "D8 only-if-cached, nothing stored (RFC 9111, 5.2.1.7)", control: "only-if-cached", want: timeout(decision{fwd: fwdURIMiss})},
		{name: "D8 only-if-cached, no variant (RFC 9111, 5.2.1.7)", known: true, control: "only-if-cached", want: timeout(decision{fwd: fwdVaryMiss})},
		{name: "D8 only-if-cached, stale (RFC 9111, 5.2.1.7)", entry: stored(60, 70), control: "only-if-cached", want: timeout(stale)},
		{name: "D8 only-if-cached with max-age=0 (RFC 9111, 5.2.1.7)", entry: stored(60, 10), control: "only-if-cached, max-age=0", want: timeout(asked)},
		{name: "D8 only-if-cached with no-cache (RFC 9111, 5.2.1.7)", entry: stored(60, 10), control: "only-if-cached, no-cache", want: timeout(asked)},
		{name: "D8 only-if-cached with credentials (RFC 9111, 3.5)", entry: stored(60, 10), control: "only-if-cached",
			more: func(d *demands) { d.credentials = byCookie }, want: timeout(barred)},

		{name: "D9 no-cache of the response, fresh (RFC 9111, 5.2.2.4)", entry: stored(60, 10, noCache), want: stale},
		{name: "D9 no-cache of the response, max-stale (RFC 9111, 5.2.2.4)", entry: stored(60, 10, noCache), control: "max-stale", want: stale},
		{name: "F4 taken back until validated (RFC 9111, 4.4)", entry: stored(60, 10, taken), control: "max-stale", want: stale},

		{name: "D10 must-revalidate, fresh (RFC 9111, 5.2.2.2)", entry: stored(60, 10, locked), want: serve},
		{name: "D10 must-revalidate, stale (RFC 9111, 5.2.2.2)", entry: stored(60, 60, locked), want: stale},
		{name: "D12 must-revalidate outranks max-stale (RFC 9111, 4.2.4)", entry: stored(60, 60, locked), control: "max-stale", want: stale},
		{name: "D11 must-revalidate with only-if-cached (RFC 9111, 5.2.2.2)", entry: stored(60, 60, locked), control: "max-stale, only-if-cached", want: timeout(stale)},
		{name: "D13 stale without permission (RFC 9111, 4.2.4)", entry: stored(60, 61), want: stale},

		{name: "D19 immutable, max-age=0 (RFC 8246, 2)", entry: stored(60, 10, immutable), control: "max-age=0", want: serve},
		{name: "D19 immutable, another max-age (RFC 8246, 2)", entry: stored(60, 10, immutable), control: "max-age=9", want: asked},
		{name: "D19 immutable, no-cache (RFC 8246, 2)", entry: stored(60, 10, immutable), control: "no-cache", want: asked},
		{name: "D19 immutable, max-age=0 and min-fresh (RFC 9111, 5.2.1.3)", entry: stored(60, 10, immutable), control: "max-age=0, min-fresh=51", want: asked},
		{name: "D19 immutable, stale (RFC 8246, 2)", entry: stored(60, 60, immutable), control: "max-age=0", want: stale},
		{name: "D19 immutable, stale, max-stale (RFC 8246, 2)", entry: stored(60, 60, immutable), control: "max-age=0, max-stale", want: stale},
		{name: "D19 immutable in a request (RFC 8246, 2)", entry: stored(60, 60), control: "immutable", want: stale},

		{name: "E23 If-Match is for the origin (RFC 9110, 13.1.1)", entry: stored(60, 10),
			more: func(d *demands) { d.conditional = true }, want: decision{action: actRun, fwd: fwdRequest}},

		{name: "A12 Cookie, max-age alone (RFC 9111, 3.5)", entry: stored(60, 10), more: func(d *demands) { d.credentials = byCookie }, want: barred},
		{name: "A12 Authorization, max-age alone (RFC 9111, 3.5)", entry: stored(60, 10), more: func(d *demands) { d.credentials = byAuthorization }, want: barred},
		{name: "A12 Cookie, public (RFC 9111, 3.5)", entry: stored(60, 10, shareable), more: func(d *demands) { d.credentials = byCookie }, want: serve},
		{name: "A12 Authorization, s-maxage (RFC 9111, 3.5)", entry: stored(60, 10, shareable, locked), more: func(d *demands) { d.credentials = byAuthorization }, want: serve},
		{name: "A12 Authorization, s-maxage, stale (RFC 9111, 3.5)", entry: stored(60, 60, shareable, locked), more: func(d *demands) { d.credentials = byAuthorization }, want: stale},
		{name: "A27 a proxy, Cookie, explicit freshness (RFC 9111, 7.3)", proxy: true, entry: stored(60, 10), more: func(d *demands) { d.credentials = byCookie }, want: serve},
		{name: "A27 a proxy, Cookie, a guessed lifetime (RFC 9111, 7.3)", proxy: true, entry: stored(60, 10, inexplicit), more: func(d *demands) { d.credentials = byCookie }, want: barred},
		{name: "A12 a proxy, Authorization, explicit freshness (RFC 9111, 3.5)", proxy: true, entry: stored(60, 10), more: func(d *demands) { d.credentials = byAuthorization }, want: barred},
		{name: "A12 a proxy, Cookie and Authorization (RFC 9111, 3.5)", proxy: true, entry: stored(60, 10), more: func(d *demands) { d.credentials = byCookie | byAuthorization }, want: barred},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d demands
			if tt.control != "" {
				d.control = field.ParseControl([]string{tt.control})
			}
			if tt.more != nil {
				tt.more(&d)
			}
			if got := decide(tt.entry, tt.known || tt.entry != nil, &d, tt.proxy, momentOf(epoch)); got != tt.want {
				t.Errorf("decide = %+v, want %+v", got, tt.want)
			}
		})
	}
}

// D2: methods without a GET entry's meaning never come to decide.
func TestOnlyGetAndHeadAreAnswered(t *testing.T) {
	for _, m := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "get", "Head", "PURGE", ""} {
		if asMethod(m) {
			t.Errorf("%q is answered from the cache (RFC 9111, section 4; methods are case-sensitive: RFC 9110, section 9.1)", m)
		}
	}
	if !asMethod("GET") || !asMethod("HEAD") {
		t.Error("GET and HEAD are not answered from the cache")
	}
}

func TestSafeMethods(t *testing.T) {
	for m, want := range map[string]bool{
		"GET": true, "HEAD": true, "OPTIONS": true, "TRACE": true, "QUERY": true, "PROPFIND": true, "REPORT": true, "SEARCH": true,
		"POST": false, "PUT": false, "PATCH": false, "DELETE": false, "PURGE": true, "MKCOL": false, "get": false, "UNHEARD": false,
	} {
		if safe(m) != want {
			t.Errorf("safe(%q) = %v: F1, F5 (RFC 9111, section 4.4)", m, !want)
		}
	}
}

func TestCurrentAgeSaturates(t *testing.T) {
	e := &entry{received: momentOf(epoch)}
	e.age = math.MaxInt64 - 5
	if got := e.currentAge(momentOf(epoch.Add(time.Hour))); got != math.MaxInt64 {
		t.Errorf("currentAge = %d, want the largest (RFC 9111, section 1.2.2)", got)
	}
	if got := seconds(field.Unbounded); got != (1<<31)*time.Second {
		t.Errorf("seconds(Unbounded) = %v", got)
	}
}
