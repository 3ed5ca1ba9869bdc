package cachex_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// TestHistories is the promise of Purge and Expire, in random histories of many
// goroutines: readers, some of which wait for the runs of others, renewals in the
// background and by a 304, handlers that fail, writers, purges by every selector,
// a clock that moves, and floods by which marks, patterns, variants and memory
// overflow. Run it with -race, and after changes of the machinery with
// CACHEX_HISTORIES=1000; the default is 20.
//
// Runs and purges draw numbers from one sequence as they begin, and content
// says the number of its run. So a reader knows, before it asks, below which
// number nothing may come that a purge has taken back which has returned by then.
// TestHistoriesNotice shows that this finds what it is meant to find.
func TestHistories(t *testing.T) {
	var sum census
	broken, seeds, first := 0, histories(t), os.Getenv("CACHEX_HISTORIES_UNTIL") == "broken"
	for seed := range seeds {
		if first && broken > 0 {
			break
		}
		h := newHistory(uint64(seed))
		h.play()
		sum.add(h)
		if wrong := h.wrong.Load(); wrong != nil {
			if broken++; broken <= 5 {
				t.Errorf("seed %d: %s", seed, *wrong)
			}
		}
	}
	t.Logf("broken: %d of %d histories; %+v", broken, seeds, sum)
	if slices.Contains(sum.counts(), 0) {
		t.Errorf("something never happens, so that it is not tested: %+v", sum)
	}
}

func histories(t *testing.T) int {
	said := os.Getenv("CACHEX_HISTORIES")
	if said == "" {
		return 20
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 1 {
		t.Fatalf("CACHEX_HISTORIES=%s: want how many", said)
	}
	return n
}

// census is how often what the histories are about has happened.
type census struct {
	reads, hits, collapsed, confirmed, stale, failed, refreshed, stored, purged, invalidated, evicted uint64
}

func (c *census) add(h *history) {
	s := h.c.Stats()
	c.reads += uint64(h.reads.Load())
	c.confirmed += uint64(h.confirmed.Load())
	c.stale += uint64(h.stale.Load())
	c.hits += s.Hits
	c.collapsed += s.Collapsed
	c.failed += s.Failures
	c.refreshed += s.Refreshes
	c.stored += s.Stores
	c.purged += s.Purges
	c.invalidated += s.Invalidations
	c.evicted += s.Evictions
}

func (c *census) counts() []uint64 {
	return []uint64{c.reads, c.hits, c.collapsed, c.confirmed, c.stale, c.failed, c.refreshed, c.stored, c.purged, c.invalidated}
}

// history is one of them.
type history struct {
	seed  uint64
	c     *cachex.Cache
	h     http.Handler
	seq   atomic.Int64 // of runs and purges, as they begin
	clock atomic.Int64

	// The newest purge of each facet, hard and soft, that has returned.
	hard, soft [len(facets)]atomic.Int64

	wrong                   atomic.Pointer[string]
	reads, confirmed, stale atomic.Int64
}

// facets are the ways in which something can be taken back, and the selectors
// for it. A POST takes back a URL; with "group" it names that in its response.
var facets = [...]struct {
	name string
	by   cachex.Selector
}{
	{"all", cachex.All()},
	{"host a", cachex.ByHost("a")}, {"host b", cachex.ByHost("B:80")},
	{"path /1", cachex.ByPath("/1")}, {"path /2", cachex.ByPath("/%32")}, {"path /x/1", cachex.ByPath("/x/1")},
	{"pattern /*", cachex.ByPattern("/*")}, {"pattern /x/**", cachex.ByPattern("/x/**")}, {"pattern **1", cachex.ByPattern("**1")},
	{"url a/1", cachex.ByURL("http://a/1")}, {"url a/2", cachex.ByURL("https://a/2")}, {"url a/x/1", cachex.ByURL("http://A:80/x/1")},
	{"url b/1", cachex.ByURL("http://b/1")}, {"url b/2", cachex.ByURL("http://b/2")}, {"url b/x/1", cachex.ByURL("http://b/x/1")},
	{"url a/rare", cachex.ByURL("http://a/rare")}, // nobody asks for it but flood
	{"tag red", cachex.ByTag("red")}, {"tag blue", cachex.ByTag("blue", "none")}, {"tag green", cachex.ByTag("green")},
	{"group a", cachex.Selector{}}, {"group b", cachex.Selector{}},
}

// reaches tells whether a facet is one of a response.
func reaches(facet, host, path string, tags []string) bool {
	kind, what, _ := strings.Cut(facet, " ")
	switch kind {
	case "host":
		return what == host
	case "path":
		return what == path
	case "url":
		return what == host+path
	case "tag":
		return slices.Contains(tags, what)
	case "group":
		return what == host && slices.Contains(tags, "group")
	case "pattern":
		return what == "/*" && path != "/x/1" || what == "/x/**" && path == "/x/1" || what == "**1" && strings.HasSuffix(path, "1")
	}
	return true // all
}

func facet(name string) int {
	for i, f := range facets {
		if f.name == name {
			return i
		}
	}
	panic("no facet " + name)
}

func newHistory(seed uint64) *history {
	h := &history{seed: seed}
	h.clock.Store(1_700_000_000e9)
	cfg := cachex.Config{
		Now:      func() time.Time { return time.Unix(0, h.clock.Load()) },
		TagField: "Surrogate-Key", Groups: true,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), // of panics
	}
	switch seed % 5 {
	case 1:
		cfg.MemoryBytes = 4 << 10 // evictions
	case 2:
		cfg.MaxRefreshes = 1
	}
	h.c = cachex.MustNew(cfg)
	if seed%2 == 0 { // or most readers would find nothing there
		h.c.Front()
	}
	h.h = h.c.Middleware(cachex.TTL(2*time.Second), cachex.StaleWhileRevalidate(3*time.Second), cachex.StaleIfError(6*time.Second))(http.HandlerFunc(h.serve))
	return h
}

