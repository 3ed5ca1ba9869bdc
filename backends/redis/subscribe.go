package cachexredis

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// quiet is how long a subscription may say nothing before it is asked whether it
// still lives, and how long it then has to answer.
const quiet = 5 * time.Second

// Subscribe implements store.Subscriber. The client reconnects by itself and says
// nothing of what it missed; therefore the first error ends the subscription, and
// who subscribes again is woken.
func (s *space) Subscribe(ctx context.Context, wake func()) error {
	return s.subscribe(ctx, quiet, wake)
}

func (s *space) subscribe(ctx context.Context, quiet time.Duration, wake func()) error {
	sub := s.client.Subscribe(ctx, s.logKey())
	// A read does not end with ctx, but with its connection.
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer func() {
		if stop() {
			_ = sub.Close()
		}
	}()
	for asked := false; ; {
		message, err := sub.ReceiveTimeout(ctx, quiet)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var timeout net.Error
		switch {
		case err == nil:
			asked = false
			if _, pong := message.(*redis.Pong); !pong {
				wake() // the subscription begins, or somebody appended
			}
		case errors.As(err, &timeout) && timeout.Timeout() && !asked:
			asked = true
			if err := sub.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}
