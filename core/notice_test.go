package cachex_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mutations break the promise, one way each. They are put into a copy of the
// source that only this test compiles, so that a request pays nothing for them
// and no shipped code knows of tests. MUTATION in a replacement is true in the
// runs that are about it.
var mutations = []struct {
	name  string
	edits []edit
}{
	{"a ticket that is taken late: when the response is complete", []edit{
		{"record.go", "\te.body = r.capture.bytes()\n", "\tif MUTATION {\n\t\te.born = c.marks.ticket()\n\t}\n\te.body = r.capture.bytes()\n"},
		{"record.go", "if !c.marks.alive(e) ||", "if !MUTATION && !c.marks.alive(e) ||"},
	}},
	{"waiters that take what they waited for, unchecked", []edit{
		{"record.go", "!c.marks.alive(e) ||", "!MUTATION && !c.marks.alive(e) ||"},
		{"collapse.go", "!rq.p.cache.marks.alive(e) || !rq.selects(e)", "!MUTATION && !rq.p.cache.marks.alive(e) || !rq.selects(e)"},
		{"flight.go", "m.since(f.ticket, &p, nil).taken() == 0 {", "(MUTATION || m.since(f.ticket, &p, nil).taken() == 0) {"},
	}},
	{"a 304 that makes a new ticket", []edit{
		{"validate.go", "key: string(r.rq.key), born: r.ticket,", "key: string(r.rq.key), born: map[bool]ticket{false: r.ticket, true: r.p.cache.marks.ticket()}[MUTATION],"},
	}},
	{"a sequence that is raised before its marks are in place", []edit{
		{"marks.go", "\tm.forget(now)\n", "\tif MUTATION {\n\t\tm.last.Store(uint64(t))\n\t\tpause()\n\t}\n\tm.forget(now)\n"},
	}},
	{"marks that are forgotten where there are too many", []edit{
		{"marks.go", "m.floors[old.scope%markFloors].fold(k)", "if !MUTATION {\n\t\t\t\tm.floors[old.scope%markFloors].fold(k)\n\t\t\t}"},
		{"marks.go", "k, ok := m.exact[s]\n\tif !ok {", "k, ok := m.exact[s]\n\tif !ok && !MUTATION {"},
	}},
	{"tags of the handler that are not looked at", []edit{
		{"marks.go", "for _, s := range further {", "for _, s := range further[:len(further)*map[bool]int{false: 1}[MUTATION]] {"},
	}},
}

type edit struct{ file, old, new string }

// TestHistoriesNotice is the test of TestHistories: it finds each mutation.
func TestHistoriesNotice(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "mutants")
	out, err := exec.Command("go", "test", "-c", "-o", program, "-overlay", mutate(t, dir), ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`broken: (\d+) of \d+`)
	for _, mutation := range mutations {
		run := exec.Command(program, "-test.run", "^TestHistories$", "-test.v")
		run.Env = append(os.Environ(), "CACHEX_MUTATION="+mutation.name)
		if os.Getenv("CACHEX_HISTORIES") == "" { // else all, to see in how many
			run.Env = append(run.Env, "CACHEX_HISTORIES=200", "CACHEX_HISTORIES_UNTIL=broken")
		}
		out, err := run.CombinedOutput()
		m := found.FindSubmatch(out)
		if m == nil {
			t.Fatalf("%s: %v\n%s", mutation.name, err, out)
		}
		t.Logf("%s: broken in %s", mutation.name, m[1])
		if string(m[1]) == "0" {
			t.Errorf("nothing found: %s\n%s", mutation.name, out)
		}
	}
}

// mutate writes the source with all mutations, and the overlay that puts it in the
// place of ours.
func mutate(t *testing.T, dir string) (overlay string) {
	sources := map[string]string{"mutation.go": "package cachex\n\nimport (\n\t\"os\"\n\t\"runtime\"\n)\n\nvar mutation = os.Getenv(\"CACHEX_MUTATION\")\n\nfunc pause() { runtime.Gosched() }\n"}
	for _, m := range mutations {
		for _, e := range m.edits {
			source, ok := sources[e.file]
			if !ok {
				b, err := os.ReadFile(e.file)
				if err != nil {
					t.Fatal(err)
				}
				source = string(b)
			}
			if strings.Count(source, e.old) != 1 {
				t.Fatalf("mutation %q no longer fits %s, which must hold once: %s", m.name, e.file, e.old)
			}
			sources[e.file] = strings.Replace(source, e.old, strings.ReplaceAll(e.new, "MUTATION", "(mutation == \""+m.name+"\")"), 1)
		}
	}
	replace := map[string]string{}
	for name, source := range sources {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		at, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		replace[at] = file
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}
