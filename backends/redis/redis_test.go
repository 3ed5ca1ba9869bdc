package cachexredis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	cachexredis "github.com/go-cachex/cachex/backends/redis"
	"github.com/go-cachex/cachex/conformance/servers"
	"github.com/go-cachex/cachex/core/store"
	"github.com/redis/go-redis/v9"
)

// The keys are documented: people look for them, and give rights by them. Every
// one expires.
func TestKeys(t *testing.T) {
	s := servers.Redis(t)
	space := open(t, single(s.Addr, true))
	for _, resource := range []string{"//example.com/search?q=go", "//example.com/" + strings.Repeat("a", 200)} {
		_, err := space.Token(ctx, resource, time.Hour)
		ok(t, err)
		ok(t, space.Set(ctx, resource, "e", []byte("v"), time.Hour))
		_, err = space.Acquire(ctx, resource, "e", "me", time.Hour)
		ok(t, err)
	}
	_, err := space.Read(ctx, time.Hour, store.Position{})
	ok(t, err)

	ok(t, space.Expire(ctx, "//unknown", 1)) // leaves nothing
	ok(t, space.Release(ctx, "//unknown", "e", "me"))

	hashed := "cachex:shop:{" + store.Key("//example.com/"+strings.Repeat("a", 200), 200) + "}"
	want := []string{
		"cachex:shop:log",
		"cachex:shop:{//example.com/search?q=go}:g", "cachex:shop:{//example.com/search?q=go}:l:e", "cachex:shop:{//example.com/search?q=go}:v:e",
		hashed + ":g", hashed + ":l:e", hashed + ":v:e",
	}
	var keys []string
	for _, key := range do(t, s, "KEYS", "*").([]any) {
		keys = append(keys, key.(string))
		if left := do(t, s, "TTL", key.(string)).(int64); left < 3599 || left > 2*3600 {
			t.Errorf("%v lives for %d s", key, left)
		}
	}
	slices.Sort(keys)
	slices.Sort(want)
	if !slices.Equal(keys, want) {
		t.Errorf("the keys are %q, want %q", keys, want)
	}
}

func TestPrefix(t *testing.T) {
	s := servers.Redis(t)
	space := open(t, single(s.Addr, true), cachexredis.Prefix("app:cache"))
	ok(t, space.Set(ctx, "//r", "e", []byte("v"), time.Hour))
	if keys := do(t, s, "KEYS", "*").([]any); len(keys) != 1 || keys[0] != "app:cache:shop:{//r}:v:e" {
		t.Errorf("the keys are %q", keys)
	}
}

func TestOpen(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "localhost:1"}})
	defer ring.Close()
	replicas := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"localhost:1"}, RouteByLatency: true})
	defer replicas.Close()
	for _, c := range []struct {
		what      string
		store     store.Store
		namespace string
		ok        bool
	}{
		{"a namespace", cachexredis.New(client), "shop-1.de_x/y", true},
		{"the longest namespace", cachexredis.New(client), strings.Repeat("a", 64), true},
		{"a namespace that is too long", cachexredis.New(client), strings.Repeat("a", 65), false},
		{"no namespace", cachexredis.New(client), "", false},
		{"a namespace with a colon", cachexredis.New(client), "a:b", false},
		{"a namespace with braces", cachexredis.New(client), "{a}", false},
		{"a namespace with a blank", cachexredis.New(client), "a b", false},
		{"no prefix", cachexredis.New(client, cachexredis.Prefix("")), "shop", false},
		{"a prefix with braces", cachexredis.New(client, cachexredis.Prefix("{p}")), "shop", false},
		{"no client", cachexredis.New(nil), "shop", false},
		{"a ring", cachexredis.New(ring), "shop", false},
		{"a client that reads from replicas", cachexredis.New(replicas), "shop", false},
	} {
		if space, err := c.store.Open(c.namespace); (err == nil) != c.ok || (space == nil) == c.ok {
			t.Errorf("%s: %v, %v", c.what, space, err)
		}
	}
}

// commands returns how often the server has run each command.
func commands(t *testing.T, s *servers.Server) map[string]string {
	counts := map[string]string{}
	for line := range strings.Lines(do(t, s, "INFO", "commandstats").(string)) {
		if name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls="); ok {
			counts[name], _, _ = strings.Cut(rest, ",")
		}
	}
	return counts
}

