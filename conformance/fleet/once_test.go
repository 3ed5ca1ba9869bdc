package fleet

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/store"
)

// patient is a timeout that is never reached: a loaded machine is no fault of the
// store.
func patient(_ int, cfg *cachex.Config) { cfg.StoreTimeout = 10 * time.Second }

// ask has clients ask all processes for one URL, and returns when all are answered.
func (f *fleet) ask(clients int) (answered func()) {
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() { f.read(i%processes, "a", "/cold") })
	}
	return all.Wait
}

// One cold key, three processes and many clients: one run. Leases end by the store's
// clock, so that it makes no difference what those of the processes say.
func TestColdKey(t *testing.T) {
	const clients = 300
	for name, clocks := range map[string][processes]time.Duration{
		"clocks agree": {},
		"clocks apart": {-2 * time.Minute, 0, 2 * time.Minute},
	} {
		for _, b := range backends {
			t.Run(b.name+"/"+name, func(t *testing.T) {
				_, open := b.start(t)
				f := newFleet(t, open, func(i int, cfg *cachex.Config) {
					patient(i, cfg)
					cfg.Now = func() time.Time { return time.Now().Add(clocks[i]) }
				})
				f.during = func(*http.Request, int64) {
					poll(func() bool { return f.arrived.Load() == clients })
				}
				f.ask(clients)()
				if n := f.seq.Load(); n != 1 {
					t.Errorf("%d runs for %d clients, want 1", n, clients)
				}
			})
		}
	}
}

// A process that begins with a log as long as it gets, of long records, reads it in
// one go, though that takes longer than an operation may.
func TestLongLog(t *testing.T) {
	const records, writers = 16_384, 8
	tags := make([]string, 20)
	for i := range tags {
		tags[i] = fmt.Sprintf("some-product-of-the-shop-%06d", i)
	}
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			_, open := b.start(t)
			first := newFleet(t, open, patient)
			if err := first.caches[0].Purge(t.Context(), cachex.ByTag(tags...)); err != nil {
				t.Fatal(err)
			}
			namespace := strings.NewReplacer("/", ".", "_", "-").Replace(t.Name())
			space, err := open().Open(namespace)
			if err != nil {
				t.Fatal(err)
			}
			log, err := space.Read(t.Context(), time.Hour, store.Position{})
			if err != nil || len(log.Records) != 1 {
				t.Fatal(err, len(log.Records))
			}
			var all sync.WaitGroup
			for range writers {
				all.Go(func() {
					for range records / writers {
						if _, err := space.Append(t.Context(), time.Hour, log.Records[0].Data); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			f := newFleet(t, open, func(_ int, cfg *cachex.Config) { cfg.StoreTimeout = 0 }) // the default
			f.until("a hit", func() bool {
				_, hit := f.read(0, "a", "/quiet")
				return hit
			})
		})
	}
}

// Where the lease is lost while its holder runs, another process runs as well.
func TestLeaseLost(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			server, open := b.start(t)
			f := newFleet(t, open, patient)
			first, second := make(chan struct{}), make(chan struct{})
			f.during = func(_ *http.Request, run int64) {
				switch run {
				case 1:
					close(first)
					<-second
				case 2:
					close(second)
				}
			}
			answered := f.ask(30)
			<-first
			f.until("the lease", func() bool { // Memcached does not list what is in use
				for _, key := range keysOf(t, b.name, server) {
					if strings.Contains(key, "{//a/cold}:l:") {
						deleteKey(t, b.name, server, key)
						return true
					}
				}
				return false
			})
			answered()
			if n := f.seq.Load(); n != 2 {
				t.Errorf("%d runs, want 2", n)
			}
		})
	}
}
