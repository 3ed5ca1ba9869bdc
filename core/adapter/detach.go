package adapter

import (
	"context"
	"net/http"
)

// Detach implements Exchange.
func (x *HTTP) Detach(edits []Edit) func(context.Context) {
	r := x.edited(&Call{Context: x.r.Context(), Edits: edits})
	r = r.Clone(r.Context()) // fields may be changed after Handle has returned
	r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
	c, ok := x.chain.(Reentrant)
	if !ok {
		return nil
	}
	return c.Reenter(r)
}

// Reentrant is what a Chain implements that can send a request through the
// application, or the part of it that it stands for, once more.
type Reentrant interface {
	// Reenter prepares it: see Exchange.Detach. r is the copy of the request.
	Reenter(r *http.Request) (enter func(context.Context))
}

// Nobody is the ResponseWriter of a request that no client waits for. What is
// written to it is gone.
type Nobody struct{ header http.Header }

// NewNobody returns one for a single response.
func NewNobody() *Nobody { return &Nobody{http.Header{}} }

// Header implements http.ResponseWriter.
func (n *Nobody) Header() http.Header { return n.header }

// WriteHeader implements http.ResponseWriter.
func (n *Nobody) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (n *Nobody) Write(p []byte) (int, error) { return len(p), nil }

// Flush implements http.Flusher: frameworks panic without it.
func (n *Nobody) Flush() {}

// CloseNotify implements http.CloseNotifier, which gin asks for.
func (n *Nobody) CloseNotify() <-chan bool { return nil }
