package cachex

import (
	"encoding/binary"

	"github.com/go-cachex/cachex/core/adapter"
)

// decoder reads a head. After a failure it reads zero values. The strings that it
// returns are parts of one.
type decoder struct {
	rest   string
	failed bool
}

func (d *decoder) fail() {
	d.rest, d.failed = "", true
}

func (d *decoder) end() error {
	if d.failed || len(d.rest) > 0 {
		return errForeign
	}
	return nil
}

func (d *decoder) uvarint() uint64 {
	var n uint64
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64; i++ {
		b := d.rest[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			d.rest = d.rest[i+1:]
			return n
		}
	}
	d.fail()
	return 0
}

func (d *decoder) varint() int64 {
	n := d.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

// count reads the length of a list, whose members take a byte each at least.
func (d *decoder) count(most int) int {
	n := d.uvarint()
	if n > uint64(most) || n > uint64(len(d.rest)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

// strings returns a list, which lies in the room if there is enough.
func (d *decoder) strings(room []string) []string {
	n := d.count(maxLines)
	if n == 0 {
		return nil
	}
	if n > len(room) {
		room = make([]string, n)
	}
	list := room[:n:n]
	for i := range list {
		list[i] = d.string()
	}
	return list
}

// familiar reads the lines of an entry, if they have a shape, one line to a field.
// Otherwise nothing is read. What is in a 304 depends on more than the names where
// Last-Modified is one of them.
func (d *decoder) familiar(e *entry, s *shape, count int) bool {
	if s == nil || s.ends != nil || len(s.names) != count {
		return false
	}
	before, values := *d, make([]string, count)
	for i, name := range s.names {
		if d.string() != name || d.uvarint() != 1 || name == "Last-Modified" {
			*d = before
			return false
		}
		values[i] = d.string()
	}
	if d.failed {
		*d = before
		return false
	}
	e.shape, e.values = s, values
	return true
}

func (d *decoder) lines(count int) []adapter.Line {
	lines, room := make([]adapter.Line, count), make([]string, count)
	for i := range lines {
		lines[i] = adapter.Line{Name: d.string(), Values: d.strings(room)}
		room = room[min(len(lines[i].Values), len(room)):]
	}
	return lines
}

func set(b byte, flags ...*bool) {
	for i, f := range flags {
		*f = b&(1<<i) != 0
	}
}