// What a hit costs is one command, and so is what every other call costs: a single
// script, whose own commands do not travel.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	s := servers.Redis(t)
	check := func(t *testing.T, node *servers.Server, space store.Space) {
		for name, c := range calls(space) {
			ok(t, c.call()) // scripts are loaded, connections made
			do(t, node, "CONFIG", "RESETSTAT")
			ok(t, c.call())
			counts := commands(t, node)
			if counts[c.command] != "1" {
				t.Errorf("%s: %v", name, counts)
			}
			if c.command != "evalsha" && len(counts) > 2 { // and the CONFIG above
				t.Errorf("%s: %v", name, counts)
			}
		}
	}
	t.Run("single", func(t *testing.T) { check(t, s, open(t, single(s.Addr, true))) })
	t.Run("cluster", func(t *testing.T) {
		c := servers.RedisCluster(t, 0)
		space := open(t, cluster(c.Addrs(), true))
		// The node that has the resource, and, as it happens to be, not the log.
		ok(t, space.Set(ctx, "//r", "a", []byte("v"), time.Hour))
		for _, node := range c.Primaries {
			if len(do(t, node, "KEYS", "*").([]any)) == 0 {
				continue
			}
			do(t, node, "CONFIG", "RESETSTAT")
			for range 100 {
				_, _, err := space.Get(ctx, "//r", "a", "b", "c", "d")
				ok(t, err)
			}
			if counts := commands(t, node); counts["mget"] != "100" {
				t.Errorf("100 calls of Get with five keys: %v", counts)
			}
			return
		}
		t.Error("no node has the value")
	})
}

type call struct {
	command string
	call    func() error
}

func calls(space store.Space) map[string]call {
	return map[string]call{
		"Get":     {"mget", func() error { _, _, err := space.Get(ctx, "//r", "a", "b", "c"); return err }},
		"Token":   {"evalsha", func() error { _, err := space.Token(ctx, "//r", time.Hour); return err }},
		"Set":     {"evalsha", func() error { return space.Set(ctx, "//r", "a", []byte("v"), time.Hour) }},
		"Delete":  {"unlink", func() error { return space.Delete(ctx, "//r", "a", "b") }},
		"Revoke":  {"unlink", func() error { return space.Revoke(ctx, "//r") }},
		"Expire":  {"evalsha", func() error { return space.Expire(ctx, "//r", 1) }},
		"Acquire": {"set", func() error { _, err := space.Acquire(ctx, "//r", "a", "me", time.Hour); return err }},
		"Release": {"evalsha", func() error { return space.Release(ctx, "//r", "a", "me") }},
		"Append":  {"evalsha", func() error { _, err := space.Append(ctx, time.Hour, []byte("r"), []byte("s")); return err }},
		"Read":    {"evalsha", func() error { _, err := space.Read(ctx, time.Hour, store.Position{}); return err }},
	}
}

