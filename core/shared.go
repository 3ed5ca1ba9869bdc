package cachex

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

// shared is a store that other processes use too. It fails open: whatever goes
// wrong with it is a miss and an event, and nobody waits for it longer than its
// timeout.
type shared struct {
	space     store.Space
	codec     codec
	timeout   time.Duration // of an operation
	longest   time.Duration // that anything is kept
	now       func() time.Time
	logger    *slog.Logger
	breaker   breaker
	deadlines deadlines
	log       *markLog
	copies    *markLog // of what has changed, for memory in front of the store
	queue     *writeQueue
	states    renewals
	purges    purges
	leases    leases
	after     afterwork
	stop      context.CancelFunc
	ended     chan struct{} // closed when the logs are no longer followed

	tiered     bool        // there is memory in front of it
	queryRules atomic.Bool // of some New in this process

	lastSoft atomic.Int64 // given to Expire: no two of them are alike

	failures, refusals, dropped, foreign, tooLarge atomic.Uint64
}

// birth is the ticket of a run in a shared store: the token of its resource and
// the place in the log, both read before its handler began. Without one nothing
// is stored.
type birth struct {
	token store.Token
	at    store.Position
}

func (b birth) valid() bool { return b.token.ID != 0 && b.at.Epoch != 0 }

// openShared follows the logs of the store from now on.
func openShared(cfg Config, m *marks) (*shared, error) {
	space, err := cfg.Store.Open(cfg.Namespace)
	if err != nil {
		return nil, fmt.Errorf("cachex: Config.Namespace %q: %w", cfg.Namespace, err)
	}
	copies, err := cfg.Store.Open(cfg.Namespace + copiesSuffix)
	if err != nil {
		return nil, fmt.Errorf("cachex: Config.Namespace %q: %w", cfg.Namespace, err)
	}
	s := &shared{
		states: renewals{seed: maphash.MakeSeed(), known: map[uint64]*renewal{}},
		space:  space, timeout: cfg.StoreTimeout, longest: cfg.MaxLifetime, now: cfg.Now, logger: cfg.Logger,
		codec: codec{cfg.StoreSecret, cfg.CompressAbove, cfg.MaxEntryBytes, new(recent)}, tiered: cfg.MemoryBytes > 0,
		ended: make(chan struct{}),
	}
	s.log, s.copies = newMarkLog(s, space), newMarkLog(s, copies)
	s.queue = newWriteQueue(s.write)
	s.follow(m)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() {
		defer close(s.ended)
		var logs sync.WaitGroup
		if s.tiered {
			logs.Go(func() { s.copies.watch(ctx, func() {}) })
		}
		logs.Go(func() { s.log.watch(ctx, func() { s.repeat(ctx); s.releaseDoubtful(ctx) }) })
		logs.Wait()
	}()
	return s, nil
}

// copiesSuffix makes the namespace of the log that is about copies alone. It has
// more records than the other, which must not push each other out.
const copiesSuffix = ".copies"

// shutdown waits until all is written and purged, or until ctx is done.
func (s *shared) shutdown(ctx context.Context) error {
	err := s.queue.drain(ctx)
	s.repeat(ctx)
	s.after.end() // each within the timeout of an operation
	s.releaseDoubtful(ctx)
	return err
}

// close ends what follows the logs, and does not wait for it.
func (s *shared) close() {
	s.stop()
	s.deadlines.close()
	s.log.timer.Stop()
	s.copies.timer.Stop()
}

// errUnavailable is returned while the breaker is open.
var errUnavailable = errors.New("cachex: the store does not answer")

// do asks the store, within its timeout.
func (s *shared) do(ctx context.Context, ask func(context.Context) error) error {
	return s.within(ctx, s.timeout, ask)
}

