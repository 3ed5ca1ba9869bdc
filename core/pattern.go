package cachex

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// pattern stands for paths: * for any characters within a segment, ** for any
// at all. It is an automaton whose states are the bits of a few words: state i
// means that i bytes of text have been found. So matching takes time in
// proportion to the path, whatever the pattern is like.
//
// An escaped slash of a path is a separator for some routers, and for others a
// character within a segment. It is both: what either would reach is taken back.
type pattern struct {
	source string
	prefix string // up to the first star
	exact  bool   // there is no star
	open   bool   // the rest is **

	text           string // what follows the first star, without stars
	words          int
	within, across []uint64   // states that * and ** stand at
	class          [256]uint8 // which of the lines of next is that of a byte
	next           []uint64   // states that are left for the next one on a byte
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
	literal, rest, stars := cutStars(source)
	p := &pattern{source: source, exact: stars == 0, open: stars > 1 && rest == ""}
	var err error
	if p.prefix, err = url.PathUnescape(literal); err != nil {
		return nil, fmt.Errorf("the pattern %q is not well escaped: %w", source, err)
	}
	at := map[int]int{} // stars by state
	for stars > 0 {
		at[len(p.text)] = stars
		literal, rest, stars = cutStars(rest)
		text, err := url.PathUnescape(literal)
		if err != nil {
			return nil, fmt.Errorf("the pattern %q is not well escaped: %w", source, err)
		}
		p.text += text
	}
	p.build(at)
	return p, nil
}

// build makes the automaton.
func (p *pattern) build(stars map[int]int) {
	p.words = len(p.text)/64 + 1
	p.within, p.across = make([]uint64, p.words), make([]uint64, p.words)
	for state, n := range stars {
		p.within[state/64] |= 1 << (state % 64)
		if n > 1 {
			p.across[state/64] |= 1 << (state % 64)
		}
	}
	p.next = make([]uint64, p.words) // the first line is that of all other bytes
	for state := range len(p.text) {
		c := p.text[state]
		if p.class[c] == 0 {
			p.class[c] = uint8(len(p.next) / p.words)
			p.next = append(p.next, make([]uint64, p.words)...)
		}
		p.next[int(p.class[c])*p.words+state/64] |= 1 << (state % 64)
	}
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

// matches is told the path as it was written.
func (p *pattern) matches(path string) bool {
	escaped := wellEscaped(path)
	rest, found := p.cutPrefix(path, escaped)
	if !found || p.open || p.exact {
		return found && (p.open || rest == "")
	}
	var states [maxPatternBytes / 64]uint64
	states[0] = 1
	for i := 0; i < len(rest); {
		c, n := rest[i], 1
		if escaped {
			c, n = octet(rest[i:])
		}
		i += n
		stays, next := p.within, p.next[int(p.class[c])*p.words:]
		if c == '/' && n == 1 {
			stays = p.across
		}
		carry := uint64(0)
		for w := range p.words {
			leaves := states[w] & next[w]
			states[w] = states[w]&stays[w] | leaves<<1 | carry
			carry = leaves >> 63
		}
	}
	last := len(p.text)
	return states[last/64]>>(last%64)&1 == 1
}

// cutPrefix returns what follows the prefix.
func (p *pattern) cutPrefix(path string, escaped bool) (rest string, found bool) {
	if !escaped {
		return strings.CutPrefix(path, p.prefix)
	}
	for i := range len(p.prefix) {
		if path == "" {
			return "", false
		}
		c, n := octet(path)
		if c != p.prefix[i] {
			return "", false
		}
		path = path[n:]
	}
	return path, true
}

// octet is the byte that a well escaped text begins with, and in how many bytes it is
// written.
func octet(s string) (c byte, n int) {
	if s[0] != '%' {
		return s[0], 1
	}
	return unhex(s[1])<<4 | unhex(s[2]), 3
}

// wellEscaped tells whether there are escapes in a path. Where one is broken none
// counts, as with decodedPath.
func wellEscaped(path string) bool {
	found := false
	for i := strings.IndexByte(path, '%'); i >= 0 && i < len(path); i++ {
		if path[i] != '%' {
			continue
		}
		if i+2 >= len(path) || unhex(path[i+1]) > 15 || unhex(path[i+2]) > 15 {
			return false
		}
		found = true
	}
	return found
}

// unhex is the value of a digit, and more than 15 for what is none.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}