// play lets everybody do a number of things, and waits for all.
func (h *history) play() {
	var wg sync.WaitGroup
	several := func(people, times int, do func(*rand.Rand)) {
		for i := range people {
			stream := h.seed<<16 + uint64(times<<4+i)
			wg.Go(func() {
				rnd := rand.New(rand.NewPCG(h.seed, stream))
				for range times {
					do(rnd)
				}
			})
		}
	}
	several(6, 100, h.read)
	several(2, 40, h.purgeAny)
	several(1, 30, h.write)
	several(1, 50, func(rnd *rand.Rand) { h.clock.Add(rnd.Int64N(int64(time.Second))); runtime.Gosched() })
	if h.seed%4 == 3 {
		several(1, 2, h.flood)
	}
	wg.Wait()
	if err := h.c.Shutdown(context.Background()); err != nil {
		h.fail("Shutdown: %v", err)
	}
}

func (h *history) fail(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	h.wrong.CompareAndSwap(nil, &s)
}

// idle lets others go first, for a while that may be long.
func idle(rnd *rand.Rand) {
	n := rnd.IntN(8)
	if rnd.IntN(4) == 0 {
		n = rnd.IntN(200)
	}
	for range n {
		runtime.Gosched()
	}
}

func where(rnd *rand.Rand) (host, path string) {
	return []string{"a", "b"}[rnd.IntN(2)], []string{"/1", "/2", "/x/1"}[rnd.IntN(3)]
}

// serve is the handler.
func (h *history) serve(w http.ResponseWriter, r *http.Request) {
	run := h.seq.Add(1)
	rnd := rand.New(rand.NewPCG(h.seed, uint64(run)))
	if r.Method == http.MethodPost {
		h.change(w, rnd)
		return
	}
	var tags []string
	for _, f := range []string{"red", "blue", "green", "group"} {
		if rnd.IntN(4) == 0 {
			tags = append(tags, f)
		}
	}
	idle(rnd)
	field := w.Header()
	switch {
	case rnd.IntN(30) == 0:
		panic(http.ErrAbortHandler)
	case rnd.IntN(8) == 0:
		field.Set("X-Run", fmt.Sprint(run))
		h.tag(r, field, tags)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case r.Header.Get("If-None-Match") != "" && rnd.IntN(4) > 0:
		field.Set("X-Confirmed", fmt.Sprint(run))
		w.WriteHeader(http.StatusNotModified)
		return
	}
	field.Set("Etag", fmt.Sprintf(`"%d"`, run))
	field.Set("X-Run", fmt.Sprint(run))
	field.Set("X-Confirmed", fmt.Sprint(run))
	if r.URL.Path == "/2" {
		field.Set("Vary", "X-Variant")
	}
	if rnd.IntN(2) == 0 {
		field.Set("Cache-Control", "max-age=3")
	}
	h.tag(r, field, tags)
	for range rnd.IntN(3) {
		_, _ = io.WriteString(w, strings.Repeat("x", rnd.IntN(1500)))
		idle(rnd)
	}
}

// tag tags a response in one of the ways that handlers have.
func (h *history) tag(r *http.Request, field http.Header, tags []string) {
	field.Set("X-Tags", strings.Join(tags, " "))
	for i, t := range tags {
		switch {
		case t == "group":
			field.Set("Cache-Groups", `"g"`)
		case i%2 == 0:
			cachex.AddTags(r.Context(), t)
		default:
			field.Add("Surrogate-Key", t)
		}
	}
}

// change answers a POST. It says a number from before which nothing may come
// any more.
func (h *history) change(w http.ResponseWriter, rnd *rand.Rand) {
	idle(rnd)
	if rnd.IntN(2) == 0 {
		w.Header().Set("Cache-Group-Invalidation", `"g"`)
	}
	w.Header().Set("X-Run", fmt.Sprint(h.seq.Add(1)))
	if rnd.IntN(5) == 0 {
		w.WriteHeader(http.StatusConflict)
	}
}

// ask returns nil where the handler has panicked.
func (h *history) ask(method, host, path string, fields ...string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(method, "http://"+host+path, nil), httptest.NewRecorder()
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	if !completes(func() { h.h.ServeHTTP(w, r) }) {
		return nil
	}
	return w
}

