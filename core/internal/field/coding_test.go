package field_test

import (
	"testing"

	"github.com/go-cachex/cachex/core/internal/field"
)

func TestAcceptsCoding(t *testing.T) {
	for _, tt := range []struct {
		lines []string
		want  bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"identity"}, false},
		{[]string{"Identity;q=1, *;q=0"}, false},
		{[]string{"gzip;q=0, br ; q=0.000"}, false},
		{[]string{"gzip"}, true},
		{[]string{"identity", "x-gzip;q=0.001"}, true},
		{[]string{"identity;q=0"}, false},
		{[]string{"*"}, true},
		{[]string{"gzip;q=zero"}, true},
		{[]string{"gzip;"}, true},
	} {
		if have := field.AcceptsCoding(tt.lines); have != tt.want {
			t.Errorf("%q: %v, want %v", tt.lines, have, tt.want)
		}
	}
}

func FuzzAcceptsCoding(f *testing.F) {
	f.Add("identity;q=1, *;q=0")
	f.Add("gzip, br;q=0.5")
	f.Add(`a;q="0",b`)
	f.Fuzz(func(t *testing.T, s string) {
		one := field.AcceptsCoding([]string{s})
		if field.AcceptsCoding([]string{"identity", s, "*;q=0"}) != one {
			t.Errorf("%q: a refusal beside it changes what it says", s)
		}
	})
}
