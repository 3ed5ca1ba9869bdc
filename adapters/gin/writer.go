package cachexgin

import (
	"bufio"
	"context"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/go-cachex/cachex/core/adapter"
)

// writer is gin's writer with the recorder of a run in it. gin names a status
// long before it sends it, and often never sends it explicitly, so the status
// stays in gin's own writer until something is written or the chain has ended.
type writer struct {
	gin.ResponseWriter // the one of the outer chain; it counts and logs
	w                  *adapter.Writer
	run                context.Context
	size               int
}

// WriteHeaderNow implements gin.ResponseWriter: the status is final.
func (g *writer) WriteHeaderNow() {
	if !g.w.Begun() {
		g.size = 0
		g.w.WriteHeader(g.ResponseWriter.Status())
	}
}

// WriteHeader implements gin.ResponseWriter: it takes note of a status.
func (g *writer) WriteHeader(code int) {
	switch {
	case g.w.Begun() && code >= 500:
		g.w.WriteHeader(code) // Recovery, behind half of a response: not to be stored
	case code > 0 && !g.w.Begun():
		g.ResponseWriter.WriteHeader(code)
	}
}

func (g *writer) Write(p []byte) (int, error) {
	g.WriteHeaderNow()
	n, err := g.w.Write(p)
	g.size += n
	return n, err
}

func (g *writer) WriteString(s string) (int, error) {
	g.WriteHeaderNow()
	n, err := g.w.WriteString(s)
	g.size += n
	return n, err
}

func (g *writer) Flush() {
	g.WriteHeaderNow()
	g.w.Flush()
}

func (g *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) { return g.w.Hijack() }
func (g *writer) Unwrap() http.ResponseWriter                  { return g.w }

// Written tells whether the handler has answered, whatever becomes of it: it
// may have taken the connection, or written past us by way of HandleContext.
func (g *writer) Written() bool { return g.w.Begun() || g.ResponseWriter.Written() }

// Status is what the handler said, though something else may be sent.
func (g *writer) Status() int {
	if s := g.w.Status(); s != 0 {
		return s
	}
	return g.ResponseWriter.Status()
}

func (g *writer) Size() int {
	if !g.w.Begun() {
		return g.ResponseWriter.Size()
	}
	return g.size
}

// CloseNotify follows the run: one that goes on for the cache must not be cut
// short because its client has left, or half a stream would be stored.
func (g *writer) CloseNotify() <-chan bool {
	closed := make(chan bool, 1)
	go func() {
		<-g.run.Done() // it always ends
		closed <- true
	}()
	return closed
}

// settle does what gin leaves for later: it sends a status that nothing was
// written with. It returns false where the response is not made here.
func (g *writer) settle(c *gin.Context) bool {
	if g.w.Begun() {
		return true
	}
	status := g.ResponseWriter.Status()
	switch {
	case g.ResponseWriter.Written(): // past us: Hijack, or HandleContext
	case g.w.Overdue(): // for the middleware whose deadline has passed
		return false
	case len(c.Errors) > 0: // for a middleware outside to render
	case c.FullPath() == "" && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed):
		// gin's own body comes after the last middleware has returned.
	default:
		g.WriteHeaderNow()
		return g.w.Begun()
	}
	g.w.Leave()
	return false
}
