package benchmarks_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-cachex/cachex/benchmarks"
)

var (
	entries  = flag.Int("entries", 10_000, "entries that HitOfMany stores")
	only     = flag.String("only", "", "framework/name of the one contender to measure")
	field    = flag.String("field", "", "a further field of each request")
	backward = flag.Bool("backward", false, "measure the contenders from the last to the first")
)

func TestContenders(t *testing.T) {
	for _, w := range benchmarks.Works {
		for _, c := range benchmarks.All() {
			t.Run(w.Name+"/"+c.Framework+"/"+c.Name, func(t *testing.T) {
				srv, _, err := c.Start(w, benchmarks.NewSite(w.Size))
				if err != nil {
					t.Error(err)
				}
				if srv.Close != nil {
					srv.Close()
				}
			})
		}
	}
}

func TestNotes(t *testing.T) {
	for _, c := range benchmarks.All() {
		if c.Role == benchmarks.Peer && (c.Notes == "" || c.Module == "") {
			t.Errorf("%s/%s lacks a note or its module", c.Framework, c.Name)
		}
		if strings.ContainsAny(c.Framework+c.Name, " /-") && c.Role != benchmarks.Peer {
			t.Errorf("%q, %q: not for the name of a benchmark", c.Framework, c.Name)
		}
	}
}

// A hit does not become several times slower than a handler that writes the same
// response. It is at 0.7 to 1.9 of that (docs/benchmarks.md); the least of many short
// rounds, one after the other, knows little of what else the machine does.
func TestHitsStayNearTheFloor(t *testing.T) {
	const rounds, requests, most = 40, 250, 4
	hit := benchmarks.Works[slices.IndexFunc(benchmarks.Works, func(w benchmarks.Work) bool { return w.Name == "Hit1K" })]
	for _, framework := range []string{"nethttp", "gin", "echo", "chi", "fiber"} {
		t.Run(framework, func(t *testing.T) {
			least := map[benchmarks.Role]time.Duration{benchmarks.EqualFloor: math.MaxInt64, benchmarks.Cachex: math.MaxInt64}
			clients := map[benchmarks.Role]benchmarks.Client{}
			for _, c := range benchmarks.All() {
				if _, measured := least[c.Role]; c.Framework != framework || !measured {
					continue
				}
				srv, prepare, err := c.Start(hit, benchmarks.NewSite(hit.Size))
				if srv.Close != nil {
					t.Cleanup(srv.Close)
				}
				if err != nil {
					t.Fatal(err)
				}
				clients[c.Role] = prepare()
			}
			for range rounds {
				for role, client := range clients {
					begun := time.Now()
					for range requests {
						client.Send()
					}
					least[role] = min(least[role], time.Since(begun))
				}
			}
			ours, floor := least[benchmarks.Cachex], least[benchmarks.EqualFloor]
			t.Logf("%.2f of the equal floor", float64(ours)/float64(floor))
			if ours > most*floor {
				t.Errorf("a hit takes %.1f times what the equal floor takes, want %d at most", float64(ours)/float64(floor), most)
			}
		})
	}
}

func BenchmarkHit1K(b *testing.B)       { run(b, "Hit1K") }
func BenchmarkHit32K(b *testing.B)      { run(b, "Hit32K") }
func BenchmarkNotModified(b *testing.B) { run(b, "NotModified") }
func BenchmarkMiss1K(b *testing.B)      { run(b, "Miss1K") }
func BenchmarkHitOfMany(b *testing.B)   { run(b, "HitOfMany") }

func run(b *testing.B, name string) {
	w := benchmarks.Works[slices.IndexFunc(benchmarks.Works, func(w benchmarks.Work) bool { return w.Name == name })]
	all := benchmarks.All()
	if *backward {
		slices.Reverse(all)
	}
	for _, c := range all {
		path := c.Framework + "/" + c.Name
		if *only != "" && *only != path {
			continue
		}
		b.Run(path, func(b *testing.B) { measure(b, w, c) })
	}
}

func measure(b *testing.B, w benchmarks.Work, c benchmarks.Contender) {
	site := benchmarks.NewSite(w.Size)
	if w.Many {
		site.Room, site.Caches = int64(*entries)*4096, 2**entries
	}
	srv, start, err := c.Start(w, site)
	if srv.Close != nil {
		b.Cleanup(srv.Close)
	}
	if err != nil {
		b.Fatal(err)
	}
	prepare := func() benchmarks.Client {
		client := start()
		if *field != "" {
			client.Set(*field, "1")
		}
		return client
	}
	next := func() func(benchmarks.Client) { return func(benchmarks.Client) {} }
	switch {
	case w.Misses:
		var pages atomic.Int64
		next = func() func(benchmarks.Client) {
			// A range of its own for each worker, so that they do not meet.
			from, to := 0, 0
			return func(client benchmarks.Client) {
				if from == to {
					to = int(pages.Add(1 << 10))
					from = to - 1<<10
				}
				client.Target(benchmarks.Target(from))
				from++
			}
		}
	case w.Many:
		targets := fill(prepare, *entries)
		if runs := site.Runs.Load(); c.Role == benchmarks.Cachex || c.Role == benchmarks.Peer {
			b.Cleanup(func() {
				if again := site.Runs.Load() - runs; again > 0 {
					b.Errorf("%s/%s: %d of the hits were none", c.Framework, c.Name, again)
				}
			})
		}
		draws := zipf(*entries)
		next = func() func(benchmarks.Client) {
			i := rand.IntN(len(draws))
			return func(client benchmarks.Client) {
				i = (i + 1) % len(draws)
				client.Target(targets[draws[i]])
			}
		}
	}
	b.Run("serial", func(b *testing.B) {
		client, move := prepare(), next()
		b.ReportAllocs()
		for b.Loop() {
			move(client)
			client.Send()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			client, move := prepare(), next()
			for pb.Next() {
				move(client)
				client.Send()
			}
		})
	})
}

// fill asks for every page once.
func fill(prepare func() benchmarks.Client, n int) []string {
	targets := make([]string, n)
	var group sync.WaitGroup
	const workers = 2
	for k := range workers {
		group.Go(func() {
			client := prepare()
			for i := k; i < n; i += workers {
				targets[i] = benchmarks.Target(i)
				client.Target(targets[i])
				client.Send()
			}
		})
	}
	group.Wait()
	return targets
}

// zipf draws page numbers, the same ones in each run.
func zipf(n int) []int {
	z := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.01, 1, uint64(n-1))
	draws := make([]int, 1<<20)
	for i := range draws {
		draws[i] = int(z.Uint64())
	}
	return draws
}
