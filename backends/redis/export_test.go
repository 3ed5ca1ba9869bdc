package cachexredis

import (
	"context"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

const (
	AloneBelow  = aloneBelow
	MaxTogether = maxTogether
)

// Trips tells how many lookups wait, and how many trips are under way.
func Trips(s store.Space) (waiting, trips int) {
	t := s.(*space).together
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting), t.trips
}

// Together tells whether lookups share trips.
func Together(s store.Space) bool { return s.(*space).together != nil }

// SubscribeQuiet is Subscribe with another patience.
func SubscribeQuiet(ctx context.Context, s store.Space, quiet time.Duration, wake func()) error {
	return s.(*space).subscribe(ctx, quiet, wake)
}
