package conformance

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-cachex/cachex/conformance/servers"
	"github.com/go-cachex/cachex/core/store"
)

// Store describes a backend, and servers for it, to RunStore.
type Store struct {
	// New makes a store with a client of its own, as every process has, that is
	// closed when the test ends. Its own timeouts should be long: what has to
	// end with the context is not to end by them.
	New func(t testing.TB) store.Store

	// Servers are those that hold the data. The suite kills, restarts, freezes
	// and thaws them all.
	Servers []*servers.Server

	// Lose empties the servers.
	Lose func(t testing.TB)

	// Tick is the shortest lifetime that the store tells from none.
	Tick time.Duration

	// Fits and TooLarge are sizes of values: one that the store must take, and
	// one that it must refuse.
	Fits, TooLarge int

	// Lacks names what the store cannot do, each with the reason.
	Lacks map[string]string
}

// Wakes is what a store may lack: to be told that there is something new in the log.
const Wakes = "wakes"

// storeCase is one obligation of core/store and the proof that it is kept.
type storeCase struct {
	name string
	rule string // printed when the case fails
	test func(*storeEnv)
}

// storeSubjects run side by side; storeFaults one after the other after them,
// because they do to the servers what the others would not survive.
func storeSubjects() []storeSubject {
	return []storeSubject{
		{"tokens", storeTokens()},
		{"values", storeValues()},
		{"lifetimes", storeLifetimes()},
		{"leases", storeLeases()},
		{"log", storeLog()},
	}
}

type storeSubject struct {
	name  string
	cases []storeCase
}

// RunStore runs the suite for stores. start is called once.
func RunStore(t *testing.T, start func(t testing.TB) Store) {
	s := start(t)
	for lack, reason := range s.Lacks {
		if lack != Wakes || reason == "" {
			t.Errorf("the store lacks %q for the reason %q; it may lack %q, for a reason", lack, reason, Wakes)
		}
	}
	t.Run("side-by-side", func(t *testing.T) {
		for _, subject := range storeSubjects() {
			for _, c := range subject.cases {
				t.Run(subject.name+"/"+c.name, func(t *testing.T) {
					t.Parallel()
					c.test(newStoreEnv(t, s, c))
				})
			}
		}
	})
	for _, c := range storeFaults() {
		t.Run("faults/"+c.name, func(t *testing.T) { c.test(newStoreEnv(t, s, c)) })
	}
}

// storeEnv is what a case works with.
type storeEnv struct {
	t     testing.TB
	rule  string
	store Store
	ctx   context.Context

	namespace string
	space     store.Space // of a namespace of the case's own
}

var namespaces atomic.Int64

func newStoreEnv(t testing.TB, s Store, c storeCase) *storeEnv {
	e := &storeEnv{t: t, rule: c.rule, store: s, ctx: context.Background(), namespace: fmt.Sprintf("case-%d", namespaces.Add(1))}
	e.space = e.process()
	return e
}

// process is what another process has: the same namespace through a client of its own.
func (e *storeEnv) process() store.Space { return e.open(e.store.New(e.t), e.namespace) }

func (e *storeEnv) open(s store.Store, namespace string) store.Space {
	e.t.Helper()
	space, err := s.Open(namespace)
	e.ok(err)
	return space
}

func (e *storeEnv) fatalf(format string, args ...any) {
	e.t.Helper()
	e.t.Fatalf("%s\nrule: %s", fmt.Sprintf(format, args...), e.rule)
}

func (e *storeEnv) ok(err error) {
	e.t.Helper()
	if err != nil {
		e.fatalf("error: %v", err)
	}
}

// until polls until something is true. It is no measure of time: what does not
// come true in a long while has failed.
func (e *storeEnv) until(what string, done func() bool) {
	e.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			e.fatalf("waited in vain for %s", what)
		}
	}
}

// returns waits for a call that must come back.
func (e *storeEnv) returns(what string, call func() error) error {
	e.t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		e.fatalf("%s does not return", what)
		return nil
	}
}

