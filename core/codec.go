package cachex

import (
	"bytes"
	"compress/flate"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
	"github.com/go-cachex/cachex/core/store"
)

// codec turns what is stored into bytes of a shared store and back. Whatever
// comes from there is untrusted: another version's value, one that was cut or
// changed, or somebody else's is a miss, and never a part of an answer.
//
//	C X, version, flags, sum, length of the head, head, content
//
// The sum covers all the rest: a CRC-32C, or, with a secret, an HMAC-SHA256.
// Numbers are varints, and strings have their length before them. A value of
// another version is left where it is, so that old and new processes do not
// delete each other's.
type codec struct {
	secret   []byte
	compress int   // contents above this many bytes are compressed; 0 for never
	max      int64 // of content, in bytes
	recent   *recent
}

const codecVersion = 1

// The flags of a value.
const (
	flagSigned     = 1 << iota // the sum is an HMAC
	flagCompressed             // the content is
	flagManifest               // it names the fields that variants depend on
)

// errForeign is what every value is that cannot be used.
var errForeign = errors.New("cachex: not a value of this version, or a broken one")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode returns the bytes of an entry.
func (c *codec) encode(e *entry) []byte {
	flags, body := byte(0), e.body
	if c.compress > 0 && len(body) > c.compress && e.line("Content-Encoding") == nil {
		if small := deflate(body); len(small) < len(body) {
			flags, body = flagCompressed, small
		}
	}
	b := appendString(make([]byte, 0, 512), e.key)
	birth, more := e.shared().birth, e.more()
	for _, n := range [...]uint64{uint64(e.status), birth.token.ID, uint64(birth.token.Soft), birth.at.Epoch, birth.at.Seq} {
		b = binary.AppendUvarint(b, n)
	}
	for _, n := range [...]int64{
		int64(e.requested), int64(e.received), e.expired.Load(),
		int64(e.age), int64(e.lifetime), int64(e.whileRevalidate), int64(e.ifError),
	} {
		b = binary.AppendVarint(b, n)
	}
	b = append(b, bits(e.explicit, e.governed, e.noCache, e.locked, e.immutable, e.shareable, e.ownTag))
	b = binary.AppendUvarint(b, uint64(len(more.vary)))
	for _, v := range more.vary {
		b = append(b, bits(v.present, v.one))
		b = appendString(appendString(appendString(b, v.name), v.value), v.raw)
	}
	b = appendStrings(appendStrings(appendStrings(b, more.tags), more.added), more.upstream)
	lines := e.lines()
	b = binary.AppendUvarint(b, uint64(len(lines)))
	for _, l := range lines {
		b = appendStrings(appendString(b, l.Name), l.Values)
	}
	b = binary.AppendUvarint(b, uint64(len(e.body)))
	return c.seal(flags, b, body)
}

// encodeManifest returns the bytes of the sets of names that variants depend on.
func (c *codec) encodeManifest(key string, sets [][]string) []byte {
	b := binary.AppendUvarint(appendString(nil, key), uint64(len(sets)))
	for _, names := range sets {
		b = appendStrings(b, names)
	}
	return c.seal(flagManifest, b, nil)
}

// seal makes a value.
func (c *codec) seal(flags byte, head, content []byte) []byte {
	sum := crc32.Size
	if c.secret != nil {
		flags, sum = flags|flagSigned, sha256.Size
	}
	b := make([]byte, 4+sum, 4+sum+binary.MaxVarintLen64+len(head)+len(content))
	copy(b, []byte{'C', 'X', codecVersion, flags})
	b = append(append(binary.AppendUvarint(b, uint64(len(head))), head...), content...)
	if c.secret != nil {
		copy(b[4:], c.sign(b[:4], b[4+sum:]))
	} else {
		binary.LittleEndian.PutUint32(b[4:], checksum(b[:4], b[4+sum:]))
	}
	return b
}

func (c *codec) sign(head, payload []byte) []byte {
	h := hmac.New(sha256.New, c.secret)
	h.Write(head)
	h.Write(payload)
	return h.Sum(nil)
}

func checksum(head, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, payload)
}

// open checks what stands before the payload.
func (c *codec) open(data []byte) (payload []byte, flags byte, err error) {
	if len(data) < 4+crc32.Size || data[0] != 'C' || data[1] != 'X' || data[2] != codecVersion {
		return nil, 0, errForeign
	}
	flags = data[3]
	if signed := flags&flagSigned != 0; signed != (c.secret != nil) || signed && len(data) < 4+sha256.Size {
		return nil, 0, errForeign
	} else if signed {
		payload = data[4+sha256.Size:]
		if !hmac.Equal(c.sign(data[:4], payload), data[4:4+sha256.Size]) {
			return nil, 0, errForeign
		}
		return payload, flags, nil
	}
	payload = data[4+crc32.Size:]
	if checksum(data[:4], payload) != binary.LittleEndian.Uint32(data[4:]) {
		return nil, 0, errForeign
	}
	return payload, flags, nil
}

