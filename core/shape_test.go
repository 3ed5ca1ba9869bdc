package cachex

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-cachex/cachex/core/adapter"
)

// sealed is an entry with these lines.
func sealed(lines ...adapter.Line) *entry {
	e := &entry{received: momentOf(epoch)}
	e.seal(lines, epoch)
	return e
}

func TestShapesAreShared(t *testing.T) {
	a, b := sealed(line("A", "1"), line("Content-Type", "x")), sealed(line("Content-Type", "y"), line("A", "2"))
	if a.shape != b.shape || a.shape.unshared {
		t.Error("the same fields are two shapes")
	}
	if got := b.line("A"); !slices.Equal(got, []string{"2"}) {
		t.Errorf("another's value: %q", got)
	}
	two := sealed(adapter.Line{Name: "A", Values: []string{"1", "2"}}, line("Content-Type", "x"))
	if two.shape == a.shape || !slices.Equal(two.line("A"), []string{"1", "2"}) || !slices.Equal(two.line("Content-Type"), []string{"x"}) {
		t.Errorf("two lines: %v", two.lines())
	}
	// With an entity tag a 304 does without Last-Modified (RFC 9110, section 15.4.5).
	const date = "Thu, 01 Jan 1970 00:00:00 GMT"
	tagged, broken := sealed(line("Etag", `"a"`), line("Last-Modified", date)), sealed(line("Etag", "a"), line("Last-Modified", date))
	if tagged.shape == broken.shape || tagged.shape.in304 != 1 || broken.shape.in304 != 2 {
		t.Errorf("of a 304: %v, %v", tagged.shape, broken.shape)
	}
	if e := sealed(); len(e.lines()) != 0 || e.line("A") != nil {
		t.Error("lines of an entry that has none")
	}
}

// Nobody who appends to what an answer holds writes into what is stored.
func TestValuesAreClipped(t *testing.T) {
	e := sealed(adapter.Line{Name: "A", Values: []string{"1", "2"}}, line("B", "3"), line("C", "4"))
	for _, l := range e.lines() {
		_ = append(l.Values, "more")
		_ = append(e.line(l.Name), "more")
	}
	if got := fmt.Sprint(e.lines()); got != "[{A [1 2]} {B [3]} {C [4]}]" {
		t.Errorf("an append changed the entry: %s", got)
	}
}

// Names that clients choose do not fill the table for good.
func TestShapesAreBounded(t *testing.T) {
	swap := func(known map[string]*shape) map[string]*shape {
		shapes.Lock()
		defer shapes.Unlock()
		known, shapes.known = shapes.known, known
		return known
	}
	before := swap(nil)
	defer func() { swap(before) }()
	count := func() int {
		shapes.RLock()
		defer shapes.RUnlock()
		return len(shapes.known)
	}
	if e := sealed(line("A"+strings.Repeat("a", maxShapeText), "1")); !e.shape.unshared || count() != 0 {
		t.Error("a long name is kept for good")
	}
	first := sealed(line("First", "1"))
	for i := range 2 * maxShapes {
		e := sealed(line(fmt.Sprint("A", i), "1"))
		if got := e.line(fmt.Sprint("A", i)); !slices.Equal(got, []string{"1"}) {
			t.Fatalf("%d: %q", i, got)
		}
	}
	if n := count(); n != maxShapes {
		t.Errorf("%d shapes, more than %d", n, maxShapes)
	}
	if late := sealed(line("Late", "1")); !late.shape.unshared || late.size() <= sealed(line("First", "1")).size() || sealed(line("First", "2")).shape != first.shape {
		t.Error("one that came too late is shared, or those from before are not")
	}
}

// A hit puts the lines together in the room of its request, however many they are.
func TestLinesInRoomAllocateNothing(t *testing.T) {
	many := make([]adapter.Line, 40)
	for i := range many {
		many[i] = line(fmt.Sprint("A", i), fmt.Sprint(i))
	}
	twice := append([]adapter.Line{{Name: "B", Values: []string{"1", "2"}}}, many...)
	for name, e := range map[string]*entry{"a line each": sealed(many...), "two of one": sealed(twice...)} {
		room := e.linesIn(nil)
		if allocs := testing.AllocsPerRun(100, func() { room = e.linesIn(room) }); allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
		if len(room) != len(e.lines()) || sealed(line("C", "1")).linesIn(room)[0].Name != "C" {
			t.Errorf("%s: what stood in the room before is left in it", name)
		}
	}
}
