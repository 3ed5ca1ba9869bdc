package cachex

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// capture is the copy of a response's content that is made while the client
// gets it. Its buffer is reused; bytes returns a copy of the right size.
type capture struct {
	buf      *bytes.Buffer
	max      int64
	declared int64 // Content-Length, -1 for none
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled keeps a single large response from holding on to its memory.
const maxPooled = 256 << 10

func newCapture(max, declared int64) *capture {
	return &capture{buf: buffers.Get().(*bytes.Buffer), max: max, declared: declared}
}

func (c *capture) write(p []byte) bool {
	if int64(c.buf.Len()+len(p)) > c.max {
		return false
	}
	c.buf.Write(p)
	return true
}

// whole tells whether all the content that was announced is there.
func (c *capture) whole() bool { return c.declared < 0 || c.declared == int64(c.buf.Len()) }

func (c *capture) bytes() []byte { return append(make([]byte, 0, c.buf.Len()), c.buf.Bytes()...) }

func (c *capture) release() {
	if c.buf != nil && c.buf.Cap() <= maxPooled {
		c.buf.Reset()
		buffers.Put(c.buf)
	}
	c.buf = nil
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
// a server would have added on the way, and an entity tag of our own. Key, length
// and tag become one text.
func (e *entry) finish(lines []adapter.Line, sniffed bool, tags etagMode, now time.Time) {
	hasContent := e.status != http.StatusNoContent && e.status != http.StatusResetContent
	if !hasContent {
		e.body = nil
	}
	if hasContent && len(e.body) > 0 && sniffed {
		lines = append(lines, line("Content-Type", http.DetectContentType(e.body)))
	}
	if e.governed {
		// We are a part of the origin: the answer is made when it is asked for.
		lines = without(lines, "Date")
	} else if lineOf(lines, "Date") == nil {
		lines = append(lines, line("Date", e.received.time().UTC().Format(http.TimeFormat)))
	}
	var room [256]byte
	text := append(room[:0], e.key...)
	if hasContent {
		text = strconv.AppendInt(text, int64(len(e.body)), 10)
	}
	length := len(text)
	if tags != etagNone && e.status == http.StatusOK && lineOf(lines, "Etag") == nil {
		e.ownTag = true
		text = appendTag(text, lines, e.body, tags)
	}
	if one, key := string(text), len(e.key); len(one) > key {
		e.key = one[:key]
		if hasContent {
			lines = append(lines, line("Content-Length", one[key:length]))
		}
		if e.ownTag {
			lines = append(lines, line("Etag", one[length:]))
		}
	}
	e.seal(lines, now)
}

// appendTag adds an entity tag for the representation: for its bytes, and for what
// they are to be taken as (RFC 9110, section 8.8.3). Outer middleware may still
// change the bytes, so it is weak unless the route promises otherwise.
func appendTag(to []byte, lines []adapter.Line, body []byte, mode etagMode) []byte {
	h := sha256.New()
	for _, name := range [...]string{"Content-Type", "Content-Encoding", "Content-Language"} {
		for _, v := range lineOf(lines, name) {
			h.Write([]byte(v))
		}
		h.Write([]byte{0})
	}
	h.Write(body)
	if mode == etagWeak {
		to = append(to, "W/"...)
	}
	var sum [sha256.Size]byte
	return append(base64.RawURLEncoding.AppendEncode(append(to, '"'), h.Sum(sum[:0])[:16]), '"')
}

var _ adapter.Sink = (*run)(nil)