// decode returns an entry or, in its place, the sets of names of a manifest. The
// content of the entry may lie in data, and so do all its strings: data must not
// change any more.
func (c *codec) decode(data []byte, key string, now moment) (e *entry, sets [][]string, err error) {
	payload, flags, err := c.open(data)
	if err != nil {
		return nil, nil, err
	}
	size, n := binary.Uvarint(payload)
	if n <= 0 || size > uint64(len(payload)-n) {
		return nil, nil, errForeign
	}
	head, content := payload[n:n+int(size)], payload[n+int(size):]
	d := decoder{rest: unsafe.String(unsafe.SliceData(head), len(head))}
	if flags&flagCompressed != 0 { // the rest of data is of no use any more
		d.rest = string(head)
	}
	if d.string() != key { // two keys with one name in the store
		return nil, nil, errForeign
	}
	if flags&flagManifest != 0 {
		sets = make([][]string, 0, maxSets)
		for range d.count(maxSets) {
			sets = append(sets, d.strings(nil))
		}
		if len(content) > 0 {
			return nil, nil, errForeign
		}
		return nil, sets, d.end()
	}
	status := d.uvarint()
	both := new(struct {
		entry   entry
		sharing sharing
	})
	e = &both.entry
	e.key, e.status, e.sharing = key, uint16(min(status, math.MaxUint16)), &both.sharing
	birth, more := &e.sharing.birth, extras{}
	birth.token = store.Token{ID: d.uvarint(), Soft: int64(d.uvarint())}
	birth.at = store.Position{Epoch: d.uvarint(), Seq: d.uvarint()}
	e.requested, e.received = moment(d.varint()), moment(d.varint())
	e.expired.Store(d.varint())
	e.age, e.lifetime = time.Duration(d.varint()), time.Duration(d.varint())
	e.whileRevalidate, e.ifError = time.Duration(d.varint()), time.Duration(d.varint())
	set(d.byte(), &e.explicit, &e.governed, &e.noCache, &e.locked, &e.immutable, &e.shareable, &e.ownTag)
	if n := d.count(maxVaryNames); n > 0 {
		more.vary = make([]selecting, n)
	}
	for i := range more.vary {
		v := &more.vary[i]
		set(d.byte(), &v.present, &v.one)
		v.name, v.value, v.raw = d.string(), d.string(), d.string()
	}
	more.tags, more.added, more.upstream = d.strings(nil), d.strings(nil), d.strings(nil)
	e.extend(more)
	count := d.count(maxLines)
	place := c.recent.of(count)
	var lines []adapter.Line
	known := place != nil && d.familiar(e, place.Load(), count)
	if !known {
		lines = d.lines(count)
	}
	size = d.uvarint()
	if d.end() != nil || size > uint64(c.max) {
		return nil, nil, errForeign
	}
	if e.body = content; flags&flagCompressed != 0 {
		e.body, err = inflate(content, int(size))
	}
	if err != nil || uint64(len(e.body)) != size || !e.plausible(now) ||
		known && !e.plausibleValues() || !known && !e.plausibleLines(lines) {
		return nil, nil, errForeign
	}
	if known {
		e.tagged = isTag(e.line("Etag"))
		e.learn(now.time())
		return e, nil, nil
	}
	e.seal(lines, now.time())
	if place != nil && !e.shape.unshared {
		place.Store(e.shape)
	}
	return e, nil, nil
}

// Bounds of what is decoded, beside those of what is encoded.
const (
	maxLines = 1 << 10
	maxSets  = 8               // of names, in a manifest
	maxSkew  = 5 * time.Minute // of the clocks of two processes
)

// plausible tells whether an entry is one that this cache might have stored, as far
// as its fields do not say: it does not come from the future.
func (e *entry) plausible(now moment) bool {
	if e.status < 200 || neverStored(int(e.status)) || now.since(e.received) < -maxSkew || e.age < 0 || e.lifetime < 0 || e.whileRevalidate < 0 || e.ifError < 0 {
		return false
	}
	for _, t := range e.more().tags {
		if t == "" {
			return false
		}
	}
	return true
}

// plausibleValues is the same for those of a familiar shape.
func (e *entry) plausibleValues() bool {
	for i, v := range e.values {
		if !field.ValidValue(v) || e.shape.names[i] == "Content-Length" && !e.isLength(v) {
			return false
		}
	}
	return true
}

// plausibleLines is the same for lines: they can be sent again, and the length is
// right.
func (e *entry) plausibleLines(lines []adapter.Line) bool {
	for _, l := range lines {
		if len(l.Values) == 0 || http.CanonicalHeaderKey(l.Name) != l.Name || !sound(l.Name, l.Values) {
			return false
		}
		if l.Name == "Content-Length" {
			if len(l.Values) != 1 || !e.isLength(l.Values[0]) {
				return false
			}
		} else if !stores(l.Name, nil, nil) {
			return false
		}
	}
	return true
}

func (e *entry) isLength(value string) bool {
	n, err := strconv.Atoi(value)
	return err == nil && n == len(e.body)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func bits(flags ...bool) (b byte) {
	for i, f := range flags {
		if f {
			b |= 1 << i
		}
	}
	return b
}

var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // the level is a valid one
	return w
}}

func deflate(p []byte) []byte {
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	_, _ = w.Write(p) // a bytes.Buffer does not fail
	_ = w.Close()
	return b.Bytes()
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// inflate returns size bytes, or an error for anything else.
func inflate(p []byte, size int) ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	_ = r.(flate.Resetter).Reset(bytes.NewReader(p), nil)
	out := make([]byte, size)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, errForeign
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return nil, errForeign
	}
	return out, nil
}
