package cachex_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// fleet are processes that share a board. Each has its own handler, which says
// its version.
type fleet struct {
	t       *testing.T
	board   *board
	caches  []*cachex.Cache
	sites   []http.Handler
	runs    atomic.Int64
	version atomic.Int64
	now     atomic.Int64
	during  func() // in every run, after it has read the version
	log     strings.Builder
	logging sync.Mutex
}

func (f *fleet) Write(p []byte) (int, error) {
	f.logging.Lock()
	defer f.logging.Unlock()
	return f.log.Write(p)
}

func newFleet(t *testing.T, n int, change func(*cachex.Config), opts ...cachex.Option) *fleet {
	f := &fleet{t: t, board: newBoard()}
	f.now.Store(time.Date(2024, time.March, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	f.version.Store(1)
	for range n {
		f.add(change, opts...)
	}
	return f
}

// add adds a process.
func (f *fleet) add(change func(*cachex.Config), opts ...cachex.Option) {
	f.t.Helper()
	cfg := cachex.Config{
		Store: f.board, Namespace: "test", StoreTimeout: time.Second,
		Now: func() time.Time { return time.Unix(0, f.now.Load()) }, Logger: logTo(f),
	}
	if change != nil {
		change(&cfg)
	}
	c, err := cachex.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	f.caches = append(f.caches, c)
	f.sites = append(f.sites, c.Middleware(append([]cachex.Option{cachex.TTL(time.Minute)}, opts...)...)(http.HandlerFunc(f.handle)))
}

func (f *fleet) handle(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		f.version.Add(1)
		return
	}
	f.runs.Add(1)
	v := f.version.Load()
	if f.during != nil {
		f.during()
	}
	for name, values := range r.Header {
		if sent, ok := strings.CutPrefix(name, "Send-"); ok {
			w.Header()[sent] = values
		}
	}
	if tag := r.Header.Get("Tag"); tag != "" {
		cachex.AddTags(r.Context(), tag)
	}
	fmt.Fprintf(w, "%d%s", v, r.Header.Get("Accept-Language"))
}

func (f *fleet) get(i int, target string, fields ...string) (body, state string) {
	h, body := visit(f.sites[i], target, fields...)
	return body, h.Get("Cache-Status")
}

func (f *fleet) want(i int, target, body, state string, fields ...string) {
	f.t.Helper()
	b, s := f.get(i, target, fields...)
	if b != body || !strings.Contains(s, state) {
		f.t.Errorf("process %d, %s: %q, %s; want %q, %s", i, target, b, s, body, state)
	}
}

// settle waits until everything is written.
func (f *fleet) settle() {
	for _, c := range f.caches {
		c.Settle()
	}
}

func tier(c *cachex.Config) { c.MemoryBytes = 1 << 20 }

func TestFleetShares(t *testing.T) {
	for name, change := range map[string]func(*cachex.Config){
		"store alone": nil, "two tiers": tier,
		"signed and compressed": func(c *cachex.Config) {
			c.StoreSecret, c.CompressAbove = []byte("sixteen bytes....."), 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, 2, change)
			f.want(0, "/a", "1", "fwd=uri-miss; stored; ttl=60")
			f.settle()
			f.now.Add(int64(10 * time.Second))
			for range 2 {
				f.want(1, "/a", "1", "hit; ttl=50") // age goes on
				f.want(0, "/a", "1", "hit; ttl=50")
			}
			f.want(1, "/b", "1", "fwd=uri-miss")
			if n := f.runs.Load(); n != 2 {
				t.Errorf("%d runs, want 2", n)
			}
		})
	}
}

func TestFleetVaries(t *testing.T) {
	f := newFleet(t, 2, nil)
	vary := []string{"Send-Vary", "Accept-Language"}
	en, de := append(vary, "Accept-Language", "en"), append(vary, "Accept-Language", "de")
	f.want(0, "/", "1en", "fwd=uri-miss; stored", en...)
	f.settle()
	f.want(1, "/", "1de", "fwd=vary-miss; stored", de...)
	f.settle()
	for i := range 2 {
		f.want(i, "/", "1en", "hit", en...)
		f.want(i, "/", "1de", "hit", de...)
	}
	f.want(0, "/", "1", "fwd=vary-miss; stored") // without a Vary
	f.settle()
	f.want(1, "/", "1", "hit")
}

