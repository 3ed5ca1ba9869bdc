package cachex

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// purge is one call of Purge or Expire, or what an unsafe request has changed.
type purge struct {
	soft      bool
	asked     bool // for, and not what an unsafe request has changed
	at        time.Time
	selectors []Selector
}

// purges are those that the store has not confirmed yet, and those that it might
// forget: a failover can lose what was confirmed just before it.
type purges struct {
	mu          sync.Mutex
	unconfirmed []purge
	recent      []confirmed
}

type confirmed struct {
	purge
	when time.Time
}

const (
	maxUnconfirmed = 1000 // more become a purge of everything
	assertAgain    = time.Minute
)

// takeBack tells all other processes. In the store a URL has a token, which ends;
// everything else is written to the log.
func (s *shared) takeBack(ctx context.Context, p purge) error {
	if err := s.confirm(ctx, p); err != nil {
		s.purges.retry(p)
		return fmt.Errorf("%w: %w", ErrPurgeIncomplete, err)
	}
	s.purges.remember(p, time.Now())
	return nil
}

func (s *shared) confirm(ctx context.Context, p purge) error {
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
				return s.space.Expire(ctx, resource, p.at.UnixNano())
			}
			return s.space.Revoke(ctx, resource)
		})
		if err != nil {
			return err
		}
	}
	if len(urls) > 0 {
		if err := s.copies.write(ctx, encodeRecord(false, p.at, urls)); err != nil {
			return err
		}
	}
	if len(logged) == 0 {
		return nil
	}
	if err := s.log.write(ctx, encodeRecord(p.soft, p.at, logged)); err != nil {
		return err
	}
	_ = s.log.read(ctx) // it is in the log: who cannot read on stops to go by it
	return nil
}

func (ps *purges) retry(p purge) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.unconfirmed = append(ps.unconfirmed, p); len(ps.unconfirmed) > maxUnconfirmed {
		ps.unconfirmed = []purge{{at: p.at, selectors: []Selector{All()}}}
	}
}

func (ps *purges) remember(p purge, now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.recent = append(ps.recent, confirmed{p, now})
	for len(ps.recent) > maxUnconfirmed || now.Sub(ps.recent[0].when) > assertAgain {
		ps.recent = ps.recent[1:]
	}
}

// assert has recent purges confirmed once more.
func (ps *purges) assert(now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, c := range ps.recent {
		if now.Sub(c.when) <= assertAgain && len(ps.unconfirmed) < maxUnconfirmed {
			ps.unconfirmed = append(ps.unconfirmed, c.purge)
		}
	}
	ps.recent = nil
}

// repeat tries to have confirmed what is not.
func (s *shared) repeat(ctx context.Context) {
	for ctx.Err() == nil {
		s.purges.mu.Lock()
		if len(s.purges.unconfirmed) == 0 {
			s.purges.mu.Unlock()
			return
		}
		p := s.purges.unconfirmed[0]
		s.purges.unconfirmed = s.purges.unconfirmed[1:]
		s.purges.mu.Unlock()
		if s.takeBack(ctx, p) != nil { // which has put it back, to the end
			return
		}
	}
}

// tell has copies in front of other processes read anew: what stands in the store
// is no longer the same.
func (s *shared) tell(e *entry) {
	_, url, _ := strings.Cut(e.key, "://")
	url, _, _ = strings.Cut(url, "\n")
	slash := strings.IndexByte(url, '/')
	changed := Selector{by: byURL, values: []string{url[:slash], url[slash:]}}
	_ = s.copies.write(context.Background(), encodeRecord(false, s.now(), []Selector{changed})) // or until MemoryTTL
}

// follow has the marks of this process follow the store's logs.
func (s *shared) follow(m *marks) {
	all := []scope{everything}
	s.log.last, s.copies.last = m.ticket, m.ticket
	s.log.reset = func() { m.take(s.now(), false, all, nil) }
	s.copies.reset = func() { m.takeCopies(s.now(), all) }
	s.log.lost = func() { s.purges.assert(time.Now()) }
	s.log.apply = func(data []byte) {
		soft, at, selectors, err := decodeRecord(data)
		if err != nil { // of a newer version: it may be about anything
			s.log.reset()
			return
		}
		scopes, patterns := m.reach(selectors)
		m.take(earlier(at, s.now()), soft, scopes, patterns)
	}
	s.copies.apply = func(data []byte) {
		_, at, selectors, err := decodeRecord(data)
		if err != nil {
			s.copies.reset()
			return
		}
		scopes, _ := m.reach(selectors)
		m.takeCopies(earlier(at, s.now()), scopes)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
