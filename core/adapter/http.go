package adapter

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
)

// Chain is what a framework on net/http adds to an [HTTP] exchange: the rest
// of its middleware and handlers.
type Chain interface {
	// Next runs the rest of the chain with this writer and request, and
	// returns when it has returned. The writer is a *[Writer], or, where the
	// request passes untouched, the one that Reset was given as inner.
	Next(w http.ResponseWriter, r *http.Request)

	// Pattern names the matched route, as far as it is known.
	Pattern() string

	// Native is the framework's own context, or nil for *http.Request.
	Native() any

	// Reopen is called after a response was discarded and before another is
	// served. It returns the writer to serve it on, in a state as if the chain
	// had not run; nil stands for the one that Reset was given.
	Reopen() http.ResponseWriter
}

// HTTP is the Exchange of net/http. Adapters embed it in a pooled struct that
// implements Chain, and call Reset before each use.
type HTTP struct {
	w, inner http.ResponseWriter
	taken    bool // by the handler: there is nothing left to serve on
	r        *http.Request
	chain    Chain
	asked    []Line // the request's fields as they were before Run
	kept     any
}

var _ Exchange = (*HTTP)(nil)

// Reset prepares x for a request. Answers from the cache are written to w; the
// chain writes through a wrapper around inner. They are the same but in
// frameworks whose response keeps a state of its own around the server's.
func (x *HTTP) Reset(w, inner http.ResponseWriter, r *http.Request, chain Chain) {
	x.w, x.inner, x.r, x.chain, x.taken, x.asked = w, inner, r, chain, false, nil
}

// Clear lets go of everything that belongs to the request. A pooled x is to be
// cleared by it, and not by a new HTTP in its place: see Exchange.Kept.
func (x *HTTP) Clear() { x.w, x.inner, x.r, x.chain, x.asked = nil, nil, nil, nil, nil }

// Kept implements Exchange.
func (x *HTTP) Kept() *any { return &x.kept }

// Read implements Exchange.
func (x *HTTP) Read(h *Head) {
	r := x.r
	h.Method, h.Host, h.TLS = r.Method, r.Host, r.TLS != nil
	// RequestURI is the target as it came. Middleware such as
	// http.StripPrefix rewrites URL, which would merge two resources.
	h.Target = r.RequestURI
	if h.Target == "" { // a request that no server has read
		h.Target = r.URL.RequestURI()
		if h.Host == "" {
			h.Host = r.URL.Host
		}
	}
	h.Path, h.Query = r.URL.Path, r.URL.RawQuery
	if r.Form != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) { // others have their content in it
		h.Query = QueryOf(r.Form, h)
	}
	if r.URL.RawPath != "" || strings.IndexByte(h.Target, '%') >= 0 {
		h.Path = r.URL.EscapedPath()
	}
	// The server moves Transfer-Encoding out of the header map.
	h.Content = r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody || len(r.TransferEncoding) > 0
	h.Untouched = len(x.w.Header()) == 0
	for name := range r.Header {
		h.Field(name)
	}
}

// Lines implements Exchange.
func (x *HTTP) Lines(name string) []string {
	if name == "Host" { // net/http keeps it outside of the map
		return []string{x.r.Host}
	}
	if x.asked != nil {
		for _, l := range x.asked {
			if l.Name == name {
				return l.Values
			}
		}
		return nil
	}
	return x.r.Header[name]
}

// Sent implements Exchange.
func (x *HTTP) Sent(name string) []string { return x.w.Header()[name] }

