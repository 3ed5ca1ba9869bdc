package cachexredis

import (
	"bytes"
	"context"

	"github.com/redis/go-redis/v9"
)

// ask calls the client and returns when ctx is done. Unless it was told to, the
// client does not: a server that is frozen would hold everybody for its
// ReadTimeout, which is three seconds, and once more for each retry. Then the call
// stays behind in a goroutine of its own.
func ask[T any](ctx context.Context, s *space, call func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if !s.leaves(ctx) {
		return call(ctx)
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := call(ctx)
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		if r.err != nil && ctx.Err() != nil { // which may be why it has failed
			return none, ctx.Err()
		}
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// leaves tells whether ask may return before its call does.
func (s *space) leaves(ctx context.Context) bool {
	_, bounded := ctx.Deadline()
	return ctx.Done() != nil && !(s.punctual && bounded)
}

// own returns bytes that a call may still read when ask has returned.
func (s *space) own(ctx context.Context, b []byte) []byte {
	if s.leaves(ctx) {
		return bytes.Clone(b)
	}
	return b
}

// script runs a script whose answer does not matter.
func (s *space) script(ctx context.Context, script *redis.Script, keys []string, args ...any) error {
	_, err := s.eval(ctx, script, keys, args...)
	return err
}

func (s *space) eval(ctx context.Context, script *redis.Script, keys []string, args ...any) (any, error) {
	return ask(ctx, s, func(ctx context.Context) (any, error) { return script.Run(ctx, s.client, keys, args...).Result() })
}
