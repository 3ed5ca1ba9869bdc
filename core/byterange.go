package cachex

import (
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// serveRange turns the answer, a whole stored 200, into the part or parts that
// the client wants (RFC 9110, sections 14.2 and 15.3.7).
func (rq *request) serveRange(e *entry) {
	a, size := &rq.answer, int64(len(e.body))
	spans, result := field.ParseRange(rq.x.Lines("Range"), size, nil)
	switch {
	case result == field.RangeNone:
		return
	case result == field.RangeUnsatisfiable:
		a.Status, a.Body = http.StatusRequestedRangeNotSatisfiable, nil
		a.Lines = withoutContent(a.Lines)
		a.Extra = append(a.Extra, line("Content-Range", fmt.Sprintf("bytes */%d", size)), lengthLine(0))
	case len(spans) == 1:
		s := spans[0]
		a.Status, a.Body = http.StatusPartialContent, e.body[s.Start:s.End:s.End]
		a.Lines = without(a.Lines, "Content-Length", "Content-Digest")
		a.Extra = append(a.Extra, contentRange(s, size), lengthLine(len(a.Body)))
	default:
		kind, body := multiparts(e, spans)
		a.Status, a.Body = http.StatusPartialContent, body
		a.Lines = without(a.Lines, "Content-Length", "Content-Digest", "Content-Type")
		a.Extra = append(a.Extra, line("Content-Type", kind), lengthLine(len(body)))
	}
}

func contentRange(s field.Span, size int64) adapter.Line {
	return line("Content-Range", "bytes "+strconv.FormatInt(s.Start, 10)+"-"+strconv.FormatInt(s.End-1, 10)+"/"+strconv.FormatInt(size, 10))
}

// multiparts is a multipart/byteranges body (RFC 9110, section 14.6).
func multiparts(e *entry, spans []field.Span) (contentType string, body []byte) {
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for _, s := range spans {
		h := textproto.MIMEHeader{"Content-Range": contentRange(s, int64(len(e.body))).Values}
		if kind := e.line("Content-Type"); kind != nil {
			h["Content-Type"] = kind
		}
		part, _ := w.CreatePart(h) // a strings.Builder does not fail
		_, _ = part.Write(e.body[s.Start:s.End])
	}
	_ = w.Close()
	return "multipart/byteranges; boundary=" + w.Boundary(), []byte(b.String())
}

func line(name, value string) adapter.Line { return adapter.Line{Name: name, Values: []string{value}} }

func lengthLine(n int) adapter.Line {
	return adapter.Line{Name: "Content-Length", Values: []string{strconv.Itoa(n)}}
}

// without returns the lines but those with the given names.
func without(lines []adapter.Line, names ...string) []adapter.Line {
	out := make([]adapter.Line, 0, len(lines))
next:
	for _, l := range lines {
		for _, n := range names {
			if l.Name == n {
				continue next
			}
		}
		out = append(out, l)
	}
	return out
}

// withoutContent returns the lines that do not describe the content.
func withoutContent(lines []adapter.Line) []adapter.Line {
	out := make([]adapter.Line, 0, len(lines))
	for _, l := range lines {
		if !strings.HasPrefix(l.Name, "Content-") && l.Name != "Etag" && l.Name != "Last-Modified" {
			out = append(out, l)
		}
	}
	return out
}
