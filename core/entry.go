package cachex

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// entry is a stored response. It is shared by all its readers and never
// changes, apart from the words of invalidation and what is known of its renewing; a
// 304 makes a new one.
//
// There may be millions of them, so that it holds what every hit reads, and what few
// entries have is behind a pointer.
type entry struct {
	key string
	spot
	born ticket

	shape  *shape   // of the fields that are sent with the whole content
	values []string // theirs
	body   []byte

	modified fieldDate // Last-Modified, 0 for none or an invalid one
	date     moment

	freshness
	requested, received moment // of the run, or of the validation since

	extras  *extras  // nil for none; see more
	sharing *sharing // nil without a shared store; see shared
	alone   resource // of this entry; see seal

	// seen is the newest mark that the entry was held against; expired is when
	// the first of those that end its lifetime early was made, in nanoseconds
	// since 1970, or 0.
	seen    atomic.Uint64
	expired atomic.Int64
	own     atomic.Pointer[renewal] // see renewing
	state   state

	status uint16
	tagged bool // it has an entity tag
	ownTag bool // which was made here: origin servers do not know it
}

// state is what has become true of an entry. Nothing is taken back.
type state struct{ bits atomic.Uint32 }

const (
	unsure  uint32 = 1 << iota // it must be validated before its next use
	gone                       // it has left memory, or stands there beside others
	inFront                    // the table in front of memory has it, or had
)

func (s *state) is(bit uint32) bool { return s.bits.Load()&bit != 0 }

// set returns what was true before.
func (s *state) set(bit uint32) uint32 { return s.bits.Or(bit) }

// extras are what few entries have.
type extras struct {
	vary     []selecting // what its own Vary named, and what the request had there
	tags     []string    // each with its kind before it
	further  []scope     // of the tags
	added    []string    // names of the lines that went behind those of outer middleware
	upstream []string    // members of Cache-Status from nearer the origin

	hostPath scope // see place
}

// sharing is what an entry of a shared store has.
type sharing struct {
	birth   birth     // the ticket in the store
	renewal *renewal  // where it was read from the store
	states  *renewals // that has it, where it was put into the store

	// byToken: it was read from the store, where the token of its URL says
	// whether that was taken back. Of what this process knows of its URL, only a
	// part stands in the log that gives the entry its ticket.
	byToken bool

	// In memory in front of the store: when it was read from there, and what of
	// the marks that are about copies was known then.
	read   moment
	copied ticket
}

// none stand for those of most entries.
var (
	noExtras  extras
	noSharing sharing
)

// more are the extras, to be read.
func (e *entry) more() *extras {
	if e.extras == nil {
		return &noExtras
	}
	return e.extras
}

// extend gives a new entry its extras, if it has any.
func (e *entry) extend(x extras) {
	if len(x.vary)+len(x.tags)+len(x.added)+len(x.upstream) > 0 || x.hostPath != 0 {
		own := x // only now does it take memory
		e.extras = &own
	}
}

// shared is what it has of a shared store, to be read.
func (e *entry) shared() *sharing {
	if e.sharing == nil {
		return &noSharing
	}
	return e.sharing
}

// selecting is a request field that chose a variant.
type selecting struct {
	name, value string
	present     bool   // absent and empty are two things
	raw         string // the line as it came, where it was one
	one         bool
}

// same tells whether the same requests are selected.
func (s selecting) same(o selecting) bool {
	return s.name == o.name && s.present == o.present && s.value == o.value
}

// What entries are reckoned at beside their bytes, as amd64 allocates it. A test
// holds it against the heap.
const (
	// entryOverhead is of the entry with its resource, and of the node and the
	// place in the table of the memory tier.
	entryOverhead = 240 + 80 + 24

	extrasOverhead  = 128
	sharingOverhead = 80 + 16
	stringOverhead  = 16 + 8 // and what is lost because allocations are rounded up
	varyOverhead    = 80
	tagOverhead     = stringOverhead + 8 // its scope
)

// size is the memory that the entry takes, in bytes. Text that many entries share is
// counted for each: nobody knows what a handler shares.
func (e *entry) size() int64 {
	n := entryOverhead + len(e.key) + cap(e.body)
	n += e.shape.size()
	for _, v := range e.values {
		n += len(v) + stringOverhead
	}
	if x := e.extras; x != nil {
		n += extrasOverhead
		for _, v := range x.vary {
			n += len(v.name) + len(v.value) + varyOverhead
			if v.raw != v.value { // they share it mostly
				n += len(v.raw)
			}
		}
		for _, list := range [...][]string{x.upstream, x.added} {
			for _, v := range list {
				n += len(v) + stringOverhead
			}
		}
		for _, t := range x.tags {
			n += len(t) + tagOverhead
		}
	}
	if e.sharing != nil {
		n += sharingOverhead
	}
	return int64(n)
}

// stands gives an entry its place, but for the path, which its key tells.
func (x *extras) stands(e *entry, p place) { e.spot, x.hostPath = p.spot, p.hostPath }

// where is the place that it stands at.
func (e *entry) where() place {
	return place{spot: e.spot, hostPath: e.more().hostPath, text: e.pathOfKey()}
}

// pathOfKey is the path as it stands in the key.
func (e *entry) pathOfKey() string {
	path, _, _ := strings.Cut(e.targetOfKey(), "?")
	return path
}

// targetOfKey is the path and the query as they stand in the key.
func (e *entry) targetOfKey() string {
	_, target, _ := strings.Cut(e.key, "://")
	slash := strings.IndexByte(target, '/')
	if slash < 0 {
		return ""
	}
	target, _, _ = strings.Cut(target[slash:], "\n")
	return target
}

// seal gives an entry its lines, which it puts into order: those that go with a 304
// (RFC 9110, section 15.4.5) come first. It computes what follows from them.
func (e *entry) seal(lines []adapter.Line, now time.Time) {
	e.tagged = isTag(lineOf(lines, "Etag"))
	described, n := 0, 0
	for i, l := range lines {
		n += len(l.Values)
		if describes304(l.Name) && (l.Name != "Last-Modified" || !e.tagged) {
			lines[i], lines[described] = lines[described], l
			described++
		}
	}
	byName := func(a, b adapter.Line) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(lines[:described], byName)
	slices.SortFunc(lines[described:], byName)
	e.shape, e.values = shapeOf(lines, described), make([]string, 0, n)
	for _, l := range lines {
		e.values = append(e.values, l.Values...)
	}
	e.learn(now)
}

// learn computes what follows from the lines, but whether it is tagged.
func (e *entry) learn(now time.Time) {
	e.alone.one[0] = e
	e.modified, e.date = 0, e.received
	if v := e.line("Last-Modified"); len(v) == 1 {
		if t, ok := field.ParseDate(v[0], now); ok {
			e.modified = fieldDateOf(t)
		}
	}
	if v := e.line("Date"); len(v) == 1 {
		if t, ok := field.ParseDate(v[0], now); ok {
			e.date = momentOfDate(t)
		}
	}
}

// isTag tells whether these lines are an entity tag.
func isTag(lines []string) bool {
	if len(lines) != 1 {
		return false
	}
	_, ok := field.ParseTag(lines[0])
	return ok
}

// tag is the entity tag, "" for none.
func (e *entry) tag() field.Tag {
	if !e.tagged {
		return ""
	}
	return field.Tag(strings.Trim(e.line("Etag")[0], " \t")) // as ParseTag has found it
}
