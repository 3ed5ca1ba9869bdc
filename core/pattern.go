package cachex

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// pattern stands for paths: * for any characters within a segment, ** for any
// at all. Matching takes linear time in the path, whatever the pattern is like.
type pattern struct {
	source string
	prefix string // up to the first *
	rest   *regexp.Regexp
}

// maxPatternBytes bounds a pattern; entries are held against it on hits.
const maxPatternBytes = 512

func newPattern(source string) (*pattern, error) {
	switch {
	case source == "":
		return nil, errors.New("an empty pattern")
	case len(source) > maxPatternBytes:
		return nil, fmt.Errorf("a pattern of %d bytes, more than %d: %.40q...", len(source), maxPatternBytes, source)
	case source[0] != '/' && source[0] != '*':
		return nil, fmt.Errorf("the pattern %q does not begin with / or *", source)
	case strings.ContainsAny(source, `?#[]{}\`):
		return nil, fmt.Errorf("the pattern %q: only * and ** are special, and patterns match paths without their query; write other characters as %%XX", source)
	case strings.ContainsFunc(source, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, fmt.Errorf("the pattern %q has a control character", source)
	}
	p := &pattern{source: source}
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for i, rest := 0, source; rest != ""; i++ {
		literal, after, stars := cutStars(rest)
		text, err := url.PathUnescape(literal)
		if err != nil || !utf8.ValidString(text) {
			return nil, fmt.Errorf("the pattern %q is not well escaped: %q", source, literal)
		}
		if i == 0 {
			p.prefix = text
		}
		re.WriteString(regexp.QuoteMeta(text))
		switch stars {
		case 0:
		case 1:
			re.WriteString(`[^/]*`)
		default:
			re.WriteString(`.*`)
		}
		rest = after
	}
	re.WriteString(`\z`)
	var err error
	p.rest, err = regexp.Compile(re.String())
	return p, err
}

// cutStars cuts s after its first run of stars.
func cutStars(s string) (literal, after string, stars int) {
	i := strings.IndexByte(s, '*')
	if i < 0 {
		return s, "", 0
	}
	after = strings.TrimLeft(s[i:], "*")
	return s[:i], after, len(s) - i - len(after)
}

func (p *pattern) matches(path string) bool {
	return strings.HasPrefix(path, p.prefix) && p.rest.MatchString(path)
}
