package cachexredis

import (
	"context"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

// SubscribeQuiet is Subscribe with another patience.
func SubscribeQuiet(ctx context.Context, s store.Space, quiet time.Duration, wake func()) error {
	return s.(*space).subscribe(ctx, quiet, wake)
}
