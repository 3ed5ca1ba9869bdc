package field

import "strings"

// Tag is an entity tag as it is sent, quotes and W/ included (RFC 9110, section
// 8.8.3). The empty Tag stands for none.
type Tag string

// Weak tells whether the tag is weak.
func (t Tag) Weak() bool { return strings.HasPrefix(string(t), "W/") }

// Opaque is the tag without W/. Weak comparison compares it alone.
func (t Tag) Opaque() string { return strings.TrimPrefix(string(t), "W/") }

// StrongEqual is strong comparison (RFC 9110, section 8.8.3.2).
func StrongEqual(a, b Tag) bool { return a == b && a != "" && !a.Weak() }

// ParseTag parses a single entity tag.
func ParseTag(s string) (Tag, bool) {
	s = strings.Trim(s, " \t")
	tag, rest, ok := cutTag(s)
	return tag, ok && rest == ""
}

// cutTag takes an entity tag off s. There are no escapes in it: a backslash is
// a character like others, and so is a comma.
func cutTag(s string) (tag Tag, rest string, ok bool) {
	start := 0
	if strings.HasPrefix(s, "W/") {
		start = 2
	}
	if start >= len(s) || s[start] != '"' {
		return "", s, false
	}
	for i := start + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return Tag(s[:i+1]), s[i+1:], true
		case c <= ' ' || c == 0x7f:
			return "", s, false
		}
	}
	return "", s, false
}

// MatchNone evaluates If-None-Match against the tag of a stored response: it
// returns true where one of the tags fits by weak comparison, or where a * says
// any (RFC 9110, section 13.1.2). Malformed members fit nothing.
func MatchNone(lines []string, stored Tag) bool {
	if len(lines) == 1 {
		if stored != "" && lines[0] == string(stored) {
			return true // what browsers send
		}
		if strings.Trim(lines[0], " \t") == "*" {
			return true // a * among tags is no more than a malformed tag
		}
	}
	return TagListed(lines, stored)
}

// TagListed is MatchNone without the *.
func TagListed(lines []string, t Tag) bool {
	if t == "" {
		return false
	}
	for _, l := range lines {
		for s := strings.TrimLeft(l, " \t,"); s != ""; s = strings.TrimLeft(s, " \t,") {
			listed, rest, ok := cutTag(s)
			rest = strings.TrimLeft(rest, " \t")
			if ok && (rest == "" || rest[0] == ',') {
				if listed.Opaque() == t.Opaque() {
					return true
				}
				s = rest
				continue
			}
			s = s[malformedEnd(s):]
		}
	}
	return false
}

// malformedEnd is where the next tag may begin after one that is malformed. What
// stands in quotes is passed over with it: to miss a tag costs a whole response,
// to find one that was not meant keeps the client's old copy alive.
func malformedEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case ',':
			if !quoted {
				return i
			}
		}
	}
	return len(s)
}
