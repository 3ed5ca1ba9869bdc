package cachex_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

// board is a store in the memory of the test, which can be broken in every way
// that a real one breaks. The suites for real servers are in the modules of the
// backends and of conformance.
type board struct {
	mu     sync.Mutex
	broken error             // what every operation returns
	frozen chan struct{}     // operations wait for it, or for their context
	late   []func()          // what has arrived meanwhile and is done when it is thawed
	before map[string]func() // see interpose
	ops    map[string]int
	spaces map[string]*space
	clock  func() time.Time // by which values end; nil for never
}

func newBoard() *board {
	return &board{ops: map[string]int{}, before: map[string]func(){}, spaces: map[string]*space{}}
}

func (b *board) Open(namespace string) (store.Space, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.spaces[namespace]
	if s == nil {
		s = &space{b: b, tokens: map[string]store.Token{}, values: map[string][]byte{}, ends: map[string]time.Time{}, leases: map[string]string{}}
		b.spaces[namespace] = s
	}
	return s, nil
}

func (b *board) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = err
}

// expires has values end by a clock.
func (b *board) expires(clock func() time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = clock
}

func (b *board) leases(namespace string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.spaces[namespace].leases)
}

// interpose has f called once, before the next operation of a name.
func (b *board) interpose(op string, f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before[op] = f
}

// freeze has all operations wait until the returned function is called.
func (b *board) freeze() (thaw func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	gate := make(chan struct{})
	b.frozen = gate
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.frozen = nil
		for _, do := range b.late {
			do()
		}
		b.late = nil
		close(gate)
	}
}

func (b *board) count(op string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ops[op]
}

// space is a namespace of a board.
type space struct {
	b       *board
	tokens  map[string]store.Token
	values  map[string][]byte
	ends    map[string]time.Time
	leases  map[string]string
	epoch   uint64
	records [][]byte
	wakers  map[*func()]bool
}

