package cachex

import (
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// capture is what is written down of a response while the client gets it. The zero
// value writes nothing down.
type capture struct {
	tape     *tape
	content  []byte // what has come so far
	max      int64
	declared int64 // Content-Length, -1 for none
	room     int64 // for all that is declared, where that can be kept
}

// tape is memory that one response after the other is written down in: what is
// stored of it is a copy of the right size.
type tape struct {
	parts  []byte         // content of a length that nobody has told, which comes in parts
	lines  []adapter.Line // that are to be stored
	values []string       // theirs
}

var tapes = sync.Pool{New: func() any { return new(tape) }}

// maxPooled keeps a single large response from holding on to its memory.
const maxPooled = 256 << 10

// newCapture begins to write a response down, of which no more than max bytes are
// kept.
func newCapture(max, declared int64) capture {
	c := capture{tape: tapes.Get().(*tape), max: max, declared: declared}
	if declared <= max {
		c.room = declared
	}
	return c
}

// on tells whether the response is being written down.
func (c *capture) on() bool { return c.tape != nil }

// write takes the one copy of content that is stored. Only where a second part
// comes, and nobody has told how much there is to be, is it not yet that.
func (c *capture) write(p []byte) bool {
	all := len(c.content) + len(p)
	if int64(all) > c.max {
		return false
	}
	switch {
	case len(p) == 0:
	case len(c.content) == 0:
		c.content = append(make([]byte, 0, max(int64(len(p)), c.room)), p...)
	case all <= cap(c.content) && !c.inParts():
		c.content = append(c.content, p...)
	default:
		if !c.inParts() {
			c.tape.parts = append(c.tape.parts, c.content...)
		}
		c.tape.parts = append(c.tape.parts, p...)
		c.content = c.tape.parts
	}
	return true
}

// inParts tells whether the content lies in memory that is used again.
func (c *capture) inParts() bool { return len(c.tape.parts) > 0 }

// whole tells whether all the content that was announced is there.
func (c *capture) whole() bool { return c.declared < 0 || c.declared == int64(len(c.content)) }

// bytes is the content, to be kept.
func (c *capture) bytes() []byte {
	if c.inParts() {
		return append(make([]byte, 0, len(c.content)), c.content...)
	}
	return c.content
}

// stop ends the recording. The content stays for who still has to send it.
func (c *capture) stop() { c.tape = nil }

func (c *capture) release() {
	if t := c.tape; t != nil && cap(t.parts) <= maxPooled {
		clear(t.lines)
		clear(t.values)
		t.parts, t.lines, t.values = t.parts[:0], t.lines[:0], t.values[:0]
		tapes.Put(t)
	}
	c.tape, c.content = nil, nil
}

// declaredLength is the Content-Length that a response announces, or -1.
func declaredLength(h http.Header) int64 {
	v := h["Content-Length"]
	if len(v) != 1 {
		return -1
	}
	n, err := strconv.ParseInt(v[0], 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// sniffed tells whether a server guesses the type of the content. Not of what outer
// middleware has named, or the handler keeps out with nil: a text must not come
// back from the cache as HTML.
func sniffed(h http.Header) bool {
	_, named := h["Content-Type"]
	_, coded := h["Content-Encoding"]
	return !named && !coded
}

// finish completes an entry whose content is known, with its lines: the fields that
// a server would have added on the way, and an entity tag of our own. Key, length,
// tag and date become one text.
func (e *entry) finish(lines []adapter.Line, sniffed bool, tags etagMode, now time.Time) {
	f := finishers.Get().(*finisher)
	defer f.free()
	hasContent := e.mayHaveContent()
	if !hasContent {
		e.body = nil
	}
	if hasContent && len(e.body) > 0 && sniffed {
		lines = f.add(lines, "Content-Type", http.DetectContentType(e.body))
	}
	if e.governed {
		// We are a part of the origin: the answer is made when it is asked for.
		lines = slices.DeleteFunc(lines, func(l adapter.Line) bool { return l.Name == "Date" })
	}
	e.ownTag = tags != etagNone && e.status == http.StatusOK && lineOf(lines, "Etag") == nil
	text := append(f.text[:0], e.key...)
	if hasContent {
		text = strconv.AppendInt(text, int64(len(e.body)), 10)
	}
	length := len(text)
	if e.ownTag {
		text = f.appendTag(text, lines, e.body, tags)
	}
	tag := len(text)
	if !e.governed && lineOf(lines, "Date") == nil {
		text = e.received.time().UTC().AppendFormat(text, http.TimeFormat)
	}
	f.text = text
	if one, key := string(text), len(e.key); len(one) > key {
		e.key = one[:key]
		if length > key {
			lines = f.add(lines, "Content-Length", one[key:length])
		}
		if tag > length {
			lines = f.add(lines, "Etag", one[length:tag])
		}
		if len(one) > tag {
			lines = f.add(lines, "Date", one[tag:])
		}
	}
	e.seal(lines, now)
}

// mayHaveContent: other statuses have none, whatever the handler writes (RFC 9110,
// sections 15.3.5 and 15.3.6).
func (e *entry) mayHaveContent() bool {
	return e.status != http.StatusNoContent && e.status != http.StatusResetContent
}

// finisher is what it takes to finish an entry, to be used again.
type finisher struct {
	hash   hash.Hash
	sum    [sha256.Size]byte
	text   []byte
	values [4]string // of the lines that were added
	n      int
}

var finishers = sync.Pool{New: func() any { return &finisher{hash: sha256.New()} }}

func (f *finisher) free() {
	clear(f.values[:f.n])
	f.n, f.text = 0, f.text[:0]
	finishers.Put(f)
}

// add appends a line of one value, until the entry has a copy of its own.
func (f *finisher) add(lines []adapter.Line, name, value string) []adapter.Line {
	i := f.n
	f.values[i], f.n = value, i+1
	return append(lines, adapter.Line{Name: name, Values: f.values[i : i+1 : i+1]})
}

// appendTag adds an entity tag for the representation: for its bytes, and for what
// they are to be taken as (RFC 9110, section 8.8.3). Outer middleware may still
// change the bytes, so it is weak unless the route promises otherwise.
func (f *finisher) appendTag(to []byte, lines []adapter.Line, body []byte, mode etagMode) []byte {
	f.hash.Reset()
	begin := len(to)
	for _, name := range [...]string{"Content-Type", "Content-Encoding", "Content-Language"} {
		for _, v := range lineOf(lines, name) {
			to = append(to, v...)
		}
		to = append(to, 0)
	}
	_, _ = f.hash.Write(to[begin:])
	_, _ = f.hash.Write(body)
	to = to[:begin]
	if mode == etagWeak {
		to = append(to, "W/"...)
	}
	return append(base64.RawURLEncoding.AppendEncode(append(to, '"'), f.hash.Sum(f.sum[:0])[:16]), '"')
}

var _ adapter.Sink = (*run)(nil)
