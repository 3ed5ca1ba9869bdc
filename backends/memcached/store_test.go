package cachexmemcached_test

import (
	"context"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	cachexmemcached "github.com/go-cachex/cachex/backends/memcached"
	"github.com/go-cachex/cachex/conformance"
	"github.com/go-cachex/cachex/conformance/servers"
	"github.com/go-cachex/cachex/core/store"
)

// The suite, on one server and on several.
func TestStore(t *testing.T) {
	for name, n := range map[string]int{"one": 1, "three": 3} {
		t.Run(name, func(t *testing.T) {
			conformance.RunStore(t, func(t testing.TB) conformance.Store {
				held := make([]*servers.Server, n)
				for i := range held {
					held[i] = servers.Memcached(t)
				}
				return conformance.Store{
					New:     func(t testing.TB) store.Store { return cachexmemcached.New(client(t, held...)) },
					Servers: held,
					Lose: func(t testing.TB) {
						for _, s := range held {
							do(t, s, "flush_all")
						}
					},
					Tick:     time.Second,
					Fits:     1_000_000,
					TooLarge: 1 << 20,
					Lacks:    map[string]string{conformance.Wakes: "Memcached has no publish and subscribe"},
				}
			})
		})
	}
}

// client waits for a long time: what must end before does so for another reason.
func client(t testing.TB, held ...*servers.Server) *memcache.Client {
	var addrs []string
	for _, s := range held {
		addrs = append(addrs, s.Addr)
	}
	c := memcache.New(addrs...)
	c.Timeout = 5 * time.Minute
	c.MaxIdleConns = 100
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func do(t testing.TB, s *servers.Server, command string) []string {
	t.Helper()
	lines, err := servers.MemcachedDo(s.Addr, command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return lines
}

func open(t testing.TB, client *memcache.Client, options ...cachexmemcached.Option) store.Space {
	t.Helper()
	space, err := cachexmemcached.New(client, options...).Open("shop")
	if err != nil {
		t.Fatal(err)
	}
	return space
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var ctx = context.Background()