func TestFleetPurges(t *testing.T) {
	for name, c := range map[string]struct {
		by   cachex.Selector
		soft bool
	}{
		"URL": {cachex.ByURL("http://example.com/a"), false}, "URL softly": {cachex.ByURL("https://example.com/a"), true},
		"path": {cachex.ByPath("/a"), false}, "path softly": {cachex.ByPath("/a"), true},
		"pattern": {cachex.ByPattern("/*"), false}, "tag": {cachex.ByTag("x"), false}, "tag softly": {cachex.ByTag("x"), true},
		"host": {cachex.ByHost("example.com"), false}, "all": {cachex.All(), false},
	} {
		for _, tiers := range []func(*cachex.Config){nil, tier} {
			t.Run(fmt.Sprint(name, tiers != nil), func(t *testing.T) {
				f := newFleet(t, 2, tiers)
				f.want(0, "/a", "1", "stored", "Tag", "x")
				f.settle()
				f.want(1, "/a", "1", "hit")
				f.version.Store(2)
				take := f.caches[0].Purge
				if c.soft {
					take = f.caches[0].Expire
				}
				if err := take(context.Background(), c.by); err != nil {
					t.Fatal(err)
				}
				// In the other process within the bound; a URL without a tier at once.
				for {
					body, state := f.get(1, "/a", "Cache-Control", "only-if-cached")
					if body != "1" {
						if c.soft && !strings.Contains(state, "") {
							t.Error(state)
						}
						break
					}
					if tiers == nil && (name == "URL" || name == "URL softly") {
						t.Fatalf("the other process still says %q: %s", body, state)
					}
					runtime.Gosched()
				}
				f.want(0, "/a", "2", "stored")
			})
		}
	}
}

// Between the mark of a purge and the end of the token, a request copies what still
// stands in the store into memory.
func TestFleetCopiesLate(t *testing.T) {
	f := newFleet(t, 2, tier)
	f.want(1, "/a", "1", "stored")
	f.settle()
	f.board.interpose("Revoke", func() { f.want(0, "/a", "1", "hit") })
	f.version.Store(2)
	if err := f.caches[0].Purge(context.Background(), cachex.ByURL("http://example.com/a")); err != nil {
		t.Fatal(err)
	}
	f.want(0, "/a", "2", "fwd=uri-miss")
}

// Expire in another process reaches what waits to be written here.
func TestFleetExpiresWaiting(t *testing.T) {
	f := newFleet(t, 2, nil)
	asked, written := make(chan struct{}), make(chan struct{})
	f.board.interpose("Set", func() { close(asked); <-written })
	f.want(0, "/a", "1", "stored")
	<-asked
	f.version.Store(2)
	if err := f.caches[1].Expire(context.Background(), cachex.ByURL("http://example.com/a")); err != nil {
		t.Fatal(err)
	}
	f.want(0, "/a", "2", "fwd=stale")
	close(written)
}

// What waits to be written, and to be removed again, is looked at by each request.
func TestFleetReadsWaiting(t *testing.T) {
	f := newFleet(t, 1, nil)
	asked, written := make(chan struct{}), make(chan struct{})
	f.board.interpose("Set", func() { close(asked); <-written })
	f.want(0, "/a", "1", "stored")
	<-asked
	f.version.Store(2)
	f.want(0, "/a", "2", "detail=no-store", "Cache-Control", "no-cache", "Send-Cache-Control", "no-store")
	for range 3 {
		f.want(0, "/a", "2", "detail=no-store", "Send-Cache-Control", "no-store")
	}
	close(written)
}

// A purge reaches all spellings of a URL, as it does in one process.
func TestFleetPurgesSpellings(t *testing.T) {
	f := newFleet(t, 2, nil)
	f.want(0, "/%61%2fb?c", "1", "stored")
	f.want(0, "/a%2Fb?c", "1", "uri-miss; stored")
	f.settle()
	f.want(1, "/%61%2fb?c", "1", "hit")
	f.version.Store(2)
	if err := f.caches[0].Purge(context.Background(), cachex.ByURL("http://example.com/a/b?c")); err != nil {
		t.Fatal(err)
	}
	f.want(1, "/%61%2fb?c", "2", "uri-miss")
	f.want(1, "/a%2Fb?c", "2", "uri-miss")
}

func TestFleetPosts(t *testing.T) {
	f := newFleet(t, 2, nil)
	f.want(0, "/a", "1", "stored")
	f.settle()
	f.want(1, "/a", "1", "hit")
	f.sites[1].ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/a", nil))
	f.want(0, "/a", "2", "fwd=uri-miss; stored")
	f.settle()
	for i := range 2 { // the process that has made the change, too
		f.want(i, "/a", "2", "hit")
	}
}