// within is do with another timeout.
func (s *shared) within(ctx context.Context, timeout time.Duration, ask func(context.Context) error) error {
	if !s.breaker.allow() {
		s.refusals.Add(1)
		return errUnavailable
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	returned := false
	defer s.lost(&returned)
	err := ask(limited)
	returned = true
	return s.learn(ctx, err, attempt{})
}

// lost has another one try the store where the one that tried has panicked.
func (s *shared) lost(returned *bool) {
	if !*returned {
		s.breaker.abandon()
	}
}

// read is do for the lookup of a request, of which there are as many as hits.
func (s *shared) read(ctx context.Context, resource string, names ...string) (store.Token, [][]byte, error) {
	if !s.breaker.allow() {
		s.refusals.Add(1)
		return store.Token{}, nil, errUnavailable
	}
	now := time.Now()
	limited, p, cancel := s.deadlines.under(ctx, now, s.timeout)
	defer cancel()
	returned := false
	defer s.lost(&returned)
	token, values, err := s.space.Get(limited, resource, names...)
	returned = true
	return token, values, s.learn(ctx, err, attempt{p, now})
}

// learn takes from the outcome of an operation how the store does.
func (s *shared) learn(ctx context.Context, err error, a attempt) error {
	switch {
	case err == nil || errors.Is(err, store.ErrTooLarge):
		if s.breaker.done(true, a) {
			s.logger.Warn("cachex: the store answers again")
			s.purges.assert(time.Now(), func(purge) bool { return true })
		}
	case ctx.Err() != nil: // nobody waits for it any more
		s.breaker.abandon()
	default:
		s.failures.Add(1)
		s.purges.doubt.Store(true)
		if s.breaker.done(false, a) {
			s.logger.Warn("cachex: the store does not answer; requests go to their handlers until it does", "error", err)
		}
	}
	return err
}

// get reads what is stored for the request, and the ticket of the run that it
// may lead to.
func (rq *request) getShared() *resource {
	s := rq.p.cache.shared
	key := rq.kept()
	at := addressOf(key, rq.scheme, rq.urlEnd)
	waiting := s.queue.find(key) // first: afterwards it may just have been written
	token, values, err := s.read(rq.ctx, at.resource, at.name)
	if rq.birth.token = token; err != nil {
		rq.birth = birth{} // one failure is enough for one request
		return nil
	}
	found, sets := s.accept(rq, key, values)
	if sets != nil {
		names := rq.variantNames(at.name, sets)
		token, values, err = s.read(rq.ctx, at.resource, names...)
		if err != nil || token.ID != rq.birth.token.ID {
			rq.birth = birth{} // taken back, or lost, in between
			return nil
		}
		found, _ = s.accept(rq, key, values)
	}
	for _, w := range waiting {
		switch {
		case w.old != nil && slices.ContainsFunc(found, func(o *entry) bool { return w.entry.sameVariant(o) && !o.is(w.old) }):
		case w.remove:
			found = slices.DeleteFunc(found, w.entry.sameVariant)
		case w.entry.shared().birth.token.ID == rq.birth.token.ID:
			// It takes the place of an older one even where it was taken back:
			// that may have been by a tag which the older one lacks.
			found = slices.DeleteFunc(found, func(o *entry) bool {
				return w.entry.sameVariant(o) && o.requested <= w.entry.requested
			})
			if soft := rq.birth.token.Soft; soft != w.entry.shared().birth.token.Soft { // in another process
				w.entry.expire(min(moment(soft), rq.now))
			}
			if rq.p.cache.marks.alive(w.entry) {
				// Which may be a part of the entry, that others read.
				found = slices.Clone(newResource(found, nil).with(w.entry, rq.p.cache.marks.alive).variants())
			}
		}
	}
	slices.SortStableFunc(found, newestFirst)
	if len(found) == 0 && sets == nil {
		return nil
	}
	return newResource(found, sets)
}

// accept decodes values and takes those that nobody has taken back.
func (s *shared) accept(rq *request, key string, values [][]byte) (found []*entry, sets [][]string) {
	for _, v := range values {
		if v == nil {
			continue
		}
		e, more, err := s.codec.decode(v, key, rq.now)
		if err != nil {
			s.foreign.Add(1)
			continue
		}
		if more != nil {
			sets = more
			continue
		}
		if rq.adopt(e) {
			found = append(found, e)
		}
	}
	return found, sets
}

// adopt gives a decoded entry its place among the marks of this process. It
// returns false where the entry was taken back.
func (rq *request) adopt(e *entry) bool {
	c := rq.p.cache
	now := rq.birth.token
	if e.sharing.birth.token.ID != now.ID || now.ID == 0 {
		return false
	}
	var ok bool
	if e.born, ok = c.shared.log.ticketAt(e.sharing.birth.at); !ok {
		return false
	}
	p := rq.placeIn(e.key)
	if !rq.p.query.any() {
		p.hostPath = 0
	}
	x := *e.more()
	x.further = c.marks.furtherScopes(x.tags)
	x.stands(e, p)
	e.extend(x)
	if now.Soft != e.sharing.birth.token.Soft {
		e.expire(min(moment(now.Soft), rq.now))
	}
	e.sharing.read, e.sharing.copied, e.sharing.byToken = rq.now, rq.ticket, true
	if !c.marks.alive(e) {
		return false
	}
	if !e.fresh(rq.now) {
		e.sharing.renewal = c.shared.states.of(e)
	}
	return true
}

// ensureTicket makes a token where there was none. It is called before the
// handler runs.
func (rq *request) ensureTicket() {
	c := rq.p.cache
	if c.shared == nil || rq.birth.token.ID != 0 || rq.birth.at.Epoch == 0 {
		return
	}
	s := c.shared
	at := addressOf(rq.kept(), rq.scheme, rq.urlEnd)
	_ = s.do(rq.x.Context(), func(ctx context.Context) (err error) { // without one nothing is stored
		rq.birth.token, err = s.space.Token(ctx, at.resource, tokenFor)
		return err
	})
}

// takeTicket is for a run that is not begun by a lookup.
func (rq *request) takeTicket() {
	c := rq.p.cache
	rq.ticket, rq.birth = c.marks.ticket(), birth{}
	if c.shared != nil && c.shared.ready(rq.x.Context()) && !c.shared.purges.ends(rq) {
		rq.birth.at = c.shared.log.position()
		rq.ensureTicket()
	}
}

// tokenFor is how long a token lives under which nothing has been stored yet:
// longer than most handlers run. Set makes it live as long as what it writes.
const tokenFor = 10 * time.Minute
