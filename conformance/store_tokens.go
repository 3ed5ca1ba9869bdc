package conformance

import (
	"math"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

func storeTokens() []storeCase {
	return []storeCase{
		{
			name: "made-once",
			rule: "Token returns the resource's token, and makes one where there is none; Get makes none.",
			test: func(e *storeEnv) {
				e.wantToken("//r", store.Token{})
				token := e.token("//r", time.Hour)
				if token.Soft != 0 {
					e.fatalf("a new token has Soft %d", token.Soft)
				}
				e.wantToken("//r", token)
				if again := e.token("//r", time.Minute); again != token {
					e.fatalf("the second Token returned %v, the first %v", again, token)
				}
				if other := e.token("//other", time.Hour); other.ID == token.ID {
					e.fatalf("two resources have the same token")
				}
			},
		},
		{
			name: "made-once-by-many",
			rule: "All processes that ask for a token at once get the same one.",
			test: func(e *storeEnv) {
				other := e.process()
				for _, resource := range []string{"//a", "//b", "//c", "//d", "//e", "//f", "//g", "//h"} {
					tokens, errs := make([]store.Token, 16), make([]error, 16)
					side(16, func(i int) {
						s := e.space
						if i%2 == 1 {
							s = other
						}
						tokens[i], errs[i] = s.Token(e.ctx, resource, time.Hour)
					})
					for i := range tokens {
						e.ok(errs[i])
						if tokens[i] != tokens[0] || tokens[i].ID == 0 {
							e.fatalf("two tokens at once: %v", tokens)
						}
					}
				}
			},
		},
		{
			name: "revoked",
			rule: "Revoke removes the resource's token; the next one differs from it. It frees no values.",
			test: func(e *storeEnv) {
				e.ok(e.space.Revoke(e.ctx, "//r")) // none is no error
				token, other := e.token("//r", time.Hour), e.token("//other", time.Hour)
				e.set("//r", "n", "v", time.Hour)
				e.ok(e.space.Revoke(e.ctx, "//r"))
				e.wantToken("//r", store.Token{})
				e.wantValue("//r", "n", "v")
				e.wantToken("//other", other)

				e.set("//r", "n", "late", time.Hour) // as of a run that began before
				e.wantToken("//r", store.Token{})
				if next := e.token("//r", time.Hour); next.ID == token.ID {
					e.fatalf("the token that was revoked came back")
				}
			},
		},
		{
			name: "expired",
			rule: "Expire sets Soft of the resource's token and leaves its ID; where there is none, it makes none.",
			test: func(e *storeEnv) {
				e.ok(e.space.Expire(e.ctx, "//r", 5))
				e.wantToken("//r", store.Token{})
				token := e.token("//r", time.Hour)
				e.wantToken("//r", token) // what was expired before it was made does not count
				for _, soft := range []int64{1, math.MaxInt64, -1, math.MinInt64, 0, time.Now().UnixNano()} {
					e.ok(e.space.Expire(e.ctx, "//r", soft))
					token.Soft = soft
					e.wantToken("//r", token)
					if again := e.token("//r", time.Hour); again != token {
						e.fatalf("Token returned %v after Expire, want %v", again, token)
					}
				}
				e.set("//r", "n", "v", 48*time.Hour)
				e.wantToken("//r", token) // having it live longer changed nothing else
			},
		},
		{
			name: "expired-while-revoked",
			rule: "A concurrent Revoke wins over Expire.",
			test: func(e *storeEnv) {
				other := e.process()
				for i := range 100 {
					e.token("//r", time.Hour)
					errs := make([]error, 4)
					side(4, func(j int) {
						switch j {
						case 0:
							errs[j] = other.Revoke(e.ctx, "//r")
						default:
							errs[j] = e.space.Expire(e.ctx, "//r", int64(i*10+j))
						}
					})
					for _, err := range errs {
						e.ok(err)
					}
					e.wantToken("//r", store.Token{})
				}
			},
		},
		{
			name: "expired-while-kept",
			rule: "Expire counts, whatever Set and Token do to the token's lifetime meanwhile.",
			test: func(e *storeEnv) {
				other := e.process()
				for i := range 50 {
					resource := "//r" + string(rune('a'+i%26)) + string(rune('a'+i/26))
					token := e.token(resource, time.Hour)
					token.Soft = int64(i + 1)
					errs := make([]error, 3)
					side(3, func(j int) {
						switch j {
						case 0:
							errs[j] = other.Expire(e.ctx, resource, token.Soft)
						case 1:
							errs[j] = e.space.Set(e.ctx, resource, "n", []byte("v"), 100*time.Hour)
						default:
							_, errs[j] = e.space.Token(e.ctx, resource, 200*time.Hour)
						}
					})
					for _, err := range errs {
						e.ok(err)
					}
					e.wantToken(resource, token)
				}
			},
		},
	}
}
