package cachex

import "context"

// Settle waits until everything is written to the store.
func (c *Cache) Settle() { _ = c.shared.queue.drain(context.Background()) }