func completes(f func()) (done bool) {
	defer func() { _ = recover() }()
	f()
	return true
}

func (h *history) write(rnd *rand.Rand) {
	host, path := where(rnd)
	w := h.ask(http.MethodPost, host, path)
	if w.Code != http.StatusOK {
		return
	}
	n := number(w.Header(), "X-Run")
	raise(&h.hard[facet("url "+host+path)], n)
	if w.Header().Get("Cache-Group-Invalidation") != "" {
		raise(&h.hard[facet("group "+host)], n)
	}
	idle(rnd)
}

func (h *history) purgeAny(rnd *rand.Rand) {
	idle(rnd)
	var chosen []int
	for range 1 + rnd.IntN(2) {
		// all and hosts leave little to others
		i := rnd.IntN(facet("group a"))
		if i <= facet("host b") && rnd.IntN(4) > 0 {
			i = facet("tag red") + rnd.IntN(3)
		}
		chosen = append(chosen, i)
	}
	h.purge(rnd, chosen...)
}

func (h *history) purge(rnd *rand.Rand, chosen ...int) {
	var by []cachex.Selector
	for _, i := range chosen {
		by = append(by, facets[i].by)
	}
	take, floor := h.c.Purge, &h.hard
	if rnd.IntN(3) == 0 {
		take, floor = h.c.Expire, &h.soft
	}
	began := h.seq.Add(1)
	h.take(take, by...)
	for _, i := range chosen {
		raise(&floor[i], began)
	}
}

func (h *history) take(how func(context.Context, ...cachex.Selector) error, by ...cachex.Selector) {
	if err := how(context.Background(), by...); err != nil {
		h.fail("%v", err)
	}
}

// flood takes back what is not there, until nothing is remembered by itself: not
// even what was taken back of something that nobody has asked for since.
func (h *history) flood(rnd *rand.Rand) {
	h.ask(http.MethodGet, "a", "/rare")
	h.purge(rnd, facet("url a/rare"))
	defer h.look(http.MethodGet, "a", "/rare")
	for i := range 70 {
		tags := make([]string, 256)
		for j := range tags {
			tags[j] = fmt.Sprintf("flood-%d-%d-%d", i, j, rnd.Uint32())
		}
		h.take(h.c.Purge, cachex.ByTag(tags...))
	}
	if rnd.IntN(2) == 0 { // which takes back everything
		patterns := make([]cachex.Selector, 1100)
		for i := range patterns {
			patterns[i] = cachex.ByPattern("/none/*")
		}
		h.take(h.c.Purge, patterns...)
	}
	for i := range 70 { // variants
		h.ask(http.MethodGet, "a", "/2", "X-Variant", fmt.Sprint(i))
	}
}

func (h *history) read(rnd *rand.Rand) {
	host, path := where(rnd)
	fields := []string{"X-Variant", fmt.Sprint(rnd.IntN(2))}
	switch rnd.IntN(10) {
	case 0:
		fields = append(fields, "Cache-Control", "max-stale=4")
	case 1:
		fields = append(fields, "Cache-Control", "no-cache")
	}
	method := http.MethodGet
	if rnd.IntN(10) == 0 {
		method = http.MethodHead
	}
	h.look(method, host, path, fields...)
}

// look asks, and judges the answer by the purges that had returned before.
func (h *history) look(method, host, path string, fields ...string) {
	var hard, soft [len(facets)]int64
	for i := range facets {
		hard[i], soft[i] = h.hard[i].Load(), h.soft[i].Load()
	}
	w := h.ask(method, host, path, fields...)
	if w == nil || w.Header().Get("X-Run") == "" {
		return // a panic, or the error that its waiters got
	}
	h.reads.Add(1)
	run, confirmed := number(w.Header(), "X-Run"), number(w.Header(), "X-Confirmed")
	tags, status := strings.Fields(w.Header().Get("X-Tags")), w.Header().Get("Cache-Status")
	if confirmed > run {
		h.confirmed.Add(1)
	}
	asFresh := w.Code == http.StatusOK && !strings.Contains(status, "detail=")
	if w.Code == http.StatusOK && !asFresh {
		h.stale.Add(1)
	}
	for i, f := range facets {
		switch {
		case !reaches(f.name, host, path, tags):
		case run <= hard[i]:
			h.fail("%s%s, tags %v: run %d, taken back by %s at %d: %s", host, path, tags, run, f.name, hard[i], status)
		case asFresh && confirmed <= soft[i]:
			h.fail("%s%s, tags %v: run %d, confirmed %d, expired by %s at %d: %s", host, path, tags, run, confirmed, f.name, soft[i], status)
		}
	}
}

func number(h http.Header, name string) int64 {
	n, _ := strconv.ParseInt(h.Get(name), 10, 64)
	return n
}

func raise(to *atomic.Int64, n int64) {
	for old := to.Load(); old < n && !to.CompareAndSwap(old, n); old = to.Load() {
	}
}
