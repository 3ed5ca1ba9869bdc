package cachex

import (
	"net/url"
	"slices"
	"strings"
)

// queryRules are DropQuery, KeepQuery and SortQuery. What they remove from the
// key they remove from what the handler sees as well: a parameter that the
// handler reads and the key lacks would let one user's answer reach another.
type queryRules struct {
	drop, keep []string // glob patterns
	keepSet    bool
	sort       bool
}

func (q queryRules) any() bool { return len(q.drop) > 0 || q.keepSet || q.sort }

func (q queryRules) under(outer queryRules) queryRules {
	return queryRules{
		drop: concat(outer.drop, q.drop), keep: concat(outer.keep, q.keep),
		keepSet: q.keepSet || outer.keepSet, sort: q.sort || outer.sort,
	}
}

// rewrite returns the query with the rules applied. It works on the raw pieces:
// decoding and encoding again would change what parsers disagree on.
func (q queryRules) rewrite(query string) string {
	if query == "" || q.leaves(query) {
		return query
	}
	pieces := strings.Split(query, "&")
	pieces = slices.DeleteFunc(pieces, func(piece string) bool { return q.removes(parameter(piece)) })
	if q.sort {
		slices.SortStableFunc(pieces, func(a, b string) int { return strings.Compare(parameter(a), parameter(b)) })
	}
	return strings.Join(pieces, "&")
}

// target returns a request target with the rules applied to its query.
func (q queryRules) target(target string) string {
	path, query, found := strings.Cut(target, "?")
	if !found {
		return target
	}
	rewritten := q.rewrite(query)
	if rewritten == query {
		return target
	}
	if rewritten == "" {
		return path
	}
	return path + "?" + rewritten
}

func (q queryRules) removes(name string) bool {
	return matchAny(q.drop, name) || q.keepSet && !matchAny(q.keep, name)
}

// leaves tells whether a query is what the rules make of it: most are, and cost
// no memory.
func (q queryRules) leaves(query string) bool {
	last := ""
	for more := true; more; {
		var piece string
		piece, query, more = strings.Cut(query, "&")
		name := parameter(piece)
		if q.removes(name) || q.sort && name < last {
			return false
		}
		last = name
	}
	return true
}

// parameter is the decoded name of a piece of a query. A name that does not
// decode stands for itself.
func parameter(piece string) string {
	name, _, _ := strings.Cut(piece, "=")
	if decoded, err := url.QueryUnescape(name); err == nil {
		return decoded
	}
	return name
}

// matchAny tells whether one of the patterns, names with * for any characters,
// matches name.
func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if glob(p, name) {
			return true
		}
	}
	return false
}

// glob matches in linear time in both arguments for one star, and goes back to
// the last star only for more, so that no pattern takes exponential time.
func glob(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
