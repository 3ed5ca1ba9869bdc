package fleet

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/go-redis/v9"

	cachexmemcached "github.com/go-cachex/cachex/backends/memcached"
	cachexredis "github.com/go-cachex/cachex/backends/redis"
	"github.com/go-cachex/cachex/conformance"
	"github.com/go-cachex/cachex/conformance/servers"
	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/store"
)

// backends start a server and return a client of it that lasts as long as the
// test, one for each call.
var backends = []struct {
	name  string
	start func(t testing.TB, args ...string) (*servers.Server, func() store.Store)
}{
	{"redis", startRedis},
	{"memcached", startMemcached},
}

func startRedis(t testing.TB, args ...string) (*servers.Server, func() store.Store) {
	s := servers.Redis(t, args...)
	return s, func() store.Store {
		client := redis.NewClient(&redis.Options{Addr: s.Addr})
		t.Cleanup(func() { _ = client.Close() })
		return cachexredis.New(client)
	}
}

func startMemcached(t testing.TB, args ...string) (*servers.Server, func() store.Store) {
	s := servers.Memcached(t, args...)
	return s, func() store.Store {
		client := memcache.New(s.Addr)
		client.MaxIdleConns = 64
		t.Cleanup(func() { _ = client.Close() })
		return cachexmemcached.New(client)
	}
}

// TestConformance runs the suite of the adapters in front of every store, with
// and without memory between them.
func TestConformance(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			_, open := b.start(t)
			shared := open()
			var caches atomic.Int64
			for _, memory := range []int64{0, 16 << 20} {
				for _, a := range frameworks {
					a.Levels = []string{"route"}
					// One run for all is the same in front of every store, and
					// between processes it has tests of its own.
					a.Without = []string{"flights"}
					a.Config = func(cfg *cachex.Config) {
						cfg.Store, cfg.Namespace = shared, fmt.Sprint("suite", caches.Add(1))
						cfg.MemoryBytes = memory
						cfg.StoreTimeout = 10 * time.Second // a loaded machine is no fault of the store
					}
					t.Run(fmt.Sprint(a.Name, map[bool]string{true: " and memory"}[memory > 0]), func(t *testing.T) {
						conformance.Run(t, a)
					})
				}
			}
		})
	}
}
