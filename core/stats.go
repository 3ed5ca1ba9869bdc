package cachex

import "sync/atomic"

// Stats counts what a cache has done since it was made. The numbers are read
// one after the other, so under load they need not fit each other exactly.
type Stats struct {
	Hits          uint64 // answered without the handler, 304 and 206 included
	Misses        uint64 // went to the handler, or to 504 by only-if-cached
	Bypasses      uint64 // none of the cache's business, such as upgrades
	Stores        uint64 // responses that were stored
	Rejections    uint64 // responses to GET that were not
	Validations   uint64 // stored responses that a 304 confirmed
	Collapsed     uint64 // answered by the run of another request
	Failures      uint64 // of handlers, that a stale response stood in for; failed runs in the background
	Timeouts      uint64 // runs that HardTimeout has ended
	Late          uint64 // answered with a stale response because SoftTimeout had passed
	Waiting       int    // requests that wait for a run that is not their own, at this moment
	Refreshes     uint64 // stale responses that a run in the background renewed
	Refused       uint64 // runs in the background that Config.MaxRefreshes has not let begin
	Pending       uint64 // runs in the background that were not begun because the same response was being renewed
	Background    int    // runs in the background at this moment, Config.MaxRefreshes at most
	Invalidations uint64 // successful unsafe requests
	Purges        uint64 // calls of Purge and Expire that took something back
	Evictions     uint64 // stored responses that had to go for others, or expired
	StoreFailures uint64 // operations of Config.Store that failed or took too long
	StoreRefusals uint64 // that were not tried, because it did not answer
	StoreDropped  uint64 // responses that were too large for it, or too many at once
	StoreForeign  uint64 // values that were found in it and could not be used
	Entries       int    // keys in memory; all variants of a resource are one
	Bytes         int64  // that they take, overhead included
}

// tally is a counter that all cores raise at once, each in a part of its own, mostly:
// a word that they take from each other costs more than the rest of what is counted.
type tally struct{ parts [16]tallyPart }

type tallyPart struct {
	n atomic.Uint64
	_ [56]byte // up to the next line of a core's memory
}

func (t *tally) add(part uint32) { t.parts[part%uint32(len(t.parts))].n.Add(1) }

func (t *tally) load() (n uint64) {
	for i := range t.parts {
		n += t.parts[i].n.Load()
	}
	return n
}

type counters struct {
	hits tally

	misses, bypasses, stores, rejections, validations, collapsed, failures, timeouts, late, refreshes, refusedRefreshes, pendingRefreshes, invalidations, purges atomic.Uint64

	waiting atomic.Int64
}

// Stats returns the counters. It may be called at any time.
func (c *Cache) Stats() Stats {
	s := Stats{
		Hits: c.stats.hits.load(), Misses: c.stats.misses.Load(), Bypasses: c.stats.bypasses.Load(),
		Stores: c.stats.stores.Load(), Rejections: c.stats.rejections.Load(),
		Validations: c.stats.validations.Load(), Collapsed: c.stats.collapsed.Load(),
		Failures: c.stats.failures.Load(), Timeouts: c.stats.timeouts.Load(), Late: c.stats.late.Load(),
		Refreshes: c.stats.refreshes.Load(), Refused: c.stats.refusedRefreshes.Load(), Pending: c.stats.pendingRefreshes.Load(),
		Background:    c.background.runs(),
		Waiting:       int(c.stats.waiting.Load()),
		Invalidations: c.stats.invalidations.Load(), Purges: c.stats.purges.Load(),
	}
	if c.memory != nil {
		s.Evictions = c.memory.evict.Load()
		s.Entries, s.Bytes = c.memory.entries()
	}
	if c.shared != nil {
		s.StoreFailures, s.StoreRefusals = c.shared.failures.Load(), c.shared.refusals.Load()
		s.StoreDropped, s.StoreForeign = c.shared.dropped.Load()+c.shared.tooLarge.Load(), c.shared.foreign.Load()
	}
	return s
}
