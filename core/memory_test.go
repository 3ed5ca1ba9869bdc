package cachex

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

func testMemory(t *testing.T, bytes int64, now func() time.Time) *memory {
	t.Helper()
	m, err := newMemory(bytes, defaultMaxLifetime, now, func(*entry) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m
}

func still() time.Time { return epoch }

// kept is an entry that is good for a minute, received at second n.
func kept(key string, n int, size int) *entry {
	e := &entry{key: key, status: 200, body: make([]byte, size), requested: momentOf(epoch.Add(time.Duration(n) * time.Second))}
	e.received, e.lifetime = e.requested, time.Minute
	e.date, e.alone.one[0] = e.received, e
	return e
}

func varied(e *entry, values ...string) *entry {
	var vary []selecting
	for i, v := range values {
		vary = append(vary, selecting{name: fmt.Sprintf("V%d", i), value: v, present: true})
	}
	e.extend(extras{vary: vary})
	return e
}

func TestBytesAreBounded(t *testing.T) {
	const limit = 1 << 20
	m := testMemory(t, limit, still)
	for i := range 20000 {
		m.put(kept(fmt.Sprintf("GET http://h/%d?%s", i, strings.Repeat("q", i%2000)), i, i%700))
		if i%1000 == 0 {
			m.cache.CleanUp()
			if n, size := m.entries(); size > limit {
				t.Fatalf("%d keys take %d bytes, more than %d", n, size, limit)
			}
		}
	}
	m.cache.CleanUp()
	n, size := m.entries()
	if size > limit || n == 0 {
		t.Errorf("%d keys take %d bytes of %d", n, size, limit)
	}
	if n > limit/entryOverhead {
		t.Errorf("%d keys: their overhead alone is more than %d bytes", n, limit)
	}
	if m.evict.Load() == 0 {
		t.Error("evictions are not counted")
	}
	m.put(kept("large", 0, limit)) // with its overhead more than there is
	m.cache.CleanUp()
	if _, size := m.entries(); size > limit {
		t.Errorf("an entry larger than the memory: %d bytes", size)
	}
}

func TestExpiredEntriesGo(t *testing.T) {
	now := epoch
	m := testMemory(t, 1<<20, func() time.Time { return now })
	plain, validated := kept("plain", 0, 1), kept("validated", 0, 1)
	validated.seal([]adapter.Line{line("Etag", `"a"`)}, epoch)
	m.put(plain)
	m.put(validated)
	at := func(d time.Duration, want ...string) {
		t.Helper()
		now = epoch.Add(d)
		m.clock.saw(momentOf(now))
		m.cache.CleanUp()
		for _, key := range []string{"plain", "validated"} {
			have, wanted := m.get([]byte(key)) != nil, strings.Contains(strings.Join(want, " "), key)
			if have != wanted {
				t.Errorf("after %v: %s is kept: %v", d, key, have)
			}
		}
	}
	at(0, "plain", "validated")
	at(time.Minute, "plain", "validated") // for max-stale
	at(time.Minute+keepStale-time.Second, "plain", "validated")
	at(time.Minute+keepStale+3*time.Second, "validated") // for a validation
	at(time.Minute+keepValidator-time.Minute, "validated")
	at(time.Minute + keepValidator + 3*time.Minute)
	if n, _ := m.entries(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

func TestVariants(t *testing.T) {
	m := testMemory(t, 1<<30, still)
	key := []byte("k")
	for i := range 3 * maxVariants {
		m.put(varied(kept("k", i, 1), fmt.Sprint(i)))
	}
	r := m.get(key)
	if len(r.variants()) != maxVariants {
		t.Fatalf("L16: %d variants, want %d", len(r.variants()), maxVariants)
	}
	for i, v := range r.variants() {
		if want := fmt.Sprint(3*maxVariants - 1 - i); v.extras.vary[0].value != want {
			t.Fatalf("L16, B15: variant %d is %s, want %s: newest first, the oldest went", i, v.extras.vary[0].value, want)
		}
	}
	late := varied(kept("k", 0, 1), "late") // older than all that is there
	m.put(late)
	if r := m.get(key); len(r.variants()) != maxVariants || r.variants()[maxVariants-1] != late {
		t.Error("what was just stored went for what was there")
	}
}

func TestPutReplaces(t *testing.T) {
	m := testMemory(t, 1<<20, still)
	get := func() []*entry { return m.get([]byte("k")).variants() }
	a1, b1 := varied(kept("k", 1, 1), "a"), varied(kept("k", 1, 1), "b")
	m.put(a1)
	m.put(b1)
	if len(get()) != 2 {
		t.Fatal("two variants are one")
	}
	before := m.get([]byte("k"))
	a2 := varied(kept("k", 2, 1), "a")
	a2.extras.vary[0].raw, a2.extras.vary[0].one = "A", true // the same, as it came
	m.put(a2)
	if v := get(); len(v) != 2 || v[0] != a2 || v[1] != b1 {
		t.Error("A31: a newer response does not replace the variant that the same requests select")
	}
	if len(before.variants()) != 2 || before.variants()[0] == a2 || before.variants()[1] == a2 {
		t.Error("a write changed what readers hold")
	}
	m.put(a1)
	if v := get(); len(v) != 2 || v[0] != a2 {
		t.Error("A31: a response that was overtaken replaces a newer one")
	}
	absent := kept("k", 3, 1)
	absent.extend(extras{vary: []selecting{{name: "V0"}}})
	empty := varied(kept("k", 3, 1), "")
	m.put(absent)
	m.put(empty)
	if len(get()) != 4 {
		t.Error("B9: absent and empty are one variant")
	}
}

func TestSwap(t *testing.T) {
	m := testMemory(t, 1<<20, still)
	get := func() *resource { return m.get([]byte("k")) }
	a, b, c := varied(kept("k", 1, 1), "a"), varied(kept("k", 1, 1), "b"), varied(kept("k", 2, 1), "a")
	m.put(a)
	m.put(b)
	if !m.swap(a, c) || len(get().variants()) != 2 {
		t.Fatal("a stored response is not replaced")
	}
	if m.swap(a, varied(kept("k", 3, 1), "a")) {
		t.Error("E14: replaced by compare and set, although another stood there")
	}
	if v := get().variants(); v[0] != c || v[1] != b {
		t.Error("E14: a failed swap changed what is stored")
	}
	if !m.swap(b, nil) || len(get().variants()) != 1 {
		t.Error("a variant is not removed")
	}
	if !m.swap(c, nil) || get() != nil {
		t.Error("a resource without variants stays")
	}
	if m.swap(c, kept("k", 9, 1)) || get() != nil {
		t.Error("swap brings back what is gone")
	}
}

func TestSizeCounts(t *testing.T) {
	base := (&entry{}).size()
	if base < entryOverhead {
		t.Errorf("an empty entry takes %d bytes, less than its overhead", base)
	}
	long := strings.Repeat("x", 5000)
	for name, e := range map[string]*entry{
		"the key":           {key: long},
		"the content":       {body: bytes.Repeat([]byte("x"), 5000)},
		"its capacity":      {body: make([]byte, 0, 5000)},
		"a value":           sealed(adapter.Line{Name: "A", Values: []string{long}}),
		"a second line":     sealed(adapter.Line{Name: "A", Values: []string{"", long}}),
		"a name":            sealed(adapter.Line{Name: long, Values: []string{""}}),
		"what chose it":     {extras: &extras{vary: []selecting{{name: "A", value: long}}}},
		"as it came":        {extras: &extras{vary: []selecting{{name: "A", raw: long}}}},
		"other caches' say": {extras: &extras{upstream: []string{long}}},
	} {
		if n := e.size(); n < base+5000 {
			t.Errorf("size %d leaves out %s (L18)", n, name)
		}
	}
	m := testMemory(t, 1<<20, still)
	m.put(varied(kept("key", 1, 1000), "a"))
	m.put(varied(kept("key", 1, 1000), "b"))
	m.cache.CleanUp()
	if n, size := m.entries(); n != 1 || size < 2*(1000+entryOverhead) {
		t.Errorf("%d keys, %d bytes: a resource takes what all its variants do", n, size)
	}
}

// A bubble of synctest does not end while a goroutine of it is left: New and
// Close leave none, whatever was done in between.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	for _, tt := range []struct {
		name string
		use  func(*Cache)
	}{
		{"at once", func(*Cache) {}},
		{"after a while", func(c *Cache) {
			c.memory.put(kept("k", 0, 1))
			<-time.After(10 * time.Second) // of the bubble's clock: otter ticks
			synctest.Wait()
		}},
		{"closed twice", func(c *Cache) { _ = c.Close() }},
		{"by Shutdown", func(c *Cache) { _ = c.Shutdown(context.Background()) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := New(Config{})
				if err != nil {
					t.Fatal(err)
				}
				tt.use(c)
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if n, size := c.memory.entries(); n != 0 || size != 0 {
					t.Errorf("Close leaves %d keys, %d bytes", n, size)
				}
			})
		})
	}
}

// otter's goroutine waits for ticks: where there are no more, it must hear so,
// or a cache that nobody closed leaves it behind.
func TestStoppedClockClosesItsTicks(t *testing.T) {
	c := newCoarseClock(still)
	ticks := c.Tick(time.Hour)
	c.stop()
	if _, open := <-ticks; open {
		t.Error("a tick after stop")
	}
}

// Whatever is written when memory is closed does not stay there.
func TestWritesBehindClose(t *testing.T) {
	m := testMemory(t, 1<<20, still)
	m.close()
	for name, write := range map[string]func(e *entry){
		"put":   m.put,
		"renew": func(e *entry) { m.renew(kept(e.key, 0, 1), e) },
	} {
		write(kept(name, 1, 1))
		if m.get([]byte(name)) != nil {
			t.Errorf("%s: it stays", name)
		}
	}
}
