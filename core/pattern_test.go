package cachex

import (
	"net/url"
	"strings"
	"testing"
)

// escapedSlash stands for one in a path whose other escapes are undone.
const escapedSlash = '\x00'

func unescaped(path string) string {
	if _, err := url.PathUnescape(path); err != nil {
		return path
	}
	plain, _ := url.PathUnescape(strings.NewReplacer("%2F", "%00", "%2f", "%00").Replace(path))
	return plain
}

// globbed is what ByPattern promises, word for word: it tries everything. The path is
// unescaped.
func globbed(glob, path string) bool {
	switch {
	case glob == "":
		return path == ""
	case strings.HasPrefix(glob, "**"):
		rest := strings.TrimLeft(glob, "*")
		for i := range len(path) + 1 {
			if globbed(rest, path[i:]) {
				return true
			}
		}
		return false
	case glob[0] == '*':
		for i := range len(path) + 1 {
			if globbed(glob[1:], path[i:]) {
				return true
			}
			if i < len(path) && path[i] == '/' {
				break
			}
		}
		return false
	}
	return path != "" && (path[0] == glob[0] || path[0] == escapedSlash && glob[0] == '/') && globbed(glob[1:], path[1:])
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		glob, yes, no string // paths, separated by blanks
	}{
		{"/a", "/a", "/ /a/ /b /ab"},
		{"/a*", "/a /ab", "/a/ /a/b /b"},
		{"/a/*", "/a/ /a/b", "/a /a/b/ /a/b/c"},
		{"/a/**", "/a/ /a/b /a/b/c", "/a /ab"},
		{"/a/*/c", "/a/b/c /a//c", "/a/c /a/b/b/c /a/b/c/"},
		{"/a/**/c", "/a//c /a/b/c /a/b/b/c /a/c/c", "/a/c /a/b"},
		{"**.css", "/a.css /b/c.css .css", "/a.csss"},
		{"**", "/ /a /a/b", ""},
		{"*", "a", "/ /a"},
		{"***", "/ /a/b", ""},
		{"/*a*a*b", "/aab /xaxaxb", "/ab /aa/b"},
		{"/**a*b", "/ab /x/axb /a/ab", "/a/b"},
		{"/%61/%2A", "/a/* /%61/* /%61%2f%2A", "/a/b /%2561/*"},
		{"/a/*", "/a/b%2Fc /a/%2f /a%2Fb /a%2fb%2Fc", "/a/b/c%2Fd /a%252Fb /a%2F/ /a/b%2Fc%zz/"},
		{"/a/b", "/a%2Fb /%61%2fb", "/a%2F /a%2Fb%2F /a%252Fb"},
		{"/a%2Fb", "/a/b /a%2Fb /a%2fb", "/a%252Fb"},
		{"/a%2F*", "/a/b /a%2Fb /a%2Fb%2Fc", "/a%2Fb/c"},
		{"/*/*", "/a/b /a%2Fb /a%2Fb/c%2Fd", "/a /a/b/c"},
		{"**/c", "/a/c /a%2Fc /a%2Fb%2Fc", "/a%2Fbc"},
		{"/a/**", "/a/b%2Fc /a%2Fb/c", "/a /a%252F"},
		{"/*.css", "/a%2Fb.css /%2Ecss /%2ecss /%2.css", "/a/b.css /a%2Fb.css%"},
		{"/ü%C3%BC*", "/üüx", "/ü"},
		{"/%ff*", "/\xffa", "/\xfe"},
		{"/" + strings.Repeat("x", 500) + "*y", "/" + strings.Repeat("x", 500) + "zy", "/x"},
		{"/*" + strings.Repeat("x", 500), "/" + strings.Repeat("x", 700), "/" + strings.Repeat("x", 499)},
	} {
		p, err := newPattern(c.glob)
		if err != nil {
			t.Errorf("%.40q: %v", c.glob, err)
			continue
		}
		for _, path := range strings.Fields(c.yes) {
			if !p.matches(path) {
				t.Errorf("%.40q does not match %.40q", c.glob, path)
			}
		}
		for _, path := range strings.Fields(c.no) {
			if p.matches(path) {
				t.Errorf("%.40q matches %.40q", c.glob, path)
			}
		}
	}
}

// Patterns that take exponential or quadratic time elsewhere cost as much as
// others: each byte of the path is looked at once.
func TestPatternsAreLinear(t *testing.T) {
	path, escaped := "/"+strings.Repeat("a", maxTarget), "/"+strings.Repeat("%61", maxTarget/3)
	for _, glob := range []string{
		"/" + strings.Repeat("*a", 255) + "b",
		"/" + strings.Repeat("**a", 170),
		"**" + strings.Repeat("a*", 255),
	} {
		p, err := newPattern(glob)
		if err != nil {
			t.Fatal(err)
		}
		if p.words > maxPatternBytes/64 {
			t.Errorf("%d words of states", p.words)
		}
		if allocs := testing.AllocsPerRun(10, func() { p.matches(path); p.matches(escaped) }); allocs != 0 {
			t.Errorf("%.20q: %v allocations", glob, allocs)
		}
	}
}

// FuzzPattern holds the automaton against one that tries everything.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"/a/*", "/a/b"}, {"/**/b", "/a/b"}, {"*a*a*a*b", "aaaab"}, {"/%2a*", "/*x"}, {"/***a*/b", "/xa/b"}, {"/%", "/"}, {"/a/*", "/a%2fb%61"}, {"/*/b", "/%2F%"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, glob, path string) {
		p, err := newPattern(glob)
		if err != nil || strings.Contains(glob, "%") || strings.Contains(path, "%00") || strings.Contains(path, "\x00") {
			return // what escapes in a pattern mean is in TestPatterns
		}
		// trying everything takes exponential time
		if strings.Count(glob, "*") > 6 || len(path) > 12 {
			p.matches(path)
			return
		}
		if got, want := p.matches(path), globbed(glob, unescaped(path)); got != want {
			t.Errorf("%q matches %q: %v, want %v", glob, path, got, want)
		}
	})
}

func BenchmarkPattern(b *testing.B) {
	path := "/" + strings.Repeat("a", maxTarget)
	for _, glob := range []string{"/b/**", "/a*/**/x", "/" + strings.Repeat("*a", 255), "/" + strings.Repeat("**a", 170)} {
		p, err := newPattern(glob)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(glob[:min(len(glob), 12)], func(b *testing.B) {
			for b.Loop() {
				p.matches(path)
			}
		})
	}
}
