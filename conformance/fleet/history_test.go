package fleet

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

const storeTimeout = 2 * time.Second

// bound is how long another process may go by what it has read before: Config.Store
// says it.
const bound = 3*time.Second + storeTimeout

// TestHistories is the promise of Purge between processes, in random histories on
// real servers that lose keys all the while, the logs among them. In the process
// that purges nothing older is served once Purge has returned; in others neither
// where it was a URL and there is no memory in front of the store, and otherwise
// after the bound. CONTRIBUTING.md says how to play more of them.
func TestHistories(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			server, open := b.start(t)
			var all sync.WaitGroup // they wait for the bound together
			var census [3]int64
			var count sync.Mutex
			lost := make(chan struct{})
			for seed := range histories(t) {
				for _, memory := range []int64{0, 1 << 20} {
					f := newFleet(t, open, func(_ int, cfg *cachex.Config) {
						cfg.Namespace, cfg.MemoryBytes, cfg.StoreTimeout = fmt.Sprint("h", seed, ".", memory), memory, storeTimeout
					})
					f.during = func(r *http.Request, run int64) {
						for range rand.New(rand.NewPCG(uint64(seed), uint64(run))).IntN(300) {
							runtime.Gosched() // let others overtake it
						}
					}
					all.Go(func() {
						f.play(uint64(seed))
						count.Lock()
						defer count.Unlock()
						for i := range processes {
							census[0] += f.hits[i].Load()
							census[1] += f.served[i].Load()
						}
						census[2] += f.unconfirmed.Load()
					})
				}
			}
			go func() { all.Wait(); close(lost) }()
			deleted := 0
			for rnd := rand.New(rand.NewPCG(1, 2)); ; deleted++ {
				select {
				case <-lost:
				case <-time.After(3 * time.Millisecond):
					if keys := keysOf(t, b.name, server); len(keys) > 0 {
						deleteKey(t, b.name, server, keys[rnd.IntN(len(keys))])
					}
					continue
				}
				break
			}
			t.Logf("%d hits among %d answers, %d purges not confirmed, %d keys deleted", census[0], census[1], census[2], deleted)
			if census[0] < census[1]/20 || deleted < 10 {
				t.Error("something hardly happens, so that it is not tested")
			}
		})
	}
	noneLeft(t)
}

func histories(t *testing.T) int {
	said := os.Getenv("CACHEX_FLEET_HISTORIES")
	if said == "" {
		return 3
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 1 {
		t.Fatalf("CACHEX_FLEET_HISTORIES=%s: want how many", said)
	}
	return n
}

// play lets readers and purgers do a number of things, and then looks at
// everything once the bound has passed.
func (f *fleet) play(seed uint64) {
	var wg sync.WaitGroup
	urls := []string{"/1", "/2", "/x/1", "/vary"}
	for who := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(who)))
			for range 60 {
				switch i := rnd.IntN(processes); {
				case who < 6:
					f.read(i, []string{"a", "b"}[rnd.IntN(2)], urls[rnd.IntN(len(urls))])
				case rnd.IntN(3) == 0: // else let things be found
					_ = f.purge(i, rnd.IntN(len(facets)), rnd.IntN(3) == 0)
				default:
					for range 500 {
						runtime.Gosched()
					}
				}
			}
		})
	}
	wg.Wait()
	<-time.After(bound)
	for k := range facets {
		f.known(k)
	}
	for range 2 {
		for i := range processes {
			for _, path := range urls {
				f.read(i, "a", path)
				f.read(i, "b", path)
			}
		}
	}
}
