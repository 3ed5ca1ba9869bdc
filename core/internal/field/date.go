package field

import (
	"strings"
	"time"
)

// ParseDate parses an HTTP-date in any of its three forms (RFC 9110, section
// 5.6.7). It is lenient in letter case alone (RFC 9111, section 4.2): another
// zone, a missing digit or a blank too many make it no date. Years of two digits
// are never more than 50 years after now.
func ParseDate(s string, now time.Time) (t time.Time, ok bool) {
	s = strings.Trim(s, " \t")
	switch comma := strings.IndexByte(s, ','); {
	case comma == 3 && len(s) == len("Sun, 06 Nov 1994 08:49:37 GMT"):
		return parseFixdate(s)
	case comma > 3:
		return parseRFC850(s, comma, now)
	case comma < 0 && len(s) == len("Sun Nov  6 08:49:37 1994"):
		return parseAsctime(s)
	}
	return time.Time{}, false
}

var (
	weekdays = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	months   = [...]string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
)

// Sun, 06 Nov 1994 08:49:37 GMT
func parseFixdate(s string) (time.Time, bool) {
	if s[4] != ' ' || s[7] != ' ' || s[11] != ' ' || s[16] != ' ' || !strings.EqualFold(s[25:], " GMT") {
		return time.Time{}, false
	}
	day, ok1 := digits(s[5:7])
	month, ok2 := monthOf(s[8:11])
	year, ok3 := digits(s[12:16])
	if !ok1 || !ok2 || !ok3 {
		return time.Time{}, false
	}
	return assemble(weekday(s[:3], 3), year, month, day, s[17:25])
}

// Sunday, 06-Nov-94 08:49:37 GMT
func parseRFC850(s string, comma int, now time.Time) (time.Time, bool) {
	rest := s[comma+1:]
	if len(rest) != len(" 06-Nov-94 08:49:37 GMT") || rest[0] != ' ' || rest[3] != '-' || rest[7] != '-' || rest[10] != ' ' ||
		!strings.EqualFold(rest[19:], " GMT") {
		return time.Time{}, false
	}
	day, ok1 := digits(rest[1:3])
	month, ok2 := monthOf(rest[4:7])
	year, ok3 := digits(rest[8:10])
	if !ok1 || !ok2 || !ok3 {
		return time.Time{}, false
	}
	clock, ok4 := timeOfDay(rest[11:19])
	if !ok4 {
		return time.Time{}, false
	}
	// The latest year with these digits that is not more than 50 years ahead.
	// Only then is it known whether there is such a day and which weekday it is.
	now = now.UTC()
	year += now.Year() - now.Year()%100 + 100
	for limit := now.AddDate(50, 0, 0); time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(clock).After(limit); {
		year -= 100
	}
	return assemble(weekday(s[:comma], comma), year, month, day, rest[11:19])
}

// Sun Nov  6 08:49:37 1994
func parseAsctime(s string) (time.Time, bool) {
	if s[3] != ' ' || s[7] != ' ' || s[10] != ' ' || s[19] != ' ' {
		return time.Time{}, false
	}
	dayText := s[8:10]
	if dayText[0] == ' ' {
		dayText = "0" + dayText[1:]
	}
	day, ok1 := digits(dayText)
	month, ok2 := monthOf(s[4:7])
	year, ok3 := digits(s[20:24])
	if !ok1 || !ok2 || !ok3 {
		return time.Time{}, false
	}
	return assemble(weekday(s[:3], 3), year, month, day, s[11:19])
}

// weekday is the number of a day of the week whose name has n letters, 3 for the
// short ones, or -1.
func weekday(s string, n int) int {
	for i, w := range weekdays {
		if n <= len(w) && (n == 3 || n == len(w)) && strings.EqualFold(s, w[:n]) {
			return i
		}
	}
	return -1
}

func monthOf(s string) (time.Month, bool) {
	for i, m := range months {
		if strings.EqualFold(s, m) {
			return time.Month(i + 1), true
		}
	}
	return 0, false
}

func digits(s string) (n int, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// timeOfDay parses 08:49:37. A leap second is a second (RFC 9110, section 5.6.7).
func timeOfDay(s string) (time.Duration, bool) {
	if s[2] != ':' || s[5] != ':' {
		return 0, false
	}
	hour, ok1 := digits(s[:2])
	minute, ok2 := digits(s[3:5])
	second, ok3 := digits(s[6:])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	return time.Duration(hour*3600+minute*60+second) * time.Second, true
}

// assemble puts a date together and checks that there is such a day and hour.
func assemble(wd, year int, month time.Month, day int, clock string) (time.Time, bool) {
	sinceMidnight, ok := timeOfDay(clock)
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if !ok || date.Day() != day || int(date.Weekday()) != wd {
		return time.Time{}, false
	}
	return date.Add(sinceMidnight), true
}

// ParseExpires parses Expires. Several lines that differ are no date (RFC 9111,
// section 5.3).
func ParseExpires(lines []string, now time.Time) (t time.Time, ok bool) {
	if len(lines) == 0 {
		return time.Time{}, false
	}
	for _, l := range lines[1:] {
		if strings.Trim(l, " \t") != strings.Trim(lines[0], " \t") {
			return time.Time{}, false
		}
	}
	return ParseDate(lines[0], now)
}
