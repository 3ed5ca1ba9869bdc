package cachexmemcached_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	cachexmemcached "github.com/go-cachex/cachex/backends/memcached"
	"github.com/go-cachex/cachex/conformance/servers"
	"github.com/go-cachex/cachex/core/store"
)

// The keys are documented, and no longer than Memcached allows with the longest of
// everything.
func TestKeys(t *testing.T) {
	s := servers.Memcached(t)
	c := client(t, s)
	has := func(key string) {
		t.Helper()
		if _, err := c.Get(key); err != nil {
			t.Errorf("%s (%d bytes): %v", key, len(key), err)
		}
	}
	space := open(t, c)
	_, err := space.Token(ctx, "//example.com/search?q=go", time.Hour)
	ok(t, err)
	ok(t, space.Set(ctx, "//example.com/search?q=go", "e", []byte("v"), time.Hour))
	_, err = space.Acquire(ctx, "//example.com/search?q=go", "e", "me", time.Hour)
	ok(t, err)
	p, err := space.Append(ctx, time.Hour, []byte("r"))
	ok(t, err)
	has("cachex:shop:{//example.com/search?q=go}:g")
	has("cachex:shop:{//example.com/search?q=go}:v:e")
	has("cachex:shop:{//example.com/search?q=go}:l:e")
	has("cachex:shop:log")
	has(fmt.Sprintf("cachex:shop:log:%08x%08x", p.Epoch, p.Seq))

	prefix, namespace := strings.Repeat("p", 32), strings.Repeat("n", 64)
	longest, err := cachexmemcached.New(c, cachexmemcached.Prefix(prefix)).Open(namespace)
	ok(t, err)
	url, name := strings.Repeat("u", 300), strings.Repeat("n", 300)
	ok(t, longest.Set(ctx, url, name, []byte("v"), time.Hour))
	_, err = longest.Append(ctx, time.Hour, []byte("r"))
	ok(t, err)
	has(prefix + ":" + namespace + ":{" + store.Key(url, 97) + "}:v:" + store.Key(name, 50))
}

// A log is counted in any memory that Memcached has for it: it takes a large number for
// none where a minus is left behind it of what was there before.
func TestCounterOnUsedMemory(t *testing.T) {
	s := servers.Memcached(t)
	c := client(t, s)
	const logs = 100
	for _, size := range []int{1, 10, 20, 30, 40, 60} { // of several classes
		for i := range logs {
			ok(t, c.Set(&memcache.Item{Key: fmt.Sprint(size, "-", i), Value: []byte(strings.Repeat("-", size))}))
		}
	}
	for _, size := range []int{1, 10, 20, 30, 40, 60} {
		for i := range logs {
			ok(t, c.Delete(fmt.Sprint(size, "-", i)))
		}
	}
	for i := range logs {
		space, err := cachexmemcached.New(c).Open(fmt.Sprint("shop", i))
		ok(t, err)
		if _, err := space.Append(ctx, time.Hour, []byte("r")); err != nil {
			t.Fatalf("log %d: %v", i, err)
		}
	}
}

// The counter of an earlier version may be too large: its log ends.
func TestLargeCounter(t *testing.T) {
	s := servers.Memcached(t)
	c := client(t, s)
	ok(t, c.Set(&memcache.Item{Key: "cachex:shop:log", Value: []byte("17293822569102704643")}))
	space := open(t, c)
	p, err := space.Append(ctx, time.Hour, []byte("r"))
	ok(t, err)
	if p.Epoch == 0 || p.Epoch >= 1<<31 || p.Seq != 1 {
		t.Errorf("the log goes on at %+v, want a new one", p)
	}
}

func TestOpen(t *testing.T) {
	c := memcache.New("127.0.0.1:1")
	for _, test := range []struct {
		what      string
		store     store.Store
		namespace string
		ok        bool
	}{
		{"a namespace", cachexmemcached.New(c), "shop-1.de_x/y", true},
		{"the longest namespace", cachexmemcached.New(c), strings.Repeat("a", 64), true},
		{"a namespace that is too long", cachexmemcached.New(c), strings.Repeat("a", 65), false},
		{"no namespace", cachexmemcached.New(c), "", false},
		{"a namespace with a colon", cachexmemcached.New(c), "a:b", false},
		{"a namespace with a blank", cachexmemcached.New(c), "a b", false},
		{"no prefix", cachexmemcached.New(c, cachexmemcached.Prefix("")), "shop", false},
		{"a prefix with a blank", cachexmemcached.New(c, cachexmemcached.Prefix("a b")), "shop", false},
		{"a prefix that is too long", cachexmemcached.New(c, cachexmemcached.Prefix(strings.Repeat("p", 33))), "shop", false},
		{"no client", cachexmemcached.New(nil), "shop", false},
	} {
		if space, err := test.store.Open(test.namespace); (err == nil) != test.ok || (space == nil) == test.ok {
			t.Errorf("%s: %v, %v", test.what, space, err)
		}
	}
}

