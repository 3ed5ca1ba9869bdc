package cachex

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// tethered returns a run for its client alone.
func tethered(client context.Context) *run {
	r := new(run)
	r.ctx.client, r.ctx.run = client, r
	return r
}

func ended(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

type fieldOf struct{}

func TestTetherEndsWithTheRun(t *testing.T) {
	cause := errors.New("cause")
	for name, ask := range map[string]func(context.Context){
		"asked before": func(ctx context.Context) { ctx.Done() },
		"asked after":  func(context.Context) {},
	} {
		for clientName, client := range map[string]context.Context{
			"a client that cannot leave": context.Background(),
			"one that can":               t.Context(),
			"one of outer middleware":    context.WithValue(t.Context(), fieldOf{}, "value"),
		} {
			t.Run(name+", "+clientName, func(t *testing.T) {
				r := tethered(client)
				ask(&r.ctx)
				if name == "asked before" && ended(&r.ctx) || r.ctx.Err() != nil || context.Cause(&r.ctx) != nil {
					t.Fatal("it has ended before the run")
				}
				r.ctx.cancel(cause)
				r.ctx.cancel(errors.New("later"))
				if got := context.Cause(&r.ctx); got != cause { //nolint:errorlint // the same
					t.Errorf("cause %v", got)
				}
				if got := r.ctx.Err(); got != context.Canceled { //nolint:errorlint // as the standard library's
					t.Errorf("error %v", got)
				}
				if !ended(&r.ctx) {
					t.Error("it goes on")
				}
				derived, cancel := context.WithCancel(&r.ctx)
				defer cancel()
				if !ended(derived) {
					t.Error("one that is derived from it goes on")
				}
			})
		}
	}
}

// A context of the client's that has ended is found by the standard library by a
// value: it must not take that for the cause of ours.
func TestTetherHasACauseOfItsOwn(t *testing.T) {
	client, leave := context.WithCancelCause(t.Context())
	r := tethered(client)
	r.detached.Store(true)
	leave(errors.New("the client's"))
	if err := r.ctx.Err(); err != nil {
		t.Fatal(err)
	}
	if cause := context.Cause(&r.ctx); cause != nil {
		t.Fatalf("cause %v while it goes on", cause)
	}
	if ended(&r.ctx) {
		t.Fatal("it has ended with the client")
	}
	r.ctx.cancel(nil)
	if cause := context.Cause(&r.ctx); cause != context.Canceled { //nolint:errorlint // the same
		t.Errorf("cause %v", cause)
	}
}

func TestTetherTellsThatTheClientHasLeft(t *testing.T) {
	for name, tell := range map[string]func(*testing.T, context.Context, func()){
		"Done, before": func(t *testing.T, ctx context.Context, leave func()) {
			done := ctx.Done()
			leave()
			<-done
		},
		"Done, after":         func(t *testing.T, ctx context.Context, leave func()) { leave(); <-ctx.Done() },
		"Err, after":          func(t *testing.T, _ context.Context, leave func()) { leave() },
		"a derived one":       func(t *testing.T, ctx context.Context, leave func()) { wait(t, ctx, leave, withCancel) },
		"one with a value":    func(t *testing.T, ctx context.Context, leave func()) { wait(t, ctx, leave, withValue) },
		"one with a deadline": func(t *testing.T, ctx context.Context, leave func()) { wait(t, ctx, leave, withTimeout) },
		"AfterFunc": func(t *testing.T, ctx context.Context, leave func()) {
			called := make(chan struct{})
			context.AfterFunc(ctx, func() { close(called) })
			leave()
			<-called
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, leave := context.WithCancel(t.Context())
			r := tethered(client)
			tell(t, &r.ctx, leave)
			if err := r.ctx.Err(); err != context.Canceled { //nolint:errorlint // the same
				t.Errorf("error %v", err)
			}
		})
	}
}

func withCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

func withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Hour)
}

func withValue(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithValue(ctx, fieldOf{}, "value"), func() {}
}

// wait derives a context, and has the client leave.
func wait(t *testing.T, ctx context.Context, leave func(), derive func(context.Context) (context.Context, context.CancelFunc)) {
	t.Helper()
	derived, cancel := derive(ctx)
	defer cancel()
	before := runtime.NumGoroutine()
	done := derived.Done()
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines more", n-before)
	}
	leave()
	<-done
}

func TestTetherOfADetachedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, leave := context.WithCancel(t.Context())
		r := tethered(client)
		r.detached.Store(true)
		done := r.ctx.Done()
		leave()
		synctest.Wait()
		if ended(&r.ctx) {
			t.Fatal("what is stored ends with its client")
		}
		start := time.Now()
		<-done
		if d := time.Since(start); d != runTimeout {
			t.Errorf("it goes on for %v without its client", d)
		}
	})
}

// Only what ends the run stops the clock that runs since the client has left.
func TestTetherKeepsNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, leave := context.WithCancel(t.Context())
		r := tethered(client)
		r.detached.Store(true)
		_ = r.ctx.Done()
		leave()
		synctest.Wait()
		r.ctx.cancel(nil)
		synctest.Wait()
		// Nothing is left that the bubble would wait for.
	})
}

func TestTetherDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		r := tethered(client)
		r.detached.Store(true) // the deadline is the application's, and counts all the same
		want, _ := client.Deadline()
		if got, ok := r.ctx.Deadline(); !ok || !got.Equal(want) {
			t.Errorf("deadline %v, %v", got, ok)
		}
		leave()
		<-r.ctx.Done()
		if err := r.ctx.Err(); err != context.DeadlineExceeded { //nolint:errorlint // the same
			t.Errorf("error %v", err)
		}
		if !time.Now().Equal(want) {
			t.Error("not at the deadline")
		}
	})
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	r := tethered(past)
	r.detached.Store(true)
	if err := r.ctx.Err(); err != context.DeadlineExceeded { //nolint:errorlint // the same
		t.Errorf("error %v after the deadline", err)
	}
}

