package field

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

func TestParseLanguages(t *testing.T) {
	tests := []struct {
		value  string
		want   Languages
		wanted string
	}{
		{"de", Languages{{"de", 1000}}, "de"},
		{"DE-at", Languages{{"de-at", 1000}}, "de-at"},
		{"en;q=0.5, de", Languages{{"de", 1000}, {"en", 500}}, "de"},
		{"en ; q=0.5 ,\tde", Languages{{"de", 1000}, {"en", 500}}, "de"},
		{"en;Q=0.123", Languages{{"en", 123}}, "en"},
		{"en;q=1.", Languages{{"en", 1000}}, "en"},
		{"en;q=1.000,", Languages{{"en", 1000}}, "en"},
		{"de, en", Languages{{"de", 1000}, {"en", 1000}}, ""},
		{"en, de", Languages{{"de", 1000}, {"en", 1000}}, ""},
		{"fr;q=0.4, en;q=0.4, de;q=0.4", Languages{{"de", 400}, {"en", 400}, {"fr", 400}}, ""},
		{"*", Languages{{"*", 1000}}, ""},
		{"de, *;q=0.1", Languages{{"de", 1000}, {"*", 100}}, "de"},
		{"de;q=0", Languages{{"de", 0}}, ""},
		{"de;q=0,5", Languages{{"5", 1000}, {"de", 0}}, "5"}, // two members
		{", ,de,,", Languages{{"de", 1000}}, "de"},

		{"", nil, ""},
		{" , ", nil, ""},
		{"de en", nil, ""},
		{`"de"`, nil, ""},
		{"de=1", nil, ""},
		{";q=1", nil, ""},
		{"de;", nil, ""},
		{"de;q=", nil, ""},
		{"de;q=2", nil, ""},
		{"de;q=1.001", nil, ""},
		{"de;q=0.1234", nil, ""},
		{"de;q=.5", nil, ""},
		{"de;q=0.5;x=y", nil, ""},
		{"de;q=-0.5", nil, ""},
		{"de;q = 0.5", nil, ""},
		{"de;q=0.5x", nil, ""},
		{"de;level=1", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			got, ok := ParseLanguages(tt.value)
			if ok != (tt.want != nil) || ok && !slices.Equal(got, tt.want) {
				t.Fatalf("%v, %v, want %v", got, ok, tt.want)
			}
			if ok && got.Wanted() != tt.wanted {
				t.Errorf("wanted %q, want %q", got.Wanted(), tt.wanted)
			}
		})
	}
	if got := (Languages{}).Wanted(); got != "" {
		t.Errorf("of none %q is wanted", got)
	}
}

func FuzzParseLanguages(f *testing.F) {
	for _, s := range []string{"de", "en;q=0.5, de", "*;q=0", "de;q=1.001", ",", `"`, "de;q=0.", "a;q=\x00.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		l, ok := ParseLanguages(value)
		if !ok {
			return
		}
		if len(l) == 0 || len(l) > strings.Count(value, ",")+1 {
			t.Fatalf("%d languages in %q", len(l), value)
		}
		sorted := slices.IsSortedFunc(l, func(a, b Language) int {
			return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Range, b.Range))
		})
		if !sorted {
			t.Errorf("%q: %v is not sorted", value, l)
		}
		for _, m := range l {
			if m.Weight < 0 || m.Weight > 1000 || m.Range == "" || m.Range != strings.ToLower(m.Range) {
				t.Errorf("%q: %v", value, m)
			}
		}
		// What stands in another order, or letter case, asks for the same.
		var members []string
		for m := range Members([]string{value}) {
			members = append(members, m)
		}
		slices.Reverse(members)
		if again, ok := ParseLanguages(strings.Join(members, " ,\t")); !ok || !slices.Equal(again, l) {
			t.Errorf("%q: %v, reversed %v", value, l, again)
		}
		if w := l.Wanted(); w != "" && (w != l[0].Range || w == "*" || l[0].Weight == 0) {
			t.Errorf("%q: %v wants %q", value, l, w)
		}
	})
}
