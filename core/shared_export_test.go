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

// AgeFlights has all open flights have begun earlier.
func (c *Cache) AgeFlights(by time.Duration) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	for _, f := range c.flights.open {
		f.began = f.began.Add(-by)
	}
}
