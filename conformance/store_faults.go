package conformance

import (
	"context"
	"errors"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

// shortly bounds an operation, as the engine does.
const shortly = 100 * time.Millisecond

func storeFaults() []storeCase {
	return []storeCase{
		{
			name: "lost",
			rule: "The log's epoch is lost together with it: an empty log is never taken for one without records.",
			test: func(e *storeEnv) {
				before, token := e.append("a"), e.token("//r", time.Hour)
				e.store.Lose(e.t)
				e.wantToken("//r", store.Token{})
				log := e.read(before)
				if log.Epoch == before.Epoch || log.Seq != 0 || len(log.Records) != 0 {
					e.fatalf("after %v was lost the log is %+v", before, log)
				}
				if next := e.token("//r", time.Hour); next.ID == token.ID {
					e.fatalf("the token that was lost came back")
				}
				e.append("b")
				e.store.Lose(e.t)
				after := e.append("c")
				if after.Epoch == before.Epoch || after.Epoch == log.Epoch || after.Seq != 1 {
					e.fatalf("after the second loss Append returns %v", after)
				}
				wantRecords(e, e.read(log.Position), 0, 1, []string{"c"})
			},
		},
		{
			name: "frozen",
			rule: "The methods return when ctx is done, also where the servers do not answer, and work again once these do.",
			test: func(e *storeEnv) {
				value := []byte("value")
				e.set("//r", "n", "value", time.Hour)
				for _, s := range e.store.Servers {
					s.Freeze()
					defer s.Thaw() // the next case would wait for it for ever
				}
				// Connections that are waiting for an answer, and new ones, are both
				// a way to hang.
				for _, space := range []store.Space{e.space, e.process()} {
					for name, call := range storeCalls(space) {
						err := e.returns(name+" with a deadline", func() error {
							ctx, cancel := context.WithTimeout(e.ctx, shortly)
							defer cancel()
							return call(ctx)
						})
						if err == nil {
							e.fatalf("%s of frozen servers has no error", name)
						}
						err = e.returns(name+" that is cancelled", func() error {
							ctx, cancel := context.WithCancel(e.ctx)
							time.AfterFunc(shortly/10, cancel)
							return call(ctx)
						})
						if !errors.Is(err, context.Canceled) {
							e.fatalf("%s of frozen servers, cancelled: %v", name, err)
						}
					}
				}
				// What is still on its way when Set has returned is a copy.
				_ = e.returns("Set", func() error {
					ctx, cancel := context.WithCancel(e.ctx)
					time.AfterFunc(shortly/10, cancel)
					return e.space.Set(ctx, "//r", "n", value, time.Hour)
				})
				copy(value, "XXXXX")
				for _, s := range e.store.Servers {
					s.Thaw()
				}
				e.recovered()
				e.wantValue("//r", "n", "value")
			},
		},
		{
			name: "killed",
			rule: "The methods return an error when the servers cannot be asked, and work again once they are back, without a new client.",
			test: func(e *storeEnv) {
				before, token := e.append("a"), e.token("//r", time.Hour)
				ended := make(chan error, 1)
				if sub, ok := e.subscriber(); ok {
					begun := make(chan struct{}, 100)
					go func() { ended <- sub.Subscribe(e.ctx, func() { begun <- struct{}{} }) }()
					select {
					case <-begun:
					case <-time.After(patience):
						e.fatalf("Subscribe does not begin")
					}
				} else {
					ended <- nil
				}
				for _, s := range e.store.Servers {
					s.Kill()
				}
				// Nothing is needed of the servers to make a store.
				late := e.process()
				for _, space := range []store.Space{e.space, late} {
					for name, call := range storeCalls(space) {
						err := e.returns(name, func() error {
							ctx, cancel := context.WithTimeout(e.ctx, shortly)
							defer cancel()
							return call(ctx)
						})
						if err == nil {
							e.fatalf("%s of killed servers has no error", name)
						}
					}
				}
				select {
				case <-ended:
				case <-time.After(patience):
					e.fatalf("Subscribe goes on when it can hear no more")
				}
				for _, s := range e.store.Servers {
					s.Restart()
				}
				e.recovered()
				if next := e.token("//r", time.Hour); next.ID == token.ID {
					e.fatalf("the token that was lost came back")
				}
				if log := e.read(before); log.Epoch == before.Epoch {
					e.fatalf("the log's epoch outlived it")
				}
				e.space = late
				e.recovered()
			},
		},
	}
}

// recovered waits until every call succeeds.
func (e *storeEnv) recovered() {
	e.t.Helper()
	e.until("the servers to work again", func() bool {
		for _, call := range storeCalls(e.space) {
			ctx, cancel := context.WithTimeout(e.ctx, 5*time.Second)
			err := call(ctx)
			cancel()
			if err != nil {
				return false
			}
		}
		return true
	})
}
