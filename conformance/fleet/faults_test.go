package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cachexredis "github.com/go-cachex/cachex/backends/redis"
	"github.com/go-cachex/cachex/conformance/servers"
	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/store"
)

// fault is what happens to the store under load. Whatever it is, no request fails,
// no content is another's, and afterwards all is as before.
type fault struct {
	kind string // of the server
	open func() store.Store

	large  int // so many paths of the load have much content
	change func(i int, cfg *cachex.Config)

	strike func()
	heal   func()
	ready  func(f *fleet) // waits until the fault has come about

	// unconfirmed: while it lasts, a purge cannot be confirmed.
	unconfirmed bool
	// undoes: purges that were confirmed just before are undone.
	undoes bool
}

// shortly is a timeout that a loaded machine keeps, mostly.
const shortly = 200 * time.Millisecond

var quietURL, quietPath = facet("url a/quiet"), facet("path /quiet")

func (x *fault) run(t *testing.T) {
	f := newFleet(t, x.open, func(i int, cfg *cachex.Config) {
		cfg.StoreTimeout = shortly
		if i == processes-1 {
			cfg.MemoryBytes = 1 << 20
		}
		if x.change != nil {
			x.change(i, cfg)
		}
	})
	paths := []string{"/1", "/2", "/x/1", "/vary", "/quiet"}
	loaded := paths[:4]
	for i := range x.large {
		loaded = append(loaded[:len(loaded):len(loaded)], fmt.Sprint("/large/", i))
	}
	stop := f.load(6, loaded...)
	f.moreHits(20)
	f.alone(0)
	stopEdits := f.edit(2, !x.undoes)
	f.moreHits(20)

	if f.undone.Store(x.undoes); x.undoes {
		f.moreServed(50) // what was confirmed before has long been copied
	}
	x.strike()
	if x.ready != nil {
		x.ready(f)
	}
	f.moreServed(50)
	for i := range processes {
		if x.undoes { // what takes it back now would hide it
			break
		}
		if !x.unconfirmed {
			f.confirmed(i)
			continue
		}
		for _, k := range []int{quietURL, quietPath} {
			if err := f.purge(i, k, false); !errors.Is(err, cachex.ErrPurgeIncomplete) {
				t.Errorf("a purge of %s that the store cannot confirm: %v", facets[k].name, err)
			}
		}
		f.read(i, "a", "/quiet") // not what it has taken back itself
	}
	f.moreServed(50)

	if x.large > 0 {
		stop()
		stop = f.load(6, paths[:4]...)
	}
	x.heal()
	f.moreHits(20)
	stopEdits()
	f.settle(paths...)
	f.undone.Store(false)
	stopEdits = f.edit(2, true)
	// All is as good as ever in each process, by itself.
	for i := range processes {
		f.alone(f.confirmed(i))
	}
	stopEdits()
	f.pending.Wait() // under load: what the store has confirmed is known everywhere by then
	f.moreHits(20)
	stop()
}

// confirmed purges in a process until the store has confirmed it.
func (f *fleet) confirmed(i int) (at int64) {
	f.t.Helper()
	for _, k := range []int{quietURL, quietPath} {
		f.until("a purge that is confirmed", func() bool { return f.purge(i, k, false) == nil })
	}
	return f.newest[quietPath].Load()
}

// alone waits until each process finds something that is newer than a purge, while
// no other one asks for it.
func (f *fleet) alone(newer int64) {
	f.t.Helper()
	for i := range processes {
		f.until("a hit", func() bool {
			run, hit := f.read(i, "a", "/quiet")
			return hit && run > newer
		})
	}
}

// failing waits until no process asks the store any more.
func failing(f *fleet) {
	f.more("failures of the store", 1, func(i int) int64 { return int64(f.caches[i].Stats().StoreRefusals) })
}

// onEach runs a fault on a server of each kind.
func onEach(t *testing.T, args map[string][]string, with func(t *testing.T, x *fault, s *servers.Server)) {
	t.Cleanup(func() { noneLeft(t) }) // after all other Cleanups
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel() // with the other: they mostly wait
			s, open := b.start(t, args[b.name]...)
			x := &fault{kind: b.name, open: open, heal: func() {}}
			with(t, x, s)
			x.run(t)
		})
	}
}

func TestKilled(t *testing.T) {
	onEach(t, nil, func(_ *testing.T, x *fault, s *servers.Server) {
		x.strike, x.heal, x.ready, x.unconfirmed = s.Kill, s.Restart, failing, true
	})
}

