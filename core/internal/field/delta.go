package field

import "strings"

// ParseDelta parses delta-seconds: digits and nothing else. Whatever is larger
// than Unbounded becomes Unbounded (RFC 9111, section 1.2.2).
func ParseDelta(s string) (n int64, ok bool) {
	if s == "" {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = n*10 + int64(s[i]-'0'); n > Unbounded {
			n = Unbounded
		}
	}
	return n, true
}

// ParseAge parses Age: of several values the first counts, and one that is no
// plain number counts for nothing (RFC 9111, section 5.1).
func ParseAge(lines []string) (n int64, ok bool) {
	if len(lines) == 0 {
		return 0, false
	}
	value, _, _ := strings.Cut(lines[0], ",")
	return ParseDelta(strings.Trim(value, " \t"))
}
