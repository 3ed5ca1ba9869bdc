package cachex

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

// purge is one call of Purge or Expire, or what an unsafe request has changed.
type purge struct {
	soft      bool
	asked     bool // for, and not what an unsafe request has changed
	at        time.Time
	selectors []Selector
	held      *held     // nil where it is repeated after it was confirmed
	confirmed time.Time // for the first time; zero before that
}

// purges are those that the store has not confirmed yet, and those that it might
// forget: a failover can lose what was confirmed just before it.
type purges struct {
	mu          sync.Mutex
	unconfirmed []*purge
	recent      []purge // oldest first

	// ended are the resources whose tokens have not ended though they should
	// have. What is stored under them is of no use here; all, where a purge of
	// everything stands for too many of them.
	ended map[string]bool
	all   bool
	any   atomic.Bool // of these

	// doubt: the store has failed since recent purges were confirmed. It need not
	// have failed everybody: of a Cluster a single node may, and be replaced by a
	// replica that has the tokens still.
	doubt atomic.Bool

	repeating sync.Mutex // held by who repeats them
}

const (
	maxUnconfirmed = 1000 // more become a purge of everything
	assertAgain    = time.Minute
)

// takeBack tells all other processes. In the store a URL has a token, which ends;
// everything else is written to the log.
func (s *shared) takeBack(ctx context.Context, p purge) error {
	if err := s.confirm(ctx, &p); err != nil {
		s.retry(&p)
		return fmt.Errorf("%w: %w", ErrPurgeIncomplete, err)
	}
	s.purges.remember(p, time.Now())
	return nil
}

func (s *shared) confirm(ctx context.Context, p *purge) error {
	var logged, urls []Selector
	for _, sel := range p.selectors {
		if sel.by != byURL {
			logged = append(logged, sel)
			continue
		}
		urls = append(urls, sel)
		if p.asked || s.queryRules.Load() {
			logged = append(logged, Selector{by: byHostPath, values: sel.values})
		}
		resource := resourceOf(sel.values[0], sel.values[1])
		err := s.do(ctx, func(ctx context.Context) error {
			if p.soft {
				return s.space.Expire(ctx, resource, s.soft(p.at))
			}
			return s.space.Revoke(ctx, resource)
		})
		if err != nil {
			return err
		}
	}
	if len(urls) > 0 {
		record := encodeRecord(false, p.at, urls)
		// Between the mark and the end of the token somebody may have made a
		// copy of what stood in the store.
		if s.tiered {
			s.copies.apply(record)
		}
		if _, err := s.copies.write(ctx, record); err != nil {
			return err
		}
	}
	var at store.Position
	if len(logged) > 0 {
		var err error
		if at, err = s.log.write(ctx, encodeRecord(p.soft, p.at, logged)); err != nil {
			return err
		}
		_ = s.log.read(ctx) // it is in the log: who cannot read on stops to go by it
	}
	if p.held != nil {
		s.log.written(p.held, at)
		p.held = nil
	}
	return nil
}

// soft is a time for a token: entries are told by it from those that were stored
// after an earlier Expire, even where the clock stands still, or that of another
// process says the same.
func (s *shared) soft(at time.Time) int64 {
	const below = 1 << 20 // nanoseconds, a millisecond, at random
	for {
		last := s.lastSoft.Load()
		if next := max(at.UnixNano()&^(below-1)|rand.Int64N(below), 1); next != last && s.lastSoft.CompareAndSwap(last, next) {
			return next
		}
	}
}

func (s *shared) retry(p *purge) {
	ps := &s.purges
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.unconfirmed = append(ps.unconfirmed, p); len(ps.unconfirmed) > maxUnconfirmed {
		everything := &purge{at: p.at, selectors: []Selector{All()}}
		for _, p := range ps.unconfirmed { // the oldest goes first
			switch {
			case p.held == nil:
			case everything.held == nil:
				everything.held = p.held
			default:
				s.log.written(p.held, store.Position{})
			}
		}
		ps.unconfirmed = []*purge{everything}
		ps.all = true
	}
	ps.list()
}

// list lists the tokens that have not ended.
func (ps *purges) list() {
	ps.ended = map[string]bool{}
	for _, p := range ps.unconfirmed {
		for _, sel := range p.selectors {
			if sel.by == byURL {
				ps.ended[resourceOf(sel.values[0], sel.values[1])] = true
			}
		}
	}
	ps.all = ps.all && len(ps.unconfirmed) > 0
	ps.any.Store(ps.all || len(ps.ended) > 0)
}

