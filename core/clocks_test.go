package cachex_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// clocksApart are two processes of which the second one's clock is ahead.
func clocksApart(t *testing.T, ahead time.Duration, change func(*cachex.Config), opts ...cachex.Option) *fleet {
	n := 0
	return newFleet(t, 2, func(cfg *cachex.Config) {
		now, apart := cfg.Now, time.Duration(n)*ahead
		cfg.Now = func() time.Time { return now().Add(apart) }
		if n++; change != nil {
			change(cfg)
		}
	}, opts...)
}

// What was taken back is made anew, and found from then on, also where the process
// that makes it has a clock behind that of the one that had stored the old one.
func TestClocksApartAfterPurges(t *testing.T) {
	for name, take := range map[string]func(*cachex.Cache) error{
		"tag":         func(c *cachex.Cache) error { return c.Purge(context.Background(), cachex.ByTag("x")) },
		"tag, softly": func(c *cachex.Cache) error { return c.Expire(context.Background(), cachex.ByTag("x")) },
		"URL, softly": func(c *cachex.Cache) error {
			return c.Expire(context.Background(), cachex.ByURL("http://example.com/a"))
		},
	} {
		for tiers, change := range map[string]func(*cachex.Config){"store alone": nil, "two tiers": tier} {
			t.Run(name+", "+tiers, func(t *testing.T) {
				f := clocksApart(t, 4*time.Minute, change)
				f.want(1, "/a", "1", "stored", "Tag", "x")
				f.settle()
				f.want(0, "/a", "1", "hit", "Tag", "x")
				f.version.Store(2)
				f.now.Add(int64(5 * time.Second))
				if err := take(f.caches[0]); err != nil {
					t.Fatal(err)
				}
				f.want(0, "/a", "2", "stored", "Tag", "x")
				f.settle()
				f.want(0, "/a", "2", "hit", "Tag", "x")
			})
		}
	}
}

// A reader behind sends what a process ahead has stored with the age that it came
// with, and for longer by as much as the clocks are apart; a reader ahead counts the
// difference as age. So it is with the windows in which stale content may be sent.
// What comes from further ahead than maxSkew is nothing to the reader.
func TestClocksApartAges(t *testing.T) {
	for _, c := range []struct {
		ahead         time.Duration // of the second process
		writer        int
		after         time.Duration
		state, stored string
	}{
		{20 * time.Second, 1, 0, "hit; ttl=60", ""},
		{20 * time.Second, 1, 79 * time.Second, "hit; ttl=1", ""},
		{20 * time.Second, 1, 81 * time.Second, "hit; ttl=-1; detail=stale-while-revalidate", ""},
		{20 * time.Second, 0, 0, "hit; ttl=40", ""},
		{20 * time.Second, 0, 41 * time.Second, "hit; ttl=-1; detail=stale-while-revalidate", ""},
		{20 * time.Second, 0, 51 * time.Second, "fwd=stale; stored; ttl=60", ""},
		{4 * time.Minute, 1, 0, "hit; ttl=60", ""},
		{4 * time.Minute, 0, 0, "fwd=stale; stored; ttl=60", ""},
		{6 * time.Minute, 1, 0, "fwd=uri-miss; stored; ttl=60", ""},
	} {
		f := clocksApart(t, c.ahead, nil, cachex.StaleWhileRevalidate(10*time.Second))
		f.want(c.writer, "/a", "1", "stored")
		f.settle()
		f.now.Add(int64(c.after))
		reader := 1 - c.writer
		if _, state := f.get(reader, "/a"); !strings.HasSuffix(state, c.state) {
			t.Errorf("%v ahead, process %d after %v: %s; want %s", c.ahead, reader, c.after, state, c.state)
		}
	}
}

// A soft purge ends the lifetime at once for readers on either side, and of the
// windows in which stale content may be sent a reader ahead sees the rest.
func TestClocksApartExpire(t *testing.T) {
	for _, c := range []struct {
		by    cachex.Selector
		purge int // the process
		state string
	}{
		{cachex.ByURL("http://example.com/a"), 0, "; detail=stale-while-revalidate"},
		{cachex.ByURL("http://example.com/a"), 1, "; detail=stale-while-revalidate"},
		{cachex.ByTag("x"), 0, "; detail=stale-while-revalidate"},
		{cachex.ByTag("x"), 1, "; detail=stale-while-revalidate"},
	} {
		f := clocksApart(t, 4*time.Minute, nil, cachex.StaleWhileRevalidate(10*time.Minute))
		f.want(0, "/a", "1", "stored", "Tag", "x", "Send-Cache-Control", "max-age=3600")
		f.settle()
		f.want(1, "/a", "1", "hit")
		f.now.Add(int64(10 * time.Second))
		if err := f.caches[c.purge].Expire(context.Background(), c.by); err != nil {
			t.Fatal(err)
		}
		out := make(chan struct{})
		f.during = func() { <-out }
		for i := range 2 {
			for {
				body, state := f.get(i, "/a")
				if body != "1" {
					t.Errorf("process %d: %q", i, body)
				}
				if strings.HasSuffix(state, c.state) {
					break
				}
				runtime.Gosched()
			}
		}
		close(out)
	}
}