// A run that began before a purge in another process stores what nobody accepts.
func TestFleetSlowRun(t *testing.T) {
	f := newFleet(t, 2, nil)
	in, out := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	f.during = func() {
		if first.CompareAndSwap(false, true) {
			close(in)
			<-out
		}
	}
	slow := make(chan string)
	go func() {
		body, _ := f.get(0, "/a")
		slow <- body
	}()
	<-in
	f.version.Store(2)
	if err := f.caches[1].Purge(context.Background(), cachex.ByURL("http://example.com/a")); err != nil {
		t.Fatal(err)
	}
	f.want(1, "/a", "2", "stored")
	f.settle()
	close(out)
	if got := <-slow; got != "1" {
		t.Errorf("the slow client got %q", got)
	}
	f.settle()
	for i := range 2 {
		if body, state := f.get(i, "/a"); body != "2" {
			t.Errorf("process %d: the old content came back: %s", i, state)
		}
	}
}

func TestFleetRunsOnce(t *testing.T) {
	const processes, clients = 3, 30
	f := newFleet(t, processes, nil)
	in, out := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	f.during = func() {
		if first.CompareAndSwap(false, true) {
			close(in)
			<-out
		}
	}
	bodies := make(chan string, processes*clients)
	for i := range processes * clients {
		go func() {
			body, _ := f.get(i%processes, "/a")
			bodies <- body
		}()
	}
	<-in
	for f.board.count("Acquire") < processes { // all of them have asked
		runtime.Gosched()
	}
	close(out)
	for range processes * clients {
		if b := <-bodies; b != "1" {
			t.Errorf("%q", b)
		}
	}
	if n := f.runs.Load(); n != 1 {
		t.Errorf("%d runs, want 1 in all processes", n)
	}
}

// A process finds nothing, and asks for the lease when its owner has just written
// what it made and given the lease back: there is nothing left to do.
func TestFleetLeaseGivenBack(t *testing.T) {
	f := newFleet(t, 2, nil)
	f.board.interpose("Acquire", func() {
		f.want(1, "/a", "1", "fwd=uri-miss; stored")
		f.settle()
		for f.board.count("Release") == 0 {
			runtime.Gosched()
		}
	})
	f.want(0, "/a", "1", "fwd=uri-miss; collapsed; ttl=60")
	if n := f.runs.Load(); n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
	for f.board.count("Release") < 2 { // the lease that was not needed
		runtime.Gosched()
	}
}

// Of three processes that give out a stale response one renews it.
func TestFleetRenewsOnce(t *testing.T) {
	const processes, clients = 3, 30
	f := newFleet(t, processes, nil, cachex.StaleWhileRevalidate(time.Hour))
	f.want(0, "/a", "1", "stored")
	f.settle()
	f.version.Store(2)
	f.now.Add(int64(2 * time.Minute))
	asked, out := f.board.count("Acquire"), make(chan struct{})
	f.during = func() { <-out }
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() { f.want(i%processes, "/a", "1", "hit; ttl=-60; detail=stale-while-revalidate") })
	}
	all.Wait()
	for f.board.count("Acquire") < asked+processes { // all of them wanted to renew it
		runtime.Gosched()
	}
	close(out)
	for i := range processes {
		for {
			if body, _ := f.get(i, "/a"); body == "2" {
				break
			}
			runtime.Gosched()
		}
	}
	if n := f.runs.Load(); n != 2 {
		t.Errorf("%d runs, want the first and one that renews", n)
	}
}

func TestFleetFailsOpen(t *testing.T) {
	f := newFleet(t, 1, func(c *cachex.Config) { c.StoreTimeout = 0 })
	f.want(0, "/a", "1", "stored")
	f.settle()
	f.want(0, "/a", "1", "hit")
	f.board.fail(errors.New("down"))
	for range 20 {
		f.want(0, "/a", "1", "fwd=uri-miss; detail=store")
	}
	err := f.caches[0].Purge(context.Background(), cachex.ByURL("http://example.com/a"))
	if !errors.Is(err, cachex.ErrPurgeIncomplete) {
		t.Errorf("a purge while the store is down: %v", err)
	}
	f.version.Store(2)
	f.board.fail(nil)
	for { // the breaker lets a probe through, and the purge is repeated
		body, state := f.get(0, "/a")
		if body != "2" { // in this process, it is done
			t.Fatalf("%q after the purge: %s", body, state)
		}
		if strings.Contains(state, "hit") {
			break
		}
		runtime.Gosched()
	}
	f.logging.Lock()
	defer f.logging.Unlock()
	if n := strings.Count(f.log.String(), "does not answer"); n == 0 || n > 2 {
		t.Errorf("%d warnings: %s", n, f.log.String())
	}
}