// ends tells whether the token of the request's resource should have ended.
func (ps *purges) ends(rq *request) bool {
	if !ps.any.Load() {
		return false
	}
	at := addressOf(string(rq.key), rq.scheme, rq.urlEnd)
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.all || ps.ended[at.resource]
}

// remember is told of what was confirmed for the first time. It is repeated once: what
// a failover loses was confirmed just before it. Repeated time and again, where the
// store fails now and then, it would take back what has been stored since.
func (ps *purges) remember(p purge, now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p.confirmed = now
	ps.recent = append(ps.recent, p)
	for len(ps.recent) > maxUnconfirmed || now.Sub(ps.recent[0].confirmed) > assertAgain {
		ps.recent = ps.recent[1:]
	}
}

// assert has recent purges confirmed a second time.
func (ps *purges) assert(now time.Time, which func(purge) bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.recent = slices.DeleteFunc(ps.recent, func(p purge) bool {
		if !which(p) {
			return false
		}
		if now.Sub(p.confirmed) <= assertAgain && len(ps.unconfirmed) < maxUnconfirmed {
			ps.unconfirmed = append(ps.unconfirmed, &p)
		}
		return true
	})
	ps.list()
}

// ofURL tells whether a purge has ended tokens. What else was lost of a purge was
// lost with the epoch of the log.
func (p purge) ofURL() bool {
	return slices.ContainsFunc(p.selectors, func(s Selector) bool { return s.by == byURL })
}

// repeat tries to have confirmed what is not. One that fails goes to the end.
func (s *shared) repeat(ctx context.Context) {
	ps := &s.purges
	ps.repeating.Lock()
	defer ps.repeating.Unlock()
	if ps.doubt.Swap(false) {
		ps.assert(time.Now(), purge.ofURL)
	}
	for ctx.Err() == nil {
		p := ps.first()
		if p == nil {
			return
		}
		err := s.confirm(ctx, p)
		ps.mu.Lock()
		// Too many may have become one meanwhile.
		if i := slices.Index(ps.unconfirmed, p); i >= 0 {
			ps.unconfirmed = slices.Delete(ps.unconfirmed, i, i+1)
			if err != nil {
				ps.unconfirmed = append(ps.unconfirmed, p)
			}
		}
		ps.list()
		ps.mu.Unlock()
		if err != nil {
			return
		}
		if p.confirmed.IsZero() {
			ps.remember(*p, time.Now())
		}
	}
}

func (ps *purges) first() *purge {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if len(ps.unconfirmed) == 0 {
		return nil
	}
	return ps.unconfirmed[0]
}

// tell has copies in front of other processes read anew: what stands in the store
// is no longer the same.
func (s *shared) tell(e *entry) {
	_, url, _ := strings.Cut(e.key, "://")
	url, _, _ = strings.Cut(url, "\n")
	slash := strings.IndexByte(url, '/')
	changed := Selector{by: byURL, values: []string{url[:slash], url[slash:]}}
	_, _ = s.copies.write(context.Background(), encodeRecord(false, s.now(), []Selector{changed})) // or until MemoryTTL
}

// follow has the marks of this process follow the store's logs.
func (s *shared) follow(m *marks) {
	all := []scope{everything}
	s.log.last, s.copies.last = m.ticket, m.ticket
	s.log.reset = func() { m.take(s.now(), false, all, nil) }
	s.copies.reset = func() { m.takeCopies(s.now(), all) }
	s.log.apply = func(data []byte) {
		soft, at, selectors, err := decodeRecord(data)
		if err != nil { // of a newer version: it may be about anything
			s.log.reset()
			return
		}
		scopes, patterns := m.reach(selectors)
		m.take(s.believed(at), soft, scopes, patterns)
	}
	s.copies.apply = func(data []byte) {
		_, _, selectors, err := decodeRecord(data)
		if err != nil {
			s.copies.reset()
			return
		}
		scopes, _ := m.reach(selectors)
		m.takeCopies(s.now(), scopes)
	}
}

// believed is the time of a record, as far as its writer's clock may be wrong: by it
// the mark is forgotten.
func (s *shared) believed(at time.Time) time.Time {
	now := s.now()
	if oldest := now.Add(-slack); at.Before(oldest) {
		return oldest
	}
	return earlier(at, now)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