func TestFrozen(t *testing.T) {
	onEach(t, nil, func(_ *testing.T, x *fault, s *servers.Server) {
		x.strike, x.heal, x.ready, x.unconfirmed = s.Freeze, s.Thaw, failing, true
	})
}

// A store that takes no more answers with errors, and goes on giving out what it
// has.
func TestFull(t *testing.T) {
	onEach(t, map[string][]string{"memcached": {"-m", "2", "-M"}}, func(t *testing.T, x *fault, s *servers.Server) {
		x.large = 60
		x.ready = func(f *fleet) {
			f.more("writes that fail", 5, func(i int) int64 {
				s := f.caches[i].Stats()
				return int64(s.StoreFailures + s.StoreRefusals + s.StoreDropped)
			})
		}
		if x.kind == "memcached" { // it is full as soon as the load has begun
			x.strike = func() {}
			x.heal = func() { command(t, s, "flush_all") }
			return
		}
		x.unconfirmed = true
		x.strike = func() { command(t, s, "CONFIG", "SET", "maxmemory", "1mb") }
		x.heal = func() { command(t, s, "CONFIG", "SET", "maxmemory", "0") }
	})
}

// A store that pushes things out, the logs and the tokens among them.
func TestEvicting(t *testing.T) {
	args := map[string][]string{
		"redis":     {"--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru"},
		"memcached": {"-m", "2"},
	}
	onEach(t, args, func(t *testing.T, x *fault, s *servers.Server) {
		x.large = 60
		x.strike = func() {}
		x.ready = func(f *fleet) {
			f.until("evictions", func() bool { return evicted(t, x.kind, s) > 20 })
		}
	})
}

func TestKeysDeleted(t *testing.T) {
	onEach(t, nil, func(t *testing.T, x *fault, s *servers.Server) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		var deleted atomic.Int64
		x.strike = func() {
			go func() {
				defer close(ended)
				rnd := rand.New(rand.NewPCG(1, 1))
				for ctx.Err() == nil {
					if keys := keysOf(t, x.kind, s); len(keys) > 0 {
						deleteKey(t, x.kind, s, keys[rnd.IntN(len(keys))])
						deleted.Add(1)
					}
					<-time.After(2 * time.Millisecond)
				}
			}()
		}
		x.ready = func(f *fleet) { f.until("keys to go", func() bool { return deleted.Load() > 50 }) }
		x.heal = func() { cancel(); <-ended }
		t.Cleanup(cancel)
	})
}

// One process writes values and records of another version. To each the other's
// values are nothing, a record of the other's may be about anything, and neither
// removes what it does not know.
func TestVersions(t *testing.T) {
	onEach(t, nil, func(t *testing.T, x *fault, _ *servers.Server) {
		var removed atomic.Int64
		open, opened := x.open, 0
		x.open = func() store.Store {
			opened++
			return versioned{open(), opened == 2, &removed}
		}
		x.strike = func() {}
		x.ready = func(f *fleet) {
			f.more("values of the other version", 3, func(i int) int64 { return int64(f.caches[i].Stats().StoreForeign) })
		}
		x.heal = func() {
			if n := removed.Load(); n > 0 {
				t.Errorf("%d values of another version were removed", n)
			}
		}
	})
}

// versioned is a store of which a process uses another version of the encoding.
type versioned struct {
	store.Store
	other   bool
	removed *atomic.Int64
}

type versionedSpace struct {
	store.Space
	by byte
	versioned
}

// versionedAndTold is one that can be subscribed to.
type versionedAndTold struct {
	versionedSpace
	store.Subscriber
}

func (v versioned) Open(namespace string) (store.Space, error) {
	space, err := v.Store.Open(namespace)
	s := versionedSpace{Space: space, versioned: v}
	if v.other {
		s.by = 7
	}
	if sub, ok := space.(store.Subscriber); ok {
		return versionedAndTold{s, sub}, err
	}
	return s, err
}

func (s versionedSpace) Set(ctx context.Context, resource, name string, value []byte, ttl time.Duration) error {
	value = append([]byte(nil), value...)
	value[2] += s.by
	return s.Space.Set(ctx, resource, name, value, ttl)
}

