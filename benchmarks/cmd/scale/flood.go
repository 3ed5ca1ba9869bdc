package main

import (
	"fmt"
	"strconv"

	"github.com/go-cachex/cachex/benchmarks"
)

const floodBound = 64 << 20

// Of a flood: pages that are asked for over and over, how many requests under a query
// that never comes again follow each of them, and how often each is asked for.
const (
	hot    = 10_000
	unique = 9
	rounds = 20
)

// flood asks for a hot set, and nine times as often for one of its pages under a
// query that never comes again; and has otter alone and a plain LRU asked the same.
func flood() string {
	empty := heap()
	s := newSite(floodBound)
	defer s.close()
	c := &flooded{site: s, client: s.client()}
	ratios := underFlood(c)
	grown := int64(heap()) - int64(empty)
	text := fmt.Sprintf("### A flood of unique query strings\n\n%d pages that are asked for over and over, under %d requests with a query that never comes again; the bound is %d MiB.\n\n"+
		"| | |\n|---|--:|\n| most that the cache reckoned | %.1f MiB |\n| heap that the cache takes after the flood | %.1f MiB |\n\n"+
		"Hit ratio of the pages, in rounds of one request for each. Before the first they were asked for five times, without a flood. A plain LRU has forgotten each page before it is asked for again.\n\n"+
		"| round | Cachex | otter alone | plain LRU |\n|---|--:|--:|--:|\n",
		hot, rounds*hot*unique, floodBound>>20, float64(c.largest)/(1<<20), float64(grown)/(1<<20))
	each := weight()
	peers := [][]float64{ratios, underFlood(newOtter(floodBound, each)), underFlood(newLRU(int(floodBound / each)))}
	for _, round := range []int{1, 2, 3, 4, 5, 6, 10, rounds} {
		text += fmt.Sprintf("| %d |", round)
		for _, r := range peers {
			text += fmt.Sprintf(" %.3f |", r[round-1])
		}
		text += "\n"
	}
	return text
}

// underFlood returns how much of the pages each round finds. What is hot or above
// is a page that is asked for once.
func underFlood(k keeper) (found []float64) {
	for range 5 {
		for page := range hot {
			k.ask(page)
		}
	}
	once := hot
	for range rounds {
		hits := 0
		for page := range hot {
			if k.ask(page) {
				hits++
			}
			for range unique {
				if k.ask(once) {
					panic("the flood was answered from the cache")
				}
				once++
			}
		}
		found = append(found, float64(hits)/hot)
	}
	return found
}

// flooded is a keeper of pages, of which those from hot on are one of the others
// under a query of their own.
type flooded struct {
	*site
	*client
	largest int64 // bytes that it has reckoned
}

func (f *flooded) ask(page int) bool {
	query := ""
	if page >= hot {
		query = "q=" + strconv.Itoa(page)
	}
	before := f.runs.Load()
	f.get(benchmarks.Target(page%hot), query)
	if page >= hot && page%hot == 0 {
		f.largest = max(f.largest, f.cache.Stats().Bytes)
	}
	return f.runs.Load() == before
}
