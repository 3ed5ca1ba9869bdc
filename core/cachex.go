package cachex

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
)

// Cache is a shared HTTP cache. One process has one, and uses it in as many
// places as it likes. It is safe for concurrent use.
type Cache struct {
	cfg        Config
	clock      func() moment // Config.Now
	memory     *memory       // nil with a store and no memory in front of it
	shared     *shared       // nil without a store
	marks      *marks
	flights    *flights
	background *background
	stats      counters
	closed     atomic.Bool

	token string // our name in Cache-Status
	ages  lineTable
	hits  lineTable
	news  lineTable // see say
}

// ErrClosed is returned where a cache is used after Close or Shutdown.
var ErrClosed = errors.New("cachex: the cache is closed")

// New makes a cache. It returns every mistake in the config at once.
func New(cfg Config) (*Cache, error) {
	wall := new(wallClock)
	clock := wall.moment
	if now := cfg.Now; now == nil {
		cfg.Now = wall.now
	} else {
		clock = func() moment { return momentOf(now()) }
	}
	cfg, err := cfg.normalize()
	if _, bad := newSettings("", cfg.Defaults); bad != nil {
		err = errors.Join(err, bad)
	}
	if err != nil {
		return nil, err
	}
	c := &Cache{cfg: cfg, clock: clock, marks: newMarks(cfg.MaxLifetime), flights: newFlights(), background: newBackground(), token: statusToken(cfg.Name)}
	c.hits.prefix = c.token + "; hit; ttl="
	c.news.prefix = c.token + "; fwd=uri-miss; stored; ttl="
	// A cache that nobody closed and nobody holds any more leaves no goroutine.
	if cfg.MemoryBytes > 0 {
		if c.memory, err = newMemory(cfg.MemoryBytes, cfg.MaxLifetime, cfg.Now, c.marks.alive); err != nil {
			return nil, err
		}
		runtime.AddCleanup(c, func(clock *coarseClock) { clock.stop() }, c.memory.clock)
	}
	if cfg.Store != nil {
		if c.shared, err = openShared(cfg, c.marks); err != nil {
			_ = c.Close()
			return nil, err
		}
		runtime.AddCleanup(c, func(s *shared) { s.close() }, c.shared)
	}
	return c, nil
}

// MustNew is New for configs that are known to be right: it panics on an error.
func MustNew(cfg Config) *Cache {
	c, err := New(cfg)
	if err != nil {
		panic(err)
	}
	return c
}

// Shutdown refuses new work and waits until what runs in the background has
// ended, or until ctx is done; then it returns the context's error. After it,
// requests pass to their handlers as if there were no cache. A second call waits
// as well.
func (c *Cache) Shutdown(ctx context.Context) error {
	c.background.close()
	var err error
	select {
	case <-c.background.idle:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if c.shared != nil && err == nil {
		err = c.shared.shutdown(ctx)
	}
	if closing := c.Close(); err == nil {
		err = closing
	}
	if c.shared != nil {
		select {
		case <-c.shared.ended:
		case <-ctx.Done():
		}
	}
	return err
}

// Close is Shutdown without waiting. It frees the memory of the cache.
func (c *Cache) Close() error {
	c.background.close()
	if c.closed.CompareAndSwap(false, true) {
		if c.memory != nil {
			c.memory.close()
		}
		if c.shared != nil {
			c.shared.close()
		}
	}
	return nil
}

// now reads the clock, once for each request.
func (c *Cache) now() moment {
	now := c.clock()
	if c.memory != nil {
		c.memory.clock.saw(now)
	}
	return now
}

// warnOnce logs a problem of a route the first time that it is seen.
func (c *Cache) warnOnce(done *atomic.Bool, message, pattern string) {
	if !done.Load() && done.CompareAndSwap(false, true) {
		c.cfg.Logger.Warn(message, "route", strings.Clone(pattern))
	}
}

func containsFold(list []string, s string) bool {
	for _, l := range list {
		if strings.EqualFold(l, s) {
			return true
		}
	}
	return false
}