// More than 30 days is a date to the protocol, 0 forever, and what is negative is
// gone at once.
func TestExpiration(t *testing.T) {
	const day = 24 * 60 * 60
	now := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	for seconds, want := range map[int64]int64{
		1: 1, 60: 60, 30 * day: 30 * day, 30*day + 1: now.Unix() + 30*day + 1, 365 * day: now.Unix() + 365*day,
		100 * 365 * day: math.MaxInt32,
	} {
		if got := cachexmemcached.Expiration(now, seconds); int64(got) != want {
			t.Errorf("%d seconds: %d, want %d", seconds, got, want)
		}
	}
	late := time.Unix(math.MaxInt32-1000, 0)
	if got := cachexmemcached.Expiration(late, 365*day); got != 30*day {
		t.Errorf("a year, when there is no date for it: %d", got)
	}
	for d, least := range map[time.Duration]int64{-1: 1, 0: 1, 1: 1, time.Second: 1, time.Second + 1: 2, time.Hour: 3600, math.MaxInt64: math.MaxInt64 / int64(time.Second)} {
		if got := cachexmemcached.Seconds(d); got <= least || got > least+2 {
			t.Errorf("%v is %d seconds, want more than %d", d, got, least)
		}
	}
}

// An item that was lost leaves a hole; the others keep their places. The items of
// one Append are lost together.
func TestHoles(t *testing.T) {
	s := servers.Memcached(t)
	c := client(t, s)
	space := open(t, c)
	var last store.Position
	for i, n := range []int{1, 2, 1, 3} {
		var records [][]byte
		for j := range n {
			records = append(records, fmt.Appendf(nil, "%d.%d", i, j))
		}
		p, err := space.Append(ctx, time.Hour, records...)
		ok(t, err)
		last = p
	}
	lose := func(seq uint64) { ok(t, c.Delete(fmt.Sprintf("cachex:shop:log:%08x%08x", last.Epoch, seq))) }
	want := func(after uint64, want string) {
		t.Helper()
		log, err := space.Read(ctx, time.Hour, store.Position{Epoch: last.Epoch, Seq: after})
		ok(t, err)
		var got []string
		for _, r := range log.Records {
			got = append(got, fmt.Sprintf("%d:%s", r.Seq, r.Data))
		}
		if strings.Join(got, " ") != want || log.Position != last || log.Floor != 0 {
			t.Errorf("after %d: %q, floor %d, at %v; want %q", after, got, log.Floor, log.Position, want)
		}
	}
	want(0, "1:0.0 2:1.0 3:1.1 4:2.0 5:3.0 6:3.1 7:3.2")
	want(2, "3:1.1 4:2.0 5:3.0 6:3.1 7:3.2")
	want(5, "6:3.1 7:3.2")
	lose(3)
	want(0, "1:0.0 4:2.0 5:3.0 6:3.1 7:3.2")
	want(2, "4:2.0 5:3.0 6:3.1 7:3.2")
	lose(7)
	want(0, "1:0.0 4:2.0")
	want(4, "")
	ok(t, c.Set(&memcache.Item{Key: fmt.Sprintf("cachex:shop:log:%08x%08x", last.Epoch, 4), Value: []byte("\x09not ours")}))
	want(0, "1:0.0")
	// Whoever writes a record long after it took its place fills the hole.
	ok(t, c.Set(&memcache.Item{Key: fmt.Sprintf("cachex:shop:log:%08x%08x", last.Epoch, 7), Value: []byte("\x03new")}))
	want(4, "7:new")
}

// What has ended long ago is not looked for one by one, and not taken for holes.
func TestEnded(t *testing.T) {
	s := servers.Memcached(t)
	c := client(t, s)
	space := open(t, c)
	_, err := space.Append(ctx, time.Hour, []byte("old"))
	ok(t, err)
	_, err = c.Increment("cachex:shop:log", 9_000)
	ok(t, err)
	p, err := space.Append(ctx, time.Hour, []byte("a"), []byte("b"))
	ok(t, err)
	log, err := space.Read(ctx, time.Hour, store.Position{})
	ok(t, err)
	if log.Position != p || len(log.Records) != 2 || log.Floor < 9_000-2*256 || log.Floor > 9_001 {
		t.Errorf("the log is at %v with a floor of %d and %d records", log.Position, log.Floor, len(log.Records))
	}
	// Asked from a place that is near, it tells the same of what is after it.
	near, err := space.Read(ctx, time.Hour, store.Position{Epoch: p.Epoch, Seq: 9_000})
	ok(t, err)
	if len(near.Records) != 2 || near.Floor > 9_000 {
		t.Errorf("from near the log has %d records and a floor of %d", len(near.Records), near.Floor)
	}
}

