package cachex

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// writeQueue writes to the shared store behind the answers: with net/http a
// small response leaves only when its handler has returned. Lookups see into it,
// Shutdown waits for it, and what is too much for it is not written.
type writeQueue struct {
	write func(write)
	seed  maphash.Seed
	lanes [writeLanes]lane
	open  atomic.Int64 // writes that wait or are being written
}

const (
	writeLanes    = 4 // what has one key is written in one lane, in order
	maxLaneWrites = 1 << 10
	maxLaneBytes  = 16 << 20
)

// write is an entry on its way to the store, or out of it.
type write struct {
	entry  *entry
	remove bool
	old    *entry // in whose place alone it may come; nil for any
	done   func() // called when it is written, or never will be; may be nil
}

type lane struct {
	mu      sync.Mutex
	waiting []write // the first of them is being written
	bytes   int64
	busy    bool
	idle    chan struct{} // closed when busy ends; nil until somebody waits
}

func newWriteQueue(w func(write)) *writeQueue {
	return &writeQueue{write: w, seed: maphash.MakeSeed()}
}

func (q *writeQueue) lane(key string) *lane {
	return &q.lanes[maphash.String(q.seed, key)%writeLanes]
}

// push returns false where the queue is full.
func (q *writeQueue) push(w write) bool {
	l := q.lane(w.entry.key)
	l.mu.Lock()
	defer l.mu.Unlock()
	size := w.entry.size()
	if len(l.waiting) >= maxLaneWrites || len(l.waiting) > 0 && l.bytes+size > maxLaneBytes {
		return false
	}
	q.open.Add(1)
	l.bytes += size
	l.waiting = append(l.waiting, w)
	if !l.busy {
		l.busy = true
		go q.work(l)
	}
	return true
}

func (q *writeQueue) work(l *lane) {
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 {
			l.busy = false
			if l.idle != nil {
				close(l.idle)
				l.idle = nil
			}
			l.mu.Unlock()
			return
		}
		w := l.waiting[0]
		l.mu.Unlock()

		q.write(w)

		l.mu.Lock()
		l.bytes -= w.entry.size()
		l.waiting[0] = write{}
		l.waiting = l.waiting[1:]
		l.mu.Unlock()
		q.open.Add(-1)
		if w.done != nil {
			w.done()
		}
	}
}

// find returns what waits to be written or removed under a key, oldest first.
func (q *writeQueue) find(key string) (found []write) {
	if q.open.Load() == 0 {
		return nil
	}
	l := q.lane(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiting {
		if w.entry.key == key {
			found = append(found, w)
		}
	}
	return found
}

// drain waits until all is written, or until ctx is done.
func (q *writeQueue) drain(ctx context.Context) error {
	for i := range q.lanes {
		l := &q.lanes[i]
		l.mu.Lock()
		if !l.busy {
			l.mu.Unlock()
			continue
		}
		if l.idle == nil {
			l.idle = make(chan struct{})
		}
		idle := l.idle
		l.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
