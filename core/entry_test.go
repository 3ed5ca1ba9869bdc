package cachex

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

func linesOf(h http.Header) []adapter.Line {
	var lines []adapter.Line
	for name, values := range h {
		lines = append(lines, adapter.Line{Name: name, Values: values})
	}
	return lines
}

func TestStoredLines(t *testing.T) {
	tests := []struct {
		name    string
		h       http.Header
		before  http.Header
		dropped []string
		want    []string // names and values
	}{
		{name: "A18 unknown fields, and lines in order", h: header("X-A: 2", "X-A: 1", "X-A: 2", "Unknown:"), want: []string{"Unknown: []", "X-A: [2 1 2]"}},
		{name: "A19 hop by hop (RFC 9111, 3.1)", h: header("Connection: close", "Keep-Alive: 1", "Te: a", "Transfer-Encoding: chunked", "Upgrade: b", "Proxy-Connection: c",
			"Proxy-Authenticate: d", "Proxy-Authentication-Info: e", "Proxy-Authorization: f", "X-A: 1"), want: []string{"X-A: [1]"}},
		{name: "A19 named by Connection (RFC 9110, 7.6.1)", h: header("Connection: x-hop, close", "Connection: X-Other", "X-Hop: 1", "X-Other: 1", "X-A: 1"), want: []string{"X-A: [1]"}},
		{name: "A10, A11 named by private or no-cache", h: header("X-User: 1", "X-A: 1"), dropped: []string{"X-User"}, want: []string{"X-A: [1]"}},
		{name: "A20 trailers", h: header("Trailer: X-Sum", http.TrailerPrefix+"X-Sum: 1", "X-A: 1"), want: []string{"X-A: [1]"}},
		{name: "G6 of one request alone", h: header("X-Request-Id: 1", "Traceparent: 2", "Ratelimit-Remaining: 3", "X-A: 1"), want: []string{"X-A: [1]"}},
		{name: "C22, I3, G3 made anew for each answer", h: header("Age: 1", "Cache-Status: me; hit", "Content-Length: 9", "X-A: 1"), want: []string{"X-A: [1]"}},
		{name: "A30 of outer middleware", h: header("Outer: 1", "X-A: 1"), before: header("Outer: 1"), want: []string{"X-A: [1]"}},
		{name: "A30 replaced inside", h: header("Outer: 2"), before: header("Outer: 1"), want: []string{"Outer: [2]"}},
		{name: "A30 added to inside", h: header("Vary: Origin", "Vary: Accept"), before: header("Vary: Origin"), want: []string{"Vary: [Accept]"}},
		{name: "A30 the same again", h: header("A: 1", "A: 1"), before: header("A: 1"), want: []string{"A: [1]"}},
		{name: "G11 no field name", h: http.Header{"X A": {"1"}, "": {"1"}, "X-A": {"1"}}, want: []string{"X-A: [1]"}},
		{name: "G11 a line break in a value (RFC 9112, 11.1)", h: http.Header{"X-B": {"1\r\nSet-Cookie: a=b"}, "X-C": {"\x00"}, "X-A": {"1"}}, want: []string{"X-A: [1]"}},
		{name: "no line", h: http.Header{"X-B": nil, "X-A": {"1"}}, want: []string{"X-A: [1]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, l := range storedLines(tt.h, linesOf(tt.before), tt.dropped) {
				got = append(got, fmt.Sprintf("%s: %v", l.Name, l.Values))
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("stored %q, want %q", got, tt.want)
			}
		})
	}
}

// An append to a line that was lent must never reach the memory of the entry,
// nor must what the handler does with its own map.
func TestStoredLinesAreTheirOwn(t *testing.T) {
	for n := range 70 {
		h := http.Header{"A": make([]string, n+1, n+9)}
		for _, l := range storedLines(h, nil, nil) {
			if cap(l.Values) != len(l.Values) {
				t.Errorf("%d lines with room for %d", len(l.Values), cap(l.Values))
			}
			h["A"][0] = "changed"
			if l.Values[0] == "changed" {
				t.Error("the handler's slice is stored")
			}
		}
	}
}

func finished(status int, body string, mode etagMode, h http.Header) *entry {
	e := &entry{status: uint16(status), body: []byte(body), received: momentOf(epoch)}
	e.finish(storedLines(h, nil, nil), sniffed(h), mode, epoch)
	return e
}

