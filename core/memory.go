package cachex

import (
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/maypok86/otter/v2"
)

// memory keeps resources as they are, bounded in bytes. What to evict is
// otter's business; what may be used is decided by the engine, so that its
// clock may be coarse.
type memory struct {
	cache   *otter.Cache[string, *resource]
	clock   *coarseClock
	evict   atomic.Uint64
	longest time.Duration
	alive   func(*entry) bool // not taken back
	front   front
	closed  atomic.Bool
}

// How long something is kept beyond its lifetime: for validation, and for
// clients that take what is stale.
const (
	keepValidator = 24 * time.Hour
	keepStale     = 5 * time.Minute
)

func newMemory(maxBytes int64, longest time.Duration, now func() time.Time, alive func(*entry) bool) (*memory, error) {
	m := &memory{clock: newCoarseClock(now), longest: longest, alive: alive, front: front{seed: maphash.MakeSeed(), adds: addsOne}}
	var err error
	m.cache, err = otter.New(&otter.Options[string, *resource]{
		MaximumWeight: uint64(maxBytes),
		Weigher: func(key string, r *resource) uint32 {
			n := int64(len(key))
			for _, e := range r.variants() {
				n += e.size()
			}
			return uint32(min(n, math.MaxUint32))
		},
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, *resource]) time.Duration {
			now, keep := m.clock.now(), time.Second
			for _, v := range e.Value.variants() {
				keep = max(keep, v.keepFor(now))
			}
			return min(keep, longest)
		}),
		OnAtomicDeletion: func(d otter.DeletionEvent[string, *resource]) {
			if d.Value.several == nil {
				m.front.drop(d.Value.one[0])
			}
			if d.WasEvicted() {
				m.evict.Add(uint64(len(d.Value.variants())))
			}
		},
		Clock:    m.clock,
		Executor: func(maintain func()) { time.AfterFunc(unhurried, maintain) },
	})
	return m, err
}

// unhurried is how long otter's work on what was read and written waits. A
// goroutine for it at once wakes a sleeping core every few reads, and that costs
// the one that reads more than the rest of a lookup. Of what is read meanwhile,
// otter notes as much as it has room for.
const unhurried = 20 * time.Microsecond

// keepFor is how long an entry is worth its place: the rest of its lifetime,
// and a while longer if it can still serve a validation.
func (e *entry) keepFor(now moment) time.Duration {
	extra := max(keepStale, e.whileRevalidate, e.ifError)
	if e.tagged && !e.ownTag || e.modified != 0 {
		extra = max(extra, keepValidator)
	}
	return satAdd(max(0, e.lifetime-e.currentAge(now)), extra)
}

// keeps tells whether an entry may stay beside a new one.
func (m *memory) keeps(e *entry) bool {
	return m.alive(e) && m.clock.now().since(e.received) < m.longest
}

// get does not keep key, so it may be a buffer that is used again.
func (m *memory) get(key []byte) *resource {
	r, _ := m.cache.GetIfPresent(unsafe.String(unsafe.SliceData(key), len(key)))
	return r
}

// tell notes that an entry was read elsewhere.
func (m *memory) tell(e *entry) { m.cache.GetIfPresent(e.key) }

// put adds a variant.
func (m *memory) put(e *entry) {
	m.cache.Compute(e.key, func(old *resource, found bool) (*resource, otter.ComputeOp) {
		if !found {
			old = nil
		}
		return old.with(e, m.keeps), otter.WriteOp
	})
	m.wrote(e.key)
}

// swap puts e, or nothing, in the place of old, provided that old is still
// there: what somebody else has written since is newer.
func (m *memory) swap(old, e *entry) (done bool) {
	m.cache.ComputeIfPresent(old.key, func(r *resource) (*resource, otter.ComputeOp) {
		var next *resource
		if next, done = r.replace(old, e, m.keeps); !done {
			return r, otter.CancelOp
		}
		if len(next.variants()) == 0 {
			return nil, otter.InvalidateOp
		}
		return next, otter.WriteOp
	})
	m.wrote(old.key)
	return done
}

// renew puts e in the place of old, or of nothing: in front of a store, what is
// renewed was mostly read from there. Where another one stands there, that is newer.
func (m *memory) renew(old, e *entry) {
	m.cache.Compute(e.key, func(r *resource, found bool) (*resource, otter.ComputeOp) {
		if !found {
			r = nil
		} else if slices.ContainsFunc(r.variants(), func(v *entry) bool { return v.sameVariant(e) && !v.is(old) }) {
			return r, otter.CancelOp
		}
		return r.with(e, m.keeps), otter.WriteOp
	})
	m.wrote(e.key)
}

// wrote comes after each write. One that close has not seen sees here that it has
// begun.
func (m *memory) wrote(key string) {
	if m.closed.Load() {
		m.cache.Invalidate(key)
	}
}

func (m *memory) entries() (entries int, bytes int64) {
	return m.cache.EstimatedSize(), int64(m.cache.WeightedSize())
}

func (m *memory) close() {
	m.closed.Store(true)
	m.clock.stop()
	m.cache.StopAllGoroutines()
	m.cache.InvalidateAll()
}

// coarseClock spares every lookup a reading of the clock: it tells the time that
// the engine, or a tick, read last.
type coarseClock struct {
	read  func() time.Time
	nanos atomic.Int64
	done  chan struct{}
	once  sync.Once
}

// coarse is how far the clock may lag behind while there are requests.
const coarse = 100 * time.Millisecond

func newCoarseClock(read func() time.Time) *coarseClock {
	c := &coarseClock{read: read, done: make(chan struct{})}
	c.nanos.Store(read().UnixNano())
	return c
}

// saw takes note of a reading. It rarely writes, so that cores do not compete
// for the word.
func (c *coarseClock) saw(now moment) {
	if n := int64(now); n-c.nanos.Load() > int64(coarse) {
		c.nanos.Store(n)
	}
}

func (c *coarseClock) now() moment { return moment(c.nanos.Load()) }

// NowNano implements otter.Clock.
func (c *coarseClock) NowNano() int64 { return c.nanos.Load() }

// Tick implements otter.Clock: expired entries go even where no request comes.
func (c *coarseClock) Tick(d time.Duration) <-chan time.Time {
	ticks := make(chan time.Time)
	go func() {
		t := time.NewTicker(d)
		defer t.Stop()
		defer close(ticks) // otter's goroutine ends with it
		for {
			select {
			case at := <-t.C:
				c.saw(momentOf(c.read()))
				select {
				case ticks <- at:
				case <-c.done:
					return
				}
			case <-c.done:
				return
			}
		}
	}()
	return ticks
}

func (c *coarseClock) stop() { c.once.Do(func() { close(c.done) }) }
