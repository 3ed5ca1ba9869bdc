package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

func storeValues() []storeCase {
	return []storeCase{
		{
			name: "kept",
			rule: "Get returns, for each name, its value or nil.",
			test: func(e *storeEnv) {
				every := make([]byte, 256)
				for i := range every {
					every[i] = byte(i)
				}
				values := map[string]string{
					"empty": "", "one": "x", "bytes": string(every), "lines": "a\r\nEND\r\nb\r\n",
					"large": strings.Repeat(string(every), 1024),
				}
				e.wantNone("//r", "one")
				for name, value := range values {
					e.set("//r", name, value, time.Hour)
				}
				for name, value := range values {
					e.wantValue("//r", name, value)
				}
				_, got := e.get("//r", "one", "none", "bytes", "one")
				if string(got[0]) != "x" || got[1] != nil || !bytes.Equal(got[2], every) || string(got[3]) != "x" {
					e.fatalf("several names: %.100q", got)
				}
				e.set("//r", "one", "y", time.Hour)
				e.wantValue("//r", "one", "y")
				e.wantNone("//other", "one")
			},
		},
		{
			name: "deleted",
			rule: "Delete removes values. The token stays.",
			test: func(e *storeEnv) {
				token := e.token("//r", time.Hour)
				for _, name := range []string{"a", "b", "c"} {
					e.set("//r", name, name, time.Hour)
				}
				e.ok(e.space.Delete(e.ctx, "//r"))
				e.ok(e.space.Delete(e.ctx, "//r", "a", "none", "c"))
				e.wantNone("//r", "a")
				e.wantValue("//r", "b", "b")
				e.wantNone("//r", "c")
				e.wantToken("//r", token)
			},
		},
		{
			name: "owned",
			rule: "Space keeps none of the slices that it gets, and what it returns belongs to the caller.",
			test: func(e *storeEnv) {
				ctx, cancel := context.WithCancel(e.ctx)
				defer cancel()
				value := []byte("value")
				e.ok(e.space.Set(ctx, "//r", "n", value, time.Hour))
				copy(value, "XXXXX")
				e.wantValue("//r", "n", "value")
				copy(e.value("//r", "n"), "YYYYY")
				e.wantValue("//r", "n", "value")

				record := []byte("record")
				p, err := e.space.Append(ctx, time.Hour, record)
				e.ok(err)
				copy(record, "XXXXXX")
				for range 2 {
					log := e.read(store.Position{Epoch: p.Epoch})
					if len(log.Records) != 1 || string(log.Records[0].Data) != "record" {
						e.fatalf("the log is %q", log.Records)
					}
					copy(log.Records[0].Data, "YYYYYY")
				}
			},
		},
		{
			name: "odd-strings",
			rule: "resource and name are any strings without control characters; different ones have different values.",
			test: func(e *storeEnv) {
				long := strings.Repeat("0123456789", 1000)
				odd := []string{
					"", " ", "//example.com/", "//example.com/search?q=a b", "//example.com/ü", "//example.com/{a}", "{", "}", "{}", "a:v:b", "b",
					"a", ":", "#", "log", "g", "v", "l", "%20", "\xff\xfe", long, long + "1", long[:250], long[:251], long[:200], long[:201], long[:100],
					store.Key(long, 100), store.Key("", 100), "//example.com/#" + long,
				}
				for i, resource := range odd {
					token := e.token(resource, time.Hour)
					for j, name := range odd {
						if i != j && i > 5 && j > 5 && (i+j)%5 != 0 {
							continue // a part of the pairs is enough
						}
						e.set(resource, name, fmt.Sprint(i, " ", j), time.Hour)
						if !e.acquire(resource, name, "me", time.Hour) {
							e.fatalf("the lease %.60q of %.60q is another one's", name, resource)
						}
					}
					e.wantToken(resource, token)
				}
				for i, resource := range odd {
					for j, name := range odd {
						if i != j && i > 5 && j > 5 && (i+j)%5 != 0 {
							e.wantNone(resource, name)
							continue
						}
						e.wantValue(resource, name, fmt.Sprint(i, " ", j))
					}
				}
			},
		},
		{
			name: "too-large",
			rule: "For a value that the store cannot hold, Set returns ErrTooLarge, and what stood there before is gone as well.",
			test: func(e *storeEnv) {
				e.set("//r", "n", strings.Repeat("x", e.store.Fits), time.Hour)
				if n := len(e.value("//r", "n")); n != e.store.Fits {
					e.fatalf("a value of %d bytes came back with %d", e.store.Fits, n)
				}
				e.set("//r", "other", "v", time.Hour)
				err := e.space.Set(e.ctx, "//r", "n", make([]byte, e.store.TooLarge), time.Hour)
				if !errors.Is(err, store.ErrTooLarge) {
					e.fatalf("a value of %d bytes: %v", e.store.TooLarge, err)
				}
				e.wantNone("//r", "n")
				e.wantValue("//r", "other", "v")
				e.set("//r", "n", "small", time.Hour)
				e.wantValue("//r", "n", "small")
			},
		},
		{
			name: "namespaces",
			rule: "A Space is the part of the store that belongs to one namespace.",
			test: func(e *storeEnv) {
				s := e.store.New(e.t)
				if _, err := s.Open(""); err == nil {
					e.fatalf("Open takes an empty namespace")
				}
				if _, err := s.Open("a b\n"); err == nil {
					e.fatalf("Open takes a namespace with control characters")
				}
				other := e.open(s, e.namespace+"-other")
				token := e.token("//r", time.Hour)
				e.set("//r", "n", "v", time.Hour)
				p := e.append("record")

				got, values, err := other.Get(e.ctx, "//r", "n")
				e.ok(err)
				if got.ID != 0 || values[0] != nil {
					e.fatalf("another namespace sees %v, %q", got, values)
				}
				e.ok(other.Revoke(e.ctx, "//r"))
				e.ok(other.Delete(e.ctx, "//r", "n"))
				log, err := other.Read(e.ctx, time.Hour, store.Position{})
				e.ok(err)
				if log.Epoch == p.Epoch || log.Seq != 0 || len(log.Records) != 0 {
					e.fatalf("another namespace's log is %v after %v", log, p)
				}
				e.wantToken("//r", token)
				e.wantValue("//r", "n", "v")
				if !e.acquire("//r", "n", "me", time.Hour) {
					e.fatalf("the lease is taken")
				}
				free, err := other.Acquire(e.ctx, "//r", "n", "you", time.Hour)
				e.ok(err)
				if !free {
					e.fatalf("a lease of one namespace holds in another")
				}
			},
		},
		{
			name: "shared",
			rule: "What one process writes, another one reads.",
			test: func(e *storeEnv) {
				token := e.token("//r", time.Hour)
				e.set("//r", "n", "v", time.Hour)
				e.space = e.process()
				e.wantToken("//r", token)
				e.wantValue("//r", "n", "v")
				e.ok(e.space.Revoke(e.ctx, "//r"))
				e.space = e.process()
				e.wantToken("//r", store.Token{})
			},
		},
		{
			name: "cancelled-before",
			rule: "The methods return when ctx is done.",
			test: func(e *storeEnv) {
				ctx, cancel := context.WithCancel(e.ctx)
				cancel()
				token := e.token("//r", time.Hour)
				e.set("//r", "a", "kept", time.Hour)
				for name, call := range storeCalls(e.space) {
					if err := call(ctx); !errors.Is(err, context.Canceled) {
						e.fatalf("%s with a cancelled context: %v", name, err)
					}
				}
				e.wantToken("//r", token)
				e.wantValue("//r", "a", "kept")
			},
		},
		{
			name: "concurrent",
			rule: "The methods are safe for concurrent use.",
			test: func(e *storeEnv) {
				names := []string{"Get", "Token", "Set", "Delete", "Revoke", "Expire", "Acquire", "Release", "Append", "Read"}
				calls := storeCalls(e.space)
				errs := make([]error, 4*len(names))
				side(len(errs), func(i int) {
					for range 10 {
						if err := calls[names[i%len(names)]](e.ctx); err != nil {
							errs[i] = err
						}
					}
				})
				for i, err := range errs {
					if err != nil {
						e.fatalf("%s: %v", names[i%len(names)], err)
					}
				}
			},
		},
	}
}
