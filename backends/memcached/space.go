package cachexmemcached

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/go-cachex/cachex/core/store"
)

// space implements store.Space.
type space struct {
	client      *memcache.Client
	prefix      string // of all keys, with the colon
	maxResource int    // in a key, before it is hashed
}

func (s *space) resource(resource string) string {
	return s.prefix + "{" + store.Key(resource, s.maxResource) + "}"
}

func value(resource, name string) string { return resource + ":v:" + store.Key(name, maxValueName) }

// Get asks all servers that have a part of the answer at once.
func (s *space) Get(ctx context.Context, resource string, names ...string) (store.Token, [][]byte, error) {
	at := s.resource(resource)
	keys := make([]string, 1+len(names))
	keys[0] = at + ":g"
	for i, name := range names {
		keys[1+i] = value(at, name)
	}
	items, err := s.multi(ctx, keys)
	if err != nil {
		return store.Token{}, nil, err
	}
	var t token
	if item := items[keys[0]]; item != nil {
		t = decodeToken(item.Value)
	}
	values := make([][]byte, len(names))
	for i, key := range keys[1:] {
		if item := items[key]; item != nil {
			values[i] = item.Value
		}
	}
	return t.Token, values, nil
}

// multi asks for several items in one round trip.
func (s *space) multi(ctx context.Context, keys []string) (map[string]*memcache.Item, error) {
	return ask(ctx, func() (map[string]*memcache.Item, error) { return s.client.GetMulti(keys) })
}

// Set needs a second round trip for the token.
func (s *space) Set(ctx context.Context, resource, name string, data []byte, ttl time.Duration) error {
	at := s.resource(resource)
	item := &memcache.Item{Key: value(at, name), Value: own(ctx, data), Expiration: expiration(time.Now(), seconds(ttl))}
	if err := tell(ctx, func() error { return s.client.Set(item) }); err != nil {
		return s.refused(ctx, item.Key, err)
	}
	return s.keepToken(ctx, at+":g", ttl)
}

// refused makes sure that the value that should have been replaced is gone where
// the server has no room for its successor.
func (s *space) refused(ctx context.Context, key string, err error) error {
	if !strings.Contains(err.Error(), "SERVER_ERROR") {
		return err
	}
	if deleted := s.remove(ctx, key); deleted != nil {
		return errors.Join(err, deleted)
	}
	if strings.Contains(err.Error(), "too large") {
		return store.ErrTooLarge
	}
	return err
}

func (s *space) Delete(ctx context.Context, resource string, names ...string) error {
	at := s.resource(resource)
	for _, name := range names {
		if err := s.remove(ctx, value(at, name)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *space) remove(ctx context.Context, key string) error {
	err := tell(ctx, func() error { return s.client.Delete(key) })
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil
	}
	return err
}

// seconds is a lifetime in seconds, rounded up, and one more: the server's clock
// ticks once a second, so that what lives for one may be gone at once.
func seconds(d time.Duration) int64 {
	s := int64(d / time.Second)
	if d%time.Second > 0 {
		s++
	}
	return max(s, 1) + 1
}

// expiration is how the protocol writes a lifetime: what is longer than 30 days
// is a date, in seconds since 1970, and in this client a number of 31 bits.
func expiration(now time.Time, seconds int64) int32 {
	const month = 30 * 24 * 60 * 60
	left := math.MaxInt32 - now.Unix() // until January 2038
	if seconds <= month || left <= month {
		return int32(min(seconds, month))
	}
	return int32(now.Unix() + min(seconds, left))
}
