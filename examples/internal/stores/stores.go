// Package stores has the flags by which all example programs say where responses
// are kept: in memory, in Redis or in Memcached.
package stores

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/go-redis/v9"

	cachexmemcached "github.com/go-cachex/cachex/backends/memcached"
	cachexredis "github.com/go-cachex/cachex/backends/redis"
	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/store"
)

// Flags are what the command line says.
type Flags struct {
	set                     *flag.FlagSet
	store, redis, memcached string
	memory                  int64
	timeout                 time.Duration
}

// Add defines the flags.
func Add(set *flag.FlagSet) *Flags {
	f := &Flags{set: set}
	set.StringVar(&f.store, "store", "memory", "where responses are kept: memory, redis or memcached")
	set.StringVar(&f.redis, "redis", "127.0.0.1:6379", "the `HOST:PORT` of the Redis server")
	set.StringVar(&f.memcached, "memcached", "127.0.0.1:11211", "the Memcached servers, `HOST:PORT[,HOST:PORT]`: the same for all processes, in one order")
	set.Int64Var(&f.memory, "memory", 0, "`BYTES` of memory for responses: 0 means 64 MiB, or with a store none in front of it")
	set.DurationVar(&f.timeout, "store-timeout", 0, "bound of each operation of the store; 0 means 50ms")
	return f
}

// Config is what the flags mean, or what is wrong with them. The store need not
// answer: as long as it does not, requests go to their handlers. All processes of
// one application have the same namespace.
func (f *Flags) Config(namespace string) (cachex.Config, error) {
	cfg := cachex.Config{MemoryBytes: f.memory, StoreTimeout: f.timeout}
	if f.memory < 0 {
		return cfg, fmt.Errorf("-memory %d: want 0 bytes or more", f.memory)
	}
	if f.timeout < 0 {
		return cfg, fmt.Errorf("-store-timeout %v: want 0 or more", f.timeout)
	}
	if err := f.idle(); err != nil {
		return cfg, err
	}
	var err error
	switch f.store {
	case "memory":
		return cfg, nil
	case "redis":
		cfg.Store, err = f.openRedis()
	case "memcached":
		cfg.Store, err = f.openMemcached()
	default:
		err = fmt.Errorf("-store %q: want memory, redis or memcached", f.store)
	}
	cfg.Namespace = namespace
	return cfg, err
}

// idle finds a flag about a store that is not used: somebody believes that it is.
func (f *Flags) idle() (err error) {
	f.set.Visit(func(g *flag.Flag) {
		if (g.Name == "redis" || g.Name == "memcached") && g.Name != f.store {
			err = fmt.Errorf("-%s without -store %s", g.Name, g.Name)
		}
	})
	return err
}

// openRedis has operations end at their deadlines by themselves: see package
// cachexredis.
func (f *Flags) openRedis() (store.Store, error) {
	if err := check(f.redis); err != nil {
		return nil, fmt.Errorf("-redis %q: %w", f.redis, err)
	}
	return cachexredis.New(redis.NewClient(&redis.Options{Addr: f.redis, ContextTimeoutEnabled: true})), nil
}

// openMemcached looks the servers' names up, as the client does once and for all:
// one that is not found would never be.
func (f *Flags) openMemcached() (store.Store, error) {
	addrs := strings.Split(f.memcached, ",")
	for _, addr := range addrs {
		if err := check(addr); err != nil {
			return nil, fmt.Errorf("-memcached %q: %w", f.memcached, err)
		}
	}
	servers := new(memcache.ServerList)
	if err := servers.SetServers(addrs...); err != nil {
		return nil, fmt.Errorf("-memcached %q: %w", f.memcached, err)
	}
	client := memcache.NewFromSelector(servers)
	client.MaxIdleConns = 100                                // see package cachexmemcached
	client.Timeout = max(f.timeout, memcache.DefaultTimeout) // what the client gives up has failed
	return cachexmemcached.New(client), nil
}

func check(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" {
		return errors.New("want HOST:PORT")
	}
	return nil
}
