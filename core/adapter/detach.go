package adapter

import (
	"context"
	"net/http"
	"net/url"
)

// Detach implements Exchange.
func (x *HTTP) Detach(edits []Edit) (context.Context, func(context.Context)) {
	r := x.edited(&Call{Context: x.r.Context(), Edits: edits})
	r = r.Clone(r.Context()) // fields may be changed after Handle has returned
	r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
	c, ok := x.chain.(Reentrant)
	if !ok {
		return nil, nil
	}
	return x.r.Context(), c.Reenter(r)
}

// Reentrant is what a Chain implements that can send a request through the
// application, or the part of it that it stands for, once more.
type Reentrant interface {
	// Reenter prepares it: see Exchange.Detach. r is the copy of the request.
	Reenter(r *http.Request) (enter func(context.Context))
}

// AsItCame undoes what outer middleware has made of the target of r, for a Chain
// whose outer middleware sees the copy once more. It returns false where there is no
// way back.
func AsItCame(r *http.Request) bool {
	if r.RequestURI == "" { // no server has read it
		return true
	}
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return false
	}
	r.URL, r.Form = u, nil
	return true
}

// Nobody is the ResponseWriter of a request that no client waits for. What is
// written to it is gone.
type Nobody struct{ header http.Header }

// NewNobody returns one for a single response.
func NewNobody() *Nobody { return &Nobody{http.Header{}} }

// Nobody returns one that has the fields which outer middleware has set for this
// request, for a Chain whose outer middleware does not see the copy.
func (x *HTTP) Nobody() *Nobody { return &Nobody{x.w.Header().Clone()} }

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
