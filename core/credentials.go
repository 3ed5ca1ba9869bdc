package cachex

import (
	"slices"
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
)

// credentials is what identifies the user of a request and is not in its key.
type credentials uint8

const (
	byCookie credentials = 1 << iota
	byAuthorization
)

// credentials finds what the request has of the kind, after what the route
// ignores, keys on, or declares to be of no influence.
func (rq *request) credentials() credentials {
	p, has := rq.p, rq.head.Has
	if has&(adapter.Cookie|adapter.Authorization|adapter.Credential) == 0 || p.perUser || p.shared {
		return 0
	}
	var c credentials
	if has&adapter.Authorization != 0 && !p.keysAuth {
		c |= byAuthorization
	}
	if has&adapter.Credential != 0 {
		for _, name := range p.cache.cfg.CredentialFields {
			if !slices.Contains(p.keyedCreds, name) && rq.x.Lines(name) != nil {
				c |= byAuthorization
			}
		}
	}
	if has&adapter.Cookie != 0 && !p.keysCookie && rq.leftOverCookies() {
		c |= byCookie
	}
	return c
}

// leftOverCookies tells whether the request has cookies beyond those that are
// ignored or in the key.
func (rq *request) leftOverCookies() bool {
	p := rq.p
	for _, line := range rq.x.Lines("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(trim(pair), "=")
			if name = trim(name); name == "" && trim(pair) == "" {
				continue
			}
			if !slices.Contains(p.keyCookies, name) && !matchAny(p.ignore, name) {
				return true
			}
		}
	}
	return false
}

// lines are those of a request field as the handler gets to see them: without the
// cookies that the route ignores.
func (rq *request) lines(name string) []string {
	lines := rq.x.Lines(name)
	if name != "Cookie" || lines == nil {
		return lines
	}
	visible, hidden := visibleCookies(lines, rq.p.ignore)
	switch {
	case !hidden:
		return lines
	case visible == "":
		return nil
	}
	return []string{visible}
}

// visibleCookies is the Cookie field without what IgnoreCookies hides, and
// whether anything is hidden.
func visibleCookies(lines, ignore []string) (visible string, hidden bool) {
	if len(ignore) == 0 {
		return "", false
	}
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = trim(pair)
			name, _, _ := strings.Cut(pair, "=")
			switch {
			case pair == "":
			case matchAny(ignore, trim(name)):
				hidden = true
			default:
				kept = append(kept, pair)
			}
		}
	}
	return strings.Join(kept, "; "), hidden
}

// keptCookies is the Cookie field with these cookies alone.
func keptCookies(lines, names []string) string {
	var pairs []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = trim(pair)
			if name, _, _ := strings.Cut(pair, "="); slices.Contains(names, trim(name)) {
				pairs = append(pairs, pair)
			}
		}
	}
	return strings.Join(pairs, "; ")
}

// cookieValue returns all values of one cookie: servers differ in which of two
// they take, so both are the key.
func cookieValue(lines []string, want string) (value string, present bool) {
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, v, _ := strings.Cut(trim(pair), "=")
			if trim(name) != want {
				continue
			}
			if present {
				value += "\n"
			}
			value += v
			present = true
		}
	}
	return value, present
}

// trim takes off the blanks of HTTP. Others, such as a non-breaking space, are a
// part of a name for the parsers of handlers.
func trim(s string) string { return strings.Trim(s, " \t") }
