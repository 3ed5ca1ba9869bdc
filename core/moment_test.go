package cachex

import (
	"net/http"
	"testing"
	"time"
)

// Whatever stands in a date is compared as it stands: 1970 is a year as any other,
// and what is far from it does not come out on its other side (RFC 9110, section
// 5.6.7).
func TestDatesOfAllYears(t *testing.T) {
	years := []int{1, 1601, 1677, 1678, 1969, 1970, 1971, 2026, 2261, 2262, 9999}
	for i, year := range years {
		text := time.Date(year, 1, 1, 0, 0, 1, 0, time.UTC).Format(http.TimeFormat)
		e := &entry{received: momentOf(epoch)}
		e.seal(linesOf(header("Last-Modified: "+text, "Date: "+text)), epoch)
		if e.modified == 0 || e.modified.time().UTC().Format(http.TimeFormat) != text {
			t.Errorf("Last-Modified: %s became %v", text, e.modified.time().UTC())
		}
		if i == 0 {
			continue
		}
		before := sealed(line("Date", time.Date(years[i-1], 1, 1, 0, 0, 1, 0, time.UTC).Format(http.TimeFormat)))
		if before.date > e.date {
			t.Errorf("a Date of %d is before one of %d", year, years[i-1])
		}
	}
	if e := sealed(line("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT")); e.modified == 0 {
		t.Error("files of 1970 have no Last-Modified")
	}
	if e := (&entry{}); e.modified != 0 {
		t.Error("no Last-Modified is one")
	}
}

// A clock may begin in the year 1, as that of a test does: only what lies between
// its readings counts.
func TestClockFarFrom1970(t *testing.T) {
	for _, began := range []time.Time{{}, time.Unix(0, 0), epoch, time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)} {
		e := &entry{received: momentOf(began)}
		e.lifetime = time.Minute
		if age := e.currentAge(momentOf(began.Add(time.Minute))); age != time.Minute {
			t.Errorf("from %v on: aged %v in a minute", began, age)
		}
		if age := e.currentAge(momentOf(began.Add(-time.Minute))); age != 0 {
			t.Errorf("from %v on: a clock that was set back makes it %v old (RFC 9111, section 4.2.3)", began, age)
		}
	}
}
