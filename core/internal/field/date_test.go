package field_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/go-cachex/cachex/core/internal/field"
)

// now is 2026-02-28 22:00 UTC in a zone where it is March already, because the
// local zone must have no influence (RFC 9111, section 4.2).
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("ahead", 14*3600))

func TestParseDate(t *testing.T) {
	at := func(year int, month time.Month, day, hour, minute, second int) time.Time {
		return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	}
	example := at(1994, time.November, 6, 8, 49, 37)
	for _, tt := range []struct {
		rule, s string
		want    time.Time
	}{
		{"RFC 9110 5.6.7, IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", example},
		{"RFC 9110 5.6.7, RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", example},
		{"RFC 9110 5.6.7, asctime", "Sun Nov  6 08:49:37 1994", example},
		{"RFC 9110 5.6.7, asctime with two digits", "Sun Nov 06 08:49:37 1994", example},
		{"RFC 9110 5.6.7, asctime late in a month", "Wed Nov 16 08:49:37 1994", at(1994, time.November, 16, 8, 49, 37)},
		{"RFC 9111 4.2, letter case", "sUN, 06 nOV 1994 08:49:37 gMT", example},
		{"RFC 9111 4.2, letter case", "SUNDAY, 06-NOV-94 08:49:37 gmt", example},
		{"RFC 9111 4.2, letter case", "sun nov  6 08:49:37 1994", example},
		{"RFC 9110 5.5, blanks around a value", " Sun, 06 Nov 1994 08:49:37 GMT\t", example},
		{"RFC 9110 5.6.7, a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", at(2017, time.January, 1, 0, 0, 0)},
		{"RFC 9110 5.6.7, a leap second", "Saturday, 31-Dec-16 23:59:60 GMT", at(2017, time.January, 1, 0, 0, 0)},
		{"RFC 9110 5.6.7, a leap day", "Thu, 29 Feb 2024 00:00:00 GMT", at(2024, time.February, 29, 0, 0, 0)},
		{"RFC 9110 5.6.7, beyond 2038", "Fri, 31 Dec 9999 23:59:59 GMT", at(9999, time.December, 31, 23, 59, 59)},
		{"RFC 9110 5.6.7, long ago", "Thu, 01 Jan 1970 00:00:00 GMT", at(1970, time.January, 1, 0, 0, 0)},
		{"RFC 9110 5.6.7, 50 years ahead", "Friday, 28-Feb-76 22:00:00 GMT", at(2076, time.February, 28, 22, 0, 0)},
		{"RFC 9110 5.6.7, more than 50 years ahead", "Saturday, 28-Feb-76 22:00:01 GMT", at(1976, time.February, 28, 22, 0, 1)},
		{"RFC 9110 5.6.7, 49 years ahead", "Tuesday, 31-Dec-75 00:00:00 GMT", at(2075, time.December, 31, 0, 0, 0)},
		{"RFC 9110 5.6.7, 49 years ago", "Saturday, 31-Dec-77 00:00:00 GMT", at(1977, time.December, 31, 0, 0, 0)},
		{"RFC 9110 5.6.7, this century", "Saturday, 01-Jan-00 00:00:00 GMT", at(2000, time.January, 1, 0, 0, 0)},

		{"RFC 9111 5.3, zero", "0", time.Time{}},
		{"RFC 9111 5.3, minus one", "-1", time.Time{}},
		{"RFC 9111 5.3, empty", "", time.Time{}},
		{"RFC 9111 4.2, another zone", "Sun, 06 Nov 1994 08:49:37 UTC", time.Time{}},
		{"RFC 9111 4.2, another zone", "Sun, 06 Nov 1994 08:49:37 EST", time.Time{}},
		{"RFC 9111 4.2, an offset", "Sun, 06 Nov 1994 08:49:37 +0000", time.Time{}},
		{"RFC 9111 4.2, no zone", "Sun, 06 Nov 1994 08:49:37", time.Time{}},
		{"RFC 9111 4.2, another zone", "Sunday, 06-Nov-94 08:49:37 EST", time.Time{}},
		{"RFC 9111 4.2, a zone behind asctime", "Sun Nov  6 08:49:37 1994 GMT", time.Time{}},
		{"RFC 9110 5.6.7, four digits of a year", "Sunday, 06-Nov-1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, four digits of a year", "Sun, 06-Nov-1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, two digits of a year", "Sun, 06 Nov 94 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, a short weekday", "Sun, 06-Nov-94 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, a long weekday", "Sunday, 06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, no comma", "Sun 06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, one digit of an hour", "Sun, 06 Nov 1994 8:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, a blank for a digit", "Sun, 06 Nov 1994  8:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, a blank for a digit", "Sun,  6 Nov 1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, one digit of a day", "Sun, 6 Nov 1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, one digit of a day", "Sun Nov 6 08:49:37 1994", time.Time{}},
		{"RFC 9110 5.6.7, two blanks", "Sun,  06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, dots", "Sun, 06 Nov 1994 08.49.37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, a fraction", "Sun, 06 Nov 1994 08:49:37.5 GMT", time.Time{}},
		{"RFC 9110 5.6.7, the wrong weekday", "Mon, 06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, the wrong weekday", "Monday, 06-Nov-94 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, the wrong weekday", "Mon Nov  6 08:49:37 1994", time.Time{}},
		{"RFC 9110 5.6.7, no weekday", "Xyz, 06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, no month", "Sun, 06 Nev 1994 08:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, no such day", "Wed, 30 Feb 2024 00:00:00 GMT", time.Time{}},
		{"RFC 9110 5.6.7, no such day", "Tue, 00 Nov 1994 00:00:00 GMT", time.Time{}},
		{"RFC 9110 5.6.7, no leap year", "Sat, 29 Feb 2025 00:00:00 GMT", time.Time{}},
		{"RFC 9110 5.6.7, no such hour", "Sun, 06 Nov 1994 24:00:00 GMT", time.Time{}},
		{"RFC 9110 5.6.7, no such minute", "Sun, 06 Nov 1994 08:60:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, no such second", "Sun, 06 Nov 1994 08:49:61 GMT", time.Time{}},
		{"RFC 9110 5.6.7, a sign", "Sun, 06 Nov 1994 +8:49:37 GMT", time.Time{}},
		{"RFC 9110 5.6.7, something behind", "Sun, 06 Nov 1994 08:49:37 GMT; x", time.Time{}},
		{"RFC 9110 5.6.7, ISO 8601", "1994-11-06T08:49:37Z", time.Time{}},
		{"RFC 9110 5.6.7, two of them", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", time.Time{}},
	} {
		got, ok := field.ParseDate(tt.s, now)
		if !got.Equal(tt.want) || ok == tt.want.IsZero() {
			t.Errorf("%s: %q: got %v, %v, want %v", tt.rule, tt.s, got, ok, tt.want)
		}
	}
}

func TestParseExpires(t *testing.T) { // RFC 9111, section 5.3
	const a, b = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"
	for _, tt := range []struct {
		lines []string
		ok    bool
	}{
		{nil, false}, {[]string{}, false}, {[]string{""}, false}, {[]string{"0"}, false}, {[]string{"-1"}, false},
		{[]string{a}, true}, {[]string{a, a}, true}, {[]string{a, a + " "}, true},
		{[]string{a, b}, false}, {[]string{a, "0"}, false}, {[]string{"0", a}, false}, {[]string{a, a, b}, false},
		{[]string{a + ", " + a}, false},
	} {
		got, ok := field.ParseExpires(tt.lines, now)
		if ok != tt.ok || ok && got.Format(http.TimeFormat) != a {
			t.Errorf("%q: got %v, %v", tt.lines, got, ok)
		}
	}
}

func TestParseDateDoesNotAllocate(t *testing.T) {
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		if n := testing.AllocsPerRun(100, func() { field.ParseDate(s, now) }); n != 0 {
			t.Errorf("%v allocations for %q", n, s)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	f.Add("Sun, 06 Nov 1994 08:49:37 GMT", int64(784111777))
	f.Add("Sunday, 06-Nov-94 08:49:37 GMT", int64(0))
	f.Add("Sun Nov  6 08:49:37 1994", int64(1<<32))
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		if got, ok := field.ParseDate(s, now); ok {
			if again, ok := field.ParseDate(got.Format(http.TimeFormat), now); got.Year() < 10000 && (!ok || !again.Equal(got)) {
				t.Errorf("%q is %v, and that is %v, %v", s, got, again, ok)
			}
		} else if !got.IsZero() {
			t.Errorf("%q is no date, yet %v", s, got)
		}
		unix &= 1<<37 - 1 // up to the year 6325
		want := time.Unix(unix, 0).UTC()
		for _, layout := range []string{http.TimeFormat, time.ANSIC} {
			if got, ok := field.ParseDate(want.Format(layout), now); !ok || !got.Equal(want) {
				t.Errorf("%q: got %v, %v", want.Format(layout), got, ok)
			}
		}
		// From any moment, a date at most 50 years ahead and less than 50
		// years behind is found again by two digits of its year.
		short := want.Format("Monday, 02-Jan-06 15:04:05 GMT")
		for _, moment := range []time.Time{want, want.AddDate(-49, 0, 0), want.AddDate(49, 0, 0)} {
			if got, ok := field.ParseDate(short, moment); !ok || !got.Equal(want) {
				t.Errorf("%q at %v: got %v, %v, want %v", short, moment, got, ok, want)
			}
		}
	})
}
