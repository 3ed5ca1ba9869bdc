package cachex_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// TestNoOldVersionAfterPost is the promise of tickets: once a POST has returned,
// no GET that begins later sees a version from before, whatever GETs were under
// way. Run it with -race.
//
// It fails where the ticket is taken late. With the ticket of a run taken in
// fullAnswer, when the response is known, in the place of newRun, a GET reads
// version 1 in its handler, the POST makes it 2 and is done, and then the GET
// stores version 1 under a ticket that no mark is newer than:
//
//	/0: version 16 after a POST that made it 17
func TestNoOldVersionAfterPost(t *testing.T) {
	const urls, workers, rounds = 3, 8, 400
	c := cachex.MustNew(cachex.Config{})
	defer c.Close()
	c.Front()

	var versions, confirmed [urls]atomic.Int64
	h := c.Middleware(cachex.TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		if r.Method == http.MethodPost {
			fmt.Fprint(w, versions[n].Add(1))
			return
		}
		v := versions[n].Load()
		runtime.Gosched() // let a POST overtake
		w.WriteHeader(http.StatusOK)
		runtime.Gosched()
		fmt.Fprint(w, v)
	}))
	ask := func(method string, n int) int64 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, fmt.Sprintf("/%d", n), nil))
		body, _ := io.ReadAll(w.Body)
		v, err := strconv.ParseInt(string(body), 10, 64)
		if err != nil {
			t.Errorf("%s /%d: %q", method, n, body)
		}
		return v
	}

	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(7, uint64(i)))
			for range rounds {
				n := rnd.IntN(urls)
				if rnd.IntN(8) == 0 {
					v := ask(http.MethodPost, n)
					for old := confirmed[n].Load(); old < v && !confirmed[n].CompareAndSwap(old, v); old = confirmed[n].Load() {
					}
					continue
				}
				must := confirmed[n].Load()
				if got := ask(http.MethodGet, n); got < must {
					t.Errorf("/%d: version %d after a POST that made it %d", n, got, must)
					return
				}
			}
		})
	}
	wg.Wait()
	if s := c.Stats(); s.Hits == 0 || s.Invalidations == 0 {
		t.Errorf("the test tests nothing: %+v", s)
	}
	for n := range urls {
		if got, want := ask(http.MethodGet, n), versions[n].Load(); got != want {
			t.Errorf("/%d: version %d at the end, want %d", n, got, want)
		}
	}
}
