package cachexecho

import (
	"context"
	"net/http"

	"github.com/go-cachex/cachex/core/adapter"
)

// Reenter implements adapter.Reentrant: the copy of the request goes through the
// whole of echo, outer middleware included, because its contexts are pooled and
// what outer middleware keeps in them cannot be copied.
func (x *exchange) Reenter(r *http.Request) func(context.Context) {
	if !adapter.AsItCame(r) {
		return nil
	}
	e := x.c.Echo()
	return func(ctx context.Context) {
		// The runs around this one belong to the request that has ended.
		e.ServeHTTP(adapter.NewNobody(), r.WithContext(context.WithValue(ctx, adapter.RunKey, nil)))
	}
}
