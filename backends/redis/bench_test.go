package cachexredis_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-cachex/cachex/conformance/servers"
)

// What a hit costs in the store, beside what the client needs for a GET of the
// same bytes: the ratio counts, on the same machine in the same run. 64 goroutines
// for two processors.
func BenchmarkGet(b *testing.B) {
	s := servers.Redis(b)
	value := []byte(strings.Repeat("x", 1024))
	client := single(s.Addr, true)
	ok(b, client.Set(ctx, "bare", value, 0).Err())
	punctual, detached := open(b, client), open(b, single(s.Addr, false))
	_, err := punctual.Token(ctx, "//r", time.Hour)
	ok(b, err)
	ok(b, punctual.Set(ctx, "//r", "e", value, time.Hour))

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
	run("bare", func(ctx context.Context) error { return client.Get(ctx, "bare").Err() })
	run("punctual", func(ctx context.Context) error { _, _, err := punctual.Get(ctx, "//r", "e"); return err })
	run("detached", func(ctx context.Context) error { _, _, err := detached.Get(ctx, "//r", "e"); return err })
	run("mget", func(ctx context.Context) error {
		return client.MGet(ctx, "cachex:shop:{//r}:g", "cachex:shop:{//r}:v:e").Err()
	})
}
