package cachex

import (
	"encoding/binary"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-cachex/cachex/core/adapter"
)

// shape is what the lines of an entry have in common with those of others that the
// same handler has made: everything but their values. It never changes.
type shape struct {
	names []string // of the fields, those that go with a 304 first
	ends  []int    // where the values of each field end; nil where each has one line
	in304 int      // how many names these are
	typed bool     // Content-Type is one of them

	unshared bool // too large for the table, or too late
}

// Bounds of the shapes that are shared. They are kept for good: an application has a
// few, and one whose field names come from its clients must not have more.
const (
	maxShapes    = 1 << 10
	maxShapeText = 1 << 10
)

var shapes struct {
	sync.RWMutex
	known map[string]*shape
}

// shapeOf returns the shape of lines, of which the first go with a 304.
func shapeOf(lines []adapter.Line, in304 int) *shape {
	var room [256]byte
	key := binary.AppendUvarint(room[:0], uint64(in304))
	for _, l := range lines {
		// A name is a token, and has no line feed.
		key = binary.AppendUvarint(append(append(key, l.Name...), '\n'), uint64(len(l.Values)))
	}
	shapes.RLock()
	s := shapes.known[string(key)]
	shapes.RUnlock()
	if s != nil {
		return s
	}
	s = newShape(lines, in304)
	if s.unshared = len(key) > maxShapeText; s.unshared {
		return s
	}
	shapes.Lock()
	defer shapes.Unlock()
	if known := shapes.known[string(key)]; known != nil {
		return known
	}
	if s.unshared = len(shapes.known) >= maxShapes; s.unshared {
		return s
	}
	if shapes.known == nil {
		shapes.known = map[string]*shape{}
	}
	shapes.known[string(key)] = s
	return s
}

func newShape(lines []adapter.Line, in304 int) *shape {
	s := &shape{names: make([]string, len(lines)), in304: in304}
	end, single := 0, true
	for i, l := range lines {
		s.names[i] = strings.Clone(l.Name) // it may be a part of a larger text
		s.typed = s.typed || l.Name == "Content-Type"
		end += len(l.Values)
		s.ends = append(s.ends, end)
		single = single && len(l.Values) == 1
	}
	if single {
		s.ends = nil
	}
	return s
}

// size is what it takes of an entry alone, in bytes.
func (s *shape) size() (n int) {
	if s == nil || !s.unshared {
		return 0
	}
	for _, name := range s.names {
		n += len(name) + stringOverhead + 8
	}
	return n
}

// values are those of field i. An append to them does not reach the next.
func (s *shape) values(all []string, i int) []string {
	if s.ends == nil {
		return all[i : i+1 : i+1]
	}
	begin := 0
	if i > 0 {
		begin = s.ends[i-1]
	}
	return all[begin:s.ends[i]:s.ends[i]]
}

func (e *entry) typed() bool { return e.shape != nil && e.shape.typed }

// line returns the lines of a field.
func (e *entry) line(name string) []string {
	if e.shape == nil {
		return nil
	}
	for i := range e.shape.names {
		if e.shape.names[i] == name {
			return e.shape.values(e.values, i)
		}
	}
	return nil
}

// linesIn returns all fields, those that go with a 304 first, in the room of a list
// if there is enough.
func (e *entry) linesIn(room []adapter.Line) []adapter.Line {
	s, values := e.shape, e.values
	if s == nil {
		return nil
	}
	if cap(room) < len(s.names) {
		room = make([]adapter.Line, len(s.names))
	}
	room = room[:len(s.names)]
	if s.ends != nil {
		for i := range room {
			room[i] = adapter.Line{Name: s.names[i], Values: s.values(values, i)}
		}
		return room
	}
	for i := range room {
		l := &room[i]
		l.Name, l.Values = s.names[i], values[i:i+1:i+1]
	}
	return room
}

// lines is linesIn for those who may allocate.
func (e *entry) lines() []adapter.Line { return e.linesIn(nil) }

// lineOf returns the lines of a field of a list.
func lineOf(lines []adapter.Line, name string) []string {
	for i := range lines {
		if lines[i].Name == name {
			return lines[i].Values
		}
	}
	return nil
}

// recent are the shapes that were read last, by how many fields they have. Most
// entries have one of them, whose names need no second look.
type recent [16]atomic.Pointer[shape]

// of returns the place of those with n fields, nil for none.
func (r *recent) of(n int) *atomic.Pointer[shape] {
	if r == nil {
		return nil
	}
	return &r[n%len(r)]
}
