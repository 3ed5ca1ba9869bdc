package cachex_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What imports core gets the standard library, otter and httpsfv with it, and
// nothing else: no framework, no client of a store.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := 0
next:
	for _, path := range strings.Fields(string(out)) {
		for _, allowed := range []string{"github.com/go-cachex/cachex/core", "github.com/maypok86/otter/v2", "github.com/dunglas/httpsfv"} {
			if path == allowed || strings.HasPrefix(path, allowed+"/") {
				found++
				continue next
			}
		}
		t.Errorf("core depends on %s", path)
	}
	if found == 0 {
		t.Error("go list names nothing, not even core itself")
	}
}