func TestFinish(t *testing.T) {
	e := finished(200, "<html>x", etagWeak, http.Header{})
	for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Content-Length": "7", "Date": httpDate(0)} {
		if got := e.line(name); !slices.Equal(got, []string{want}) {
			t.Errorf("A29: %s is %q, want %q", name, got, want)
		}
	}
	if !e.ownTag || !e.tag().Weak() {
		t.Errorf("K3: tag %q", e.tag())
	}
	inOrder := func(lines []adapter.Line) bool {
		return slices.IsSortedFunc(lines, func(a, b adapter.Line) int { return strings.Compare(a.Name, b.Name) })
	}
	if lines, n := e.lines(), e.shape.in304; n != 2 || !inOrder(lines[:n]) || !inOrder(lines[n:]) {
		t.Errorf("the lines have no order, or those of a 304 are not the first: %d of %v", n, lines)
	}

	h := header("Date: "+httpDate(-time.Hour), "Content-Type: a/b", `Etag: "mine"`, "Last-Modified: "+httpDate(-time.Hour))
	e = finished(200, "x", etagStrong, h)
	if e.ownTag || e.tag() != `"mine"` || !e.modified.time().Equal(epoch.Add(-time.Hour)) || !e.date.time().Equal(epoch.Add(-time.Hour)) {
		t.Errorf("K1, G1: the handler's own values do not stand: %+v", e)
	}
	if e := finished(200, "x", etagWeak, header("Content-Encoding: gzip")); e.line("Content-Type") != nil {
		t.Error("A29: net/http sniffs nothing in coded content, so nothing is made up")
	}
	for _, status := range []int{204, 205} {
		if e := finished(status, "x", etagWeak, http.Header{}); len(e.body) != 0 || e.line("Content-Length") != nil || e.line("Content-Type") != nil || e.ownTag {
			t.Errorf("M6: %d is stored with content", status)
		}
	}
	if e := finished(200, "", etagWeak, http.Header{}); !slices.Equal(e.line("Content-Length"), []string{"0"}) || e.line("Content-Type") != nil {
		t.Error("M16: empty content")
	}
	if e := finished(404, "x", etagWeak, http.Header{}); e.tag() != "" {
		t.Error("K1: a tag for another status than 200")
	}
	if e := finished(200, "x", etagNone, http.Header{}); e.tag() != "" {
		t.Error("NoETag")
	}
	governed := &entry{status: 200, received: momentOf(epoch)}
	governed.governed = true
	governed.finish(linesOf(header("Date: "+httpDate(0))), false, etagNone, epoch)
	if governed.line("Date") != nil {
		t.Error("what leaves: a stored Date, where the route's TTL governs")
	}
}

func TestMakeTag(t *testing.T) {
	seen := map[string]string{}
	for name, e := range map[string]*entry{
		"plain":          finished(200, "x", etagStrong, header("Content-Type: text/plain")),
		"content":        finished(200, "y", etagStrong, header("Content-Type: text/plain")),
		"empty":          finished(200, "", etagStrong, header("Content-Type: text/plain")),
		"type":           finished(200, "x", etagStrong, header("Content-Type: text/html")),
		"encoding":       finished(200, "x", etagStrong, header("Content-Type: text/plain", "Content-Encoding: gzip")),
		"language":       finished(200, "x", etagStrong, header("Content-Type: text/plain", "Content-Language: gzip")),
		"type, shifted":  finished(200, "lainx", etagStrong, header("Content-Type: text/p")),
		"type, no field": finished(200, "text/plainx", etagStrong, header("Content-Encoding: text/plain")),
	} {
		tag := string(e.tag())
		if before, ok := seen[tag]; ok {
			t.Errorf("K2: %s and %s have one tag", name, before)
		}
		seen[tag] = name
		if e.tag().Weak() || !strings.HasPrefix(tag, `"`) || !strings.HasSuffix(tag, `"`) || len(tag) < 2+16 || strings.ContainsAny(strings.Trim(tag, `"`), "\" \\") {
			t.Errorf("K5: %s", tag)
		}
	}
	one := finished(200, "x", etagStrong, header("Content-Type: a/b", "X-A: 1"))
	two := finished(200, "x", etagStrong, header("Content-Type: a/b", "X-A: 2", "Date: "+httpDate(time.Hour)))
	weak := finished(200, "x", etagWeak, header("Content-Type: a/b"))
	if one.tag() != two.tag() {
		t.Error("K1: the tag changes with what is not the representation")
	}
	if string(weak.tag()) != "W/"+string(one.tag()) {
		t.Errorf("K3: weak %s, strong %s", weak.tag(), one.tag())
	}
}

func TestFieldsOf304(t *testing.T) {
	h := header("Cache-Control: max-age=1", "Content-Location: /x", "Date: "+httpDate(0), "Expires: 0", "Vary: A", "Content-Type: a/b", "Content-Language: de",
		"Set-Cookie: a=b", "Last-Modified: "+httpDate(-time.Hour), "Access-Control-Allow-Origin: *", "Content-Security-Policy: x", "Strict-Transport-Security: y")
	names := func(e *entry) []string {
		var names []string
		for _, l := range e.lines()[:e.shape.in304] {
			names = append(names, l.Name)
		}
		return names
	}
	want := []string{"Access-Control-Allow-Origin", "Cache-Control", "Content-Location", "Content-Security-Policy", "Date", "Expires", "Last-Modified", "Strict-Transport-Security", "Vary"}
	if got := names(finished(200, "x", etagNone, h)); !slices.Equal(got, want) {
		t.Errorf("E24 (RFC 9110, 15.4.5): %q, want %q", got, want)
	}
	h.Set("Etag", `"a"`)
	want[slices.Index(want, "Last-Modified")] = "Etag"
	slices.Sort(want)
	if got := names(finished(200, "x", etagNone, h)); !slices.Equal(got, want) {
		t.Errorf("E24, with a tag: %q, want %q", got, want)
	}
}
