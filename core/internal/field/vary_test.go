package field_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/go-cachex/cachex/core/internal/field"
)

func TestParseVary(t *testing.T) { // RFC 9110, section 12.5.5; RFC 9111, section 4.1
	type names = []string
	for _, tt := range []struct {
		lines []string
		names []string
		star  bool
	}{
		{nil, nil, false},
		{names{""}, nil, false},
		{names{" , ,\t"}, nil, false},
		{names{"accept"}, names{"Accept"}, false},
		{names{"X-B, accept ,,ACCEPT-encoding"}, names{"Accept", "Accept-Encoding", "X-B"}, false},
		{names{"B, a", "A,b"}, names{"A", "B"}, false},
		{names{"*"}, nil, true},
		{names{"*, foo"}, names{"Foo"}, true},
		{names{"foo", "*"}, names{"Foo"}, true},
		{names{"foo, *,bar"}, names{"Bar", "Foo"}, true},
		{names{"a b"}, nil, true},
		{names{"a;b"}, nil, true},
		{names{`"a, b"`}, nil, true},
		{names{"é"}, nil, true},
	} {
		got := field.ParseVary(tt.lines)
		if want := (field.VaryNames{Names: tt.names, Star: tt.star}); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", tt.lines, got, want)
		}
	}
}

func TestSelecting(t *testing.T) { // RFC 9111, section 4.1
	type lines = []string
	for _, tt := range []struct {
		rule, name string
		alike      []lines // have one form
		unlike     []lines // have another one each
	}{
		{"blanks around commas", "X",
			[]lines{{"a,b c"}, {"a, b c"}, {" a\t,  b c "}, {"a", "b c"}, {"a ", " b c"}},
			[]lines{{"b c,a"}, {"A,b c"}, {"a,b  c"}, {"a,bc"}, {"a b c"}, {"a,,b c"}}},
		{"quoted strings", "X",
			[]lines{{`"a, b",c`}, {`"a, b" , c`}},
			[]lines{{`"a,b",c`}, {`"a , b",c`}, {`"a, b","c"`}}},
		{"escapes in quoted strings", "X",
			[]lines{{`"a\" , b",c`}, {`"a\" , b", c`}},
			[]lines{{`"a\",b",c`}, {`"a\", b",c`}}},
		{"a quoted string without end", "X",
			[]lines{{`"a , b`}},
			[]lines{{`"a,b`}, {`"a ,b`}}},
		{"absent and empty, RFC 9111 4.1", "X",
			[]lines{{""}, {" "}, {"\t"}},
			[]lines{nil, {","}, {"x"}}},
		{"codings, RFC 9110 8.4.1 and 12.5.3", "Accept-Encoding",
			[]lines{{"gzip, compress;q=0.5"}, {"GZIP,x-compress;Q=0.5"}, {"x-gzip , COMPRESS;q=0.5"}, {"X-GZip", "X-Compress;q=0.5"}},
			[]lines{{"gzip"}, {"gzip;q=0,compress;q=0.5"}, {"compress;q=0.5,gzip"}, {"xx-gzip,compress;q=0.5"}, {"x-gzip-9,compress;q=0.5"}}},
		{"four that mean different things, RFC 9110 12.5.3", "Accept-Encoding",
			[]lines{{"identity;q=0"}, {"Identity;q=0"}},
			[]lines{nil, {""}, {"*;q=0"}, {"identity"}}},
		{"codings with a similar name", "Accept-Encoding",
			[]lines{{"foox-gzip"}},
			[]lines{{"foogzip"}, {"x-gzip"}}},
		{"languages, RFC 9110 12.5.4", "Accept-Language",
			[]lines{{"de-at, EN;q=0.5"}, {"DE-AT,en;Q=0.5"}, {"de-AT", "en;q=0.5"}},
			[]lines{{"en;q=0.5,de-at"}, {"de-at"}, {"de,en;q=0.5"}, nil, {""}}},
		{"bytes that are not UTF-8 stay apart", "Accept-Language",
			[]lines{{"A\xe9"}, {"a\xe9"}},
			[]lines{{"a\xe8"}, {"a\ufffd"}}},
		{"letters that Unicode folds stay apart", "Accept-Encoding",
			[]lines{{"K"}, {"k"}},
			[]lines{{"\u212a"}}},
	} {
		type form struct {
			value   string
			present bool
		}
		of := func(l lines) form {
			value, present := field.Selecting(tt.name, l)
			return form{value, present}
		}
		want := of(tt.alike[0])
		for _, l := range tt.alike[1:] {
			if got := of(l); got != want {
				t.Errorf("%s: %q is %+v, %q is %+v", tt.rule, tt.alike[0], want, l, got)
			}
		}
		seen := []form{want}
		for _, l := range tt.unlike {
			got := of(l)
			if slices.Contains(seen, got) {
				t.Errorf("%s: %q is %+v like another one", tt.rule, l, got)
			}
			seen = append(seen, got)
		}
	}
	if value, present := field.Selecting("X", nil); value != "" || present {
		t.Errorf("absent: %q, %v", value, present)
	}
	if value, present := field.Selecting("X", []string{""}); value != "" || !present {
		t.Errorf("empty: %q, %v", value, present)
	}
}

