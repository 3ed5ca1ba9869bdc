package conformance

import (
	"fmt"
	"sync/atomic"
	"time"
)

func storeLeases() []storeCase {
	return []storeCase{
		{
			name: "held",
			rule: "Acquire takes the lease of a name of a resource, unless somebody holds it; Release gives it back, if owner still holds it.",
			test: func(e *storeEnv) {
				e.ok(e.space.Release(e.ctx, "//r", "n", "me")) // nobody's
				if !e.acquire("//r", "n", "me", time.Hour) {
					e.fatalf("a lease that nobody holds is taken")
				}
				if e.acquire("//r", "n", "you", time.Hour) {
					e.fatalf("two have the lease")
				}
				if !e.acquire("//r", "m", "you", time.Hour) || !e.acquire("//other", "n", "you", time.Hour) {
					e.fatalf("a lease holds for another name or resource")
				}
				e.ok(e.space.Release(e.ctx, "//r", "n", "you"))
				if e.acquire("//r", "n", "you", time.Hour) {
					e.fatalf("somebody else gave the lease back")
				}
				e.ok(e.space.Release(e.ctx, "//r", "n", "me"))
				if !e.acquire("//r", "n", "you", time.Hour) {
					e.fatalf("the lease was not given back")
				}
			},
		},
		{
			name: "apart-from-values",
			rule: "A lease has nothing to do with the value of the same name, or with the token.",
			test: func(e *storeEnv) {
				token := e.token("//r", time.Hour)
				e.set("//r", "n", "v", time.Hour)
				if !e.acquire("//r", "n", "me", time.Hour) {
					e.fatalf("the lease is taken")
				}
				e.wantValue("//r", "n", "v")
				e.ok(e.space.Delete(e.ctx, "//r", "n"))
				e.ok(e.space.Revoke(e.ctx, "//r"))
				if e.acquire("//r", "n", "you", time.Hour) {
					e.fatalf("Delete or Revoke ended the lease")
				}
				e.ok(e.space.Release(e.ctx, "//r", "n", "me"))
				if next := e.token("//r", time.Hour); next == token {
					e.fatalf("the token that was revoked came back")
				}
			},
		},
		{
			name: "one-of-many",
			rule: "A lease lets one process of many run.",
			test: func(e *storeEnv) {
				other := e.process()
				for round := range 20 {
					var held atomic.Int64
					errs := make([]error, 16)
					side(16, func(i int) {
						s := e.space
						if i%2 == 1 {
							s = other
						}
						ok, err := s.Acquire(e.ctx, "//r", fmt.Sprint(round), fmt.Sprint(i), time.Hour)
						if errs[i] = err; ok {
							held.Add(1)
						}
					})
					for _, err := range errs {
						e.ok(err)
					}
					if n := held.Load(); n != 1 {
						e.fatalf("%d hold the lease", n)
					}
				}
			},
		},
	}
}
