package cachex

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestLookupDeadline: a lookup has no more than its timeout, and no less than seven
// eighths of it, and the values of its own request.
func TestLookupDeadline(t *testing.T) {
	type key struct{}
	const timeout = 80 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		var d deadlines
		first := time.Now()
		for i := range 100 {
			begun := time.Now()
			ctx, _, cancel := d.under(context.WithValue(context.Background(), key{}, i), begun, timeout)
			if ctx.Value(key{}) != i {
				t.Fatalf("lookup %d has the values of another", i)
			}
			at, ok := ctx.Deadline()
			if left := at.Sub(begun); !ok || left > timeout || left < timeout*7/8 {
				t.Fatalf("lookup %d, %v after the first, has %v", i, begun.Sub(first), left)
			}
			switch i {
			case 50: // one that takes too long
				<-ctx.Done()
				if ctx.Err() != context.DeadlineExceeded || !time.Now().Equal(at) {
					t.Fatalf("%v at %v, want the deadline at %v", ctx.Err(), time.Now(), at)
				}
			default:
				if ctx.Err() != nil {
					t.Fatalf("lookup %d: %v", i, ctx.Err())
				}
			}
			cancel()
			time.Sleep(time.Millisecond) // of the bubble's clock
		}
	})
}

// TestLookupDeadlineOfClient: what the application has set counts where it is
// earlier, and a client that leaves ends nothing.
func TestLookupDeadlineOfClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d deadlines
		begun := time.Now()
		short, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		ctx, _, cancel := d.under(short, begun, time.Minute)
		defer cancel()
		if at, _ := ctx.Deadline(); !at.Equal(begun.Add(time.Second)) {
			t.Errorf("a deadline after %v, want 1s", at.Sub(begun))
		}
		<-ctx.Done()

		client, leave := context.WithCancel(context.Background())
		ctx, _, cancel = d.under(client, begun, time.Minute)
		defer cancel()
		leave()
		if ctx.Err() != nil {
			t.Errorf("a lookup ends with its client: %v", ctx.Err())
		}
		d.close()
		if <-ctx.Done(); ctx.Err() == nil {
			t.Error("a lookup outlives the cache")
		}
	})
}
