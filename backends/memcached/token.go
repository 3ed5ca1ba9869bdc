package cachexmemcached

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/go-cachex/cachex/core/store"
)

// token is a Token and when its item ends, in Unix seconds by the clock of whoever
// wrote it: a compare-and-swap has to say it again, and the server does not tell.
// Where clocks differ it may end too early, which is a miss.
type token struct {
	store.Token
	ends int64
}

// A token is 24 bytes: ID, Soft and its end, big-endian. Anything else is none.
const tokenSize = 24

func (t token) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, tokenSize), t.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Soft))
	return binary.BigEndian.AppendUint64(b, uint64(t.ends))
}

func decodeToken(b []byte) token {
	if len(b) != tokenSize || binary.BigEndian.Uint64(b) == 0 {
		return token{}
	}
	return token{
		Token: store.Token{ID: binary.BigEndian.Uint64(b), Soft: int64(binary.BigEndian.Uint64(b[8:]))},
		ends:  int64(binary.BigEndian.Uint64(b[16:])),
	}
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

// Token also has a token that was there live for ttl, so that it does not end
// under the run that asks for it.
func (s *space) Token(ctx context.Context, resource string, ttl time.Duration) (store.Token, error) {
	key := s.resource(resource) + ":g"
	for range attempts {
		lifetime := seconds(ttl)
		fresh := token{Token: store.Token{ID: random()}, ends: time.Now().Unix() + lifetime}
		item := &memcache.Item{Key: key, Value: fresh.encode(), Expiration: expiration(time.Now(), lifetime)}
		err := tell(ctx, func() error { return s.client.Add(item) })
		if err == nil {
			return fresh.Token, nil
		}
		if !errors.Is(err, memcache.ErrNotStored) {
			return store.Token{}, err
		}
		there, err := s.change(ctx, key, func(t *token) bool {
			if t.ID == 0 { // somebody else's bytes
				*t = fresh
				return true
			}
			return t.extend(fresh.ends)
		})
		if err != nil || there.ID != 0 {
			return there.Token, err
		}
	}
	return store.Token{}, errContended
}

// keepToken has the token, if there is one, live for ttl.
func (s *space) keepToken(ctx context.Context, key string, ttl time.Duration) error {
	ends := time.Now().Unix() + seconds(ttl)
	_, err := s.change(ctx, key, func(t *token) bool { return t.ID != 0 && t.extend(ends) })
	return err
}

func (t *token) extend(ends int64) bool {
	if t.ends >= ends {
		return false
	}
	t.ends = ends
	return true
}

func (s *space) Revoke(ctx context.Context, resource string) error {
	return s.remove(ctx, s.resource(resource)+":g")
}

func (s *space) Expire(ctx context.Context, resource string, soft int64) error {
	_, err := s.change(ctx, s.resource(resource)+":g", func(t *token) bool {
		t.Soft = soft
		return t.ID != 0
	})
	return err
}

// attempts is how often something is tried that others may undo meanwhile. Each
// time one of them has had its way.
const attempts = 100

var errContended = errors.New("cachexmemcached: too many others change the same item")

// change changes a token, unless f returns false, and returns what is there then;
// the zero token where there is none. It compares and swaps, so that a concurrent
// Revoke wins and no other change is lost.
func (s *space) change(ctx context.Context, key string, f func(*token) bool) (token, error) {
	for range attempts {
		item, err := ask(ctx, func() (*memcache.Item, error) { return s.client.Get(key) })
		if errors.Is(err, memcache.ErrCacheMiss) {
			return token{}, nil
		}
		if err != nil {
			return token{}, err
		}
		t := decodeToken(item.Value)
		if !f(&t) {
			return t, nil
		}
		item.Value, item.Expiration = t.encode(), expiration(time.Now(), max(t.ends-time.Now().Unix(), 1))
		err = tell(ctx, func() error { return s.client.CompareAndSwap(item) })
		switch {
		case err == nil:
			return t, nil
		case errors.Is(err, memcache.ErrCacheMiss), errors.Is(err, memcache.ErrNotStored):
			return token{}, nil // revoked meanwhile
		case !errors.Is(err, memcache.ErrCASConflict):
			return token{}, err
		}
	}
	return token{}, errContended
}