func TestFleetFrozen(t *testing.T) {
	f := newFleet(t, 1, func(c *cachex.Config) { c.StoreTimeout = 0 })
	f.want(0, "/a", "1", "stored")
	f.settle()
	thaw := f.board.freeze()
	for range 20 {
		f.want(0, "/a", "1", "fwd=uri-miss")
	}
	thaw()
	for {
		if _, state := f.get(0, "/a"); strings.Contains(state, "hit") {
			break
		}
		runtime.Gosched()
	}
}

// A frozen store takes a lease when it is thawed, for a run that has long gone on
// without. The lease is given back, and nobody waits until it ends.
func TestFleetFrozenLease(t *testing.T) {
	f := newFleet(t, 1, func(c *cachex.Config) { c.StoreTimeout = 0 })
	var thaw func()
	f.board.interpose("Acquire", func() { thaw = f.board.freeze() })
	f.want(0, "/a", "1", "fwd=uri-miss")
	f.board.mu.Lock()
	late := len(f.board.late)
	f.board.mu.Unlock()
	if late != 1 {
		t.Errorf("%d leases are on their way", late)
	}
	thaw()
	for left := 1; left > 0; runtime.Gosched() {
		f.board.mu.Lock()
		left = len(f.board.spaces["test"].leases)
		f.board.mu.Unlock()
	}
	f.settle()
}

func TestFleetForgets(t *testing.T) {
	f := newFleet(t, 2, tier)
	f.want(0, "/a", "1", "stored")
	f.settle()
	f.want(1, "/a", "1", "hit")
	f.board.forget()
	f.version.Store(2)
	// The log has a new epoch: nothing from before is believed, in memory neither.
	for i := range 2 {
		for {
			if body, _ := f.get(i, "/a"); body == "2" {
				break
			}
			runtime.Gosched()
		}
	}
}

// One node of many fails over and loses a purge. The others answer all the while, so
// that the breaker stays closed: a single failure is all that there is to see of it.
func TestFleetRepeatsAfterAFailure(t *testing.T) {
	f := newFleet(t, 2, nil)
	f.want(0, "/a", "1", "stored")
	f.settle()
	rewind := f.board.rewind()
	f.version.Store(2)
	if err := f.caches[0].Purge(context.Background(), cachex.ByURL("http://example.com/a")); err != nil {
		t.Fatal(err)
	}
	f.board.fail(errors.New("down"))
	f.want(0, "/b", "2", "detail=store")
	rewind()
	f.board.fail(nil)
	for { // it has come back, until the purge is repeated
		if body, _ := f.get(1, "/a"); body == "2" {
			break
		}
		runtime.Gosched()
	}
	for i := range 2 {
		f.want(i, "/a", "2", "")
	}
	if s := f.caches[0].Stats(); s.StoreRefusals > 0 {
		t.Errorf("the breaker has opened: %+v", s)
	}
}

// Between two polls a failover has lost a record, and another has taken its place: the
// log is as long as it was.
func TestFleetRecordReplaced(t *testing.T) {
	f := newFleet(t, 2, nil)
	purge := func(path string) {
		t.Helper()
		if err := f.caches[0].Purge(context.Background(), cachex.ByPath(path)); err != nil {
			t.Fatal(err)
		}
	}
	f.want(0, "/x", "1", "stored")
	f.settle()
	purge("/x")
	for { // until the other process has read of it
		if _, state := f.get(1, "/x"); !strings.Contains(state, "hit; ttl=60") {
			break
		}
		runtime.Gosched()
	}
	f.want(0, "/a", "1", "stored")
	f.settle()
	f.want(1, "/a", "1", "hit")
	f.version.Store(2)
	f.board.interpose("Append", f.board.loseRecord)
	purge("/a")
	body := ""
	for read := f.board.count("Read"); body != "2" && f.board.count("Read") < read+8; runtime.Gosched() {
		body, _ = f.get(1, "/a")
	}
	if body != "2" {
		t.Errorf("%q after some polls, want 2: the purge was never heard of", body)
	}
}

