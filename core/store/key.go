package store

import (
	"crypto/sha256"
	"encoding/base64"
)

// Key makes a resource or a name a part of a store's key: s itself where that is
// no longer than max bytes and easy to read, and its SHA-256 after a # where it
// is not. Different strings have different keys. max is 44 or more.
//
// What is easy to read is printable ASCII without blanks (which Memcached does
// not allow) and braces (which name a slot of a Redis Cluster).
func Key(s string, max int) string {
	if len(s) <= max && clean(s) {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return "#" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func clean(s string) bool {
	if s == "" || s[0] == '#' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c > '~' || c == '{' || c == '}' {
			return false
		}
	}
	return true
}
