package cachexfiber

import (
	"bufio"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/go-cachex/cachex/core/adapter"
)

// set replaces a field of the response.
func (x *exchange) set(l *adapter.Line) {
	h := &x.fc.Response.Header
	switch l.Name {
	case fiber.HeaderContentLength: // fasthttp counts for itself
		return
	case fiber.HeaderDate: // and has a clock
		if x.noDate && len(l.Values) > 0 {
			x.setDate(l.Values[0])
		}
		return
	}
	x.remove(l.Name)
	if l.Name == fiber.HeaderContentType && len(l.Values) == 0 { // or fasthttp has a default
		h.SetNoDefaultContentType(true)
	}
	for i, v := range l.Values {
		if i == 0 {
			h.SetCanonical(bytesOf(l.Name), bytesOf(v))
		} else {
			h.AddBytesKV(bytesOf(l.Name), bytesOf(v))
		}
	}
}

// untouched tells whether outer middleware has set no field of the response but
// those that fasthttp keeps apart. Of those, newer versions list some as well.
func (x *exchange) untouched() bool {
	for _, name := range x.fc.Response.Header.PeekKeys() {
		switch string(name) {
		case fiber.HeaderContentType, fiber.HeaderContentLength, fiber.HeaderServer:
		default:
			return false
		}
	}
	return true
}

var defaultType = new(fasthttp.ResponseHeader).ContentType()

// isDefault tells whether a Content-Type is the one that fasthttp lends where nobody
// has set any. Not by its text, which somebody may have set.
func isDefault(value []byte) bool {
	return len(value) > 0 && unsafe.SliceData(value) == unsafe.SliceData(defaultType)
}

// settable tells whether setting a field is all that it takes to replace it in
// an untouched response.
func settable(name string) bool {
	switch name {
	case fiber.HeaderContentLength, fiber.HeaderDate, fiber.HeaderSetCookie, fiber.HeaderConnection, fiber.HeaderTrailer, fiber.HeaderServer:
		return false
	}
	return true
}

// setDate sets Date in an app with DisableDefaultDate. ResponseHeader.Set leaves
// Date to the server even then; what reads a trailer takes it.
func (x *exchange) setDate(date string) {
	h := &x.fc.Response.Header
	h.Del(fiber.HeaderDate)
	_ = h.ReadTrailer(bufio.NewReader(strings.NewReader("Date: " + date + "\r\n\r\n")))
}

func now() string { return time.Now().UTC().Format(http.TimeFormat) }

// remove deletes a response field in every letter case that it was set in.
func (x *exchange) remove(name string) {
	h := &x.fc.Response.Header
	h.Del(name)
	if !x.rawNames {
		return
	}
	var spelled []string
	for _, n := range h.PeekKeys() {
		if strings.EqualFold(view(n), name) {
			spelled = append(spelled, string(n))
		}
	}
	for _, n := range spelled {
		h.Del(n)
	}
}

// apply makes the response fields what the engine made of them.
func (x *exchange) apply(want http.Header) {
	had := x.leaving.had
	for i := range had {
		if _, kept := want[had[i].Name]; !kept {
			x.remove(had[i].Name)
		}
	}
	for name, values := range want {
		i := slices.IndexFunc(had, func(l adapter.Line) bool { return l.Name == name })
		if i < 0 || !slices.Equal(values, had[i].Values) {
			x.set(&adapter.Line{Name: name, Values: values})
		}
	}
}

// responseFields copies the fields of the response that somebody has set, by
// canonical name. Content-Length is not among them: fasthttp writes the true one.
func (x *exchange) responseFields() (lines []adapter.Line) {
	x.eachField(func(name, value []byte) { lines = appendLine(lines, string(name), value) })
	return lines
}

func appendLine(lines []adapter.Line, name string, value []byte) []adapter.Line {
	canonical := http.CanonicalHeaderKey(name)
	for i := range lines {
		if lines[i].Name == canonical {
			lines[i].Values = append(lines[i].Values, string(value))
			return lines
		}
	}
	return append(lines, adapter.Line{Name: canonical, Values: []string{string(value)}})
}

// eachField calls f with the fields of the response that somebody has set.
func (x *exchange) eachField(f func(name, value []byte)) {
	x.fc.Response.Header.VisitAll(func(name, value []byte) {
		if string(name) != fiber.HeaderContentLength && !isDefault(value) {
			f(name, value)
		}
	})
}

// leaving are the fields that are about to be sent, and what the engine makes of
// them. Its memory is used again, but for the text that they lie in: of that, the
// engine keeps parts.
type leaving struct {
	had    []adapter.Line
	want   http.Header
	values []string // of had
	text   []byte   // while it is put together
	ends   []int    // in text, of a name and a value in turn
}

func (l *leaving) clear() {
	clear(l.had)
	clear(l.want)
	clear(l.values)
	l.had, l.values, l.text, l.ends = l.had[:0], l.values[:0], l.text[:0], l.ends[:0]
}

func (l *leaving) write(name string, value []byte) {
	l.text = append(l.text, name...)
	l.ends = append(l.ends, len(l.text))
	l.text = append(l.text, value...)
	l.ends = append(l.ends, len(l.text))
}

// finish makes the fields of what was written.
func (l *leaving) finish() http.Header {
	if l.want == nil {
		l.want = make(http.Header)
	}
	text, begin := string(l.text), 0
	for i := 0; i < len(l.ends); i += 2 {
		name, end := l.ends[i], l.ends[i+1]
		l.add(http.CanonicalHeaderKey(text[begin:name]), text[name:end])
		begin = end
	}
	for i := range l.had {
		l.want[l.had[i].Name] = l.had[i].Values
	}
	return l.want
}

func (l *leaving) add(name, value string) {
	for i := range l.had {
		if l.had[i].Name == name {
			l.had[i].Values = append(l.had[i].Values, value)
			return
		}
	}
	l.values = append(l.values, value)
	n := len(l.values)
	l.had = append(l.had, adapter.Line{Name: name, Values: l.values[n-1 : n : n]})
}

// leave returns the whole of the fields that are about to be sent.
func (x *exchange) leave() http.Header {
	res, l := &x.fc.Response, &x.leaving
	l.clear()
	typed := false
	x.eachField(func(name, value []byte) {
		switch string(name) {
		case fiber.HeaderSetCookie: // mostly not stored, which must not keep it in memory
			l.add(fiber.HeaderSetCookie, string(value))
			return
		case fiber.HeaderContentType:
			typed = true
		}
		l.write(view(name), value)
	})
	length, declared := res.Header.ContentLength(), res.Header.Peek(fiber.HeaderContentLength)
	if !res.IsBodyStream() {
		length = len(res.Body())
		if x.c.Method() != fiber.MethodHead {
			declared = nil // the handler's word does not count
		} else if length > 0 {
			declared = strconv.AppendInt(nil, int64(length), 10)
		}
	}
	if len(declared) > 0 {
		l.write(fiber.HeaderContentLength, declared)
	}
	// As ResponseHeader.AppendBytes does: none by default where there is no content.
	status := res.StatusCode()
	empty := length == 0 || status == fiber.StatusNoContent || status == fiber.StatusNotModified
	value := res.Header.ContentType()
	if !typed && !empty && len(value) > 0 {
		l.write(fiber.HeaderContentType, value)
	}
	want := l.finish()
	if len(value) == 0 && !empty {
		want[fiber.HeaderContentType] = nil // fasthttp guesses none, as net/http would
	}
	return want
}

// view is b as a string, without a copy: valid as long as b is.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf is s as bytes that fasthttp reads and does not keep.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
