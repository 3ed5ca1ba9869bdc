package cachex

import (
	"context"
	"strings"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// SetTTL has this cache keep the response that is being made for d, before any
// option of the route and before what the response says itself; what it says
// is sent as it is. 0 or less is DoNotStore. Neither no-store nor private of
// the response is loosened.
//
// ctx is any context that the handler holds: *gin.Context or its request's,
// echo's request context, fiber's Context or UserContext, r.Context(). Without a
// cache around the handler SetTTL does nothing. It must be called before the
// response is written; later calls may come too late. It is safe for concurrent
// use, as are DoNotStore and AddTags.
func SetTTL(ctx context.Context, d time.Duration) {
	if d <= 0 {
		DoNotStore(ctx)
		return
	}
	tell(ctx, func(r *run) { r.ttl, r.hasTTL = d, true })
}

// DoNotStore keeps the response that is being made out of this cache, whatever
// else is said. Nothing about it is sent to the client. See SetTTL for ctx.
func DoNotStore(ctx context.Context) {
	tell(ctx, func(r *run) { r.doNotStore = true })
}

// AddTags adds tags to the response that is being made, for purging by tag. See
// SetTTL for ctx.
func AddTags(ctx context.Context, tags ...string) {
	tell(ctx, func(r *run) {
		for _, t := range tags { // fiber lends strings
			r.tags = append(r.tags, strings.Clone(t))
		}
	})
}

func tell(ctx context.Context, f func(*run)) {
	r := runOf(ctx)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

// runOf finds the innermost run around a handler. Contexts that look up
// strings only, such as gin's, have it under its name.
func runOf(ctx context.Context) *run {
	if ctx == nil {
		return nil
	}
	if r, ok := ctx.Value(adapter.RunKey).(*run); ok {
		return r
	}
	r, _ := ctx.Value(adapter.RunName).(*run)
	return r
}
