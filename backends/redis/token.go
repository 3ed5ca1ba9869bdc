package cachexredis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/go-cachex/cachex/core/store"
	"github.com/redis/go-redis/v9"
)

// A token is 16 bytes: ID and Soft, big-endian. Anything else is none.
const tokenSize = 16

func encodeToken(t store.Token) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, tokenSize), t.ID)
	return binary.BigEndian.AppendUint64(b, uint64(t.Soft))
}

func decodeToken(s string) store.Token {
	if len(s) != tokenSize {
		return store.Token{}
	}
	t := store.Token{
		ID:   binary.BigEndian.Uint64([]byte(s[:8])),
		Soft: int64(binary.BigEndian.Uint64([]byte(s[8:]))),
	}
	if t.ID == 0 {
		return store.Token{}
	}
	return t
}

// random is never 0.
func random() uint64 {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		if n := binary.BigEndian.Uint64(b[:]); n != 0 {
			return n
		}
	}
}

// makeToken takes ARGV[1] for the token where there is none.
var makeToken = redis.NewScript(`
local token = redis.call('GET', KEYS[1])
if not token or #token ~= 16 or string.sub(token, 1, 8) == string.rep('\0', 8) then
	redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
	return ARGV[1]
end
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left < tonumber(ARGV[2]) then
	redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return token`)

// Token also has a token that was there live for ttl, so that it does not end
// under the run that asks for it.
func (s *space) Token(ctx context.Context, resource string, ttl time.Duration) (store.Token, error) {
	fresh := encodeToken(store.Token{ID: random()})
	answer, err := s.eval(ctx, makeToken, []string{s.resource(resource) + ":g"}, fresh, millis(ttl))
	if err != nil {
		return store.Token{}, err
	}
	text, _ := answer.(string)
	token := decodeToken(text)
	if token == (store.Token{}) {
		return token, errors.New("cachexredis: the server made no token")
	}
	return token, nil
}

func (s *space) Revoke(ctx context.Context, resource string) error {
	return s.unlink(ctx, s.resource(resource)+":g")
}

// setSoft makes no token where there is none, which SETRANGE alone would.
var setSoft = redis.NewScript(`
if redis.call('STRLEN', KEYS[1]) == 16 then
	redis.call('SETRANGE', KEYS[1], 8, ARGV[1])
end
return 1`)

func (s *space) Expire(ctx context.Context, resource string, soft int64) error {
	b := binary.BigEndian.AppendUint64(nil, uint64(soft))
	return s.script(ctx, setSoft, []string{s.resource(resource) + ":g"}, b)
}
