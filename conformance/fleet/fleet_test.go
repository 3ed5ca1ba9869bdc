package fleet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-cachex/cachex/conformance/servers"
	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/store"
)

const processes = 3

// fleet are caches on one store, each behind a server of its own and with a client
// of the store of its own, as processes have them. Content names its URL, its
// variant and the run that it is from, in every line.
//
// Runs and purges draw numbers from one sequence as they begin. So a reader knows,
// before it asks, below which number nothing may come that a purge has taken back
// which has returned by then.
type fleet struct {
	t      testing.TB
	caches []*cachex.Cache
	sites  []*httptest.Server
	tiered [processes]bool // it has memory in front of the store
	client *http.Client
	during func(r *http.Request, run int64)

	seq, arrived atomic.Int64
	floors       [processes]floors // what each process must know of
	newest       floors            // the last purges that have returned
	served, hits [processes]atomic.Int64
	wrong        atomic.Pointer[string]
	unconfirmed  atomic.Int64

	undone  atomic.Bool // purges that were confirmed may be undone, for a while
	pending sync.WaitGroup
}

// floors are the numbers of purges, a facet each.
type floors [len(facets)]atomic.Int64

func (f *floors) load() (numbers [len(facets)]int64) {
	for k := range f {
		numbers[k] = f[k].Load()
	}
	return numbers
}

// facets are the ways in which something is taken back. What has a ! is done by
// a POST to the URL.
var facets = [...]struct {
	name string
	by   cachex.Selector
}{
	{"all", cachex.All()}, {"host b", cachex.ByHost("b")}, {"path /1", cachex.ByPath("/1")}, {"path /2", cachex.ByPath("/2")},
	{"pattern /x/**", cachex.ByPattern("/x/**")}, {"tag red", cachex.ByTag("red")}, {"tag blue", cachex.ByTag("blue")},
	{"url a/1", cachex.ByURL("http://a/1")}, {"url a/x/1", cachex.ByURL("http://a/x/1")}, {"url b/2", cachex.ByURL("https://b/2")},
	{"url! a/2", cachex.Selector{}}, {"url! b/1", cachex.Selector{}}, {"url a/vary", cachex.ByURL("http://a/vary")},
	{"url a/quiet", cachex.ByURL("http://a/quiet")}, {"path /quiet", cachex.ByPath("/quiet")},
}

// loud are the facets that are taken back at random; the others are a test's own.
const loud = len(facets) - 2

func facet(name string) int {
	for i, f := range facets {
		if f.name == name {
			return i
		}
	}
	panic("no facet " + name)
}

// reaches tells whether a facet is one of a response.
func reaches(facet, host, path, tags string) bool {
	kind, what, _ := strings.Cut(facet, " ")
	switch kind {
	case "host":
		return what == host
	case "path":
		return what == path
	case "pattern":
		return strings.HasPrefix(path, "/x/")
	case "tag":
		return slices.Contains(strings.Split(tags, ","), what)
	case "url", "url!":
		return what == host+path
	}
	return true // all
}

// newFleet starts the processes. change may be nil.
func newFleet(t testing.TB, open func() store.Store, change func(i int, cfg *cachex.Config)) *fleet {
	f := &fleet{t: t, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 400}}}
	for i := range processes {
		cfg := cachex.Config{
			Store: open(), Namespace: strings.NewReplacer("/", ".", "_", "-").Replace(t.Name()), StoreTimeout: 2 * time.Second,
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		}
		if change != nil {
			change(i, &cfg)
		}
		f.tiered[i] = cfg.MemoryBytes > 0
		c, err := cachex.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		site := c.Middleware(cachex.TTL(10 * time.Minute))(http.HandlerFunc(f.handle))
		f.caches = append(f.caches, c)
		f.sites = append(f.sites, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.arrived.Add(1)
			site.ServeHTTP(w, r)
		})))
	}
	t.Cleanup(f.end)
	return f
}

