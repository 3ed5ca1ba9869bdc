package cachexredis_test

import (
	"context"
	"os"
	"testing"
	"time"

	cachexredis "github.com/go-cachex/cachex/backends/redis"
	"github.com/go-cachex/cachex/conformance"
	"github.com/go-cachex/cachex/conformance/servers"
	"github.com/go-cachex/cachex/core/store"
	"github.com/redis/go-redis/v9"
)

// The suite, on every kind of server, and with clients that keep the deadlines of
// contexts as well as with those that do not, which is their default.

func TestStore(t *testing.T) {
	for name, punctual := range map[string]bool{"punctual": true, "default": false} {
		t.Run(name, func(t *testing.T) {
			conformance.RunStore(t, func(t testing.TB) conformance.Store {
				s := servers.Redis(t)
				return described(func() redis.UniversalClient { return single(s.Addr, punctual) }, s)
			})
		})
	}
}

func TestStoreOnCluster(t *testing.T) {
	t.Parallel()
	conformance.RunStore(t, func(t testing.TB) conformance.Store {
		c := servers.RedisCluster(t, 0)
		return described(func() redis.UniversalClient { return cluster(c.Addrs(), true) }, c.Primaries...)
	})
}

func TestStoreOnSentinel(t *testing.T) {
	t.Parallel()
	conformance.RunStore(t, func(t testing.TB) conformance.Store {
		s := servers.Sentinel(t, time.Hour) // no failover here: TestFailover has it
		return described(func() redis.UniversalClient {
			return redis.NewFailoverClient(&redis.FailoverOptions{
				MasterName: s.Name, SentinelAddrs: []string{s.Sentinel.Addr},
				ReadTimeout: long, WriteTimeout: long, ContextTimeoutEnabled: true,
			})
		}, s.Primary)
	})
}

func TestMain(m *testing.M) {
	redis.SetLogger(silence{}) // servers are killed here, and clients tell of it at length
	os.Exit(m.Run())
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// long is a timeout that no test waits for: what must end before does so for
// another reason.
const long = 5 * time.Minute

func single(addr string, punctual bool) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: long, WriteTimeout: long, ContextTimeoutEnabled: punctual})
}

func cluster(addrs []string, punctual bool) *redis.ClusterClient {
	return redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ReadTimeout: long, WriteTimeout: long, ContextTimeoutEnabled: punctual})
}

func described(client func() redis.UniversalClient, held ...*servers.Server) conformance.Store {
	return conformance.Store{
		New: func(t testing.TB) store.Store {
			c := client()
			t.Cleanup(func() { _ = c.Close() })
			return cachexredis.New(c)
		},
		Servers: held,
		Lose: func(t testing.TB) {
			for _, s := range held {
				do(t, s, "FLUSHALL")
			}
		},
		Tick:     time.Millisecond,
		Fits:     2 << 20,
		TooLarge: 64<<20 + 1,
	}
}

func do(t testing.TB, s *servers.Server, command ...string) any {
	t.Helper()
	answer, err := servers.RedisDo(s.Addr, command...)
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return answer
}

func open(t testing.TB, client redis.UniversalClient, options ...cachexredis.Option) store.Space {
	t.Helper()
	t.Cleanup(func() { _ = client.Close() })
	space, err := cachexredis.New(client, options...).Open("shop")
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