// enter counts an operation and holds the lock until leave.
func (s *space) enter(ctx context.Context, op string) error {
	s.b.mu.Lock()
	before := s.b.before[op]
	delete(s.b.before, op)
	s.b.mu.Unlock()
	if before != nil {
		before()
	}
	for {
		s.b.mu.Lock()
		gate := s.b.frozen
		if gate == nil {
			break
		}
		s.b.mu.Unlock()
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.b.ops[op]++
	err := errors.Join(s.b.broken, ctx.Err())
	if err != nil {
		s.b.mu.Unlock()
	}
	return err
}

func (s *space) leave() { s.b.mu.Unlock() }

func (s *space) Get(ctx context.Context, resource string, names ...string) (store.Token, [][]byte, error) {
	if err := s.enter(ctx, "Get"); err != nil {
		return store.Token{}, nil, err
	}
	defer s.leave()
	values := make([][]byte, len(names))
	for i, n := range names {
		at := resource + "\x00" + n
		if s.b.clock != nil && s.b.clock().After(s.ends[at]) {
			continue
		}
		values[i] = slices.Clone(s.values[at])
	}
	return s.tokens[resource], values, nil
}

func (s *space) Token(ctx context.Context, resource string, _ time.Duration) (store.Token, error) {
	if err := s.enter(ctx, "Token"); err != nil {
		return store.Token{}, err
	}
	defer s.leave()
	if _, ok := s.tokens[resource]; !ok {
		s.tokens[resource] = store.Token{ID: rand.Uint64() | 1}
	}
	return s.tokens[resource], nil
}

func (s *space) Set(ctx context.Context, resource, name string, value []byte, ttl time.Duration) error {
	if err := s.enter(ctx, "Set"); err != nil {
		return err
	}
	defer s.leave()
	s.values[resource+"\x00"+name] = slices.Clone(value)
	if s.b.clock != nil {
		s.ends[resource+"\x00"+name] = s.b.clock().Add(ttl)
	}
	return nil
}

func (s *space) Delete(ctx context.Context, resource string, names ...string) error {
	if err := s.enter(ctx, "Delete"); err != nil {
		return err
	}
	defer s.leave()
	for _, n := range names {
		delete(s.values, resource+"\x00"+n)
	}
	return nil
}

func (s *space) Revoke(ctx context.Context, resource string) error {
	if err := s.enter(ctx, "Revoke"); err != nil {
		return err
	}
	defer s.leave()
	delete(s.tokens, resource)
	return nil
}

func (s *space) Expire(ctx context.Context, resource string, soft int64) error {
	if err := s.enter(ctx, "Expire"); err != nil {
		return err
	}
	defer s.leave()
	if t, ok := s.tokens[resource]; ok {
		t.Soft = soft
		s.tokens[resource] = t
	}
	return nil
}

func (s *space) Acquire(ctx context.Context, resource, name, owner string, _ time.Duration) (bool, error) {
	at := resource + "\x00" + name
	if err := s.enter(ctx, "Acquire"); err != nil {
		s.b.mu.Lock()
		defer s.b.mu.Unlock()
		if s.b.frozen != nil && s.leases[at] == "" {
			s.b.late = append(s.b.late, func() { s.leases[at] = owner })
		}
		return false, err
	}
	defer s.leave()
	if s.leases[at] != "" {
		return false, nil
	}
	s.leases[at] = owner
	return true, nil
}

func (s *space) Release(ctx context.Context, resource, name, owner string) error {
	if err := s.enter(ctx, "Release"); err != nil {
		return err
	}
	defer s.leave()
	if at := resource + "\x00" + name; s.leases[at] == owner {
		delete(s.leases, at)
	}
	return nil
}

func (s *space) Append(ctx context.Context, _ time.Duration, records ...[]byte) (store.Position, error) {
	if err := s.enter(ctx, "Append"); err != nil {
		return store.Position{}, err
	}
	defer s.leave()
	s.begin()
	for _, r := range records {
		s.records = append(s.records, slices.Clone(r))
	}
	for wake := range s.wakers {
		(*wake)()
	}
	return store.Position{Epoch: s.epoch, Seq: uint64(len(s.records))}, nil
}

func (s *space) Read(ctx context.Context, _ time.Duration, after store.Position) (store.Log, error) {
	if err := s.enter(ctx, "Read"); err != nil {
		return store.Log{}, err
	}
	defer s.leave()
	s.begin()
	log := store.Log{Position: store.Position{Epoch: s.epoch, Seq: uint64(len(s.records))}}
	from := after.Seq
	if after.Epoch != s.epoch || from > log.Seq {
		from = 0
	}
	for i, r := range s.records[from:] {
		if r != nil {
			log.Records = append(log.Records, store.Record{Seq: from + uint64(i) + 1, Data: r})
		}
	}
	return log, nil
}

// Subscribe implements store.Subscriber.
func (s *space) Subscribe(ctx context.Context, wake func()) error {
	if err := s.enter(ctx, "Subscribe"); err != nil {
		return err
	}
	if s.wakers == nil {
		s.wakers = map[*func()]bool{}
	}
	s.wakers[&wake] = true
	s.leave()
	wake()
	<-ctx.Done()
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	delete(s.wakers, &wake)
	return ctx.Err()
}

func (s *space) begin() {
	if s.epoch == 0 {
		s.epoch = rand.Uint64() | 1
	}
}

// forget loses everything, as a server does that is started anew.
func (b *board) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.spaces {
		clear(s.tokens)
		clear(s.values)
		clear(s.leases)
		s.epoch, s.records = 0, nil
	}
}

// loseRecord takes the newest record from the log, as a failover does whose replica
// had not copied it.
func (b *board) loseRecord() {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.spaces["test"]
	s.records = s.records[:len(s.records)-1]
}

// spoil changes every value.
func (b *board) spoil(f func([]byte) []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.spaces {
		for k, v := range s.values {
			s.values[k] = f(v)
		}
	}
}

// rewind has the tokens and values as they are now come back, and not the log: as
// a failover of one node of a Cluster does which had not copied them.
func (b *board) rewind() (back func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tokens, values := map[*space]map[string]store.Token{}, map[*space]map[string][]byte{}
	for _, s := range b.spaces {
		tokens[s], values[s] = maps.Clone(s.tokens), maps.Clone(s.values)
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for s := range tokens {
			s.tokens, s.values = tokens[s], values[s]
		}
	}
}
