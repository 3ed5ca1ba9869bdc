package cachex

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

// markLog follows the log of a shared store, in which all processes write down
// what they take back, and puts it among the marks of this process.
//
// An entry of the store names the place in the log up to which its writer had
// followed when its run began; ticketAt makes a ticket of this process from it.
type markLog struct {
	s     *shared
	space store.Space
	apply func(data []byte) // puts a record among the marks
	reset func()            // marks everything: something was lost
	last  func() ticket     // of the marks

	// current tells whether the log was read lately: it is unset by a timer.
	current atomic.Bool
	timer   *time.Timer

	reading chan struct{} // full while somebody reads
	began   atomic.Int64  // when, in nanoseconds since 1970

	mu      sync.RWMutex
	pos     store.Position
	base    uint64   // tickets[0] is of this place
	tickets []ticket // the marks of this process when it had followed up to there
	newest  []byte   // the record at pos, nil where it is not known
	hole    uint64   // the newest place when a record was found to be missing, which was at since
	since   time.Time
	held    []*held
}

// held is a purge of this process from before it leaves its mark until its record
// has come back by the log. Where another one's record is missing, the log stands
// still for a while; and a run elsewhere that began before the purge may have
// followed the log further than this process had when it purged. So all places are
// from before the purge meanwhile; the record's own mark is newer than they are.
type held struct {
	before ticket
	until  store.Position // its record's place; none yet while it is not written
}

// hold is called before the mark is left.
func (l *markLog) hold() *held {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := &held{before: l.last()}
	l.held = append(l.held, h)
	return h
}

// written is called when the log has been read after the record was written, or
// could not be. Without a place nothing is written of the purge, and nothing held.
func (l *markLog) written(h *held, at store.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.until = at; at.Epoch == 0 {
		l.held = slices.DeleteFunc(l.held, func(o *held) bool { return o == h })
	}
	l.letGo()
}

func (l *markLog) letGo() {
	l.held = slices.DeleteFunc(l.held, func(h *held) bool {
		return h.until.Epoch != 0 && (h.until.Epoch != l.pos.Epoch || h.until.Seq <= l.pos.Seq)
	})
}

const (
	pollEvery = time.Second

	// staleAfter is how long a process goes by what it has read: within this
	// time and that of one operation of the store it knows of every purge.
	staleAfter = 3 * time.Second

	maxTickets = 1 << 16

	// maxRead is the longest record that is read once more with each poll.
	maxRead = 4 << 10
)

func newMarkLog(s *shared, space store.Space) *markLog {
	l := &markLog{s: s, space: space, reading: make(chan struct{}, 1)}
	l.began.Store(time.Now().UnixNano()) // who comes before the first read waits for it
	l.timer = time.AfterFunc(staleAfter, func() { l.current.Store(false) })
	l.timer.Stop()
	return l
}

// ready tells whether what is known of the log is recent enough to go by. Where
// it is not, it reads on; who comes while somebody reads waits for that only where
// nothing was ever read, and no longer than an operation takes.
func (l *markLog) ready(ctx context.Context) bool {
	if l.current.Load() {
		return true
	}
	select {
	case l.reading <- struct{}{}:
		defer func() { <-l.reading }()
		return l.current.Load() || l.readOn(ctx, l.s.timeout) == nil
	default:
	}
	if l.position().Epoch == 0 && l.turn(ctx, l.s.timeout-time.Since(time.Unix(0, l.began.Load()))) {
		<-l.reading
	}
	return l.current.Load()
}

// turn waits until nobody else reads, and has the caller be the one who does.
func (l *markLog) turn(ctx context.Context, most time.Duration) bool {
	limit := time.NewTimer(most)
	defer limit.Stop()
	select {
	case l.reading <- struct{}{}:
		return true
	case <-limit.C:
	case <-ctx.Done():
	}
	return false
}

// position is how far the log was followed.
func (l *markLog) position() store.Position {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.pos
}

// ticketAt is the ticket that a run would have got in this process at a place of
// the log. It may be older than it had to be, which takes back too much.
func (l *markLog) ticketAt(p store.Position) (ticket, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if p.Epoch != l.pos.Epoch || p.Seq < l.base {
		return 0, false
	}
	t := l.tickets[min(p.Seq, l.pos.Seq)-l.base]
	for _, h := range l.held {
		t = min(t, h.before)
	}
	return t, true
}

// read follows the log to its end. Of several who call it, one reads.
func (l *markLog) read(ctx context.Context) error {
	timeout := l.s.timeout
	if !l.turn(ctx, timeout) {
		return errUnavailable
	}
	defer func() { <-l.reading }()
	return l.readOn(ctx, timeout)
}

// poll is read for nobody who waits. Where what is known is not recent, all of the
// log may be to be read, which can be more than an operation.
func (l *markLog) poll(ctx context.Context) {
	timeout := l.s.timeout
	if !l.current.Load() {
		timeout = max(timeout, longRead)
	}
	select {
	case l.reading <- struct{}{}:
		_ = l.readOn(ctx, timeout) // whoever goes by it asks whether it is current
		<-l.reading
	case <-ctx.Done():
	}
}