func (s versionedSpace) Get(ctx context.Context, resource string, names ...string) (store.Token, [][]byte, error) {
	token, values, err := s.Space.Get(ctx, resource, names...)
	for _, v := range values {
		if len(v) > 2 {
			v[2] -= s.by
		}
	}
	return token, values, err
}

func (s versionedSpace) Append(ctx context.Context, ttl time.Duration, records ...[]byte) (store.Position, error) {
	other := make([][]byte, len(records))
	for i, r := range records {
		other[i] = append([]byte(nil), r...)
		other[i][0] += s.by
	}
	return s.Space.Append(ctx, ttl, other...)
}

func (s versionedSpace) Read(ctx context.Context, ttl time.Duration, after store.Position) (store.Log, error) {
	log, err := s.Space.Read(ctx, ttl, after)
	for _, r := range log.Records {
		r.Data[0] -= s.by
	}
	return log, err
}

func (s versionedSpace) Delete(ctx context.Context, resource string, names ...string) error {
	s.removed.Add(1)
	return s.Space.Delete(ctx, resource, names...)
}

// Two minutes between the first two are borne with. Ten are not: what comes from the
// third is nothing to the others, and what it gets from them has ended.
func TestClocksApart(t *testing.T) {
	clocks := [processes]time.Duration{-2 * time.Minute, 0, 10 * time.Minute}
	onEach(t, nil, func(_ *testing.T, x *fault, _ *servers.Server) {
		x.change = func(i int, cfg *cachex.Config) {
			cfg.Now = func() time.Time { return time.Now().Add(clocks[i]) }
		}
		x.strike = func() {}
	})
}

// A failover loses purges that were confirmed just before: the replica no longer
// follows its primary when they come, and then the primary is killed. Whoever has
// purged does so again; where the log was on that primary, all that was stored is
// gone.
func TestFailover(t *testing.T) {
	t.Cleanup(func() { noneLeft(t) })
	for _, loses := range []string{"the log", "a page"} {
		t.Run(loses, func(t *testing.T) {
			t.Parallel()
			cluster := servers.RedisCluster(t, 1)
			x := &fault{kind: "cluster", undoes: true, open: func() store.Store {
				client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs()})
				t.Cleanup(func() { _ = client.Close() })
				return cachexredis.New(client)
			}}
			namespace, page := "n", slot(t, cluster, "{//a/quiet}")
			for (slot(t, cluster, "cachex:"+namespace+":log") == page) != (loses == "the log") {
				namespace += "n"
			}
			x.change = func(_ int, cfg *cachex.Config) { cfg.Namespace = namespace }
			down, replica := cluster.Primaries[page], cluster.Replicas[page]
			x.strike = func() {
				command(t, down, "ACL", "SETUSER", "default", "-psync", "-sync")
				command(t, down, "CLIENT", "KILL", "TYPE", "replica")
			}
			x.ready = func(f *fleet) {
				f.alone(0)
				f.confirmed(0) // and asked for by nobody any more
				down.Kill()
				f.until("the failover", func() bool {
					for _, l := range command(t, replica, "INFO", "replication") {
						if l == "role:master" {
							return true
						}
					}
					return false
				})
			}
			x.heal = down.Restart
			x.run(t)
		})
	}
}

// slot tells in which third of a Cluster a key is.
func slot(t testing.TB, c *servers.Cluster, key string) int {
	var n int
	_, _ = fmt.Sscan(command(t, c.Primaries[0], "CLUSTER", "KEYSLOT", key)[0], &n)
	return n * 3 / 16384
}

func evicted(t testing.TB, kind string, s *servers.Server) int {
	ask, prefix := []string{"INFO", "stats"}, "evicted_keys:"
	if kind == "memcached" {
		ask, prefix = []string{"stats"}, "STAT evictions "
	}
	lines := command(t, s, ask...)
	for _, l := range lines {
		if value, ok := strings.CutPrefix(l, prefix); ok {
			var n int
			_, _ = fmt.Sscan(value, &n)
			return n
		}
	}
	t.Fatalf("no %s in %q", prefix, lines)
	return 0
}

// command sends a command to a server, and returns the lines of its answer.
func command(t testing.TB, s *servers.Server, words ...string) []string {
	t.Helper()
	if len(words) == 1 { // of Memcached
		lines, err := servers.MemcachedDo(s.Addr, words[0])
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	answer, err := servers.RedisDo(s.Addr, words...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(fmt.Sprint(answer), "\r\n")
}
