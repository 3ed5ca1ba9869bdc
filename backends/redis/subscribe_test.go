package cachexredis_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	cachexredis "github.com/go-cachex/cachex/backends/redis"
	"github.com/go-cachex/cachex/conformance/servers"
)

// A server that is gone without a word is noticed, because it is asked; one that
// merely has nothing to say is not taken for such.
func TestSubscribeToFrozen(t *testing.T) {
	s := servers.Redis(t)
	space := open(t, single(s.Addr, true))
	wakes, ended := make(chan struct{}, 10), make(chan error, 1)
	const quiet = 50 * time.Millisecond
	go func() {
		ended <- cachexredis.SubscribeQuiet(ctx, space, quiet, func() { wakes <- struct{}{} })
	}()
	wake := func() {
		t.Helper()
		select {
		case <-wakes:
		case err := <-ended:
			t.Fatalf("Subscribe ended: %v", err)
		case <-time.After(20 * time.Second):
			t.Fatal("waited in vain for a wake")
		}
	}
	wake()
	// Several times quiet, and asked each time: the server counts the pings.
	until(t, "the third ping", func() bool { return commands(t, s)["ping"] >= "3" })
	_, err := space.Append(ctx, time.Hour, []byte("a"))
	ok(t, err)
	wake()

	s.Freeze()
	select {
	case err := <-ended:
		if timeout := net.Error(nil); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("Subscribe ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Subscribe waits for a frozen server")
	}
	s.Thaw()
}

func TestSubscribeUnreachable(t *testing.T) {
	s := servers.Redis(t)
	s.Kill()
	space := open(t, single(s.Addr, false))
	err := cachexredis.SubscribeQuiet(context.Background(), space, time.Minute, func() { t.Error("woken by nobody") })
	if err == nil {
		t.Error("Subscribe to a killed server has no error")
	}
}