// An Append larger than a chunk of keys lies in one item all the same.
func TestLargeAppend(t *testing.T) {
	s := servers.Memcached(t)
	space := open(t, client(t, s))
	records := make([][]byte, 2_000)
	for i := range records {
		records[i] = fmt.Append(nil, i+1)
	}
	for range 2 {
		_, err := space.Append(ctx, time.Hour, records...)
		ok(t, err)
	}
	log, err := space.Read(ctx, time.Hour, store.Position{})
	ok(t, err)
	if len(log.Records) != 4_000 || log.Floor != 0 {
		t.Fatalf("%d records, floor %d", len(log.Records), log.Floor)
	}
	for i, r := range log.Records {
		if r.Seq != uint64(i+1) || string(r.Data) != fmt.Sprint(i%2_000+1) {
			t.Fatalf("record %d is %d, %q", i, r.Seq, r.Data)
		}
	}
	head := log.Position
	if _, err := space.Append(ctx, time.Hour, make([]byte, 1_000_001)); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("an Append of more than a megabyte: %v", err)
	}
	if log, err := space.Read(ctx, time.Hour, head); err != nil || log.Position != head {
		t.Errorf("an Append that was refused took a place: %v, %v", log.Position, err)
	}
}

// Bytes that somebody else wrote are no token and no log; ours replace them.
func TestForeignBytes(t *testing.T) {
	s := servers.Memcached(t)
	c := client(t, s)
	space := open(t, c)
	for _, foreign := range []string{"", "x", strings.Repeat("\x00", 24), strings.Repeat("x", 25)} {
		ok(t, c.Set(&memcache.Item{Key: "cachex:shop:{//r}:g", Value: []byte(foreign)}))
		if token, _, err := space.Get(ctx, "//r"); err != nil || token != (store.Token{}) {
			t.Errorf("%q is the token %v, %v", foreign, token, err)
		}
		ok(t, space.Expire(ctx, "//r", 1))
		made, err := space.Token(ctx, "//r", time.Hour)
		if err != nil || made.ID == 0 || made.Soft != 0 {
			t.Errorf("Token over %q: %v, %v", foreign, made, err)
		}
	}
	for _, foreign := range []string{"", "x", "0", "7", "-1", "99999999999999999999999"} {
		for name, use := range map[string]func() (store.Position, error){
			"Read": func() (store.Position, error) {
				l, err := space.Read(ctx, time.Hour, store.Position{})
				return l.Position, err
			},
			"Append": func() (store.Position, error) { return space.Append(ctx, time.Hour, []byte("r")) },
		} {
			ok(t, c.Set(&memcache.Item{Key: "cachex:shop:log", Value: []byte(foreign)}))
			if p, err := use(); err != nil || p.Epoch == 0 || p.Seq > 1 {
				t.Errorf("%s over a counter of %q: %v, %v", name, foreign, p, err)
			}
		}
	}
}

// The limit of an item is the server's to set.
func TestItemLimit(t *testing.T) {
	s := servers.Memcached(t, "-I", "4m")
	space := open(t, client(t, s))
	ok(t, space.Set(ctx, "//r", "n", make([]byte, 3<<20), time.Hour))
	if err := space.Set(ctx, "//r", "n", make([]byte, 5<<20), time.Hour); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("five of four megabytes: %v", err)
	}
	if _, values, err := space.Get(ctx, "//r", "n"); err != nil || values[0] != nil {
		t.Errorf("the old value stayed: %d bytes, %v", len(values[0]), err)
	}
}

// While one of several servers is gone, what lies on the others is there.
func TestOneOfSeveralGone(t *testing.T) {
	held := []*servers.Server{servers.Memcached(t), servers.Memcached(t), servers.Memcached(t)}
	space := open(t, client(t, held...))
	served := func() (n, failed int) {
		for i := range 60 {
			_, values, err := space.Get(ctx, fmt.Sprintf("//r/%d", i), "n")
			switch {
			case err != nil:
				failed++
			case values[0] != nil:
				n++
			}
		}
		return n, failed
	}
	for i := range 60 {
		resource := fmt.Sprintf("//r/%d", i)
		_, err := space.Token(ctx, resource, time.Hour)
		ok(t, err)
		ok(t, space.Set(ctx, resource, "n", []byte("v"), time.Hour))
	}
	if n, failed := served(); n != 60 || failed != 0 {
		t.Fatalf("%d of 60 values, %d errors", n, failed)
	}
	held[1].Kill()
	if n, failed := served(); n == 0 || failed == 0 || n+failed != 60 {
		t.Errorf("without one server: %d of 60 values, %d errors", n, failed)
	}
	held[1].Restart()
	if _, failed := served(); failed != 0 {
		t.Errorf("with the server back: %d errors", failed)
	}
}
