package cachex

import (
	"slices"
	"strings"

	"github.com/go-cachex/cachex/core/internal/field"
)

// speaks tells whether a variant that was selected by one Accept-Language also
// answers another: both ask for the same with the same weights, or the variant
// is in the very language that this one wants most (RFC 9111, section 4.1).
//
// Only a reverse proxy, whose origin is held to RFC 9110, goes by that. Handlers
// in the process are known to take the order of equal weights for a priority.
func (e *entry) speaks(asked, selected string) bool {
	want, ok := field.ParseLanguages(asked)
	if !ok {
		return false
	}
	if had, ok := field.ParseLanguages(selected); ok && slices.Equal(want, had) {
		return true
	}
	content := e.line("Content-Language")
	return len(content) == 1 && want.Wanted() != "" && strings.EqualFold(strings.TrimSpace(content[0]), want.Wanted())
}
