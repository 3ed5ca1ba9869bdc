// Package workspace_test holds the rules of the repository that no compiler
// checks: what depends on what, and that the list of modules is one list.
package workspace_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../.."
	prefix = "github.com/go-cachex/cachex/"
)

// goCommand runs the go command in a module, outside of the workspace, and
// returns the words that it prints.
func goCommand(t *testing.T, module string, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join(root, module)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: go %s: %v\n%s", module, strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.Fields(string(out))
}

func modules(t *testing.T) []string {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(root, "modules"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(list))
}

// moduleDeps returns the modules, apart from its own, whose packages a module's
// packages are built from; with test, whose packages its tests are built from.
func moduleDeps(t *testing.T, module string, test bool) []string {
	t.Helper()
	args := []string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}"}
	if test {
		args = append(args, "-test")
	}
	deps := goCommand(t, module, append(args, "./...")...)
	slices.Sort(deps)
	return slices.DeleteFunc(slices.Compact(deps), func(m string) bool { return m == prefix+module })
}

// Core is the standard library and two libraries without dependencies of their own.
func TestCoreDependencies(t *testing.T) {
	allowed := []string{"github.com/dunglas/httpsfv", "github.com/maypok86/otter/v2"}
	for _, m := range moduleDeps(t, "core", true) {
		if !slices.Contains(allowed, m) {
			t.Errorf("core depends on %s; it may depend on the standard library, otter and httpsfv only", m)
		}
	}
}

// Dependencies point one way: adapters, backends and conformance to core, tests of
// adapters and backends to conformance, examples and conformance/fleet to everything.
func TestDirection(t *testing.T) {
	for _, module := range modules(t) {
		t.Run(module, func(t *testing.T) {
			for _, test := range []bool{false, true} {
				for _, dep := range moduleDeps(t, module, test) {
					sibling, ours := strings.CutPrefix(dep, prefix)
					if ours && !mayImport(module, sibling, test) {
						t.Errorf("%s depends on %s (tests: %t), against the direction of dependencies", module, sibling, test)
					}
					if !ours && module == "conformance" && !slices.Contains([]string{"github.com/dunglas/httpsfv", "github.com/maypok86/otter/v2"}, dep) {
						t.Errorf("conformance depends on %s; every adapter's go.sum would have it", dep)
					}
				}
			}
		})
	}
}

func mayImport(module, sibling string, test bool) bool {
	switch {
	case module == "examples", module == "conformance/fleet":
		return true
	case sibling == "core":
		return true
	case sibling == "conformance":
		return test && (strings.HasPrefix(module, "adapters/") || strings.HasPrefix(module, "backends/"))
	}
	return false
}

// The file modules is the list that make reads; go.work is the one that go reads.
func TestModuleList(t *testing.T) {
	want := modules(t)
	slices.Sort(want)

	var used []string
	for _, word := range goCommand(t, ".", "work", "edit", "-print", "go.work") {
		if dir, ok := strings.CutPrefix(word, "./"); ok {
			used = append(used, dir)
		}
	}
	slices.Sort(used)
	if !slices.Equal(used, want) {
		t.Errorf("go.work uses %v, the file modules lists %v", used, want)
	}
	for _, module := range want {
		if got := goCommand(t, module, "list", "-m"); len(got) != 1 || got[0] != prefix+module {
			t.Errorf("the module in %s is called %v", module, got)
		}
	}
}
