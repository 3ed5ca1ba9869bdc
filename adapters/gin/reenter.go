package cachexgin

import (
	"context"
	"net/http"
	"reflect"

	"github.com/gin-gonic/gin"

	"github.com/go-cachex/cachex/core/adapter"
)

// Reenter implements adapter.Reentrant: the copy of the request goes through the
// whole engine, outer middleware included. gin has no way to run only what is
// behind a handler once that has returned.
func (x *exchange) Reenter(r *http.Request) func(context.Context) {
	engine := engineOf(x.c)
	if engine == nil || !adapter.AsItCame(r) {
		return nil
	}
	return func(ctx context.Context) {
		// The runs around this one belong to the request that has ended.
		engine.ServeHTTP(adapter.NewNobody(), r.WithContext(context.WithValue(ctx, adapter.RunKey, nil)))
	}
}

// engineOf is the engine that a context belongs to, which gin keeps to itself.
// Where a version of gin has another layout there is none, and what is stale is
// renewed in the foreground.
func engineOf(c *gin.Context) *gin.Engine {
	f := reflect.ValueOf(c).Elem().FieldByName("engine")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*gin.Engine]() || f.IsNil() {
		return nil
	}
	return (*gin.Engine)(f.UnsafePointer())
}
