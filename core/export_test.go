package cachex

import (
	"context"
	"time"
)

// Settle waits until everything is written to the store, and every lease is given
// back.
func (c *Cache) Settle() {
	_ = c.shared.queue.drain(context.Background())
	c.shared.after.running.Wait()
}

// Front has the table in front of memory take everything that it may.
func (c *Cache) Front() { c.memory.front.adds = 1 }

// InFront is the number of entries in that table.
func (c *Cache) InFront() (n int) {
	for i := range c.memory.front.slots {
		if c.memory.front.slots[i].Load() != nil {
			n++
		}
	}
	return n
}

// AgeFlights has all open flights have begun earlier.
func (c *Cache) AgeFlights(by time.Duration) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	for _, f := range c.flights.open {
		f.began = f.began.Add(-by)
	}
}
