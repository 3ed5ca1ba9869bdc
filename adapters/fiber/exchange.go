package cachexfiber

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/go-cachex/cachex/core/adapter"
)

// exchange is adapter.Exchange on fasthttp. The strings that it lends are views
// of the connection's buffers; the engine copies what it keeps.
type exchange struct {
	c   *fiber.Ctx
	fc  *fasthttp.RequestCtx
	err error // of a chain that passed; New returns it

	// What the Config of the app says, which is large and never changes.
	app      *fiber.App
	rawNames bool // DisableHeaderNormalizing: field names are as they came
	noDate   bool // DisableDefaultDate

	line  []byte   // holds the target, the host, the path and the query of Head
	lines []string // lent by Lines and Sent

	parsed fasthttp.Args // holds the parameters as they came, to compare

	clean   bool                    // untouched, and nobody has had a hand in the response since
	running bool                    // Run
	asked   fasthttp.RequestHeader  // the request's fields as they were before Run
	outer   fasthttp.ResponseHeader // the response's, for the case that the chain's is discarded
	leaving leaving
	req     *http.Request
	kept    any
}

var _ adapter.Exchange = (*exchange)(nil)

func (x *exchange) reset(c *fiber.Ctx) {
	x.c, x.fc = c, c.Context()
	if app := c.App(); app != x.app {
		cfg := app.Config()
		x.app, x.rawNames, x.noDate = app, cfg.DisableHeaderNormalizing, cfg.DisableDefaultDate
	}
}

func (x *exchange) free() {
	clear(x.lines)
	x.leaving.clear()
	x.c, x.fc, x.err, x.req, x.running, x.clean = nil, nil, nil, nil, false, false
	x.line, x.lines = x.line[:0], x.lines[:0]
	exchanges.Put(x)
}

// Kept implements adapter.Exchange.
func (x *exchange) Kept() *any { return &x.kept }

// Read implements adapter.Exchange. The chain may write over fasthttp's request
// line, as methods and rewrites do, so that Head gets a copy of it.
func (x *exchange) Read(h *adapter.Head) {
	req := &x.fc.Request.Header
	name := req.Host()
	if seen := x.fc.URI().Host(); !bytes.Equal(seen, name) && !bytes.EqualFold(seen, name) && bytes.HasPrefix(req.RequestURI(), []byte("/")) {
		// Outer middleware has put it in place. The field says what it did.
		h.OtherHost, name = string(name), seen
	}
	x.line = append(append(x.line[:0], req.RequestURI()...), name...)
	target, host := len(req.RequestURI()), len(x.line)
	x.line = append(x.line, x.c.Path()...)
	path := len(x.line)
	x.line = x.appendQuery(x.line)
	h.Method = method(x.c.Method())
	h.Target, h.Host = view(x.line[:target]), view(x.line[target:host])
	h.Path, h.Query = view(x.line[host:path]), view(x.line[path:])
	h.TLS = x.fc.IsTLS()
	// What RequestHeader.ContentLength makes of no field at all is negative,
	// as is what it makes of chunks: those have Transfer-Encoding.
	h.Content = req.ContentLength() > 0
	x.clean = x.untouched()
	h.Untouched = x.clean
	x.readNames(h)
}

// readNames is eachName for Head, which has no use for the fields that fasthttp
// keeps apart, unless one of them is a credential.
func (x *exchange) readNames(h *adapter.Head) {
	req := &x.fc.Request.Header
	for _, n := range req.PeekKeys() {
		name := view(n)
		if len(name) == len(fiber.HeaderTransferEncoding) {
			h.Content = h.Content || strings.EqualFold(name, fiber.HeaderTransferEncoding)
		}
		h.Field(name)
	}
	if h.Has&adapter.Cookie == 0 { // unless somebody has asked for one: then they stand apart
		req.VisitAllCookie(func(_, _ []byte) { h.Has |= adapter.Cookie })
	}
	for _, name := range h.Credentials {
		if (special(name) || name == fiber.HeaderConnection) && len(req.Peek(name)) > 0 {
			h.Field(name)
		}
	}
}

