package field

import (
	"slices"
	"strings"
)

// Languages is a parsed Accept-Language, most wanted first; of those wanted
// alike, in the order of the alphabet (RFC 9110, section 12.5.4: the order of
// members with the same weight says nothing that can be relied upon).
type Languages []Language

// Language is one language range, in lower case, and its weight in thousandths.
type Language struct {
	Range  string
	Weight int
}

// ParseLanguages parses the value of Accept-Language. It returns false for what
// is no list of language ranges.
func ParseLanguages(value string) (l Languages, ok bool) {
	for m := range Members([]string{value}) {
		tag, parameter, weighted := strings.Cut(m, ";")
		weight := 1000
		if weighted {
			if weight, ok = parseWeight(strings.Trim(parameter, " \t")); !ok {
				return nil, false
			}
		}
		tag = strings.ToLower(strings.TrimRight(tag, " \t"))
		if tag == "" || strings.ContainsAny(tag, " \t\"=") {
			return nil, false
		}
		l = append(l, Language{tag, weight})
	}
	slices.SortFunc(l, func(a, b Language) int {
		if a.Weight != b.Weight {
			return b.Weight - a.Weight
		}
		return strings.Compare(a.Range, b.Range)
	})
	return l, len(l) > 0
}

// parseWeight parses q=0.5 (RFC 9110, section 12.4.2).
func parseWeight(s string) (thousandths int, ok bool) {
	if len(s) < 3 || s[0]|0x20 != 'q' || s[1] != '=' || s[2] != '0' && s[2] != '1' || len(s) > len("q=0.123") {
		return 0, false
	}
	digits := "000"
	if len(s) > 3 {
		if s[3] != '.' {
			return 0, false
		}
		digits = (s[4:] + "000")[:3]
	}
	thousandths = int(s[2]-'0') * 1000
	for i, unit := range [...]int{100, 10, 1} {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		thousandths += int(digits[i]-'0') * unit
	}
	return thousandths, thousandths <= 1000
}

// Wanted is the one language that is wanted more than any other, if there is
// one.
func (l Languages) Wanted() string {
	if len(l) == 0 || l[0].Weight == 0 || l[0].Range == "*" || len(l) > 1 && l[1].Weight == l[0].Weight {
		return ""
	}
	return l[0].Range
}
