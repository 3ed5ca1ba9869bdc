package cachexfiber

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/go-cachex/cachex/core/adapter"
)

// userContextKey is where fiber keeps what UserContext returns.
const userContextKey = "__local_user_context__"

// Detach implements adapter.Exchange: the copy of the request goes through the
// whole app, outer middleware included. Fiber has no way to run only what is
// behind a handler once that has returned. Outer middleware makes its values anew:
// those that it has made may lie in the context of the connection, which goes on.
func (x *exchange) Detach(edits []adapter.Edit) (context.Context, func(context.Context)) {
	app, fc := x.c.App(), new(fasthttp.RequestCtx)
	nobody := conn{local: x.fc.LocalAddr(), remote: x.fc.RemoteAddr()}
	if x.fc.IsTLS() { // or links would be made with http
		fc.Init2(tlsConn{nobody}, nil, false)
	} else {
		fc.Init2(nobody, nil, false)
	}
	x.fc.Request.CopyTo(&fc.Request)
	fc.Request.Header.SetMethod(fiber.MethodGet)
	fc.Request.SetRequestURIBytes(x.fc.Request.Header.RequestURI()) // not what outer middleware has made of it
	fc.Request.ResetBody()
	h := &fc.Request.Header
	for _, e := range edits {
		for _, name := range append(x.spellings(h, e.Name), e.Name) {
			h.Del(name)
		}
		if !e.Delete {
			h.Set(e.Name, e.Value)
		}
	}
	return context.Background(), func(ctx context.Context) {
		// The runs around this one belong to the request that has ended.
		fc.SetUserValue(userContextKey, context.WithValue(ctx, adapter.RunKey, nil))
		fc.SetUserValue(adapter.BackgroundKey, true)
		app.Handler()(fc)
		_ = fc.Response.CloseBodyStream()
	}
}

// conn is the connection of a request that no client waits for. Nothing is read
// from it or written to it; it only has addresses.
type conn struct {
	net.Conn
	local, remote net.Addr
}

func (c conn) LocalAddr() net.Addr  { return c.local }
func (c conn) RemoteAddr() net.Addr { return c.remote }

// tlsConn is what fasthttp takes for an encrypted one.
type tlsConn struct{ conn }

func (tlsConn) Handshake() error                     { return nil }
func (tlsConn) ConnectionState() tls.ConnectionState { return tls.ConnectionState{} }
