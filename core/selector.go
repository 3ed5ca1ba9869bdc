package cachex

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Selector names stored responses for Purge and Expire. Selectors are made by
// ByURL, ByPath, ByPattern, ByTag, ByHost and All; one with a mistake in it is
// reported by Purge, which then takes back nothing.
type Selector struct {
	by     by
	values []string // of ByURL, host and target as in a key
	err    error
}

// by is what a selector selects by. It stands in the log of a shared store.
type by byte

const (
	byURL     by = 'u'
	byPath    by = 'p'
	byPattern by = '*'
	byTag     by = 't'
	byHost    by = 'h'
	byAll     by = 'a'

	// Of unsafe requests, and of what ByURL means for query rules.
	byGroup    by = 'g'
	byHostPath by = 'q'
)

func (b by) String() string {
	return map[by]string{byURL: "ByURL", byPath: "ByPath", byPattern: "ByPattern", byTag: "ByTag", byHost: "ByHost", byAll: "All"}[b]
}

// newSelector copies the values: they are kept, and a string that fiber has lent
// to a handler is another one with the next request.
func newSelector(by by, values ...string) Selector {
	s := Selector{by: by, values: make([]string, len(values))}
	for i, v := range values {
		s.values[i] = strings.Clone(v)
	}
	return s
}

// ByURL selects one resource, such as https://example.com/a?b=c: all variants and
// keys of it, under http and https alike. The path may be escaped in any way.
// Where a route has DropQuery, KeepQuery or SortQuery, all its queries go.
func ByURL(absolute string) Selector {
	host, target, err := splitURL(absolute)
	s := newSelector(byURL, host, target)
	s.err = err
	return s
}

// ByPath selects a path, such as /a, with all its queries and on all hosts. It may
// be escaped or not.
func ByPath(path string) Selector {
	s := newSelector(byPath, path)
	switch {
	case path == "":
		s.err = errors.New("an empty path")
	case path[0] != '/':
		s.err = fmt.Errorf("the path %q does not begin with /", path)
	case strings.ContainsAny(path, "?#"):
		s.err = fmt.Errorf("the path %q has a query or fragment: a path takes all its queries along; ByURL selects one", path)
	case strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }):
		s.err = fmt.Errorf("the path %q has a control character", path)
	}
	return s
}

// ByPattern selects all paths that match a pattern, such as /b/**, with all
// their queries and on all hosts: * stands for any characters within a segment,
// ** for any at all. An escaped slash in a path counts as either. Each later
// lookup costs one comparison for each pattern that is newer than what it finds.
func ByPattern(glob string) Selector {
	s := newSelector(byPattern, glob)
	_, s.err = newPattern(glob)
	return s
}

// ByTag selects what has any of these tags: see Tags, AddTags and
// Config.TagField.
func ByTag(tags ...string) Selector {
	s := newSelector(byTag, tags...)
	if len(tags) == 0 {
		s.err = errors.New("no tag")
	}
	if len(tags) > maxTags {
		s.err = fmt.Errorf("%d tags, more than %d", len(tags), maxTags)
	}
	for _, t := range tags {
		s.err = errors.Join(s.err, checkTag(t))
	}
	return s
}

// ByHost selects everything of a host, such as example.com or
// example.com:8080, under http and https alike. The default ports are left out
// in both.
func ByHost(host string) Selector {
	s := newSelector(byHost, host)
	if _, ok := canonicalHost(host); !ok {
		s.err = fmt.Errorf("%q is no host", host)
	}
	return s
}

// All selects everything that this cache holds, or, with a shared store, its
// Namespace.
func All() Selector { return Selector{by: byAll} }

// check returns every mistake in selectors.
func check(selectors []Selector) error {
	if len(selectors) == 0 {
		return errors.New("cachex: no Selector")
	}
	var errs []error
	for _, s := range selectors {
		switch {
		case s.by == 0:
			errs = append(errs, errors.New("cachex: a Selector that no function of cachex made"))
		case s.err != nil:
			errs = append(errs, fmt.Errorf("cachex: %s: %w", s.by, s.err))
		}
	}
	return errors.Join(errs...)
}

// readable tells whether a selector from the log of a shared store is one that
// this version makes.
func (s Selector) readable() bool {
	n := len(s.values)
	switch s.by {
	case byAll:
		return n == 0
	case byTag:
		return n > 0
	case byURL, byHostPath, byGroup:
		return n == 2
	case byPath, byHost:
		return n == 1
	case byPattern:
		if n != 1 {
			return false
		}
		_, err := newPattern(s.values[0])
		return err == nil
	}
	return false
}

// splitURL takes apart an absolute URL into what keys are made of.
func splitURL(absolute string) (host, target string, err error) {
	u, err := url.Parse(absolute)
	switch {
	case absolute == "":
		return "", "", errors.New("an empty URL")
	case err != nil:
		return "", "", fmt.Errorf("%q is no URL: %w", absolute, errors.Unwrap(err))
	case u.Scheme != "http" && u.Scheme != "https":
		return "", "", fmt.Errorf("the URL %q does not begin with http:// or https://", absolute)
	case u.User != nil || strings.IndexByte(absolute, '#') >= 0:
		return "", "", fmt.Errorf("the URL %q has a user or fragment, which no request has", absolute)
	}
	authority, target, ok := splitAbsolute(absolute)
	if !ok || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", "", fmt.Errorf("the URL %q has a blank or control character", absolute)
	}
	canonical, ok := appendHost(nil, authority, u.Scheme)
	if !ok {
		return "", "", fmt.Errorf("the URL %q has no host", absolute)
	}
	return string(canonical), target, nil
}

// canonicalHost is the host as it stands in keys.
func canonicalHost(host string) (string, bool) {
	b, ok := appendHost(nil, host, "http")
	return string(b), ok
}