// end stops everything, and looks whether it has ended.
func (f *fleet) end() {
	f.pending.Wait()
	if wrong := f.wrong.Load(); wrong != nil {
		f.t.Error(*wrong)
	}
	for i, c := range f.caches {
		f.sites[i].Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := c.Shutdown(ctx); err != nil {
			f.t.Errorf("process %d: Shutdown: %v", i, err)
		}
		cancel()
	}
	f.client.CloseIdleConnections()
}

// noneLeft fails the test where goroutines of caches that were shut down still run.
func noneLeft(t testing.TB) {
	var stacks string
	if !poll(func() bool {
		b := make([]byte, 1<<20)
		stacks = string(b[:runtime.Stack(b, true)])
		return !strings.Contains(stacks, "cachex/core.(*")
	}) {
		t.Errorf("goroutines are left after Shutdown:\n%s", stacks)
	}
}

// content is what a run answers with. The variant is what was asked for by
// Accept-Language; only /vary has variants.
func content(host, path, variant string, run int64) string {
	lines := 4
	if strings.HasPrefix(path, "/large") {
		lines = 2000
	}
	return strings.Repeat(fmt.Sprintf("%s%s %s %d\n", host, path, variant, run), lines)
}

func (f *fleet) handle(w http.ResponseWriter, r *http.Request) {
	run := f.seq.Add(1)
	if f.during != nil {
		f.during(r, run)
	}
	if r.Method == http.MethodPost {
		w.Header().Set("Run", fmt.Sprint(run))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	tags := []string{"none"}
	for i, tag := range []string{"red", "blue"} {
		if run>>i&1 == 1 {
			tags = append(tags, tag)
		}
	}
	cachex.AddTags(r.Context(), tags...)
	w.Header().Set("Tags", strings.Join(tags, ","))
	variant := "-"
	if r.URL.Path == "/vary" {
		variant = r.Header.Get("Accept-Language")
		w.Header().Set("Vary", "Accept-Language")
	}
	_, _ = io.WriteString(w, content(r.Host, r.URL.Path, variant, run))
}

func (f *fleet) fail(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	f.wrong.CompareAndSwap(nil, &s)
}

// do sends a request. It returns nil where that has failed, which no request may.
func (f *fleet) do(i int, method, host, path, variant string) (*http.Response, string) {
	r, err := http.NewRequest(method, f.sites[i].URL+path, nil)
	if err != nil {
		f.fail("%v", err)
		return nil, ""
	}
	r.Host = host
	r.Header.Set("Accept-Language", variant)
	resp, err := f.client.Do(r)
	if err != nil {
		f.fail("process %d, %s%s: %v", i, host, path, err)
		return nil, ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		f.fail("process %d, %s%s: status %d, %v", i, host, path, resp.StatusCode, err)
		return nil, ""
	}
	return resp, string(body)
}

var variants = [...]string{"de", "en"}

// read gets a URL from a process, and looks whether the answer is one that it may
// have. It returns the run that the answer is of.
func (f *fleet) read(i int, host, path string) (run int64, hit bool) {
	run, hit, old := f.readAfter(f.floors[i].load(), i, host, path, variants[0])
	if old != "" {
		f.fail("%s", old)
	}
	return run, hit
}

// readAfter tells as well whether the answer is older than purges with these
// numbers allow.
func (f *fleet) readAfter(floors [len(facets)]int64, i int, host, path, variant string) (run int64, hit bool, old string) {
	resp, body := f.do(i, http.MethodGet, host, path, variant)
	if resp == nil {
		return 0, false, ""
	}
	asked := variant
	if path != "/vary" {
		asked = "-"
	}
	first, _, _ := strings.Cut(body, "\n")
	if _, err := fmt.Sscanf(first, host+path+" "+asked+" %d", &run); err != nil || body != content(host, path, asked, run) || run > f.seq.Load() {
		f.fail("process %d, %s%s: a wrong body of %d bytes: %.100q", i, host, path, len(body), body)
		return 0, false, ""
	}
	state := resp.Header.Get("Cache-Status")
	for k, floor := range floors {
		if run <= floor && reaches(facets[k].name, host, path, resp.Header.Get("Tags")) {
			old = fmt.Sprintf("process %d, %s%s: run %d came after purge %d of %q had returned: %s", i, host, path, run, floor, facets[k].name, state)
		}
	}
	f.served[i].Add(1)
	if hit = strings.HasPrefix(state, "Cachex; hit"); hit {
		f.hits[i].Add(1)
	}
	return run, hit, old
}

// purge takes back a facet in a process, and has all others go by it that must:
// where the store has confirmed it, those without memory in front of the store at
// once if it is a URL, and all after the bound.
func (f *fleet) purge(i, k int, soft bool) error {
	at := f.seq.Add(1)
	undone := f.undone.Load()
	var err error
	kind, where, _ := strings.Cut(facets[k].name, " ")
	switch {
	case kind == "url!":
		host, path, _ := strings.Cut(where, "/")
		resp, _ := f.do(i, http.MethodPost, host, "/"+path, variants[0])
		if resp == nil {
			return nil
		}
		_, _ = fmt.Sscan(resp.Header.Get("Run"), &at)
		raise(&f.newest[k], at)
		raise(&f.floors[i][k], at)
		return nil // whether the store has confirmed it, nobody tells
	case soft: // without stale windows, stale is as good as gone
		err = f.caches[i].Expire(context.Background(), facets[k].by)
	default:
		err = f.caches[i].Purge(context.Background(), facets[k].by)
	}
	switch {
	case errors.Is(err, cachex.ErrPurgeIncomplete):
		f.unconfirmed.Add(1)
	case err != nil:
		f.fail("process %d: purge of %s: %v", i, facets[k].name, err)
	}
	raise(&f.newest[k], at)
	if undone || f.undone.Load() {
		return err
	}
	raise(&f.floors[i][k], at)
	if err != nil {
		return err
	}
	if kind == "url" {
		for j := range f.floors {
			if !f.tiered[j] {
				raise(&f.floors[j][k], at)
			}
		}
	}
	f.pending.Add(1)
	time.AfterFunc(bound, func() {
		defer f.pending.Done()
		for j := range f.floors {
			raise(&f.floors[j][k], at)
		}
	})
	return nil
}

// known says that all processes must know of what was taken back of a facet.
func (f *fleet) known(k int) {
	at := f.newest[k].Load()
	for i := range f.floors {
		raise(&f.floors[i][k], at)
	}
}

// settle waits until nothing that was taken back comes from any process, confirmed
// or not, and has it stay so.
func (f *fleet) settle(paths ...string) {
	f.t.Helper()
	newest := f.newest.load()
	var last string
	if !poll(func() bool {
		last = ""
		f.each(paths, func(i int, host, path, variant string) {
			if _, _, old := f.readAfter(newest, i, host, path, variant); old != "" {
				last = old
			}
		})
		return last == ""
	}) {
		f.t.Fatalf("it does not end: %s", last)
	}
	for k := range facets {
		for i := range f.floors {
			raise(&f.floors[i][k], newest[k])
		}
	}
}

// each calls f with everything that can be asked for.
func (f *fleet) each(paths []string, do func(i int, host, path, variant string)) {
	for i := range processes {
		for _, host := range []string{"a", "b"} {
			for _, path := range paths {
				for _, variant := range variants {
					do(i, host, path, variant)
				}
			}
		}
	}
}

func raise(a *atomic.Int64, to int64) {
	for {
		if old := a.Load(); old >= to || a.CompareAndSwap(old, to) {
			return
		}
	}
}

// poll waits for a condition, for a minute at most: who waits in vain has failed.
func poll(done func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		if done() {
			return true
		}
	}
	return false
}

