package cachex

import "context"

// What is stored lies in memory, in a shared store, or in a shared store with
// memory in front of it. These functions are where they differ.

// lookup finds the variant that answers the request, if any, and the resource,
// if any of its variants has not been taken back.
func (rq *request) lookup() (selected *entry, res *resource) {
	c := rq.p.cache
	rq.landings = c.flights.landings.Load()
	if c.shared == nil {
		return rq.selectFrom(rq.getMemory())
	}
	rq.birth = birth{}
	if !c.shared.ready(rq.x.Context()) || c.shared.purges.ends(rq) {
		return nil, nil
	}
	rq.birth.at = c.shared.log.position()
	if c.memory != nil {
		if selected, res = rq.selectFrom(rq.getMemory()); selected != nil && rq.recent(selected) {
			return selected, res
		}
	}
	selected, res = rq.selectFrom(rq.getShared())
	if c.memory != nil && selected != nil && selected.fresh(rq.now) {
		c.memory.put(selected)
	}
	return selected, res
}

// getMemory is what memory has.
func (rq *request) getMemory() *resource {
	m := rq.p.cache.memory
	r := m.get(rq.key)
	if rq.reads++; rq.reads%m.front.adds == 0 && r != nil && r.several == nil && rq.passesFront() {
		m.front.add(rq, r.one[0])
	}
	return r
}

// recent tells whether a copy in front of the shared store may be used without a
// look at that: it is young, fresh, and nobody has said that there is a newer one.
func (rq *request) recent(e *entry) bool {
	c := rq.p.cache
	return rq.now.since(e.shared().read) < c.cfg.MemoryTTL && e.fresh(rq.now) && !c.marks.outdated(e)
}

// keep stores an entry, or returns false where that is not possible. The lease is
// released when nothing more happens to the entry.
func (c *Cache) keep(e *entry, l *lease) bool {
	if c.shared == nil {
		c.memory.put(e)
		l.release()
		return true
	}
	if !e.shared().birth.valid() {
		l.release()
		return false
	}
	if c.enter(e); c.memory != nil {
		c.memory.put(e)
	}
	return c.shared.put(e, l.release)
}

// enter is for an entry of this process on its way to the store.
func (c *Cache) enter(e *entry) {
	e.sharing.states = &c.shared.states
	if c.memory != nil {
		e.sharing.read, e.sharing.copied = c.now(), e.born
	}
}

// swap puts e in the place of old, provided that old is still there: what
// somebody else has written since is newer. l is as for keep.
func (c *Cache) swap(old, e *entry, l *lease) {
	switch {
	case c.shared == nil:
		c.memory.swap(old, e)
		l.release()
	case e.shared().birth.valid():
		if c.enter(e); c.memory != nil {
			c.memory.renew(old, e)
		}
		c.shared.push(write{entry: e, old: old, done: l.release})
	default:
		l.release()
	}
}

// drop removes an entry that is no longer good.
func (c *Cache) drop(old *entry) {
	if c.memory != nil {
		c.memory.swap(old, nil)
	}
	if c.shared != nil {
		c.shared.remove(old)
	}
}

// ready tells whether the store's logs are known well enough for anything stored
// to be believed.
func (s *shared) ready(ctx context.Context) bool {
	return s.log.ready(ctx) && (!s.tiered || s.copies.ready(ctx))
}
