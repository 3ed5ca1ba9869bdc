package main

import (
	"container/list"
	"fmt"
	"math/rand/v2"

	"github.com/maypok86/otter/v2"

	"github.com/go-cachex/cachex/benchmarks"
)

// keeper is a cache, as far as a trace is concerned.
type keeper interface {
	// ask tells whether the page was there, and stores it if not.
	ask(page int) bool
}

// ratios plays traces to the cache, to otter alone and to a plain LRU, each with
// room for the same number of entries.
func ratios() string {
	const bound = 64 << 20
	each := weight()
	text := fmt.Sprintf("### Hit ratios\n\n%d requests, room for %d entries of 1 KiB, each with the weight that Cachex gives it. The first half of a trace warms up and does not count.\n\n"+
		"| trace | Cachex | otter alone | plain LRU |\n|---|--:|--:|--:|\n", *requests, bound/each)
	for _, t := range traces(int(bound / each)) {
		s := newSite(bound)
		row := fmt.Sprintf("| %s |", t.name)
		for _, k := range []keeper{&ours{s, s.client()}, newOtter(bound, each), newLRU(int(bound / each))} {
			row += fmt.Sprintf(" %.3f |", play(k, t.pages))
		}
		s.close()
		text += row + "\n"
	}
	return text
}

// weight is what the cache reckons for one entry.
func weight() int64 {
	s := newSite(64 << 20)
	defer s.close()
	c := s.client()
	for i := range 1000 {
		c.get(benchmarks.Target(100_000+i), "")
	}
	stats := s.cache.Stats()
	return stats.Bytes / int64(stats.Entries)
}

type trace struct {
	name  string
	pages []int
}

func traces(room int) []trace {
	zipf := func(s float64, pages int) func() int {
		z := rand.NewZipf(rand.New(rand.NewPCG(7, 7)), s, 1, uint64(pages-1))
		return func() int { return int(z.Uint64()) }
	}
	draw := func(next func() int) []int {
		pages := make([]int, *requests)
		for i := range pages {
			pages[i] = next()
		}
		return pages
	}
	scanned := 1 << 30
	scan := func(part float64, other func() int) func() int {
		coin := rand.New(rand.NewPCG(3, 3))
		return func() int {
			if coin.Float64() < part {
				scanned++
				return scanned
			}
			return other()
		}
	}
	return []trace{
		{"Zipf 1.01 over 10 times the room", draw(zipf(1.01, 10*room))},
		{"Zipf 1.2 over 10 times the room", draw(zipf(1.2, 10*room))},
		{"half of it a scan, half Zipf 1.01", draw(scan(0.5, zipf(1.01, 10*room)))},
		{"nine tenths a scan, a tenth Zipf 1.01", draw(scan(0.9, zipf(1.01, 10*room)))},
	}
}

func play(k keeper, pages []int) float64 {
	hits := 0
	for i, p := range pages {
		if k.ask(p) && i >= len(pages)/2 {
			hits++
		}
	}
	return float64(hits) / float64(len(pages)-len(pages)/2)
}

type ours struct {
	s *site
	c *client
}

func (o *ours) ask(page int) bool {
	before := o.s.runs.Load()
	o.c.get(benchmarks.Target(page), "")
	return o.s.runs.Load() == before
}

type alone struct{ c *otter.Cache[int, struct{}] }

func newOtter(bound, each int64) *alone {
	return &alone{otter.Must(&otter.Options[int, struct{}]{
		MaximumWeight: uint64(bound),
		Weigher:       func(int, struct{}) uint32 { return uint32(each) },
	})}
}

func (a *alone) ask(page int) bool {
	_, ok := a.c.GetIfPresent(page)
	if !ok {
		a.c.Set(page, struct{}{})
	}
	return ok
}

type lru struct {
	room  int
	pages map[int]*list.Element
	order *list.List
}

func newLRU(room int) *lru { return &lru{room, map[int]*list.Element{}, list.New()} }

func (l *lru) ask(page int) bool {
	if e, ok := l.pages[page]; ok {
		l.order.MoveToFront(e)
		return true
	}
	l.pages[page] = l.order.PushFront(page)
	if l.order.Len() > l.room {
		oldest := l.order.Back()
		delete(l.pages, l.order.Remove(oldest).(int))
	}
	return false
}