func (f *fleet) until(what string, done func() bool) {
	f.t.Helper()
	if !poll(func() bool { return done() || f.wrong.Load() != nil }) {
		f.t.Fatalf("waited in vain for %s: %+v", what, f.stats())
	}
	if wrong := f.wrong.Load(); wrong != nil {
		f.t.Fatalf("before %s: %s", what, *wrong)
	}
}

func (f *fleet) stats() (all []cachex.Stats) {
	for _, c := range f.caches {
		all = append(all, c.Stats())
	}
	return all
}

// more waits until a counter of each process has grown by n.
func (f *fleet) more(what string, n int64, counter func(i int) int64) {
	f.t.Helper()
	var before [processes]int64
	for i := range before {
		before[i] = counter(i)
	}
	f.until(what, func() bool {
		for i := range before {
			if counter(i) < before[i]+n {
				return false
			}
		}
		return true
	})
}

func (f *fleet) moreHits(n int64) {
	f.t.Helper()
	f.more("hits", n, func(i int) int64 { return f.hits[i].Load() })
}

func (f *fleet) moreServed(n int64) {
	f.t.Helper()
	f.more("answers", n, func(i int) int64 { return f.served[i].Load() })
}

// load has clients ask all processes for URLs until it is stopped.
func (f *fleet) load(clients int, paths ...string) (stop func()) {
	return f.crowd(clients, 4*time.Millisecond, func(rnd *rand.Rand) {
		i, host, path := rnd.IntN(processes), []string{"a", "b"}[rnd.IntN(2)], paths[rnd.IntN(len(paths))]
		if _, _, old := f.readAfter(f.floors[i].load(), i, host, path, variants[rnd.IntN(len(variants))]); old != "" {
			f.fail("%s", old)
		}
	})
}

