package store_test

import (
	"strings"
	"testing"

	"github.com/go-cachex/cachex/core/store"
)

func TestKey(t *testing.T) {
	long := "//example.com/" + strings.Repeat("a", 100)
	for s, readable := range map[string]bool{
		"//example.com/search?q=go": true,
		long:                        false,
		"//example.com/a b":         false,
		"//example.com/{a}":         false,
		"//example.com/ü":           false,
		"e:\n":                      false,
		"#e":                        false,
		"":                          false,
	} {
		key := store.Key(s, 100)
		if (key == s) != readable || len(key) > 100 || strings.ContainsAny(key, " {}\n") {
			t.Errorf("Key(%q) = %q", s, key)
		}
	}
	// What is made of one string is no other string's own key.
	hashed := store.Key(long, 100)
	if again := store.Key(hashed, 100); again == hashed {
		t.Errorf("%q is the key of two strings", hashed)
	}
	if store.Key(long+"b", 100) == hashed {
		t.Error("two long strings have the same key")
	}
}
