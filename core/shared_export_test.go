package cachex

import "context"

// Settle waits until everything is written to the store, and every lease is given
// back.
func (c *Cache) Settle() {
	_ = c.shared.queue.drain(context.Background())
	c.shared.after.running.Wait()
}
