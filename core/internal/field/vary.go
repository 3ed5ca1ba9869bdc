package field

import (
	"iter"
	"net/http"
	"slices"
	"strings"
)

// VaryNames is a parsed Vary: the canonical names, sorted, each once. Star means
// that no request field decides, so that nothing ever matches (RFC 9110, section
// 12.5.5).
type VaryNames struct {
	Names []string
	Star  bool
}

// ParseVary parses the lines of Vary. A member that is no field name is taken
// for a *, because it must have meant something.
func ParseVary(lines []string) VaryNames {
	var v VaryNames
	for m := range Members(lines) {
		if m == "*" || !ValidName(m) {
			v.Star = true
			continue
		}
		v.Names = append(v.Names, http.CanonicalHeaderKey(m))
	}
	if len(v.Names) > 1 {
		slices.Sort(v.Names)
		v.Names = slices.Compact(v.Names)
	}
	return v
}

// Selecting is the form of a request field in which two are compared (RFC 9111,
// section 4.1); name is canonical. Absent and empty are two things. Blanks around
// commas mean nothing outside of quoted strings; in Accept-Encoding and
// Accept-Language neither does letter case, while order may and stays. A single
// line that has this form already is returned as it is.
func Selecting(name string, lines []string) (value string, present bool) {
	if len(lines) == 0 {
		return "", false
	}
	value = tidy(Joined(lines))
	switch name {
	case "Accept-Encoding":
		value = oldCodings(lower(value))
	case "Accept-Language":
		value = lower(value)
	}
	return value, true
}

// tidy puts exactly one comma and no blank between the members of a list.
func tidy(s string) string {
	var b strings.Builder
	changed, quoted := false, false
	for i := 0; i < len(s); i++ {
		start := i
		switch c := s[i]; {
		case quoted && c == '\\' && i+1 < len(s):
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && blank(c):
			for i+1 < len(s) && blank(s[i+1]) {
				i++
			}
			if start == 0 || i+1 == len(s) || s[start-1] == ',' || s[i+1] == ',' {
				if !changed {
					changed = true
					b.Grow(len(s))
					b.WriteString(s[:start])
				}
				continue
			}
		}
		if changed {
			b.WriteString(s[start : i+1])
		}
	}
	if !changed {
		return s
	}
	return b.String()
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// lower folds ASCII alone: strings.ToLower makes one of different letters, and
// of all bytes that are not UTF-8.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// oldCodings writes the codings with two names in one way: x-gzip is gzip and
// x-compress is compress (RFC 9110, section 8.4.1). The value is tidy and in
// lower case.
func oldCodings(value string) string {
	if !strings.Contains(value, "x-") {
		return value
	}
	var b strings.Builder
	for i, member := range strings.Split(value, ",") {
		if i > 0 {
			b.WriteByte(',')
		}
		coding, _, _ := strings.Cut(member, ";")
		switch strings.TrimRight(coding, " \t") {
		case "x-gzip", "x-compress":
			member = member[len("x-"):]
		}
		b.WriteString(member)
	}
	return b.String()
}

// Members yields the members of a comma-separated list in all lines, without
// the blanks around them; empty ones are left out, and a comma in a quoted
// string separates nothing (RFC 9110, section 5.6.1).
func Members(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for line != "" {
				end := memberEnd(line)
				if m := strings.Trim(line[:end], " \t"); m != "" && !yield(m) {
					return
				}
				line = strings.TrimPrefix(line[end:], ",")
			}
		}
	}
}

func memberEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return i
		}
	}
	return len(s)
}

// Joined is the value of a field in several lines (RFC 9110, section 5.3).
func Joined(lines []string) string {
	if len(lines) == 1 {
		return lines[0]
	}
	return strings.Join(lines, ", ")
}
