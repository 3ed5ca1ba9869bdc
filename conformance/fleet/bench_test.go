package fleet

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cachexredis "github.com/go-cachex/cachex/backends/redis"
	"github.com/go-cachex/cachex/conformance/servers"
	cachex "github.com/go-cachex/cachex/core"
)

const (
	benchClients = 64
	benchBody    = 1 << 10
)

// discard is a ResponseWriter without a client.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func benchSite(b *testing.B, cfg cachex.Config) http.Handler {
	b.Helper()
	c, err := cachex.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Shutdown(context.Background()) })
	return c.Middleware(cachex.TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", benchBody))
	}))
}

// visit asks until it is answered from the cache.
func visit(b *testing.B, site http.Handler) {
	b.Helper()
	if !poll(func() bool {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequest("GET", "http://bench/a", nil))
		return strings.HasPrefix(w.Header().Get("Cache-Status"), "Cachex; hit")
	}) {
		b.Fatal("there is no hit")
	}
}

// ratio measures do against base, a little of each in turn. A client has one
// header, as a server has one connection.
func ratio(b *testing.B, clients, times int, base, do func(http.Header)) {
	round := func(op func(http.Header)) time.Duration {
		var all sync.WaitGroup
		start := time.Now()
		for range clients {
			all.Go(func() {
				header := http.Header{}
				for range times {
					op(header)
				}
			})
		}
		all.Wait()
		return time.Since(start)
	}
	var bases, dos time.Duration
	for b.Loop() {
		bases += round(base)
		dos += round(do)
	}
	ops := float64(b.N * clients * times)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(bases)/ops, "ns/base")
	b.ReportMetric(float64(dos)/ops, "ns/hit")
	b.ReportMetric(float64(dos)/float64(bases), "ratio")
}

func hits(site http.Handler) func(http.Header) {
	r := httptest.NewRequest("GET", "http://bench/a", nil)
	return func(h http.Header) {
		clear(h)
		site.ServeHTTP(discard{h}, r)
	}
}

// BenchmarkRedisHit is a hit in Redis against GET of the same bytes.
func BenchmarkRedisHit(b *testing.B) {
	s := servers.Redis(b)
	client := redis.NewClient(&redis.Options{Addr: s.Addr, PoolSize: benchClients, ContextTimeoutEnabled: true})
	b.Cleanup(func() { _ = client.Close() })
	site := benchSite(b, cachex.Config{Store: cachexredis.New(client), Namespace: "bench", StoreTimeout: 10 * time.Second})
	visit(b, site)
	var key string
	poll(func() bool { // it is written behind the answer
		for _, k := range keysOf(b, "redis", s) {
			if strings.Contains(k, ":v:") {
				key = k
			}
		}
		return key != ""
	})
	ctx := context.Background()
	ratio(b, benchClients, 50, func(http.Header) {
		if v, err := client.Get(ctx, key).Bytes(); err != nil || len(v) < benchBody {
			b.Error(err)
		}
	}, hits(site))
}

// BenchmarkFirstTierHit is a hit in memory in front of Redis against one in memory
// alone.
func BenchmarkFirstTierHit(b *testing.B) {
	s := servers.Redis(b)
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	b.Cleanup(func() { _ = client.Close() })
	tiers := benchSite(b, cachex.Config{Store: cachexredis.New(client), Namespace: "bench", MemoryBytes: 1 << 20, MemoryTTL: time.Hour})
	memory := benchSite(b, cachex.Config{})
	visit(b, tiers)
	visit(b, memory)
	ratio(b, 1, 2000, hits(memory), hits(tiers))
}
