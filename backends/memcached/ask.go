package cachexmemcached

import (
	"bytes"
	"context"
)

// ask calls the client and returns when ctx is done. The client knows nothing of
// contexts: its Timeout is how long a frozen server would hold everybody. Then the
// call stays behind in a goroutine of its own.
func ask[T any](ctx context.Context, call func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if ctx.Done() == nil {
		return call()
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := call()
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

// tell is ask for calls that return nothing else.
func tell(ctx context.Context, call func() error) error {
	_, err := ask(ctx, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// own returns bytes that a call may still read when ask has returned.
func own(ctx context.Context, b []byte) []byte {
	if ctx.Done() == nil {
		return b
	}
	return bytes.Clone(b)
}