// longRead bounds the reading of a log of 16,384 long records, some 10 MB.
const longRead = 2 * time.Second

// readOn is called by the one who reads. What it learns is as old as its beginning.
func (l *markLog) readOn(ctx context.Context, timeout time.Duration) error {
	var log store.Log
	began := time.Now()
	l.began.Store(began.UnixNano())
	err := l.s.within(ctx, timeout, func(ctx context.Context) (err error) {
		log, err = l.space.Read(ctx, logFor, l.known())
		return err
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.follow(log)
	l.current.Store(true) // not after the lock: who sees a position goes by it
	l.timer.Reset(staleAfter - time.Since(began))
	return nil
}

// logFor is how long the log is kept after it was last read or written.
const logFor = 60 * 24 * time.Hour

func (l *markLog) follow(log store.Log) {
	defer l.letGo()
	switch back := log.Epoch == l.pos.Epoch && log.Seq < l.pos.Seq; {
	case l.pos.Epoch == 0:
		l.begin(log)
	case log.Epoch != l.pos.Epoch, back, log.Floor > l.pos.Seq:
		l.reset()
		l.begin(log)
	case l.rewritten(log):
		l.reset()
		l.newest, l.hole = log.Records[0].Data, 0
	}
	next := l.pos.Seq + 1
	for _, r := range log.Records {
		if r.Seq < next {
			continue
		}
		if r.Seq > next && !l.pass(&next, r.Seq, log.Seq) {
			return
		}
		l.apply(r.Data)
		l.reached(r.Seq)
		if len(r.Data) <= maxRead {
			l.newest = r.Data
		}
		next = r.Seq + 1
	}
	if next <= log.Seq {
		l.pass(&next, log.Seq+1, log.Seq)
	}
}

// begin starts over where the log starts.
func (l *markLog) begin(log store.Log) {
	l.pos = store.Position{Epoch: log.Epoch, Seq: log.Floor}
	l.base, l.tickets = log.Floor, append(l.tickets[:0], l.last())
	l.newest, l.hole = nil, 0
}

// known is the place from which on to read: with the newest record once more, if
// there is one.
func (l *markLog) known() store.Position {
	l.mu.RLock()
	defer l.mu.RUnlock()
	p := l.pos
	if l.newest != nil {
		p.Seq--
	}
	return p
}

// rewritten tells whether the newest record that was read is another one now. Then a
// failover had lost it, and somebody who had not read it has written in its place.
func (l *markLog) rewritten(log store.Log) bool {
	return l.newest != nil && len(log.Records) > 0 && log.Records[0].Seq == l.pos.Seq && !bytes.Equal(log.Records[0].Data, l.newest)
}

// pass goes past records that are missing, up to to, and tells whether it has come
// there. newest is the newest place that is taken. A record that is still to be
// written by whoever has taken its place is waited for until the next poll; what is
// lost may have been anything.
//
// All places that were taken when one was found missing have been waited for
// together: with a wait for each, a process would not come to the end of a log that
// has lost many.
func (l *markLog) pass(next *uint64, to, newest uint64) bool {
	if *next <= l.hole && time.Since(l.since) >= pollEvery/2 {
		l.reset()
		for ; *next < min(to, l.hole+1); *next++ {
			l.reached(*next)
		}
	}
	if *next < to && *next > l.hole {
		l.hole, l.since = newest, time.Now()
	}
	return *next == to
}

func (l *markLog) reached(seq uint64) {
	l.pos.Seq, l.newest = seq, nil
	l.tickets = append(l.tickets, l.last())
	if n := len(l.tickets); n > 2*maxTickets {
		l.base += uint64(n - maxTickets)
		l.tickets = append([]ticket(nil), l.tickets[n-maxTickets:]...)
	}
}

// write adds a record.
func (l *markLog) write(ctx context.Context, data []byte) (at store.Position, err error) {
	err = l.s.do(ctx, func(ctx context.Context) (err error) {
		at, err = l.space.Append(ctx, logFor, data)
		return err
	})
	return at, err
}

// watch follows the log until ctx is done, and calls each after every poll.
func (l *markLog) watch(ctx context.Context, each func()) {
	wake := make(chan struct{}, 1)
	if sub, ok := l.space.(store.Subscriber); ok {
		var listening sync.WaitGroup
		listening.Go(func() { l.listen(ctx, sub, wake) })
		defer listening.Wait()
	}
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		l.poll(ctx)
		each()
		select {
		case <-ticker.C:
		case <-wake:
		case <-ctx.Done():
			l.timer.Stop()
			return
		}
	}
}

// listen has the store tell of new records; where it cannot, polling does.
func (l *markLog) listen(ctx context.Context, sub store.Subscriber, wake chan<- struct{}) {
	for ctx.Err() == nil {
		_ = sub.Subscribe(ctx, func() {
			select {
			case wake <- struct{}{}:
			default:
			}
		})
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
		}
	}
}
