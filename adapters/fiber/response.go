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
func (x *exchange) apply(had, want http.Header) {
	for name := range had {
		if _, kept := want[name]; !kept {
			x.remove(name)
		}
	}
	for name, values := range want {
		if !slices.Equal(values, had[name]) {
			x.set(&adapter.Line{Name: name, Values: values})
		}
	}
}

// responseFields copies the fields of the response that somebody has set, by
// canonical name. Content-Length is not among them: fasthttp writes the true one.
func (x *exchange) responseFields() []adapter.Line {
	h := &x.fc.Response.Header
	var lines []adapter.Line
	// text/plain stands for no Content-Type, unless that is switched off.
	h.SetNoDefaultContentType(true)
	h.VisitAll(func(name, value []byte) {
		if string(name) != fiber.HeaderContentLength {
			lines = appendLine(lines, string(name), value)
		}
	})
	h.SetNoDefaultContentType(x.noType)
	return lines
}

// leaving is the whole of the fields that are about to be sent.
func (x *exchange) leaving() http.Header {
	res := &x.fc.Response
	fields := make(http.Header)
	for _, l := range x.responseFields() {
		fields[l.Name] = l.Values
	}
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
		fields[fiber.HeaderContentLength] = []string{string(declared)}
	}
	// As ResponseHeader.AppendBytes does: none by default where there is no content.
	status := res.StatusCode()
	empty := length == 0 || status == fiber.StatusNoContent || status == fiber.StatusNotModified
	if value := res.Header.ContentType(); !empty && len(value) > 0 {
		fields[fiber.HeaderContentType] = []string{string(value)}
	}
	return fields
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

// view is b as a string, without a copy: valid as long as b is.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf is s as bytes that fasthttp reads and does not keep.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