// Calls whose errors fail the case.

func (e *storeEnv) get(resource string, names ...string) (store.Token, [][]byte) {
	e.t.Helper()
	token, values, err := e.space.Get(e.ctx, resource, names...)
	e.ok(err)
	if len(values) != len(names) {
		e.fatalf("Get returned %d values for %d names", len(values), len(names))
	}
	return token, values
}

func (e *storeEnv) value(resource, name string) []byte {
	e.t.Helper()
	_, values := e.get(resource, name)
	return values[0]
}

func (e *storeEnv) set(resource, name, value string, ttl time.Duration) {
	e.t.Helper()
	e.ok(e.space.Set(e.ctx, resource, name, []byte(value), ttl))
}

func (e *storeEnv) wantValue(resource, name, want string) {
	e.t.Helper()
	if got := e.value(resource, name); got == nil || !bytes.Equal(got, []byte(want)) {
		e.fatalf("the value %.60q of %.60q is %.60q, want %.60q", name, resource, got, want)
	}
}

func (e *storeEnv) wantNone(resource, name string) {
	e.t.Helper()
	if got := e.value(resource, name); got != nil {
		e.fatalf("the value %.60q of %.60q is %.60q, want none", name, resource, got)
	}
}

func (e *storeEnv) token(resource string, ttl time.Duration) store.Token {
	e.t.Helper()
	token, err := e.space.Token(e.ctx, resource, ttl)
	e.ok(err)
	if token.ID == 0 {
		e.fatalf("Token returned a token without an ID")
	}
	return token
}

func (e *storeEnv) wantToken(resource string, want store.Token) {
	e.t.Helper()
	if got, _ := e.get(resource); got != want {
		e.fatalf("the token of %.60q is %v, want %v", resource, got, want)
	}
}

func (e *storeEnv) append(records ...string) store.Position {
	e.t.Helper()
	data := make([][]byte, len(records))
	for i, r := range records {
		data[i] = []byte(r)
	}
	p, err := e.space.Append(e.ctx, time.Hour, data...)
	e.ok(err)
	return p
}

func (e *storeEnv) read(after store.Position) store.Log {
	e.t.Helper()
	log, err := e.space.Read(e.ctx, time.Hour, after)
	e.ok(err)
	if log.Epoch == 0 {
		e.fatalf("Read returned an epoch of 0")
	}
	return log
}

func (e *storeEnv) acquire(resource, name, owner string, ttl time.Duration) bool {
	e.t.Helper()
	ok, err := e.space.Acquire(e.ctx, resource, name, owner, ttl)
	e.ok(err)
	return ok
}

// storeCalls are all methods of a Space that talk to servers.
func storeCalls(s store.Space) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Get":     func(ctx context.Context) error { _, _, err := s.Get(ctx, "//r", "a", "b"); return err },
		"Token":   func(ctx context.Context) error { _, err := s.Token(ctx, "//r", time.Hour); return err },
		"Set":     func(ctx context.Context) error { return s.Set(ctx, "//r", "a", []byte("v"), time.Hour) },
		"Delete":  func(ctx context.Context) error { return s.Delete(ctx, "//r", "a", "b") },
		"Revoke":  func(ctx context.Context) error { return s.Revoke(ctx, "//r") },
		"Expire":  func(ctx context.Context) error { return s.Expire(ctx, "//r", 1) },
		"Acquire": func(ctx context.Context) error { _, err := s.Acquire(ctx, "//r", "a", "me", time.Hour); return err },
		"Release": func(ctx context.Context) error { return s.Release(ctx, "//r", "a", "me") },
		"Append":  func(ctx context.Context) error { _, err := s.Append(ctx, time.Hour, []byte("r")); return err },
		"Read":    func(ctx context.Context) error { _, err := s.Read(ctx, time.Hour, store.Position{}); return err },
	}
}

// side runs n functions at once and waits for them.
func side(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
