package benchmarks_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

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
