package cachex

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

const (
	maxVariants       = 64      // of one resource
	maxVaryNames      = 16      // of one response
	maxSelectingBytes = 1 << 10 // of one selecting field
)

// resource is everything that is stored under one key: its variants, newest
// first. It never changes; a write makes a new one.
//
// Most have a single variant, and are a part of that.
type resource struct {
	one     [1]*entry
	several *variants // in the place of one
}

type variants struct {
	list []*entry

	// sets are the names that variants in a shared store depend on, of which
	// only those that fit the request stand in the list.
	sets [][]string
}

// newResource returns a resource, which keeps the list where it is not one entry.
func newResource(list []*entry, sets [][]string) *resource {
	if len(list) == 1 && sets == nil {
		return &list[0].alone
	}
	return &resource{several: &variants{list, sets}}
}

// variants are to be read.
func (r *resource) variants() []*entry {
	if r.several != nil {
		return r.several.list
	}
	return r.one[:]
}

func (r *resource) sets() [][]string {
	if r.several != nil {
		return r.several.sets
	}
	return nil
}

// varies are the names that the newest variant depends on.
func (r *resource) varies() []string {
	if r == nil {
		return nil
	}
	if sets := r.sets(); len(sets) > 0 {
		return sets[0]
	}
	if list := r.variants(); len(list) > 0 {
		return namesOf(list[0].more().vary)
	}
	return nil
}

// selectFrom finds the variant of a resource that answers the request, if any,
// and returns the resource again if any of its variants has not been taken back.
// Each variant is judged by its own Vary: a newer response that varies in other
// fields says nothing about it (RFC 9111, section 4.1).
func (rq *request) selectFrom(res *resource) (selected *entry, _ *resource) {
	if res == nil {
		return nil, nil
	}
	alive, list := false, res.variants()
	for _, e := range list {
		if !rq.p.cache.marks.alive(e) {
			continue
		}
		alive = true
		if !rq.selects(e) {
			continue
		}
		// The newest one with a Vary goes before one without (section 4.1).
		if selected == nil || !selected.varies() && e.varies() {
			selected = e
		}
		if selected.varies() || len(list) == 1 {
			break
		}
	}
	if !alive && res.sets() == nil {
		return nil, nil
	}
	return selected, res
}

func (e *entry) varies() bool { return len(e.more().vary) > 0 }

// selects tells whether the request has what the entry's Vary names, and what
// outer middleware says that this answer varies in.
func (rq *request) selects(e *entry) bool {
	vary := e.more().vary
	for i := range vary {
		v := &vary[i]
		lines := rq.lines(v.name)
		if v.one && len(lines) == 1 && lines[0] == v.raw {
			continue // the same to the letter: nothing to normalise
		}
		value, present := field.Selecting(v.name, lines)
		if present == v.present && value == v.value {
			continue
		}
		if !rq.p.proxy || v.name != "Accept-Language" || !present || !v.present || !e.speaks(value, v.value) {
			return false
		}
	}
	if rq.head.Untouched {
		return true
	}
	outer := rq.x.Sent("Vary") // not before: what Lines and Sent return is lent until the next call
	if outer == nil {
		return true
	}
	names := field.ParseVary(outer)
	if names.Star {
		return false
	}
	for _, n := range names.Names {
		if !slices.ContainsFunc(vary, func(s selecting) bool { return s.name == n }) {
			return false
		}
	}
	return true
}

// selectingFields takes down what a request has in the fields that Vary names.
// It must be called before the handler can change the request.
func (rq *request) selectingFields(names []string) ([]selecting, bool) {
	if len(names) == 0 {
		return nil, true
	}
	vary := make([]selecting, len(names))
	for i, n := range names {
		if slices.Contains(rq.hidden, n) {
			rq.hiddenHit = true
			return nil, false
		}
		v, lines := &vary[i], rq.lines(n)
		v.name = n
		if v.one = len(lines) == 1 && len(lines[0]) <= maxSelectingBytes; v.one {
			v.raw = strings.Clone(lines[0])
			v.value, v.present = field.Selecting(n, []string{v.raw}) // mostly the same text
			continue
		}
		value, present := field.Selecting(n, lines)
		if len(value) > maxSelectingBytes {
			return nil, false
		}
		v.value, v.present = strings.Clone(value), present
	}
	return vary, true
}

func (rq *request) outerForbids() bool { return !rq.head.Untouched && outerForbids(rq.x) }

// outerForbids tells whether outer middleware has already said that this answer
// is not for sharing, whatever is stored.
func outerForbids(x adapter.Exchange) bool {
	lines := x.Sent("Cache-Control")
	return lines != nil && forbidsSharing(lines)
}

func forbidsSharing(outer []string) bool {
	c := field.ParseControl(outer)
	return c.Has&(field.NoStore|field.Private|field.NoCache) != 0 || c.Broken
}

// sameVariant tells whether the same requests select both.
func (e *entry) sameVariant(o *entry) bool {
	return slices.EqualFunc(o.more().vary, e.more().vary, selecting.same)
}

func newestFirst(a, b *entry) int { return cmp.Compare(b.date, a.date) }

// with returns the resource with one more variant. It takes the place of the
// one that the same requests select, unless that is newer: answers can overtake
// each other. Others stay as long as they are worth to be kept: each write
// prolongs the life of the resource, and what was taken back must be gone before
// the mark that says so.
func (r *resource) with(e *entry, keeps func(*entry) bool) *resource {
	if r == nil {
		return &e.alone
	}
	next := make([]*entry, 0, len(r.variants())+1)
	next = append(next, e)
	for _, old := range r.variants() {
		if !keeps(old) {
			continue
		}
		if e.sameVariant(old) {
			if old.requested > e.requested && old.date > e.date {
				return r
			}
			continue
		}
		next = append(next, old)
	}
	slices.SortStableFunc(next, newestFirst)
	if len(next) > maxVariants {
		oldest := 0
		for i, v := range next {
			if v != e && (next[oldest] == e || v.received < next[oldest].received) {
				oldest = i
			}
		}
		next = slices.Delete(next, oldest, oldest+1)
	}
	return newResource(next, nil)
}

// replace returns the resource with old replaced by e, nil for nothing, and
// whether old was there.
func (r *resource) replace(old, e *entry, keeps func(*entry) bool) (*resource, bool) {
	if r == nil || !slices.Contains(r.variants(), old) {
		return r, false
	}
	others := make([]*entry, 0, len(r.variants()))
	for _, v := range r.variants() {
		if v != old && keeps(v) {
			others = append(others, v)
		}
	}
	next := newResource(others, nil)
	if e != nil {
		return next.with(e, keeps), true
	}
	return next, true
}

// asMethod tells whether a GET entry answers this method.
func asMethod(method string) bool { return method == http.MethodGet || method == http.MethodHead }