// method is s in memory that does not change: fiber lends a view.
func method(s string) string {
	switch s {
	case fiber.MethodGet:
		return fiber.MethodGet
	case fiber.MethodHead:
		return fiber.MethodHead
	}
	return string([]byte(s))
}

// Lines implements adapter.Exchange.
func (x *exchange) Lines(name string) []string {
	h := &x.fc.Request.Header
	if x.running { // the chain may have changed them
		h = &x.asked
	}
	x.lines = x.lines[:0]
	if !x.rawNames {
		h.DisableNormalizing() // the name is canonical: to make it so is most of the work
		x.lend(name, h.PeekAll(name))
		h.EnableNormalizing()
	} else if special(name) {
		x.lend(name, h.PeekAll(name))
	} else {
		for _, spelled := range x.spellings(h, name) {
			x.lend(name, h.PeekAll(spelled))
		}
	}
	return x.lent()
}

// Sent implements adapter.Exchange.
func (x *exchange) Sent(name string) []string {
	if !x.rawNames && name != fiber.HeaderSetCookie { // which PeekAll puts into one line
		x.lines = x.lines[:0]
		if name != fiber.HeaderContentType || !isDefault(x.fc.Response.Header.ContentType()) {
			x.lend(name, x.fc.Response.Header.PeekAll(name))
		}
		return x.lent()
	}
	for _, l := range x.responseFields() {
		if l.Name == name {
			return l.Values
		}
	}
	return nil
}

// lend adds views to x.lines. For the fields that fasthttp keeps apart it cannot
// tell empty from absent; both are absent here.
func (x *exchange) lend(name string, values [][]byte) {
	for _, v := range values {
		if len(v) > 0 || !special(name) {
			x.lines = append(x.lines, view(v))
		}
	}
}

func (x *exchange) lent() []string {
	if len(x.lines) == 0 {
		return nil
	}
	return x.lines
}

// Peer implements adapter.Exchange.
func (x *exchange) Peer() netip.Addr {
	addr := x.fc.RemoteAddr()
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// Context implements adapter.Exchange. fasthttp cannot tell that a client has
// left, so it never ends on its own. Middleware may have replaced it by one that
// has lost the run of an outer New, which must not go unseen.
func (x *exchange) Context() context.Context {
	ctx, ok := x.fc.UserValue(userContextKey).(context.Context)
	if !ok { // UserContext would set it
		ctx = context.Background()
	}
	if run := x.fc.UserValue(adapter.RunKey); run != nil && ctx.Value(adapter.RunKey) == nil {
		ctx = context.WithValue(ctx, adapter.RunKey, run)
	}
	return ctx
}

// Pattern implements adapter.Exchange.
func (x *exchange) Pattern() string { return x.c.Route().Path }

// Native implements adapter.Exchange.
func (x *exchange) Native() any {
	x.clean = false
	return x.c
}

// Serve implements adapter.Exchange. The content is not copied: fasthttp sends
// the stored bytes, and middleware that changes them in place, which none that
// comes with fiber does, would change what is stored.
func (x *exchange) Serve(a *adapter.Answer) {
	res := &x.fc.Response
	res.SetStatusCode(a.Status)
	dated, fresh := false, x.clean || x.untouched()
	for _, lines := range [...][]adapter.Line{a.Lines, a.Extra} {
		for i := range lines {
			dated = dated || lines[i].Name == fiber.HeaderDate
			if l := &lines[i]; fresh && len(l.Values) == 1 && settable(l.Name) {
				res.Header.SetCanonical(bytesOf(l.Name), bytesOf(l.Values[0]))
			} else {
				x.set(l)
			}
		}
	}
	if x.noDate && !dated {
		x.setDate(now())
	}
	notModified := a.NoBody && a.Status == fiber.StatusNotModified
	if notModified && !fresh || res.Header.ContentLength() != 0 { // what outer middleware has said
		res.Header.Del(fiber.HeaderContentLength)
	}
	if notModified {
		res.ResetBody()
		return
	}
	res.SetBodyRaw(a.Body[:len(a.Body):len(a.Body)])
	if res.SkipBody = a.NoBody; a.NoBody { // to HEAD: the length is announced all the same
		res.Header.SetContentLength(len(a.Body))
	}
}