// With the log all that was stored is gone: no purge is repeated, which would take
// back what is stored since.
func TestFleetForgetsOnce(t *testing.T) {
	f := newFleet(t, 2, nil)
	if err := f.caches[0].Purge(context.Background(), cachex.ByPath("/a")); err != nil {
		t.Fatal(err)
	}
	f.want(0, "/a", "1", "stored")
	f.settle()
	appended := f.board.count("Append")
	f.board.forget()
	for read := f.board.count("Read"); f.board.count("Read") < read+4; { // both processes have polled
		runtime.Gosched()
	}
	f.get(0, "/a")
	f.settle()
	for i := range 2 {
		f.want(i, "/a", "1", "hit")
	}
	if n := f.board.count("Append"); n != appended {
		t.Errorf("%d records were written", n-appended)
	}
}

func TestSpoiltValues(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"cut":           func(v []byte) []byte { return v[:len(v)-1] },
		"empty":         func(v []byte) []byte { return []byte{} },
		"foreign":       func(v []byte) []byte { return []byte("some other program's value") },
		"bit":           func(v []byte) []byte { v = slices.Clone(v); v[len(v)/2] ^= 1; return v },
		"other version": func(v []byte) []byte { v = slices.Clone(v); v[2]++; return v },
		"longer":        func(v []byte) []byte { return append(slices.Clone(v), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, 1, nil)
			f.want(0, "/a", "1", "stored")
			f.settle()
			f.board.spoil(spoil)
			f.want(0, "/a", "1", "fwd=uri-miss; stored")
		})
	}
}

func TestSecretsDiffer(t *testing.T) {
	secrets := [][]byte{nil, []byte("the first secret!"), []byte("the other secret!")}
	n := 0
	f := newFleet(t, 3, func(c *cachex.Config) { c.StoreSecret = secrets[n]; n++ })
	for i := range 3 {
		f.want(i, "/a", "1", "fwd=uri-miss; stored")
		f.settle()
	}
	f.want(2, "/a", "1", "hit")
	f.want(1, "/a", "1", "fwd=uri-miss")
}

func TestShutdownWrites(t *testing.T) {
	f := newFleet(t, 2, nil)
	for i := range 50 {
		f.get(0, fmt.Sprint("/", i))
	}
	if err := f.caches[0].Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		f.want(1, fmt.Sprint("/", i), "1", "hit")
	}
}

func TestStoreConfig(t *testing.T) {
	for want, cfg := range map[string]cachex.Config{
		"without Config.Namespace": {Store: newBoard()},
		"has 5 bytes":              {StoreSecret: []byte("short")},
		"StoreTimeout is negative": {StoreTimeout: -1},
	} {
		if _, err := cachex.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

var _ io.Writer = (*fleet)(nil)

// What a run in the background brings reaches the store, whether it was begun for
// stale-while-revalidate or because its client has something stale, and the
// variants beside it stay.
func TestFleetRenews(t *testing.T) {
	for name, opts := range map[string][]cachex.Option{
		"stale-while-revalidate": {cachex.StaleWhileRevalidate(time.Hour)},
		"SoftTimeout":            {cachex.StaleIfError(time.Hour), cachex.SoftTimeout(time.Minute)},
	} {
		for tiers, change := range map[string]func(*cachex.Config){"store alone": nil, "two tiers": tier} {
			for _, vary := range []string{"", "Accept-Language"} {
				t.Run(fmt.Sprint(name, ", ", tiers, " ", vary), func(t *testing.T) {
					f := newFleet(t, 2, change, opts...)
					var fields []string
					language := ""
					if vary != "" {
						language = "de"
						fields = []string{"Accept-Language", language, "Send-Vary", vary}
					}
					f.get(0, "/", fields...)
					f.settle()
					f.version.Add(1)
					f.now.Add(int64(2 * time.Minute))
					f.get(0, "/", fields...)
					for f.caches[0].Stats().Background > 0 {
						runtime.Gosched()
					}
					f.settle()
					if s := f.caches[0].Stats(); s.Refreshes != 1 {
						t.Errorf("%+v", s)
					}
					if err := f.caches[0].Shutdown(context.Background()); err != nil {
						t.Error(err)
					}
					f.want(1, "/", "2"+language, "; hit", fields...)
					if n := f.runs.Load(); n != 2 {
						t.Errorf("%d runs", n)
					}
				})
			}
		}
	}
}