// A server that forgets its scripts, as a restarted one does, costs a second try.
func TestScriptsFlushed(t *testing.T) {
	s := servers.Redis(t)
	space := open(t, single(s.Addr, true))
	for name, c := range calls(space) {
		do(t, s, "SCRIPT", "FLUSH")
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Bytes that somebody else wrote are no token and no value; a token replaces them.
func TestForeignBytes(t *testing.T) {
	s := servers.Redis(t)
	space := open(t, single(s.Addr, true))
	for _, foreign := range []string{"", "x", strings.Repeat("\x00", 16), strings.Repeat("x", 17)} {
		do(t, s, "SET", "cachex:shop:{//r}:g", foreign)
		token, _, err := space.Get(ctx, "//r")
		if err != nil || token != (store.Token{}) {
			t.Errorf("%q is the token %v, %v", foreign, token, err)
		}
		made, err := space.Token(ctx, "//r", time.Hour)
		if err != nil || made.ID == 0 {
			t.Errorf("Token over %q: %v, %v", foreign, made, err)
		}
	}
	do(t, s, "RPUSH", "cachex:shop:{//r}:v:n", "a list")
	if _, values, err := space.Get(ctx, "//r", "n"); err != nil || values[0] != nil {
		t.Errorf("a list is the value %q, %v", values, err)
	}
	for _, foreign := range []string{"x", "0123456789abcdeX", "0123456789abcdef0"} {
		do(t, s, "DEL", "cachex:shop:log")
		do(t, s, "ZADD", "cachex:shop:log", "0", foreign)
		if log, err := space.Read(ctx, time.Hour, store.Position{}); err != nil || log.Epoch == 0 || log.Seq != 0 {
			t.Errorf("a log that begins with %q is %v, %v", foreign, log, err)
		}
	}
}

// A full server refuses writes. What it holds can be read, revoked and deleted, and
// the value that should have been replaced is gone.
func TestFull(t *testing.T) {
	s := servers.Redis(t)
	space := open(t, single(s.Addr, true))
	token, err := space.Token(ctx, "//r", time.Hour)
	ok(t, err)
	ok(t, space.Set(ctx, "//r", "a", []byte("old"), time.Hour))
	ok(t, space.Set(ctx, "//r", "b", []byte("kept"), time.Hour))
	do(t, s, "CONFIG", "SET", "maxmemory-policy", "noeviction")
	do(t, s, "CONFIG", "SET", "maxmemory", "1")
	if err := space.Set(ctx, "//r", "a", []byte("new"), time.Hour); err == nil {
		t.Error("a full server took a value")
	}
	got, values, err := space.Get(ctx, "//r", "a", "b")
	if err != nil || got != token || values[0] != nil || string(values[1]) != "kept" {
		t.Errorf("a full server holds %v, %q, %v", got, values, err)
	}
	ok(t, space.Revoke(ctx, "//r"))
	do(t, s, "CONFIG", "SET", "maxmemory", "0")
	ok(t, space.Set(ctx, "//r", "a", []byte("new"), time.Hour))
}

// The log does not grow for ever.
func TestLogIsTrimmed(t *testing.T) {
	s := servers.Redis(t)
	space := open(t, single(s.Addr, true))
	records := make([][]byte, 5_000)
	for range 5 {
		_, err := space.Append(ctx, time.Hour, records...)
		ok(t, err)
	}
	if n := do(t, s, "ZCARD", "cachex:shop:log").(int64); n != 16_384+1 {
		t.Errorf("after 25,000 records the log has %d members, want 16,384 and the epoch", n)
	}
}

// Every key is used as its own slot's: a single command with two slots fails on a
// Cluster, so this walks over many resources.
func TestSlots(t *testing.T) {
	t.Parallel()
	c := servers.RedisCluster(t, 0)
	space := open(t, cluster(c.Addrs(), false))
	for i := range 50 {
		resource := fmt.Sprintf("//example.com/%d", i)
		token, err := space.Token(ctx, resource, time.Hour)
		ok(t, err)
		ok(t, space.Set(ctx, resource, "a", []byte(resource), time.Hour))
		ok(t, space.Set(ctx, resource, "b", nil, time.Hour))
		got, values, err := space.Get(ctx, resource, "a", "b", "c")
		if err != nil || got != token || string(values[0]) != resource || values[1] == nil || values[2] != nil {
			t.Fatalf("%s: %v, %q, %v", resource, got, values, err)
		}
		ok(t, space.Delete(ctx, resource, "a", "b", "c"))
	}
}

// When a primary is gone, its replica takes over, without a new client.
func TestFailover(t *testing.T) {
	t.Parallel()
	t.Run("sentinel", func(t *testing.T) {
		s := servers.Sentinel(t, 500*time.Millisecond)
		client := redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: s.Name, SentinelAddrs: []string{s.Sentinel.Addr}, ContextTimeoutEnabled: true,
		})
		space := open(t, client)
		p, err := space.Append(ctx, time.Hour, []byte("a"))
		ok(t, err)
		ok(t, client.Do(ctx, "WAIT", "1", "20000").Err())
		s.Primary.Kill()
		until(t, "the replica to take over", func() bool { return all(space) == nil })
		log, err := space.Read(ctx, time.Hour, store.Position{})
		if err != nil || log.Epoch != p.Epoch || len(log.Records) < 2 {
			t.Errorf("after the failover the log is %v, %v; it was at %v", log, err, p)
		}
	})
	t.Run("cluster", func(t *testing.T) {
		c := servers.RedisCluster(t, 1)
		space := open(t, cluster(c.Addrs(), true))
		ok(t, all(space))
		c.Primaries[0].Kill()
		until(t, "the replica to take over", func() bool {
			for i := range 20 { // in the slots of all
				if _, _, err := getShortly(space, fmt.Sprintf("//r%d", i)); err != nil {
					return false
				}
			}
			return all(space) == nil
		})
	})
}

func getShortly(space store.Space, resource string) (store.Token, [][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return space.Get(ctx, resource, "a")
}

func all(space store.Space) error {
	var errs []error
	for _, c := range calls(space) {
		errs = append(errs, c.call())
	}
	return errors.Join(errs...)
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
