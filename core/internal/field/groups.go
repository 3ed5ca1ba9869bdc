package field

import "github.com/dunglas/httpsfv"

// maxGroupBytes bounds the name of a cache group; RFC 9875 asks for 32 at least.
const maxGroupBytes = 256

// ParseGroups returns the members of Cache-Groups or Cache-Group-Invalidation, a
// List of Strings whose parameters have no meaning (RFC 9875, sections 2 and 3).
// Where it is anything else, or a name is longer than 256 bytes, the field has
// no members.
func ParseGroups(lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	list, err := httpsfv.UnmarshalList(lines)
	if err != nil {
		return nil
	}
	groups := make([]string, 0, len(list))
	for _, member := range list {
		item, ok := member.(httpsfv.Item)
		if !ok {
			return nil
		}
		name, ok := item.Value.(string)
		if !ok || len(name) > maxGroupBytes {
			return nil
		}
		groups = append(groups, name)
	}
	return groups
}
