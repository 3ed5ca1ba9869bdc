package cachexfiber

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/go-cachex/cachex/core/adapter"
)

// RequestHeader.VisitAll is not used: it takes Cookie apart, and puts it
// together again for everyone who asks later, in another form than it came.

// special tells which fields fasthttp keeps apart from the others. Their names
// are recognised in every letter case.
func special(name string) bool {
	switch name {
	case fiber.HeaderHost, fiber.HeaderContentType, fiber.HeaderUserAgent, fiber.HeaderContentLength,
		fiber.HeaderTrailer, fiber.HeaderCookie:
		return true
	}
	return false
}

// apart are those of them, and the other field, that PeekKeys leaves out. Cookie
// stays with the rest until somebody asks for one.
var apart = [...]string{
	fiber.HeaderHost, fiber.HeaderContentType, fiber.HeaderUserAgent, fiber.HeaderContentLength,
	fiber.HeaderTrailer, fiber.HeaderConnection,
}

// eachName calls f with the names of the request's fields, some more than once.
func eachName(h *fasthttp.RequestHeader, f func(name []byte)) {
	cookie := false
	for _, name := range h.PeekKeys() {
		f(name)
		cookie = cookie || strings.EqualFold(view(name), fiber.HeaderCookie)
	}
	for _, name := range apart {
		if len(h.Peek(name)) > 0 {
			f(bytesOf(name))
		}
	}
	if !cookie && len(h.Peek(fiber.HeaderCookie)) > 0 { // somebody has asked for a cookie
		f(bytesOf(fiber.HeaderCookie))
	}
}

// spellings are the names that a request field goes by.
func (x *exchange) spellings(h *fasthttp.RequestHeader, name string) []string {
	if !x.rawNames {
		return []string{name}
	}
	var found []string
	eachName(h, func(n []byte) {
		if strings.EqualFold(view(n), name) && !slices.Contains(found, view(n)) {
			found = append(found, string(n))
		}
	})
	return found
}

// requestFields copies the fields of the request, by canonical name.
func (x *exchange) requestFields() []adapter.Line {
	h := &x.fc.Request.Header
	var spelled []string // PeekKeys and PeekAll share their memory
	eachName(h, func(n []byte) {
		if !slices.Contains(spelled, view(n)) {
			spelled = append(spelled, string(n))
		}
	})
	lines := make([]adapter.Line, 0, len(spelled))
	for _, name := range spelled {
		for _, value := range h.PeekAll(name) {
			lines = appendLine(lines, name, value)
		}
	}
	return lines
}

// Request implements adapter.Exchange. It shares no memory with fasthttp, and
// does not touch the content, which may be a stream that the handler wants.
func (x *exchange) Request() *http.Request {
	if x.req != nil {
		return x.req
	}
	h := &x.fc.Request.Header
	r := &http.Request{
		Method: strings.Clone(x.c.Method()), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Host: string(h.Host()), RequestURI: string(h.RequestURI()),
		Body: http.NoBody, RemoteAddr: x.fc.RemoteAddr().String(), TLS: x.fc.TLSConnectionState(),
	}
	if !h.IsHTTP11() {
		r.Proto, r.ProtoMinor = "HTTP/1.0", 0
	}
	var err error
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil { // fasthttp takes more than net/url
		r.URL = &url.URL{Path: string(x.fc.Path()), RawQuery: string(x.fc.URI().QueryString())}
	}
	for _, l := range x.requestFields() {
		switch l.Name {
		case fiber.HeaderHost:
		case fiber.HeaderTransferEncoding:
			r.TransferEncoding, r.ContentLength = l.Values, -1
		default:
			r.Header[l.Name] = l.Values
		}
	}
	if n := h.ContentLength(); n > 0 {
		r.ContentLength = int64(n)
	}
	x.req = r.WithContext(x.Context())
	return x.req
}

// edit changes the request for the chain.
func (x *exchange) edit(call *adapter.Call) (undo func()) {
	if len(call.Edits) == 0 && call.Target == "" {
		return func() {}
	}
	h := &x.fc.Request.Header
	type field struct {
		name  string
		value []byte
	}
	var had []field
	for _, e := range call.Edits {
		for _, name := range x.spellings(h, e.Name) {
			for _, v := range h.PeekAll(name) {
				if len(v) > 0 || !special(e.Name) {
					had = append(had, field{name, slices.Clone(v)})
				}
			}
			h.Del(name)
		}
		if !e.Delete {
			h.Set(e.Name, e.Value)
		}
	}
	target, requery := "", func() {}
	if call.Target != "" {
		target, requery = string(h.RequestURI()), x.keepQuery()
		// Not by Request.SetRequestURI, which forgets the path that
		// outer middleware may have rewritten.
		uri := x.fc.URI()
		_, query, _ := strings.Cut(call.Target, "?")
		uri.SetQueryString(query)
		h.SetRequestURI(call.Target)
	}
	return func() {
		for _, e := range call.Edits {
			for _, name := range x.spellings(h, e.Name) {
				h.Del(name)
			}
		}
		for _, f := range had {
			h.AddBytesV(f.name, f.value)
		}
		if target != "" {
			h.SetRequestURI(target)
			requery()
		}
	}
}