// edit has editors take back this and that in all processes until it is stopped:
// seldom enough for things to be found. What a test takes back itself they reach
// with all and with tags, unless they spare it.
func (f *fleet) edit(editors int, all bool) (stop func()) {
	var what []int
	for k := range loud {
		if all || !reaches(facets[k].name, "a", "/quiet", "red,blue") {
			what = append(what, k)
		}
	}
	return f.crowd(editors, 50*time.Millisecond, func(rnd *rand.Rand) {
		_ = f.purge(rnd.IntN(processes), what[rnd.IntN(len(what))], rnd.IntN(3) == 0)
	})
}

// crowd has some do something time and again.
func (f *fleet) crowd(size int, every time.Duration, do func(rnd *rand.Rand)) (stop func()) {
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	for n := range size {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(n)))
			pause := time.NewTicker(every)
			defer pause.Stop()
			for ; ctx.Err() == nil; <-pause.C {
				do(rnd)
			}
		})
	}
	stop = func() { cancel(); wg.Wait() }
	f.t.Cleanup(stop)
	return stop
}

// keysOf are the keys of a Redis or Memcached server.
func keysOf(t testing.TB, kind string, s *servers.Server) (keys []string) {
	if kind != "memcached" {
		answer, err := servers.RedisDo(s.Addr, "KEYS", "*")
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range answer.([]any) {
			keys = append(keys, key.(string))
		}
		return keys
	}
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "lru_crawler metadump all\r\n")
	for r := bufio.NewScanner(conn); r.Scan(); {
		if !strings.HasPrefix(r.Text(), "key=") {
			break // END, or BUSY
		}
		word, _, _ := strings.Cut(r.Text(), " ")
		if key, err := url.PathUnescape(strings.TrimPrefix(word, "key=")); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

func deleteKey(t testing.TB, kind string, s *servers.Server, key string) {
	var err error
	if kind != "memcached" {
		_, err = servers.RedisDo(s.Addr, "DEL", key)
	} else {
		_, err = servers.MemcachedDo(s.Addr, "delete "+key)
	}
	if err != nil {
		t.Fatal(err)
	}
}
