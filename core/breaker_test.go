package cachex

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Five failures in a row open the breaker; then there is a probe a second.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b breaker
		fail := func() bool { return b.done(false, attempt{}) }
		for range maxFailures - 1 {
			if !b.allow() || fail() {
				t.Fatal("open too early")
			}
		}
		if b.done(true, attempt{}) {
			t.Error("closed again, which it was")
		}
		for i := range maxFailures {
			if !b.allow() || fail() != (i == maxFailures-1) {
				t.Fatalf("failure %d", i)
			}
		}
		for range 3 {
			if b.allow() {
				t.Fatal("open, and a lookup is let through")
			}
			time.Sleep(breakFor) // of the bubble's clock
			if !b.allow() || b.allow() || fail() {
				t.Fatal("one probe a second")
			}
		}
		time.Sleep(breakFor)
		if !b.allow() || !b.done(true, attempt{}) || !b.allow() {
			t.Error("an answer closes it")
		}
	})
}

// What goes to the store together fails together: that is one failure. A store that
// answers none of what comes after that opens it all the same, and soon.
func TestBreakerOfLookupsThatFailTogether(t *testing.T) {
	const timeout = 80 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		var b breaker
		var d deadlines
		begin := func() (context.Context, attempt) {
			now := time.Now()
			ctx, p, _ := d.under(context.Background(), now, timeout)
			return ctx, attempt{p, now}
		}
		var burst []attempt
		var last context.Context
		for range 32 {
			ctx, a := begin()
			burst, last = append(burst, a), ctx
		}
		<-last.Done()
		for _, a := range burst {
			if b.done(false, a) {
				t.Fatal("one trip of 32 lookups has opened the breaker")
			}
		}
		b.done(true, attempt{})

		frozen := time.Now()
		opened := make(chan time.Duration, 1)
		var lookups sync.WaitGroup
		for len(opened) == 0 {
			ctx, a := begin()
			lookups.Go(func() {
				if <-ctx.Done(); b.done(false, a) {
					opened <- time.Since(frozen)
				}
			})
			time.Sleep(time.Millisecond) // of the bubble's clock
		}
		if after := <-opened; after > 2*timeout {
			t.Errorf("open %v after the store has frozen, with a timeout of %v", after, timeout)
		}
		lookups.Wait()
	})
}

// Lookups that fail one after the other count each, however soon.
func TestBreakerOfLookupsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b breaker
		var d deadlines
		defer d.close()
		for i := range maxFailures {
			now := time.Now()
			_, p, _ := d.under(context.Background(), now, time.Second)
			if b.done(false, attempt{p, now}) != (i == maxFailures-1) {
				t.Fatalf("failure %d", i)
			}
		}
	})
}