// Peer implements Exchange.
func (x *HTTP) Peer() netip.Addr {
	ap, err := netip.ParseAddrPort(x.r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// Context implements Exchange.
func (x *HTTP) Context() context.Context { return x.r.Context() }

// Pattern implements Exchange.
func (x *HTTP) Pattern() string { return x.chain.Pattern() }

// Native implements Exchange.
func (x *HTTP) Native() any {
	if n := x.chain.Native(); n != nil {
		return n
	}
	return x.r
}

// Request implements Exchange.
func (x *HTTP) Request() *http.Request { return x.r }

// Pass implements Exchange.
func (x *HTTP) Pass(run any) {
	r := x.r
	if run != nil {
		r = r.WithContext(context.WithValue(r.Context(), RunKey, run))
	}
	x.chain.Next(x.inner, r)
}

// Serve implements Exchange.
func (x *HTTP) Serve(a *Answer) {
	if x.taken {
		return
	}
	h := x.w.Header()
	for i := range a.Lines {
		h[a.Lines[i].Name] = a.Lines[i].Values
	}
	for i := range a.Extra {
		h[a.Extra[i].Name] = a.Extra[i].Values
	}
	x.w.WriteHeader(a.Status)
	if !a.NoBody && len(a.Body) > 0 {
		_, _ = x.w.Write(a.Body) // a client that has left misses nothing
	}
}

var holds = sync.Pool{New: func() any { return new(hold) }}

// Run implements Exchange.
func (x *HTTP) Run(c *Call) {
	c.writer = Writer{inner: x.inner, sink: c.Sink, hold: holds.Get().(*hold)}
	w := &c.writer
	w.before = snapshot(w.hold.before[:0], x.inner.Header())
	w.hold.asked = snapshot(w.hold.asked[:0], x.r.Header)
	x.asked = w.hold.asked
	returned := false
	// A panic ends here only where another response takes its place: its stack is
	// the handler's, for those who print it.
	defer func() {
		past := w.bypassed && !w.begun // something may have been sent past us
		contained := !returned && !w.sent && !past && c.Contain && recover() != nil
		w.end(returned, contained)
		switch {
		case contained:
			x.reopen(w)
		case !returned && w.begun && !w.sent:
			// Whoever recovers from this panic answers in its place, and
			// not under the fields of a response that there is none of.
			restore(x.inner.Header(), w.before)
		}
		x.taken = w.taken
		w.hold.before, x.asked = w.before, nil
		w.hold.clear()
		holds.Put(w.hold)
		w.hold, w.before = nil, nil
	}()
	defer func() {
		if returned || c.Contain || !w.holds() {
			return
		}
		value := recover()
		if value == http.ErrAbortHandler { //nolint:errorlint // servers compare it so
			w.abort()
		}
		if value != nil {
			panic(value) // from where the handler is still on the stack
		}
	}()
	r := x.edited(c)
	w.outer, w.ctx = x.r.Context(), r.Context()
	x.chain.Next(w, r)
	w.finish()
	if w.verdict.Mode == Discard {
		x.reopen(w)
	}
	returned = true
}

// reopen makes the response what it was when the run began.
func (x *HTTP) reopen(w *Writer) {
	restore(x.inner.Header(), w.before)
	if reopened := x.chain.Reopen(); reopened != nil {
		x.w = reopened
	}
}

// edited returns the request for the chain. It copies what it changes: the
// original belongs to outer middleware.
func (x *HTTP) edited(c *Call) *http.Request {
	ctx := x.r.Context()
	if c.Context != nil {
		ctx = c.Context
	}
	r := &c.request
	*r = *x.r.WithContext(ctx)
	if len(c.Edits) > 0 {
		r.Header = make(http.Header, len(x.r.Header))
		for name, lines := range x.r.Header {
			r.Header[name] = lines
		}
		for _, e := range c.Edits {
			if e.Delete {
				delete(r.Header, e.Name)
			} else {
				r.Header[e.Name] = []string{e.Value}
			}
		}
	}
	if c.Target != "" {
		u := new(url.URL)
		*u = *x.r.URL
		_, u.RawQuery, u.ForceQuery = strings.Cut(c.Target, "?")
		u.ForceQuery = u.ForceQuery && u.RawQuery == ""
		r.URL, r.RequestURI = u, c.Target
		r.Form = nil // parsed from the query that came
	}
	return r
}

func snapshot(to []Line, h http.Header) []Line {
	for name, values := range h {
		to = append(to, Line{name, values})
	}
	return to
}

// restore makes h what it was when before was taken. It keeps the map, which
// servers and handlers hold on to.
func restore(h http.Header, before []Line) {
	clear(h)
	for _, l := range before {
		h[l.Name] = l.Values
	}
}

// same tells whether nobody has set a field of h since fields was taken.
func same(h http.Header, fields []Line) bool {
	if len(h) != len(fields) {
		return false
	}
	for i := range fields {
		had := fields[i].Values
		values, ok := h[fields[i].Name]
		if !ok || len(values) != len(had) || len(had) > 0 && &values[0] != &had[0] {
			return false
		}
	}
	return true
}
