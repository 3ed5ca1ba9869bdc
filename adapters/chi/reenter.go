package cachexchi

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Reenter implements adapter.Reentrant: what is behind the cache runs again, with
// a copy of what chi has routed so far. chi uses its own again for other
// requests. Behind a HEAD it may have found a handler for nothing else.
func (x *exchange) Reenter(r *http.Request) func(context.Context) {
	if x.Request().Method == http.MethodHead {
		return nil
	}
	next, h, w := x.next, x.handler, x.Nobody()
	var routed *chi.Context
	if rc := chi.RouteContext(r.Context()); rc != nil {
		routed = rc.Clone()
	}
	return func(ctx context.Context) {
		if routed != nil {
			ctx = context.WithValue(ctx, chi.RouteCtxKey, routed)
		}
		detached := &exchange{next: next, handler: h}
		detached.Reset(w, w, r.WithContext(ctx), detached)
		h.Handle(detached)
	}
}
