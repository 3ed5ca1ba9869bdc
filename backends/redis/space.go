package cachexredis

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"github.com/go-cachex/cachex/core/store"
	"github.com/redis/go-redis/v9"
)

// space implements store.Space and store.Subscriber.
type space struct {
	client   redis.UniversalClient
	punctual bool      // the client keeps the deadlines of contexts
	prefix   string    // of all keys, with the colon
	together *together // nil where each lookup goes by itself
}

const (
	maxResource  = 200 // in a key, before it is hashed
	maxValueName = 100

	// maxValue is far below the 512 MiB that Redis takes: its one thread serves
	// nobody else while it moves a value.
	maxValue = 64 << 20
)

func (s *space) resource(resource string) string {
	return s.prefix + "{" + store.Key(resource, maxResource) + "}"
}

// keys are that of the token and those of the values, parts of one text.
func (s *space) keys(resource string, names []string) []string {
	at := store.Key(resource, maxResource)
	var text strings.Builder
	keys, size := make([]string, 1+len(names)), 0
	for _, name := range names {
		size += len(name)
	}
	text.Grow(len(keys)*(len(s.prefix)+len("{}:v:")+len(at)) + size)
	for i := range keys {
		begin := text.Len()
		text.WriteString(s.prefix)
		text.WriteByte('{')
		text.WriteString(at)
		if i == 0 {
			text.WriteString("}:g")
		} else {
			text.WriteString("}:v:")
			text.WriteString(store.Key(names[i-1], maxValueName))
		}
		keys[i] = text.String()[begin:]
	}
	return keys
}

func value(resource, name string) string { return resource + ":v:" + store.Key(name, maxValueName) }

func (s *space) Get(ctx context.Context, resource string, names ...string) (store.Token, [][]byte, error) {
	keys := s.keys(resource, names)
	found, err := s.mget(ctx, keys)
	if err != nil {
		return store.Token{}, nil, err
	}
	if len(found) != len(keys) {
		return store.Token{}, nil, fmt.Errorf("cachexredis: %d answers to %d keys", len(found), len(keys))
	}
	values := make([][]byte, len(names))
	for i := range names {
		if v, ok := found[1+i].(string); ok {
			values[i] = bytesOf(v)
		}
	}
	token, _ := found[0].(string)
	return decodeToken(token), values, nil
}

func (s *space) mget(ctx context.Context, keys []string) ([]any, error) {
	if deadline, ok := ctx.Deadline(); ok && s.together != nil {
		return s.together.mget(ctx, deadline, keys)
	}
	return ask(ctx, s, func(ctx context.Context) ([]any, error) { return s.client.MGet(ctx, keys...).Result() })
}

// bytesOf is s as bytes, without a copy: nobody else holds what was read for this
// call.
func bytesOf(s string) []byte {
	if s == "" { // which is not the same as nothing
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(s), len(s))
}

// setValue has the token live no shorter than the value: without it the value
// would be lost.
var setValue = redis.NewScript(`
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left < tonumber(ARGV[2]) then
	redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1`)

func (s *space) Set(ctx context.Context, resource, name string, data []byte, ttl time.Duration) error {
	at := s.resource(resource)
	if len(data) > maxValue {
		if err := s.Delete(ctx, resource, name); err != nil {
			return err
		}
		return store.ErrTooLarge
	}
	data = s.own(ctx, data)
	err := s.script(ctx, setValue, []string{at + ":g", value(at, name)}, data, millis(ttl))
	if err != nil && strings.Contains(err.Error(), "OOM command not allowed") {
		// A full server (noeviction) refuses to write, but not to delete; what
		// stays would be older than what was refused.
		_ = s.Delete(ctx, resource, name)
	}
	return err
}

func (s *space) Delete(ctx context.Context, resource string, names ...string) error {
	if len(names) == 0 {
		return ctx.Err()
	}
	at := s.resource(resource)
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = value(at, name)
	}
	return s.unlink(ctx, keys...)
}

func (s *space) unlink(ctx context.Context, keys ...string) error {
	_, err := ask(ctx, s, func(ctx context.Context) (int64, error) { return s.client.Unlink(ctx, keys...).Result() })
	return err
}

// millis is a lifetime in milliseconds, rounded up. Redis takes 0 for an error.
func millis(d time.Duration) int64 {
	ms := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		ms++
	}
	return max(ms, 1)
}
