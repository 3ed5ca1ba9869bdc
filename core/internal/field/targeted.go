package field

import (
	"strings"

	"github.com/dunglas/httpsfv"
)

// ParseTargeted parses a targeted field such as CDN-Cache-Control (RFC 9213): a
// Dictionary of RFC 9651. It returns false where the field is empty or does not
// parse; then it is as if it were not there (section 2.1).
//
// A value of the wrong type is not converted: a lifetime becomes Invalid, which
// is stale, and a restriction is in force.
func ParseTargeted(lines []string) (c Control, ok bool) {
	for _, l := range lines {
		if strings.ContainsFunc(l, func(r rune) bool { return r > '~' }) {
			return Control{}, false
		}
	}
	dict, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil || len(dict.Names()) == 0 {
		return Control{}, false
	}
	for _, name := range dict.Names() {
		member, _ := dict.Get(name)
		d, value := c.directive(name)
		if d&responseDirectives == 0 {
			continue
		}
		item, isItem := member.(httpsfv.Item)
		if value != nil {
			n, isInt := item.Value.(int64)
			switch {
			case !isItem || !isInt || n < 0:
				n = Invalid
			case n > Unbounded:
				n = Unbounded
			}
			c.set(d, value, n)
			continue
		}
		list, isString := item.Value.(string)
		if isString && (d == Private || d == NoCache) {
			c.add(name, list, argQuoted)
			continue
		}
		if loosens := d == Public || d == Immutable; loosens && item.Value != true {
			continue // only what it says clearly is a permission
		}
		c.Has |= d
	}
	return c, true
}
