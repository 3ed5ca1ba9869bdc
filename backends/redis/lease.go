package cachexredis

import (
	"context"
	"errors"
	"time"

	"github.com/go-cachex/cachex/core/store"
	"github.com/redis/go-redis/v9"
)

func (s *space) lease(resource, name string) string {
	return s.resource(resource) + ":l:" + store.Key(name, maxValueName)
}

func (s *space) Acquire(ctx context.Context, resource, name, owner string, ttl time.Duration) (bool, error) {
	key := s.lease(resource, name)
	args := []any{"SET", key, owner, "NX", "PX", millis(ttl)}
	_, err := ask(ctx, s, func(ctx context.Context) (any, error) { return s.client.Do(ctx, args...).Result() })
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, err
}

// release leaves alone what somebody else has taken since the lease ran out.
var release = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then
	redis.call('DEL', KEYS[1])
end
return 1`)

func (s *space) Release(ctx context.Context, resource, name, owner string) error {
	return s.script(ctx, release, []string{s.lease(resource, name)}, owner)
}
