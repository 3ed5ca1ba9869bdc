package field

import (
	"strings"
	"testing"
)

func TestParseSurrogate(t *testing.T) {
	maxAge := func(n int64) Control { return Control{Has: MaxAge, MaxAge: n} }
	tests := []struct {
		name  string
		lines []string
		want  Control
		ok    bool
	}{
		{"a lifetime", []string{"max-age=60"}, maxAge(60), true},
		{"with a second one, which is for stale answers", []string{"max-age=60+30"}, maxAge(60), true},
		{"nothing before the plus", []string{"max-age=+30"}, maxAge(Invalid), true},
		{"no number", []string{"max-age=soon"}, maxAge(Invalid), true},
		{"no argument", []string{"max-age"}, maxAge(Invalid), true},
		{"letter case", []string{"Max-Age=60"}, maxAge(60), true},
		{"too large", []string{"max-age=99999999999"}, maxAge(Unbounded), true},
		{"twice the same", []string{"max-age=60, max-age=60"}, maxAge(60), true},
		{"twice", []string{"max-age=60", "max-age=61"}, maxAge(Invalid), true},
		{"no-store", []string{"no-store"}, Control{Has: NoStore}, true},
		{"both", []string{"no-store, max-age=60"}, Control{Has: NoStore | MaxAge, MaxAge: 60}, true},
		{"unknown directives", []string{`content="ESI/1.0", max-age=60`}, maxAge(60), true},

		{"for this device", []string{"max-age=60;Edge"}, maxAge(60), true},
		{"blanks and letter case", []string{"max-age=60 ; edge "}, maxAge(60), true},
		{"for another", []string{"max-age=60;other"}, Control{}, false},
		{"for several", []string{"no-store;other, max-age=60;edge, max-age=70;other"}, maxAge(60), true},
		{"for one and for all", []string{"max-age=60;edge", "no-store"}, Control{Has: NoStore | MaxAge, MaxAge: 60}, true},
		{"for two at once", []string{"max-age=60;edge;other"}, Control{}, false},
		{"for none in particular", []string{"max-age=60;"}, Control{}, false},

		{"directives of Cache-Control", []string{"private, s-maxage=60, public, no-cache"}, Control{}, false},
		{"a name inside of quotes", []string{`content="no-store, max-age=60"`}, Control{}, false},
		{"empty", []string{""}, Control{}, false},
		{"none", nil, Control{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ParseSurrogate(tt.lines, "edge")
			if ok != tt.ok || got.Has != tt.want.Has || got.MaxAge != tt.want.MaxAge || got.Broken {
				t.Errorf("%+v, %v, want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzParseSurrogate(f *testing.F) {
	for _, s := range []string{"max-age=60+30", "no-store;edge", `content="ESI/1.0", max-age=1`, "max-age=60;other", "max-age=+", ";", `"`} {
		f.Add(s, "edge")
	}
	f.Fuzz(func(t *testing.T, value, device string) {
		c, ok := ParseSurrogate([]string{value}, device)
		if ok != (c.Has != 0) || c.Has&^(NoStore|MaxAge) != 0 {
			t.Fatalf("%q: %+v, %v", value, c, ok)
		}
		if c.MaxAge < Invalid || c.MaxAge > Unbounded || !c.Is(MaxAge) && c.MaxAge != 0 {
			t.Errorf("%q: max-age %d", value, c.MaxAge)
		}
		// A restriction for everyone counts, whatever stands beside it.
		if more, ok := ParseSurrogate([]string{"no-store", value}, device); !ok || !more.Is(NoStore) {
			t.Errorf("no-store, %q: %+v", value, more)
		}
		// Without the device only what names none is left.
		if other, _ := ParseSurrogate([]string{value}, strings.Repeat("-", len(value)+1)); other.Has&^c.Has != 0 {
			t.Errorf("%q: less for %q, %+v, than for a stranger, %+v", value, device, c, other)
		}
	})
}
