// Command bench measures all contenders in rounds, one beside the other, and
// writes a table and a chart. It is started in the folder of its module, by make
// bench; with -table it only writes them anew from a stored run.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-cachex/cachex/benchmarks"
	"github.com/go-cachex/cachex/benchmarks/internal/report"
)

var (
	rounds     = flag.Int("rounds", 6, "rounds; every other one goes backward")
	manyRounds = flag.Int("many-rounds", 2, "rounds of the hit among many entries; 0 leaves it out")
	entries    = flag.Int("entries", 1_000_000, "how many entries that are")
	each       = flag.Duration("time", 100*time.Millisecond, "for one measurement")
	raw        = flag.String("raw", "testdata/last.txt", "file for what the benchmarks print")
	table      = flag.Bool("table", false, "measure nothing: write the documents from -raw")
	document   = flag.String("doc", "../docs/benchmarks.md", "document for the table, empty for none")
	chart      = flag.String("chart", "../docs/benchmarks.svg", "file for the chart, empty for none")
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	flag.Parse()
	load := report.Load()
	if !*table {
		out, err := measure()
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(*raw, out, 0o644); err != nil {
			log.Fatal(err)
		}
	}
	out, err := os.ReadFile(*raw)
	if err != nil {
		log.Fatal(err)
	}
	results := parse(out)
	if *document != "" {
		if err := report.Replace(*document, "in process", results.tables(report.Machine(load), *entries)); err != nil {
			log.Fatal(err)
		}
	}
	if *chart != "" {
		if err := os.WriteFile(*chart, results.chart(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// measure runs the benchmarks, a process for each round, so that what a round
// does to the heap does not reach into the next.
func measure() ([]byte, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "benchmarks.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	var all bytes.Buffer
	bench := func(args ...string) error {
		args = append(args, "-test.run=^$", "-test.benchtime="+each.String(), "-test.timeout=20m")
		cmd := exec.Command(binary, args...)
		cmd.Stdout, cmd.Stderr = &all, os.Stderr
		return cmd.Run()
	}
	for i := range *rounds {
		log.Printf("round %d of %d", i+1, *rounds)
		if err := bench("-test.bench=^Benchmark(Hit1K|Hit32K|NotModified|Miss1K)$", "-backward="+strconv.FormatBool(i%2 == 1)); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, all.Bytes())
		}
	}
	for i := range *manyRounds {
		for _, c := range benchmarks.All() {
			log.Printf("%d entries, round %d of %d: %s/%s", *entries, i+1, *manyRounds, c.Framework, c.Name)
			if err := bench("-test.bench=^BenchmarkHitOfMany$", "-only="+c.Framework+"/"+c.Name, "-entries="+strconv.Itoa(*entries)); err != nil {
				return nil, fmt.Errorf("%w\n%s", err, all.Bytes())
			}
		}
	}
	return all.Bytes(), nil
}
