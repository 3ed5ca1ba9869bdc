package conformance

import (
	"time"

	"github.com/go-cachex/cachex/core/store"
)

func storeLifetimes() []storeCase {
	return []storeCase{
		{
			name: "ends",
			rule: "Set keeps a value for ttl, rounded up to what the store counts in.",
			test: func(e *storeEnv) {
				names := []string{"tick", "shortest", "zero", "negative"}
				for i, ttl := range []time.Duration{e.store.Tick, 1, 0, -time.Second} {
					e.set("//r", names[i], "v", ttl)
				}
				e.set("//r", "long", "v", time.Hour)
				for _, name := range names {
					e.until("the end of the value "+name, func() bool { return e.value("//r", name) == nil })
				}
				e.wantValue("//r", "long", "v")
			},
		},
		{
			name: "long",
			rule: "Set keeps a value for ttl, however long that is.",
			test: func(e *storeEnv) {
				// Memcached takes what is longer than 30 days for a date.
				const day = 24 * time.Hour
				for i, ttl := range []time.Duration{time.Hour, 30*day - 1, 30 * day, 31 * day, 100 * 365 * day} {
					resource := "//r" + string(rune('a'+i))
					token := e.token(resource, ttl)
					e.set(resource, "n", "v", ttl)
					e.wantValue(resource, "n", "v")
					e.ok(e.space.Expire(e.ctx, resource, 1))
					token.Soft = 1
					e.wantToken(resource, token)
					if !e.acquire(resource, "n", "me", ttl) || e.acquire(resource, "n", "you", ttl) {
						e.fatalf("a lease for %v does not hold", ttl)
					}
				}
			},
		},
		{
			name: "token-with-value",
			rule: "Set has the token, if there is one, live for as long as the value.",
			test: func(e *storeEnv) {
				token, ttl := e.token("//r", e.store.Tick), e.store.Tick
				for e.set("//r", "n", "v", time.Hour); ; e.set("//r", "n", "v", time.Hour) {
					if got, _ := e.get("//r"); got == token {
						break
					}
					ttl *= 2 // it had ended before Set
					token = e.token("//r", ttl)
				}
				e.token("//other", ttl)
				e.until("the end of a token", func() bool { got, _ := e.get("//other"); return got == store.Token{} })
				e.wantToken("//r", token)
				e.wantValue("//r", "n", "v")
			},
		},
		{
			name: "token-longer-than-value",
			rule: "A value does not shorten the lifetime of the token.",
			test: func(e *storeEnv) {
				token := e.token("//r", time.Hour)
				if again := e.token("//r", e.store.Tick); again != token {
					e.fatalf("Token returned %v, then %v", token, again)
				}
				e.set("//r", "n", "v", e.store.Tick)
				e.until("the end of a value", func() bool { return e.value("//r", "n") == nil })
				e.wantToken("//r", token)
			},
		},
		{
			name: "expired-token",
			rule: "Expire leaves how long the token lives.",
			test: func(e *storeEnv) {
				// Its Soft may be set while it lives, and it ends all the same.
				long := e.token("//long", time.Hour)
				e.ok(e.space.Expire(e.ctx, "//long", 1))
				long.Soft = 1
				e.token("//r", e.store.Tick)
				e.ok(e.space.Expire(e.ctx, "//r", 1))
				e.until("the end of a token", func() bool { got, _ := e.get("//r"); return got == store.Token{} })
				e.wantToken("//long", long)
			},
		},
		{
			name: "lease",
			rule: "A lease ends by itself after ttl. Then its former owner cannot give back what is another one's.",
			test: func(e *storeEnv) {
				if !e.acquire("//r", "n", "me", e.store.Tick) {
					e.fatalf("the lease is taken")
				}
				e.until("the end of a lease", func() bool { return e.acquire("//r", "n", "you", time.Hour) })
				e.ok(e.space.Release(e.ctx, "//r", "n", "me"))
				if e.acquire("//r", "n", "me", time.Hour) {
					e.fatalf("the former owner ended the lease")
				}
			},
		},
	}
}
