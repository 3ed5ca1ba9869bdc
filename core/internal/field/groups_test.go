package field

import (
	"slices"
	"strings"
	"testing"
)

func TestParseGroups(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  []string
	}{
		{nil, nil},
		{[]string{`"a", "b"`}, []string{"a", "b"}},
		{[]string{`"a"`, `"b";p=1`}, []string{"a", "b"}}, // parameters have no meaning
		{[]string{`"with \"quotes\""`}, []string{`with "quotes"`}},
		{[]string{`"Case"`}, []string{"Case"}},
		{[]string{`""`}, []string{""}},
		{[]string{`a`}, nil}, // a Token
		{[]string{`"a", 1`}, nil},
		{[]string{`("a" "b")`}, nil},
		{[]string{`"a",`}, nil},
		{[]string{`"a`}, nil},
		{[]string{`"` + strings.Repeat("a", 32) + `"`}, []string{strings.Repeat("a", 32)}},
		{[]string{`"` + strings.Repeat("a", 257) + `"`}, nil},
	} {
		if got := ParseGroups(c.lines); !slices.Equal(got, c.want) {
			t.Errorf("ParseGroups(%q) = %q, want %q (RFC 9875, section 2)", c.lines, got, c.want)
		}
	}
}

func FuzzParseGroups(f *testing.F) {
	f.Add(`"a", "b";c=d`)
	f.Add(`("a"), b`)
	f.Fuzz(func(t *testing.T, line string) {
		for _, g := range ParseGroups([]string{line}) {
			if len(g) > 256 || strings.ContainsFunc(g, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q holds the group %q", line, g)
			}
		}
	})
}
