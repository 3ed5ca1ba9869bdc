package field_test

import (
	"testing"

	"github.com/go-cachex/cachex/core/internal/field"
)

func TestParseTag(t *testing.T) { // RFC 9110, section 8.8.3
	for _, tt := range []struct {
		s    string
		want field.Tag
		ok   bool
	}{
		{`"a"`, `"a"`, true}, {`W/"a"`, `W/"a"`, true}, {`""`, `""`, true}, {`W/""`, `W/""`, true},
		{" \"a\"\t", `"a"`, true}, {`"a,b"`, `"a,b"`, true}, {`"a\"`, `"a\"`, true}, {"\"!#~\x80\xff\"", "\"!#~\x80\xff\"", true},
		{"", "", false}, {"a", "", false}, {`"a`, "", false}, {`a"`, "", false}, {`"`, "", false}, {"*", "", false},
		{`w/"a"`, "", false}, {`W/a`, "", false}, {`W/`, "", false}, {`W/ "a"`, "", false}, {`W"a"`, "", false},
		{`"a b"`, "", false}, {"\"a\tb\"", "", false}, {"\"a\x7f\"", "", false}, {"\"a\x00\"", "", false},
		{`"a""b"`, "", false}, {`"a", "b"`, "", false}, {`"a"b`, "", false}, {`'a'`, "", false},
	} {
		if got, ok := field.ParseTag(tt.s); got != tt.want && tt.ok || ok != tt.ok {
			t.Errorf("%q: got %q, %v, want %q, %v", tt.s, got, ok, tt.want, tt.ok)
		}
	}
}

func TestComparison(t *testing.T) { // RFC 9110, section 8.8.3.2, its table
	for _, tt := range []struct {
		a, b         field.Tag
		strong, weak bool
	}{
		{`W/"1"`, `W/"1"`, false, true},
		{`W/"1"`, `W/"2"`, false, false},
		{`W/"1"`, `"1"`, false, true},
		{`"1"`, `"1"`, true, true},
		{"", "", false, false},
	} {
		if got := field.StrongEqual(tt.a, tt.b); got != tt.strong {
			t.Errorf("strong: %q and %q: %v", tt.a, tt.b, got)
		}
		if got := field.MatchNone([]string{string(tt.a)}, tt.b); got != tt.weak {
			t.Errorf("weak: %q and %q: %v", tt.a, tt.b, got)
		}
	}
	if tag := field.Tag(`W/"1"`); !tag.Weak() || tag.Opaque() != `"1"` {
		t.Errorf("%q: weak %v, opaque %q", tag, tag.Weak(), tag.Opaque())
	}
	if tag := field.Tag(`"W/1"`); tag.Weak() || tag.Opaque() != `"W/1"` {
		t.Errorf("%q: weak %v, opaque %q", tag, tag.Weak(), tag.Opaque())
	}
}

func TestMatchNone(t *testing.T) { // RFC 9110, section 13.1.2
	for _, tt := range []struct {
		lines           []string
		stored          field.Tag
		matches, listed bool
	}{
		{nil, `"a"`, false, false},
		{[]string{""}, `"a"`, false, false},
		{[]string{"*"}, `"a"`, true, false},
		{[]string{" *\t"}, "", true, false},
		{[]string{`"a"`}, "", false, false},
		{[]string{`""`}, "", false, false},
		{[]string{`""`}, `""`, true, true},
		{[]string{`"b", "a"`}, `"a"`, true, true},
		{[]string{`"b","c" , W/"a"`}, `"a"`, true, true},
		{[]string{`"b"`, `"a"`}, `W/"a"`, true, true},
		{[]string{`,, "a" ,`}, `"a"`, true, true},
		{[]string{`"a"`}, `"A"`, false, false},
		{[]string{`"x,"`, `"a"`}, `"a"`, true, true},
		{[]string{`"x,a"`}, `"x,a"`, true, true},
		{[]string{`"x\", "a"`}, `"a"`, true, true}, // no escapes
		{[]string{`",", "a"`}, `","`, true, true},
		{[]string{`*, "b"`}, `"a"`, false, false},
		{[]string{`*, "a"`}, `"a"`, true, true},
		{[]string{`"*"`}, `"a"`, false, false},
		// malformed members match nothing and hide nothing well-formed
		{[]string{`a`}, `"a"`, false, false},
		{[]string{`w/"a"`}, `"a"`, false, false},
		{[]string{`"a`}, `"a"`, false, false},
		{[]string{`"a"b`}, `"a"`, false, false},
		{[]string{`"a""a"`}, `"a"`, false, false},
		{[]string{`"a" "a"`}, `"a"`, false, false},
		{[]string{`b, "a"`}, `"a"`, true, true},
		{[]string{`b"c", "a"`}, `"a"`, true, true},
		{[]string{`b"x,"a",y"`}, `"x,"`, false, false},
		{[]string{`x"y, "a", z"`}, `", "`, false, false},
		{[]string{`"b c", "a"`}, `"a"`, true, true},
		{[]string{`"b`, `"a"`}, `"a"`, true, true},
	} {
		if got := field.MatchNone(tt.lines, tt.stored); got != tt.matches {
			t.Errorf("MatchNone(%q, %q) = %v", tt.lines, tt.stored, got)
		}
		if got := field.TagListed(tt.lines, tt.stored); got != tt.listed {
			t.Errorf("TagListed(%q, %q) = %v", tt.lines, tt.stored, got)
		}
	}
}

func FuzzTags(f *testing.F) {
	f.Add(`"a", W/"b,c"`, `W/"a"`)
	f.Add(`"a b", x"y, *`, `""`)
	f.Fuzz(func(t *testing.T, list, s string) {
		field.TagListed([]string{list}, `"a"`)
		tag, ok := field.ParseTag(s)
		if !ok {
			return
		}
		if again, ok := field.ParseTag(string(tag)); !ok || again != tag {
			t.Fatalf("%q parses to %q, and that to %q, %v", s, tag, again, ok)
		}
		if field.StrongEqual(tag, tag) == tag.Weak() {
			t.Errorf("%q: strong comparison with itself", tag)
		}
		opaque := field.Tag(tag.Opaque())
		for _, lines := range [][]string{{s}, {"W/" + string(opaque)}, {list, s}, {s + "," + list}, {"x, " + s}} {
			if !field.TagListed(lines, tag) || !field.MatchNone(lines, tag) {
				t.Errorf("%q is not found in %q", tag, lines)
			}
		}
		if field.TagListed([]string{"*"}, tag) || field.MatchNone([]string{list}, "") && !field.MatchNone([]string{list}, tag) {
			t.Errorf("%q: the * in %q", tag, list)
		}
	})
}
