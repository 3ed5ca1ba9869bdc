package cachexchi

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/go-cachex/cachex/core/adapter"
)

// Reenter implements adapter.Reentrant: what is behind the cache runs again, with
// a copy of what chi has routed so far. chi uses its own again for other
// requests.
func (x *exchange) Reenter(r *http.Request) func(context.Context) {
	next, h := x.next, x.handler
	var routed *chi.Context
	if rc := chi.RouteContext(r.Context()); rc != nil {
		routed = rc.Clone()
	}
	return func(ctx context.Context) {
		if routed != nil {
			ctx = context.WithValue(ctx, chi.RouteCtxKey, routed)
		}
		detached := &exchange{next: next, handler: h}
		w := adapter.NewNobody()
		detached.Reset(w, w, r.WithContext(ctx), detached)
		h.Handle(detached)
	}
}
