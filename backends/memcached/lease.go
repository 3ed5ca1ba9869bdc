package cachexmemcached

import (
	"context"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/go-cachex/cachex/core/store"
)

func (s *space) lease(resource, name string) string {
	return s.resource(resource) + ":l:" + store.Key(name, maxValueName)
}

func (s *space) Acquire(ctx context.Context, resource, name, owner string, ttl time.Duration) (bool, error) {
	item := &memcache.Item{Key: s.lease(resource, name), Value: []byte(owner), Expiration: expiration(time.Now(), seconds(ttl))}
	err := tell(ctx, func() error { return s.client.Add(item) })
	if errors.Is(err, memcache.ErrNotStored) {
		return false, nil
	}
	return err == nil, err
}

// Release has the item end at once, if it is still the owner's: the protocol can
// compare and swap, but not compare and delete.
func (s *space) Release(ctx context.Context, resource, name, owner string) error {
	key := s.lease(resource, name)
	item, err := ask(ctx, func() (*memcache.Item, error) { return s.client.Get(key) })
	if errors.Is(err, memcache.ErrCacheMiss) || err == nil && string(item.Value) != owner {
		return nil
	}
	if err != nil {
		return err
	}
	item.Expiration = -1
	err = tell(ctx, func() error { return s.client.CompareAndSwap(item) })
	switch {
	case errors.Is(err, memcache.ErrCASConflict), errors.Is(err, memcache.ErrCacheMiss), errors.Is(err, memcache.ErrNotStored):
		return nil // it ended, and perhaps somebody else has it
	}
	return err
}
