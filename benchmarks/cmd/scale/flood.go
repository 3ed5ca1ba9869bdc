package main

import (
	"fmt"
	"strconv"

	"github.com/go-cachex/cachex/benchmarks"
)

// flood asks for a hot set, and nine times as often for one of its pages under a
// query that never comes again.
func flood() string {
	const (
		bound = 64 << 20
		hot   = 10_000
	)
	empty := heap()
	s := newSite(bound)
	defer s.close()
	c := s.client()
	warm := func() (hits float64) {
		runs := s.runs.Load()
		for i := range hot {
			c.get(benchmarks.Target(i), "")
		}
		return 1 - float64(s.runs.Load()-runs)/hot
	}
	for range 5 {
		warm()
	}
	largest, least, sum := int64(0), 1.0, 0.0
	n := 0
	const rounds = 20
	for range rounds {
		runs, hotRuns := s.runs.Load(), int64(0)
		for i := range hot {
			before := s.runs.Load()
			c.get(benchmarks.Target(i), "")
			hotRuns += s.runs.Load() - before
			for range 9 {
				c.get(benchmarks.Target(i), "q="+strconv.Itoa(n))
				n++
			}
		}
		if s.runs.Load()-runs-hotRuns != 9*hot {
			panic("the flood was answered from the cache")
		}
		largest = max(largest, s.cache.Stats().Bytes)
		ratio := 1 - float64(hotRuns)/hot
		least, sum = min(least, ratio), sum+ratio
	}
	grown := int64(heap()) - int64(empty)
	return fmt.Sprintf("### A flood of unique query strings\n\n%d pages that are asked for over and over, under %d requests with a query that never comes again; the bound is %d MiB. A plain LRU would have forgotten each page before it is asked for again.\n\n"+
		"| | |\n|---|--:|\n| most that the cache reckoned | %.1f MiB |\n| heap that the cache takes after the flood | %.1f MiB |\n| hit ratio of the pages under the flood | %.3f |\n| the same in the worst of %d rounds | %.3f |\n| hit ratio of the pages afterwards | %.3f |\n",
		hot, n, bound>>20, float64(largest)/(1<<20), float64(grown)/(1<<20), sum/rounds, rounds, least, warm())
}
