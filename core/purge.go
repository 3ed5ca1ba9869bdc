package cachex

import (
	"context"
	"errors"
)

// ErrPurgeIncomplete is returned where a purge has been done in this process, and a
// shared store has not confirmed it: it is being tried again, and until it
// succeeds other processes may answer with what was purged. A cache without a
// store never returns it.
var ErrPurgeIncomplete = errors.New("cachex: purged here, but not confirmed by the store")

// Purge takes back what the selectors select; several unite. A request that
// starts after Purge has returned never gets the result of a run that began
// before it, however long that run takes: not from memory, not by waiting for it,
// not by a 304 or a renewal in the background.
//
// What it costs does not depend on how much is stored. Memory is freed as new
// responses take the place of the old ones, or need room.
//
// Without a selector, or with one that has a mistake in it, Purge takes back
// nothing and returns an error that names the mistakes; after Close or Shutdown
// it returns ErrClosed. Once it has begun it does not stop where ctx is done. It
// is safe for concurrent use, and may be called from a handler.
func (c *Cache) Purge(ctx context.Context, selectors ...Selector) error {
	return c.takeBack(ctx, false, selectors)
}

// Expire makes what the selectors select stale, as if its lifetime had ended
// now: it is renewed as anything stale is, by a 304 if the handler says so, and
// until then stale-while-revalidate and stale-if-error may still give it out.
// Otherwise Expire is like Purge.
func (c *Cache) Expire(ctx context.Context, selectors ...Selector) error {
	return c.takeBack(ctx, true, selectors)
}

func (c *Cache) takeBack(ctx context.Context, soft bool, selectors []Selector) error {
	if err := check(selectors); err != nil {
		return err
	}
	if c.cfg.Disabled {
		return nil
	}
	if c.closed.Load() {
		return ErrClosed
	}
	c.stats.purges.Add(1)
	_, err := c.mark(ctx, soft, true, selectors)
	return err
}

// mark takes back in this process, and then everywhere. It returns the first
// ticket that is not void.
func (c *Cache) mark(ctx context.Context, soft, asked bool, selectors []Selector) (ticket, error) {
	now := c.cfg.Now()
	scopes, patterns := c.marks.reach(selectors)
	if c.shared == nil {
		return c.marks.take(now, soft, scopes, patterns), nil
	}
	p := purge{soft: soft, asked: asked, at: now, selectors: selectors, held: c.shared.log.hold()}
	t := c.marks.take(now, soft, scopes, patterns)
	return t, c.shared.takeBack(context.WithoutCancel(ctx), p)
}

// reach is what checked selectors stand for.
func (m *marks) reach(selectors []Selector) (scopes []scope, patterns []*pattern) {
	for _, s := range selectors {
		switch s.by {
		case byAll:
			scopes = append(scopes, everything)
		case byTag:
			for _, t := range s.values {
				scopes = append(scopes, m.scopeOf(scopeTag, t))
			}
		case byGroup:
			scopes = append(scopes, m.scopeOf(scopeGroup, s.values...))
		case byPattern:
			p, _ := newPattern(s.values[0])
			patterns = append(patterns, p)
		case byPath:
			// As it is escaped, and as it is: /a%41 may be either.
			scopes = append(scopes, m.place("", s.values[0]).path, m.scopeOf(scopePath, s.values[0]))
		case byHost:
			host, _ := canonicalHost(s.values[0])
			scopes = append(scopes, m.place(host, "").host)
		case byHostPath:
			scopes = append(scopes, m.place(s.values[0], s.values[1]).hostPath)
		case byURL:
			scopes = append(scopes, m.place(s.values[0], s.values[1]).resource()...)
		}
	}
	return scopes, patterns
}

// resource are the scopes of one URL. Entries of routes with query rules may
// have been stored for it under another query.
func (p place) resource() []scope { return []scope{p.url, p.hostPath} }
