package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/go-cachex/cachex/benchmarks"
)

// many stores many entries, weighs them and asks for them while the collector
// works.
func many() string {
	before := heap()
	s := newSite(int64(*entries) * 4096)
	defer s.close()
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		group.Go(func() {
			c := s.client()
			for i := k; i < *entries; i += workers {
				c.get(benchmarks.Target(i), "")
			}
		})
	}
	group.Wait()
	after := heap()
	stats := s.cache.Stats()
	key := len("GET http://example.com") + len(benchmarks.Target(*entries/2))
	overhead := float64(after-before)/float64(stats.Entries) - size
	text := fmt.Sprintf("### %d entries of 1 KiB\n\n| | |\n|---|--:|\n", *entries)
	text += fmt.Sprintf("| entries kept | %d |\n| memory beside the content, each | %.0f bytes |\n", stats.Entries, overhead)
	text += fmt.Sprintf("| of that the key | %d bytes |\n| what the cache reckons for an entry, content included | %d bytes |\n", key, stats.Bytes/int64(max(1, stats.Entries)))
	return text + load(s, workers)
}

// heap is the memory in use after a collection. Two of them empty the pools.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// load asks for 5 seconds, a hundredth of the time for a page that is new.
func load(s *site, workers int) string {
	const period = 5 * time.Second
	defer debug.SetGCPercent(debug.SetGCPercent(*percent)) // or there would be hardly a collection to see
	var before, after runtime.MemStats
	idle, _ := cpu()
	gc, all := cpu()
	forced := gc - idle // a collection that nobody but cpu asks for
	runtime.ReadMemStats(&before)
	counts := make([]int, workers)
	var group sync.WaitGroup
	end := time.Now().Add(period)
	for k := range workers {
		group.Go(func() {
			c := s.client()
			pages := rand.NewZipf(rand.New(rand.NewPCG(1, uint64(k))), 1.01, 1, uint64(*entries-1))
			for n := 0; time.Now().Before(end); n += 100 {
				for range 99 {
					c.get(benchmarks.Target(int(pages.Uint64())), "")
				}
				c.get(benchmarks.Target(-1-n-k*1_000_000_000), "")
				counts[k] += 100
			}
		})
	}
	group.Wait()
	runtime.ReadMemStats(&after)
	gcAfter, allAfter := cpu()
	total := 0
	for _, n := range counts {
		total += n
	}
	longest := uint64(0)
	for n := before.NumGC; n < after.NumGC && n < before.NumGC+256; n++ {
		longest = max(longest, after.PauseNs[n%256])
	}
	collector := "none"
	if after.NumGC > before.NumGC {
		collector = fmt.Sprintf("%.1f %%", 100*max(0, gcAfter-gc-forced)/(allAfter-all-forced))
	}
	return fmt.Sprintf("| requests a second, one in a hundred a miss that is stored | %.0f |\n", float64(total)/period.Seconds()) +
		fmt.Sprintf("| collections in %v with GOGC=%d | %d |\n| longest pause | %.2f ms |\n", period, *percent, after.NumGC-before.NumGC, float64(longest)/1e6) +
		fmt.Sprintf("| collector's share of the CPU time used | %s |\n", collector)
}

// cpu is the CPU time of the collector and of everything but idling, in seconds.
func cpu() (gc, all float64) {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}}
	runtime.GC() // these numbers are brought up to date by a collection
	metrics.Read(s)
	return s[0].Value.Float64(), s[1].Value.Float64() - s[2].Value.Float64()
}
