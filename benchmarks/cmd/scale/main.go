// Command scale measures what becomes of the cache when it is large or full: the
// memory that a million entries take, the garbage collector under load, a flood
// of unique query strings, and hit ratios beside a plain LRU and otter alone. It
// is started in the folder of its module, by make bench-scale.
package main

import (
	"flag"
	"fmt"
	"log"

	"github.com/go-cachex/cachex/benchmarks/internal/report"
)

var (
	entries  = flag.Int("entries", 1_000_000, "entries of 1 KiB")
	percent  = flag.Int("gogc", 10, "GOGC while the collector is watched")
	requests = flag.Int("requests", 2_000_000, "requests of a trace")
	document = flag.String("doc", "../docs/benchmarks.md", "document for the results, empty for none")
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("scale: ")
	flag.Parse()
	text := report.Machine(report.Load()) + "\n"
	for _, part := range []struct {
		name string
		f    func() string
	}{{"many entries", many}, {"a flood", flood}, {"hit ratios", ratios}} {
		log.Print(part.name)
		text += "\n" + part.f()
	}
	fmt.Print(text)
	if *document != "" {
		if err := report.Replace(*document, "scale", text); err != nil {
			log.Fatal(err)
		}
	}
}
