// Command instructions counts what a hit and a 304 take in machine instructions, by
// valgrind. The counts know nothing of caches and branches, but nothing of the
// neighbours either, and come out the same on every machine. It is started in the
// folder of its module, by make bench-instructions.
//
// Misses are not counted: for valgrind Go leaves out the processor's instructions for
// AES and SHA, and the entity tag would be half of a miss.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-cachex/cachex/benchmarks"
	"github.com/go-cachex/cachex/benchmarks/internal/report"
)

var document = flag.String("doc", "../docs/benchmarks.md", "document for the results, empty for none")

// What is counted is the difference of two runs, so that neither the set-up nor the
// first requests are in it.
const few, many = 2000, 12000

func main() {
	log.SetFlags(0)
	log.SetPrefix("instructions: ")
	flag.Parse()
	dir, err := os.MkdirTemp("", "instructions")
	if err != nil {
		log.Fatal(err)
	}
	text, err := measure(dir)
	_ = os.RemoveAll(dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(text)
	if *document != "" {
		if err := report.Replace(*document, "instructions", text); err != nil {
			log.Fatal(err)
		}
	}
}

// kinds are the columns: a work, and a further field of the request.
var kinds = []struct{ title, work, field string }{
	{"hit", "Hit1K", ""}, {"hit, a field more", "Hit1K", "X-Other"}, {"304", "NotModified", ""},
}

func measure(dir string) (string, error) {
	bin := filepath.Join(dir, "bench")
	if out, err := exec.Command("go", "test", "-c", "-o", bin, ".").CombinedOutput(); err != nil { //nolint:gosec // a folder of our own
		return "", fmt.Errorf("%w: %s", err, out)
	}
	var counts strings.Builder
	counts.WriteString("| framework | |")
	for _, k := range kinds {
		fmt.Fprintf(&counts, " %s | of equal |", k.title)
	}
	counts.WriteString("\n|---|---|" + strings.Repeat("--:|--:|", len(kinds)) + "\n")
	equal := map[string]float64{} // by framework and kind
	for _, c := range benchmarks.All() {
		log.Print(c.Framework, "/", c.Name)
		name := c.Name
		if c.Role == benchmarks.Cachex {
			name = "**" + name + "**"
		}
		fmt.Fprintf(&counts, "| %s | %s |", c.Framework, name)
		for _, k := range kinds {
			n, err := perRequest(dir, bin, c, k.work, k.field)
			if err != nil {
				return "", fmt.Errorf("%s/%s, %s: %w", c.Framework, c.Name, k.title, err)
			}
			at := c.Framework + k.title
			ratio := ""
			switch {
			case c.Role == benchmarks.EqualFloor:
				equal[at] = n
			case equal[at] > 0:
				ratio = fmt.Sprintf("%.2f", n/equal[at])
			}
			fmt.Fprintf(&counts, " %.0f | %s |", n, ratio)
		}
		counts.WriteByte('\n')
	}
	return "Counted by valgrind, for which Go leaves out the processor's instructions for AES: what is hashed weighs more than it does.\n\n" +
		counts.String(), nil
}

// perRequest is the number of instructions for one request.
func perRequest(dir, bin string, c benchmarks.Contender, work, field string) (float64, error) {
	run := func(times int) (float64, error) {
		out := filepath.Join(dir, "callgrind")
		cmd := exec.Command("valgrind", "--tool=callgrind", "--callgrind-out-file="+out, bin, //nolint:gosec // our own program
			"-test.run", "^$", "-test.cpu", "1", "-test.benchtime", fmt.Sprint(times, "x"),
			"-test.bench", fmt.Sprintf("%s/^%s$/^%s$/^serial$", work, c.Framework, c.Name), "-only", c.Framework+"/"+c.Name, "-field", field)
		// valgrind knows neither the newest instructions nor the signals of preemption,
		// and a collection now and then would be in some counts and not in others.
		cmd.Env = append(os.Environ(), "GODEBUG=cpu.all=off,asyncpreemptoff=1", "GOGC=off")
		if text, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%w: %s", err, text)
		}
		return total(out)
	}
	less, err := run(few)
	if err != nil {
		return 0, err
	}
	more, err := run(many)
	return (more - less) / (many - few), err
}

// total is the sum that stands in what callgrind has written.
func total(path string) (float64, error) {
	text, err := os.ReadFile(path) //nolint:gosec // written by us
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "\ntotals: ")
	line, _, _ := strings.Cut(after, "\n")
	return strconv.ParseFloat(strings.TrimSpace(line), 64)
}