func TestSelectingDoesNotAllocate(t *testing.T) {
	for _, tt := range []struct{ name, value string }{
		{"User-Agent", "Lynx/2.9.0 libwww-FM/2.14 (X11; Linux x86_64)"},
		{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		{"Accept-Encoding", "gzip,br;q=0.5"}, {"Accept-Language", "de-at,en;q=0.5"}, {"X", `"a, b",c d`}, {"X", ""},
	} {
		lines := []string{tt.value}
		if got, _ := field.Selecting(tt.name, lines); got != tt.value {
			t.Errorf("%s: %q becomes %q", tt.name, tt.value, got)
		}
		if n := testing.AllocsPerRun(100, func() { field.Selecting(tt.name, lines) }); n != 0 {
			t.Errorf("%s: %v allocations for %q", tt.name, n, tt.value)
		}
	}
}

func TestMembers(t *testing.T) { // RFC 9110, section 5.6.1
	for _, tt := range []struct{ lines, want []string }{
		{nil, nil},
		{[]string{"", " ,\t, "}, nil},
		{[]string{"a"}, []string{"a"}},
		{[]string{" a b ,c,,\td", "e"}, []string{"a b", "c", "d", "e"}},
		{[]string{`"a, b" , c="d,e"`}, []string{`"a, b"`, `c="d,e"`}},
		{[]string{`"a\", b", c`}, []string{`"a\", b"`, "c"}},
		{[]string{`a\,b`}, []string{`a\`, "b"}}, // an escape counts in quotes alone
		{[]string{`"a, b`, "c"}, []string{`"a, b`, "c"}},
		{[]string{`"a\`, "c"}, []string{`"a\`, "c"}},
	} {
		if got := slices.Collect(field.Members(tt.lines)); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.lines, got, tt.want)
		}
	}
	for m := range field.Members([]string{"a, b", "c"}) {
		if m != "a" {
			t.Errorf("%q comes after the loop has ended", m)
		}
		break
	}
}

func TestJoined(t *testing.T) { // RFC 9110, section 5.3
	for _, tt := range []struct {
		lines []string
		want  string
	}{
		{nil, ""}, {[]string{"a"}, "a"}, {[]string{"a", "b, c", ""}, "a, b, c, "},
	} {
		if got := field.Joined(tt.lines); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.lines, got, tt.want)
		}
	}
}

func FuzzParseVary(f *testing.F) {
	f.Add("accept, X-A", "*")
	f.Add(`"a, b`, "é")
	f.Fuzz(func(t *testing.T, a, b string) {
		v := field.ParseVary([]string{a, b})
		if !slices.IsSorted(v.Names) || len(slices.Compact(slices.Clone(v.Names))) != len(v.Names) {
			t.Errorf("%q, %q: %q is not a sorted set", a, b, v.Names)
		}
		for _, n := range v.Names {
			if !field.ValidName(n) || n == "*" {
				t.Errorf("%q, %q: name %q", a, b, n)
			}
		}
		joined := field.ParseVary([]string{a + "," + b})
		if !v.Star && !reflect.DeepEqual(v, joined) {
			t.Errorf("%q, %q: %+v, joined: %+v", a, b, v, joined)
		}
		if v.Star != joined.Star {
			t.Errorf("%q, %q: joining changes the star to %v", a, b, joined.Star)
		}
	})
}

func FuzzSelecting(f *testing.F) {
	f.Add("gzip, x-gzip;q=0", `"a , b`)
	f.Add("\t,a  b, ", `\"`)
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, name := range []string{"X", "Accept-Encoding", "Accept-Language"} {
			one, present := field.Selecting(name, []string{a})
			if again, _ := field.Selecting(name, []string{one}); again != one || !present {
				t.Errorf("%s: %q is %q, and that is %q", name, a, one, again)
			}
			lines, _ := field.Selecting(name, []string{a, b})
			joined, _ := field.Selecting(name, []string{a + ", " + b})
			if lines != joined {
				t.Errorf("%s: lines %q, %q: %q, joined: %q", name, a, b, lines, joined)
			}
		}
		// What comes out as one differs in blanks at most.
		x, _ := field.Selecting("X", []string{a})
		y, _ := field.Selecting("X", []string{b})
		if x == y && withoutBlanks(a) != withoutBlanks(b) {
			t.Errorf("%q and %q are both %q", a, b, x)
		}
	})
}

func FuzzMembers(f *testing.F) {
	f.Add(`a, "b, c" , , d`)
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, s string) {
		members := slices.Collect(field.Members([]string{s}))
		if slices.Contains(members, "") {
			t.Errorf("%q has an empty member", s)
		}
		// Only the last one can hold a string that does not end.
		if again := slices.Collect(field.Members([]string{field.Joined(members)})); !slices.Equal(members, again) {
			t.Errorf("%q: %q, joined and parsed again: %q", s, members, again)
		}
	})
}

func withoutBlanks(s string) string {
	return string(slices.DeleteFunc([]byte(s), func(c byte) bool { return c == ' ' || c == '\t' }))
}
