package cachexmemcached_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/go-cachex/cachex/conformance/servers"
)

// What a hit costs in the store, beside what the client needs for a Get of the
// same bytes: the ratio counts, on the same machine in the same run. 64 goroutines
// for two processors.
func BenchmarkGet(b *testing.B) {
	s := servers.Memcached(b)
	value := []byte(strings.Repeat("x", 1024))
	c := client(b, s)
	ok(b, c.Set(&memcache.Item{Key: "bare", Value: value}))
	space := open(b, c)
	_, err := space.Token(ctx, "//r", time.Hour)
	ok(b, err)
	ok(b, space.Set(ctx, "//r", "e", value, time.Hour))

	run := func(name string, get func(context.Context) error) {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(32)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ctx, cancel := context.WithTimeout(ctx, time.Minute)
					err := get(ctx)
					cancel()
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
	run("bare", func(context.Context) error { _, err := c.Get("bare"); return err })
	run("multi", func(context.Context) error {
		_, err := c.GetMulti([]string{"cachex:shop:{//r}:g", "cachex:shop:{//r}:v:e"})
		return err
	})
	run("space", func(ctx context.Context) error { _, _, err := space.Get(ctx, "//r", "e"); return err })
}
