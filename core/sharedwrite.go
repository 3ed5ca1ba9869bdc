package cachex

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/store"
)

// put has an entry written, or returns false.
func (s *shared) put(e *entry, done func()) bool { return s.push(write{entry: e, done: done}) }

// remove has an entry removed.
func (s *shared) remove(e *entry) { s.push(write{entry: e, remove: true}) }

func (s *shared) push(w write) bool {
	if s.queue.push(w) {
		return true
	}
	s.dropped.Add(1)
	if w.done != nil {
		w.done()
	}
	return false
}

// write writes an entry, and, where the resource varies, in what. What somebody
// else has written since, and asked for later, is newer; between the look at it
// and the write it can still be pushed out, which costs a run.
func (s *shared) write(w write) {
	e := w.entry
	at, ttl := e.address(), min(e.keepFor(momentOf(s.now())), s.longest)
	now, err := s.stored(at, e)
	name := at.name
	if now.sets != nil || len(e.more().vary) > 0 {
		name = variantName(at.name, e.more().vary)
	}
	switch {
	case err != nil || now.token.ID != e.shared().birth.token.ID: // nobody would take it
	case w.remove:
		_ = s.do(context.Background(), func(ctx context.Context) error { return s.space.Delete(ctx, at.resource, name) })
	case w.old != nil && now.same != nil && !now.same.is(w.old): // somebody else has written since
	case now.same != nil && now.same.overtakes(e, momentOf(s.now())):
	case name != at.name && !s.addSet(at, now, e, ttl): // nobody would find it
	case s.set(at.resource, name, s.codec.encode(e), ttl) == nil && now.same != nil && !now.same.says(e):
		s.tell(e)
	}
}

// standing is what the store holds where an entry is to be written.
type standing struct {
	token store.Token
	sets  [][]string // nil for no manifest
	plain []byte     // the value in its place, if that is an entry
	same  *entry     // the variant that the entry is to replace
}

func (s *shared) stored(at address, e *entry) (now standing, err error) {
	var values [][]byte
	err = s.do(context.Background(), func(ctx context.Context) (err error) {
		now.token, values, err = s.space.Get(ctx, at.resource, at.name, variantName(at.name, e.more().vary))
		return err
	})
	if err != nil {
		return now, err
	}
	for i, v := range values {
		old, sets, err := s.codec.decode(v, e.key, momentOf(s.now()))
		switch {
		case err != nil || old != nil && old.shared().birth.token.ID != now.token.ID: // as good as nothing
		case sets != nil:
			now.sets = sets
		case old.sameVariant(e):
			now.same = old
		case i == 0:
			now.plain = v
		}
	}
	return now, nil
}

// addSet has the manifest name what an entry varies in. An entry that does not
// vary, and stood in the manifest's place, becomes one of the variants.
func (s *shared) addSet(at address, now standing, e *entry, ttl time.Duration) bool {
	sets := now.sets
	if now.plain != nil {
		if s.set(at.resource, variantName(at.name, nil), now.plain, ttl) != nil {
			return false
		}
		sets = append(sets, nil)
	}
	if slices.ContainsFunc(sets, e.variesIn) {
		return true
	}
	sets = append([][]string{namesOf(e.more().vary)}, sets...)
	manifest := s.codec.encodeManifest(e.key, sets[:min(len(sets), maxSets)])
	return s.set(at.resource, at.name, manifest, s.longest) == nil // longer than any variant
}

func (s *shared) set(resource, name string, value []byte, ttl time.Duration) error {
	err := s.do(context.Background(), func(ctx context.Context) error {
		return s.space.Set(ctx, resource, name, value, ttl)
	})
	if errors.Is(err, store.ErrTooLarge) {
		s.tooLarge.Add(1)
	}
	return err
}

// is tells whether both are one response, read from the store twice.
func (e *entry) is(o *entry) bool { return e.requested == o.requested && e.received == o.received }

// overtakes tells whether e is of a later run than o. One from the future is of a
// clock that is ahead, which tells nothing: where it was taken back, nothing would
// be stored in its place until that time has come.
func (e *entry) overtakes(o *entry, now moment) bool {
	return e.requested > o.requested && e.date > o.date && e.requested <= now
}

// says tells whether both say the same, but for when.
func (e *entry) says(o *entry) bool {
	timeless := func(l adapter.Line) bool { return l.Name == "Date" || l.Name == "Expires" }
	same := func(a, b adapter.Line) bool { return a.Name == b.Name && slices.Equal(a.Values, b.Values) }
	return e.status == o.status && bytes.Equal(e.body, o.body) &&
		slices.EqualFunc(slices.DeleteFunc(e.lines(), timeless), slices.DeleteFunc(o.lines(), timeless), same)
}

func (e *entry) variesIn(names []string) bool {
	return slices.EqualFunc(e.more().vary, names, func(s selecting, n string) bool { return s.name == n })
}

func namesOf(vary []selecting) []string {
	names := make([]string, len(vary))
	for i, v := range vary {
		names[i] = v.name
	}
	return names
}
