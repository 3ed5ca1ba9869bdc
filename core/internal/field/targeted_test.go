package field_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-cachex/cachex/core/internal/field"
)

func TestParseTargeted(t *testing.T) {
	const inv = field.Invalid
	type c = field.Control
	tests := []struct {
		rule  string
		lines []string
		want  c
		ok    bool
	}{
		{"RFC 9213 2.1, absent", nil, c{}, false},
		{"RFC 9213 2.1, empty", []string{""}, c{}, false},
		{"RFC 9213 2.1, blank", []string{"  "}, c{}, false},
		{"RFC 9213 2.1, an Integer", []string{"max-age=60"}, c{Has: field.MaxAge, MaxAge: 60}, true},
		{"RFC 9651 4.2, leading and trailing SP", []string{"  max-age=60  "}, c{Has: field.MaxAge, MaxAge: 60}, true},
		{"RFC 9651 4.2, lines are combined", []string{"max-age=60", "no-store"}, c{Has: field.MaxAge | field.NoStore, MaxAge: 60}, true},
		{"RFC 9651 4.2.2, tabs around the comma", []string{"max-age=60\t,\tprivate"}, c{Has: field.MaxAge | field.Private, MaxAge: 60}, true},
		{"RFC 9213 2.2, all", []string{"max-age=1, s-maxage=2, stale-while-revalidate=3, stale-if-error=4, public, immutable, must-revalidate"}, c{
			Has:    field.MaxAge | field.SMaxAge | field.StaleWhileRevalidate | field.StaleIfError | field.Public | field.Immutable | field.MustRevalidate,
			MaxAge: 1, SMaxAge: 2, StaleWhileRevalidate: 3, StaleIfError: 4}, true},
		{"RFC 9213 2.1, a list of fields", []string{`no-cache="a, b", private="c"`}, c{NoCacheFields: []string{"A", "B"}, PrivateFields: []string{"C"}}, true},
		{"RFC 9213 2.1, a malformed list of fields", []string{`no-cache="a b"`}, c{Has: field.NoCache}, true},
		{"RFC 9213 2.1, parameters", []string{"max-age=60;x=1; y, no-store;z"}, c{Has: field.MaxAge | field.NoStore, MaxAge: 60}, true},
		{"RFC 9213 3.1, a lone unknown member", []string{"none"}, c{}, true},
		{"RFC 9213 2.1, unknown members of all types", []string{`a=1.5, b="x", c=tok/en:*, d=:aGk=:, e=@12, f=%"c3%c3%a9", g=(1 "a" b;c);d, h=?0`}, c{}, true},
		{"RFC 9111 5.2.1, directives of requests", []string{"max-stale=1, min-fresh=1, only-if-cached"}, c{}, true},
		{"RFC 9111 1.2.2, the clamp", []string{"max-age=999999999999999"}, c{Has: field.MaxAge, MaxAge: 1 << 31}, true},
		{"RFC 9651 4.2.2, the last of two", []string{"max-age=1, max-age=2"}, c{Has: field.MaxAge, MaxAge: 2}, true},

		{"RFC 9213 2.1, a Decimal", []string{"max-age=60.5"}, c{Has: field.MaxAge, MaxAge: inv}, true},
		{"RFC 9213 2.1, a String", []string{`max-age="60"`}, c{Has: field.MaxAge, MaxAge: inv}, true},
		{"RFC 9213 2.1, a Token", []string{"max-age=abc"}, c{Has: field.MaxAge, MaxAge: inv}, true},
		{"RFC 9213 2.1, a Date", []string{"max-age=@60"}, c{Has: field.MaxAge, MaxAge: inv}, true},
		{"RFC 9213 2.1, an Inner List", []string{"max-age=(60)"}, c{Has: field.MaxAge, MaxAge: inv}, true},
		{"RFC 9213 2.1, no value", []string{"max-age"}, c{Has: field.MaxAge, MaxAge: inv}, true},
		{"RFC 9213 2.1, a negative Integer", []string{"max-age=-1"}, c{Has: field.MaxAge, MaxAge: inv}, true},
		{"RFC 9213 2.1, restrictions of a wrong type", []string{"no-store=1, private=tok, no-cache=(a), must-revalidate=?0"}, c{
			Has: field.NoStore | field.Private | field.NoCache | field.MustRevalidate}, true},
		{"RFC 9213 2.1, permissions of a wrong type", []string{"public=?0, immutable=1"}, c{}, true},

		{"RFC 9651 4.2.3.3, capitals in a key", []string{"MaX-Age=60"}, c{}, false},
		{"RFC 9651 4.2.3.3, a digit first", []string{"1a"}, c{}, false},
		{"RFC 9651 4.2, one bad member spoils the field", []string{"no-store, max-age=60, A=1"}, c{}, false},
		{"RFC 9651 4.2.2, a trailing comma", []string{"max-age=60,"}, c{}, false},
		{"RFC 9651 4.2.2, an empty member", []string{"max-age=60,,public"}, c{}, false},
		{"RFC 9651 4.2.2, a leading comma", []string{",max-age=60"}, c{}, false},
		{"RFC 9651 4.2.2, an empty line", []string{"max-age=60", ""}, c{}, false},
		{"RFC 9651 4.2, a leading tab", []string{"\tmax-age=60"}, c{}, false},
		{"RFC 9651 4.2.2, a blank before the equals sign", []string{"max-age =60"}, c{}, false},
		{"RFC 9651 4.2.2, a blank behind the equals sign", []string{"max-age= 60"}, c{}, false},
		{"RFC 9651 4.2.2, no value behind the equals sign", []string{"max-age="}, c{}, false},
		{"RFC 9651 4.2, something left over", []string{"max-age=60 x"}, c{}, false},
		{"RFC 9651 4.2.4, 16 digits", []string{"max-age=1000000000000000"}, c{}, false},
		{"RFC 9651 4.2.4, a plus sign", []string{"max-age=+1"}, c{}, false},
		{"RFC 9651 4.2.4, two minus signs", []string{"max-age=--1"}, c{}, false},
		{"RFC 9651 4.2.4, 13 digits before the point", []string{"x=1234567890123.1"}, c{}, false},
		{"RFC 9651 4.2.4, 4 digits behind the point", []string{"x=1.1234"}, c{}, false},
		{"RFC 9651 4.2.4, none behind the point", []string{"x=1."}, c{}, false},
		{"RFC 9651 4.2.5, an unterminated String", []string{`x="a`}, c{}, false},
		{"RFC 9651 4.2.5, another escape", []string{`x="\n"`}, c{}, false},
		{"RFC 9651 4.2.5, a tab in a String", []string{"x=\"a\tb\""}, c{}, false},
		{"RFC 9651 4.2.5, DEL in a String", []string{"x=\"\x7f\""}, c{}, false},
		{"RFC 9651 4.2.5, non-ASCII in a String", []string{`x="é"`}, c{}, false},
		{"RFC 9651 4.2.5, a byte that is not UTF-8", []string{"x=\"\xe9\""}, c{}, false},
		{"RFC 9651 4.2.6, non-ASCII in a Token", []string{"x=é"}, c{}, false},
		{"RFC 9651 4.2.7, a byte sequence without end", []string{"x=:aGk="}, c{}, false},
		{"RFC 9651 4.2.8, another Boolean", []string{"x=?2"}, c{}, false},
		{"RFC 9651 4.2.9, a Date with a fraction", []string{"x=@1.5"}, c{}, false},
		{"RFC 9651 4.2.10, capitals in an escape", []string{`x=%"%C3%A9"`}, c{}, false},
		{"RFC 9651 4.2.10, an escape that is not UTF-8", []string{`x=%"%c3"`}, c{}, false},
		{"RFC 9651 4.2.1.2, an Inner List without end", []string{"x=(a b"}, c{}, false},
		{"RFC 9651 4.2.1.2, a tab in an Inner List", []string{"x=(a\tb)"}, c{}, false},
		{"RFC 9651 4.2.1.2, no blank in an Inner List", []string{`x=("a""b")`}, c{}, false},
		{"RFC 9651 4.2.3.2, a tab behind the semicolon", []string{"x;\ty"}, c{}, false},
		{"RFC 9651 4.2.3.2, a blank before the semicolon", []string{"x ;y"}, c{}, false},
		{"RFC 9651 4.2.3.2, an Inner List as a parameter", []string{"x;y=(a)"}, c{}, false},
		{"RFC 9651 4.2.3.3, capitals in a parameter", []string{"x;Y"}, c{}, false},
	}
	for _, tt := range tests {
		got, ok := field.ParseTargeted(tt.lines)
		if !reflect.DeepEqual(got, tt.want) || ok != tt.ok {
			t.Errorf("%s: %q\n got %+v, %v\nwant %+v, %v", tt.rule, tt.lines, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzParseTargeted(f *testing.F) {
	f.Add(`max-age=60, no-cache="a";x`, "private")
	f.Add(`a=(1 "b");c, d=:aGk=:`, "e=@1")
	f.Fuzz(func(t *testing.T, a, b string) {
		c, ok := field.ParseTargeted([]string{a, b})
		joined, joinedOK := field.ParseTargeted([]string{a + ", " + b})
		if ok != joinedOK || !reflect.DeepEqual(c, joined) {
			t.Errorf("lines %q, %q: %+v %v, joined: %+v %v", a, b, c, ok, joined, joinedOK)
		}
		if !ok && !reflect.DeepEqual(c, field.Control{}) {
			t.Errorf("%q, %q: a field that does not count says %+v", a, b, c)
		}
		if ok && strings.ContainsFunc(a+b, func(r rune) bool { return r > '~' }) {
			t.Errorf("%q, %q: non-ASCII parses", a, b)
		}
		for _, n := range []int64{c.MaxAge, c.SMaxAge, c.StaleWhileRevalidate, c.StaleIfError} {
			if n < field.Invalid || n > field.Unbounded {
				t.Errorf("%q, %q: %d is out of bounds", a, b, n)
			}
		}
	})
}
