package field_test

import (
	"strconv"
	"testing"

	"github.com/go-cachex/cachex/core/internal/field"
)

func TestParseDelta(t *testing.T) { // RFC 9111, section 1.2.2
	for _, tt := range []struct {
		s    string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"60", 60, true}, {"0000000000000000000000007", 7, true},
		{"2147483647", 1<<31 - 1, true}, {"2147483648", 1 << 31, true}, {"2147483649", 1 << 31, true},
		{"9223372037", 1 << 31, true}, {"9223372036854775808", 1 << 31, true}, {"999999999999999999999999999999", 1 << 31, true},
		{"", 0, false}, {"-1", 0, false}, {"+1", 0, false}, {"-0", 0, false}, {"1.0", 0, false}, {"60s", 0, false},
		{"a1", 0, false}, {" 1", 0, false}, {"1 ", 0, false}, {"1 2", 0, false}, {"1_0", 0, false}, {"0x1", 0, false},
		{"'1'", 0, false}, {`"1"`, 0, false}, {"1e3", 0, false}, {"٣", 0, false},
	} {
		if got, ok := field.ParseDelta(tt.s); got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %d, %v, want %d, %v", tt.s, got, ok, tt.want, tt.ok)
		}
	}
}

func TestParseAge(t *testing.T) { // RFC 9111, section 5.1
	for _, tt := range []struct {
		lines []string
		want  int64
		ok    bool
	}{
		{nil, 0, false}, {[]string{""}, 0, false},
		{[]string{"7"}, 7, true}, {[]string{" 7\t"}, 7, true}, {[]string{"7, 0"}, 7, true}, {[]string{"0 , 7"}, 0, true},
		{[]string{"7", "8"}, 7, true}, {[]string{"7", "x"}, 7, true}, {[]string{"x", "7"}, 0, false}, {[]string{"x, 7"}, 0, false},
		{[]string{"-7"}, 0, false}, {[]string{"7.0"}, 0, false}, {[]string{"7;a=b"}, 0, false}, {[]string{"seven"}, 0, false},
		{[]string{"99999999999999999999"}, 1 << 31, true},
	} {
		if got, ok := field.ParseAge(tt.lines); got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %d, %v, want %d, %v", tt.lines, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzParseDelta(f *testing.F) {
	f.Add("60")
	f.Add("18446744073709551616")
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := field.ParseDelta(s)
		if n < 0 || n > field.Unbounded || !ok && n != 0 {
			t.Fatalf("%q: %d, %v", s, n, ok)
		}
		if age, ageOK := field.ParseAge([]string{s}); ok && (age != n || !ageOK) {
			t.Errorf("%q: Age says %d, %v", s, age, ageOK)
		}
		if again, _ := field.ParseDelta(strconv.FormatInt(n, 10)); again != n {
			t.Errorf("%d becomes %d", n, again)
		}
	})
}
