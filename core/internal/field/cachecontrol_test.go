package field_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-cachex/cachex/core/internal/field"
)

func TestParseControl(t *testing.T) {
	const inv = field.Invalid
	type c = field.Control
	tests := []struct {
		rule  string
		lines []string
		want  c
	}{
		{"absent", nil, c{}},
		{"RFC 9110 5.6.1, empty members", []string{"", " , ,", "\t"}, c{}},
		{"RFC 9111 5.2, one directive", []string{"max-age=60"}, c{Has: field.MaxAge, MaxAge: 60}},
		{"RFC 9111 5.2, letter case", []string{"MAX-age=60, No-Store"}, c{Has: field.MaxAge | field.NoStore, MaxAge: 60}},
		{"RFC 9110 5.3, several lines", []string{"max-age=60", "public"}, c{Has: field.MaxAge | field.Public, MaxAge: 60}},
		{"RFC 9110 5.6.1, blanks and empty members", []string{" ,max-age=1 ,,\tpublic, "}, c{Has: field.MaxAge | field.Public, MaxAge: 1}},
		{"RFC 9111 5.2.2, all of a response", []string{
			"max-age=1, s-maxage=2, public, private, no-cache, no-store, no-transform, must-revalidate",
			"proxy-revalidate, must-understand, immutable, stale-while-revalidate=3, stale-if-error=4",
		}, c{
			Has: field.MaxAge | field.SMaxAge | field.Public | field.Private | field.NoCache | field.NoStore | field.NoTransform |
				field.MustRevalidate | field.ProxyRevalidate | field.MustUnderstand | field.Immutable |
				field.StaleWhileRevalidate | field.StaleIfError,
			MaxAge: 1, SMaxAge: 2, StaleWhileRevalidate: 3, StaleIfError: 4,
		}},
		{"RFC 9111 5.2.1, of a request", []string{"max-stale=5, min-fresh=6, only-if-cached"}, c{
			Has: field.MaxStale | field.MinFresh | field.OnlyIfCached, MaxStale: 5, MinFresh: 6}},
		{"RFC 9111 5.2.1.2, max-stale without a value", []string{"max-stale"}, c{Has: field.MaxStale, MaxStale: field.Unbounded}},
		{"RFC 9111 5.2.1.2, max-stale with a bad one", []string{"max-stale=x"}, c{Has: field.MaxStale, MaxStale: inv}},

		{"RFC 9111 5.2, the quoted form", []string{`max-age="60"`}, c{Has: field.MaxAge, MaxAge: 60}},
		{"RFC 9110 5.6.4, escapes", []string{`max-age="6\0"`}, c{Has: field.MaxAge, MaxAge: 60}},
		{"RFC 9111 5.2.3, names in the argument of another", []string{`ext="no-store, max-age=9", max-age=60`}, c{Has: field.MaxAge, MaxAge: 60}},
		{"RFC 9110 5.6.4, an escaped quote", []string{`ext="a\", no-store", public`}, c{Has: field.Public}},
		{"RFC 9111 5.2.3, unknown directives", []string{"x=1, y, xno-store, no-storex, max-ag=3"}, c{}},

		{"RFC 9111 1.2.2, leading zeros", []string{"max-age=0060"}, c{Has: field.MaxAge, MaxAge: 60}},
		{"RFC 9111 1.2.2, overflow", []string{"max-age=99999999999999999999"}, c{Has: field.MaxAge, MaxAge: 1 << 31}},
		{"RFC 9111 4.2.1, a sign", []string{"max-age=-1, s-maxage=+1"}, c{Has: field.MaxAge | field.SMaxAge, MaxAge: inv, SMaxAge: inv}},
		{"RFC 9111 4.2.1, a fraction", []string{"max-age=60.0"}, c{Has: field.MaxAge, MaxAge: inv}},
		{"RFC 9111 4.2.1, a unit", []string{"max-age=60s"}, c{Has: field.MaxAge, MaxAge: inv}},
		{"RFC 9111 4.2.1, single quotes", []string{"max-age='60'"}, c{Has: field.MaxAge, MaxAge: inv}},
		{"RFC 9111 4.2.1, no argument", []string{"max-age, s-maxage="}, c{Has: field.MaxAge | field.SMaxAge, MaxAge: inv, SMaxAge: inv}},
		{"RFC 9111 4.2.1, an empty string", []string{`max-age=""`}, c{Has: field.MaxAge, MaxAge: inv}},
		{"RFC 9111 4.2.1, blank before the equals sign", []string{"max-age =60"}, c{Has: field.MaxAge, MaxAge: inv}},
		{"RFC 9111 4.2.1, blank behind the equals sign", []string{"max-age= 60"}, c{Has: field.MaxAge, MaxAge: inv}},
		{"RFC 9111 4.2.1, blank in the quotes", []string{`max-age=" 60"`}, c{Has: field.MaxAge, MaxAge: inv}},
		{"RFC 9111 4.2.1, two numbers", []string{"max-age=6 0"}, c{Has: field.MaxAge, MaxAge: inv}},

		{"RFC 9111 4.2.1, equal repetitions", []string{"max-age=60, max-age=060", `max-age="60"`}, c{Has: field.MaxAge, MaxAge: 60}},
		{"RFC 9111 4.2.1, differing repetitions", []string{"max-age=60, max-age=61"}, c{Has: field.MaxAge, MaxAge: inv}},
		{"RFC 9111 4.2.1, differing and then equal", []string{"max-age=60, max-age=61, max-age=60"}, c{Has: field.MaxAge, MaxAge: inv}},
		{"RFC 9111 4.2.1, one of two is bad", []string{"max-age=60, max-age=x"}, c{Has: field.MaxAge, MaxAge: inv}},

		{"RFC 9111 4.2.1, restrictions with an argument", []string{"no-store=1, must-revalidate=x, proxy-revalidate="}, c{
			Has: field.NoStore | field.MustRevalidate | field.ProxyRevalidate}},
		{"RFC 9111 4.2.1, a restriction with blanks", []string{"no-store = 1"}, c{Has: field.NoStore}},
		{"RFC 9111 4.2.1, a permission with an argument", []string{"public=0"}, c{}},
		{"RFC 8246 2, immutable with an argument", []string{"immutable=1"}, c{Has: field.Immutable}},

		{"RFC 9111 5.2.2.7, fields", []string{`private="set-cookie, x-user"`}, c{PrivateFields: []string{"Set-Cookie", "X-User"}}},
		{"RFC 9111 5.2.2.7, the token form", []string{"private=SET-COOKIE"}, c{PrivateFields: []string{"Set-Cookie"}}},
		{"RFC 9111 5.2.2.4, fields", []string{`no-cache=",a ,, b"`, "no-cache=c"}, c{NoCacheFields: []string{"A", "B", "C"}}},
		{"RFC 9111 5.2.2.4, both forms", []string{`no-cache="a", no-cache`}, c{Has: field.NoCache, NoCacheFields: []string{"A"}}},
		{"RFC 9111 5.2.2.7, an empty list", []string{`private=""`}, c{Has: field.Private}},
		{"RFC 9111 5.2.2.7, only commas", []string{`private=" , "`}, c{Has: field.Private}},
		{"RFC 9111 5.2.2.7, a malformed list", []string{`private="a b"`}, c{Has: field.Private}},
		{"RFC 9111 5.2.2.7, no argument behind the equals sign", []string{"private="}, c{Has: field.Private}},
		{"RFC 9111 5.2.2.7, blanks", []string{`private = "a"`}, c{Has: field.Private}},
		{"RFC 9111 5.2.2.7, something behind the quotes", []string{`private="a"b`}, c{Has: field.Private}},

		{"RFC 9110 5.6.4, an unterminated quote", []string{`ext="a, max-age=60`}, c{Broken: true}},
		{"RFC 9110 5.6.4, an unterminated lifetime", []string{`max-age="60`}, c{Has: field.MaxAge, MaxAge: inv, Broken: true}},
		{"RFC 9110 5.6.4, an unterminated list", []string{`private="a`}, c{Has: field.Private, Broken: true}},
		{"RFC 9110 5.6.4, an escape at the end", []string{`ext="a\`}, c{Broken: true}},
		{"RFC 9110 5.6.4, a quote in a name hides nothing", []string{`"a, no-store`}, c{Has: field.NoStore, Broken: true}},
		{"RFC 9110 5.6.4, a quote in a token hides nothing", []string{`x=a", no-store`}, c{Has: field.NoStore, Broken: true}},
		{"RFC 9110 5.6.4, a quote behind a string hides nothing", []string{`x="a"", no-store`}, c{Has: field.NoStore, Broken: true}},
		{"RFC 9110 5.6.4, a broken line does not reach into the next", []string{`x="a`, "no-store"}, c{Has: field.NoStore, Broken: true}},
	}
	for _, tt := range tests {
		if got := field.ParseControl(tt.lines); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %q\n got %+v\nwant %+v", tt.rule, tt.lines, got, tt.want)
		}
	}
}

func TestParseControlDoesNotAllocate(t *testing.T) {
	lines := []string{`public, max-age=60, s-maxage="120"`, "stale-while-revalidate=30, must-revalidate, x=y"}
	if n := testing.AllocsPerRun(100, func() { field.ParseControl(lines) }); n != 0 {
		t.Errorf("%v allocations for a usual Cache-Control", n)
	}
}

func TestControlIs(t *testing.T) {
	c := field.ParseControl([]string{"public, no-cache"})
	for _, tt := range []struct {
		d    field.Directive
		want bool
	}{
		{field.Public, true}, {field.Public | field.NoCache, true}, {field.Public | field.NoStore, false}, {field.Private, false},
	} {
		if got := c.Is(tt.d); got != tt.want {
			t.Errorf("Is(%b) = %v", tt.d, got)
		}
	}
}

func TestCheckControl(t *testing.T) {
	for _, v := range []string{
		"max-age=60", "public, s-maxage=0, max-age=1", "no-store", "private, no-cache, max-age=1",
		"NO-CACHE", "no-transform, must-revalidate, proxy-revalidate, max-age=5",
		"max-age=1, immutable", "s-maxage=1, immutable", "max-age=1, stale-while-revalidate=2, stale-if-error=3",
		`private="set-cookie", max-age=9, public`, `no-cache="a, b", max-age=9, immutable`,
		"no-store, no-cache, private, must-revalidate, max-age=0",
		"no-store, must-understand",              // RFC 9111, section 5.2.2.3
		"must-understand, no-store, max-age=60",  // the same
		"s-maxage=60, stale-while-revalidate=30", // sites mean it, see RFC 9111, section 5.2.2.10
		"max-age=99999999999999999999",           // RFC 9111, section 1.2.2
	} {
		c, err := field.CheckControl(v)
		if err != nil {
			t.Errorf("%q: %v", v, err)
		}
		if want := field.ParseControl([]string{v}); !reflect.DeepEqual(c, want) {
			t.Errorf("%q: got %+v, ParseControl says %+v", v, c, want)
		}
	}
	for _, tt := range []struct{ v, names string }{
		{"", "no directive"}, {" , ", "no directive"},
		{"max-age", "max-age"}, {"max-age=", "max-age"}, {"max-age=1h", `"1h"`}, {"max-age=-1", `"-1"`}, {"max-age = 1", "max-age"},
		{`max-age="60"`, "max-age"}, // RFC 9111, section 5.2.2.1: never to be generated
		{"max-age=1, max-age=2", "max-age"}, {"public, public", "public"},
		{"maxage=1", `"maxage"`}, {"public; max-age=1", "public;"}, {"public\r\nX: y", "public"},
		{"max-stale=1", "max-stale"}, {"min-fresh=1", "min-fresh"}, {"only-if-cached", "only-if-cached"}, // of requests
		{"public=1", "public"}, {"no-store=x", "no-store"},
		{`private=""`, "private"}, {`private="a b"`, "private"}, {`private="a`, "private"}, {`private="a"b`, "private"},
		{"no-store, max-age=1", "no-store"}, {"no-store, s-maxage=1, max-age=0", "no-store"}, {"no-store, public", "no-store"},
		{"no-store, max-age=0, stale-if-error=1", "no-store"}, {"no-store, immutable", "no-store"},
		{"private, public", "private"}, {"private, s-maxage=1", "s-maxage"},
		{"immutable", "immutable"},
		{"no-cache, stale-while-revalidate=1", "no-cache"}, {"no-cache, max-age=1, immutable", "no-cache"},
		{"max-age=1, must-revalidate, stale-while-revalidate=1", "must-revalidate"},
		{"max-age=1, proxy-revalidate, stale-if-error=1", "proxy-revalidate"},
	} {
		_, err := field.CheckControl(tt.v)
		if err == nil {
			t.Errorf("%q passes", tt.v)
		} else if !strings.Contains(err.Error(), tt.names) {
			t.Errorf("%q: %q does not name %s", tt.v, err, tt.names)
		}
	}
}

func FuzzParseControl(f *testing.F) {
	f.Add(`public, max-age="60"`, `private="a, b"`)
	f.Add(`x="a\", no-store`, "max-stale, max-stale=1")
	f.Fuzz(func(t *testing.T, a, b string) {
		c := field.ParseControl([]string{a, b})
		if !c.Broken {
			if joined := field.ParseControl([]string{a + ", " + b}); !reflect.DeepEqual(c, joined) {
				t.Errorf("lines %q, %q: %+v, joined: %+v", a, b, c, joined)
			}
		}
		for _, n := range []int64{c.MaxAge, c.SMaxAge, c.MaxStale, c.MinFresh, c.StaleWhileRevalidate, c.StaleIfError} {
			if n < field.Invalid || n > field.Unbounded {
				t.Errorf("%q, %q: %d is out of bounds", a, b, n)
			}
		}
		for _, n := range append(c.PrivateFields, c.NoCacheFields...) {
			if !field.ValidName(n) {
				t.Errorf("%q, %q: field name %q", a, b, n)
			}
		}
		// A restriction in the first line stands, whatever follows.
		if first := field.ParseControl([]string{a}); first.Has&^c.Has != 0 || first.Broken && !c.Broken {
			t.Errorf("%q loses directives before %q", a, b)
		}
		if checked, err := field.CheckControl(a); err == nil {
			if got := field.ParseControl([]string{a}); !reflect.DeepEqual(got, checked) || got.Broken {
				t.Errorf("%q: CheckControl says %+v, ParseControl %+v", a, checked, got)
			}
		}
	})
}