// Outer middleware looks at its own context, once the handler has heeded ours: that
// one has to have ended first.
func TestTetherIsNotAheadOfItsDeadline(t *testing.T) {
	for name, detached := range map[string]bool{"for its client": false, "for the cache": true} {
		t.Run(name, func(t *testing.T) {
			client := &tardy{Context: t.Context(), done: make(chan struct{})}
			r := tethered(client)
			r.detached.Store(detached)
			derived, cancel := context.WithCancel(&r.ctx)
			defer cancel()
			if r.ctx.Err() != nil || ended(&r.ctx) || ended(derived) {
				t.Fatal("it has ended before the client's")
			}
			close(client.done)
			<-derived.Done()
			if err := r.ctx.Err(); err != context.DeadlineExceeded { //nolint:errorlint // the same
				t.Errorf("error %v", err)
			}
			if err := derived.Err(); err != context.DeadlineExceeded {
				t.Errorf("error %v of one that is derived from it", err)
			}
		})
	}
}

// tardy is a context whose timer has yet to find that the deadline has passed.
type tardy struct {
	context.Context
	done chan struct{}
}

func (c *tardy) Deadline() (time.Time, bool) { return time.Unix(0, 0), true }
func (c *tardy) Done() <-chan struct{}       { return c.done }

func (c *tardy) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestTetherValues(t *testing.T) {
	type derived struct{}
	client := context.WithValue(t.Context(), fieldOf{}, "value")
	r := tethered(client)
	for range 2 { // before and after somebody has asked when it ends
		if got := r.ctx.Value(fieldOf{}); got != "value" {
			t.Errorf("value %v", got)
		}
		if runOf(&r.ctx) != r || runOf(context.WithValue(&r.ctx, derived{}, 1)) != r {
			t.Error("the run is not found")
		}
		if r.ctx.Value("none") != nil || r.ctx.Value(adapter.RunName) != nil {
			t.Error("a value of nobody")
		}
		r.ctx.Done()
	}
	r.ctx.cancel(nil)
	if r.ctx.Value(fieldOf{}) != "value" || runOf(&r.ctx) != r {
		t.Error("no values after the end")
	}

	// A context as a value, as routers have it, is a value like any.
	inner := context.WithValue(t.Context(), fieldOf{}, "inner")
	r = tethered(context.WithValue(t.Context(), fieldOf{}, inner))
	if r.ctx.Value(fieldOf{}) != inner {
		t.Error("another value")
	}
}

// A run inside of another one, of another cache, ends with it.
func TestTetherInsideOfAnother(t *testing.T) {
	client, leave := context.WithCancel(t.Context())
	outer := tethered(client)
	inner := tethered(context.WithValue(&outer.ctx, fieldOf{}, "value"))
	done := inner.ctx.Done()
	leave()
	<-done
	if outer.ctx.Err() == nil {
		t.Error("the outer one goes on")
	}

	outer = tethered(t.Context())
	inner = tethered(&outer.ctx)
	outer.ctx.cancel(errors.New("cause"))
	if inner.ctx.Err() == nil {
		t.Error("the inner one goes on")
	}
}

// What has been derived from a context that nobody has asked, or asked and left,
// must not stay with the client's, which may live for long.
func TestTetherLeavesNothingWithTheClient(t *testing.T) {
	client := &watched{Context: t.Context()}
	quiet := tethered(client)
	quiet.ctx.Err()
	quiet.ctx.Value(fieldOf{})
	quiet.ctx.cancel(nil)
	quiet.ctx.Done() // by a handler that has kept it
	if client.added != 0 {
		t.Errorf("%d registrations of a context that nobody has asked", client.added)
	}
	asked := tethered(client)
	derived, cancel := context.WithCancel(&asked.ctx)
	defer cancel()
	if client.added != 1 {
		t.Errorf("%d registrations", client.added)
	}
	asked.ctx.cancel(nil)
	if client.removed != 1 || !ended(derived) {
		t.Errorf("%d registrations taken back", client.removed)
	}
}

// watched counts who waits for its end, as the context package has it.
type watched struct {
	context.Context
	added, removed int
}

func (w *watched) AfterFunc(f func()) func() bool {
	w.added++
	stop := context.AfterFunc(w.Context, f)
	return func() bool { w.removed++; return stop() }
}

func (w *watched) Value(any) any { return nil } // the standard library asks AfterFunc where it does not know the context

// It is for the goroutines of a handler. Run it with -race.
func TestTetherOfManyGoroutines(t *testing.T) {
	for range 200 {
		client, leave := context.WithCancel(context.WithValue(t.Context(), fieldOf{}, "value"))
		r := tethered(client)
		var wg sync.WaitGroup
		for _, f := range []func(){
			leave,
			func() { r.ctx.cancel(context.DeadlineExceeded) },
			func() { r.nobodyWaits() },
			func() { r.detached.Store(false) },
			func() { <-r.ctx.Done() },
			func() {
				derived, cancel := context.WithTimeout(&r.ctx, time.Hour)
				defer cancel()
				<-derived.Done()
			},
			func() {
				for r.ctx.Err() == nil {
					runtime.Gosched()
				}
				if context.Cause(&r.ctx) == nil {
					t.Error("it has ended without a cause")
				}
			},
			func() {
				if r.ctx.Value(fieldOf{}) != "value" {
					t.Error("no value")
				}
			},
		} {
			wg.Go(f)
		}
		wg.Wait()
	}
}
