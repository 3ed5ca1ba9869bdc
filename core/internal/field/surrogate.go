package field

import "strings"

// ParseSurrogate parses Surrogate-Control (Edge Architecture Specification, W3C
// Note, 2001) for the surrogate with this device token: no-store, and max-age,
// to whose lifetime a second number after a + does not add. Directives that are
// targeted at other devices are ignored; it returns false where none is left.
func ParseSurrogate(lines []string, device string) (c Control, ok bool) {
	for member := range Members(lines) {
		directive, parameters, targeted := strings.Cut(member, ";")
		if targeted && !strings.EqualFold(strings.Trim(parameters, " \t"), device) {
			continue
		}
		name, arg, hasArg := strings.Cut(strings.TrimRight(directive, " \t"), "=")
		form := argNone
		if hasArg {
			form = argToken
			arg, _, _ = strings.Cut(arg, "+")
		}
		if d, _ := c.directive(name); d == NoStore || d == MaxAge {
			c.add(name, arg, form)
			ok = true
		}
	}
	return c, ok
}
