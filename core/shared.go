package cachex

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-cachex/cachex/core/internal/field"
	"github.com/go-cachex/cachex/core/store"
)

// shared is a store that other processes use too. It fails open: whatever goes
// wrong with it is a miss and an event, and nobody waits for it longer than its
// timeout.
type shared struct {
	space   store.Space
	codec   codec
	timeout time.Duration
	longest time.Duration // that anything is kept
	now     func() time.Time
	logger  *slog.Logger
	breaker breaker
	log     *markLog
	copies  *markLog // of what has changed, for memory in front of the store
	queue   *writeQueue
	states  renewals
	purges  purges
	leases  leases
	after   sync.WaitGroup // small work behind the answers
	stop    context.CancelFunc
	ended   chan struct{} // closed when the logs are no longer followed

	tiered     bool        // there is memory in front of it
	queryRules atomic.Bool // of some New in this process

	lastSoft atomic.Int64 // given to Expire: no two of them are alike

	failures, refusals, dropped, foreign, tooLarge atomic.Uint64
}

// birth is the ticket of a run in a shared store: the token of its resource and
// the place in the log, both read before its handler began. Without one nothing
// is stored.
type birth struct {
	token store.Token
	at    store.Position
}

func (b birth) valid() bool { return b.token.ID != 0 && b.at.Epoch != 0 }

// openShared follows the logs of the store from now on.
func openShared(cfg Config, m *marks) (*shared, error) {
	space, err := cfg.Store.Open(cfg.Namespace)
	if err != nil {
		return nil, fmt.Errorf("cachex: Config.Namespace %q: %w", cfg.Namespace, err)
	}
	copies, err := cfg.Store.Open(cfg.Namespace + copiesSuffix)
	if err != nil {
		return nil, fmt.Errorf("cachex: Config.Namespace %q: %w", cfg.Namespace, err)
	}
	s := &shared{
		space: space, timeout: cfg.StoreTimeout, longest: cfg.MaxLifetime, now: cfg.Now, logger: cfg.Logger,
		codec: codec{cfg.StoreSecret, cfg.CompressAbove, cfg.MaxEntryBytes}, tiered: cfg.MemoryBytes > 0,
		ended: make(chan struct{}),
	}
	s.log, s.copies = newMarkLog(s, space), newMarkLog(s, copies)
	s.queue = newWriteQueue(s.write)
	s.follow(m)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() {
		defer close(s.ended)
		var logs sync.WaitGroup
		if s.tiered {
			logs.Go(func() { s.copies.watch(ctx, func() {}) })
		}
		logs.Go(func() { s.log.watch(ctx, func() { s.repeat(ctx) }) })
		logs.Wait()
	}()
	return s, nil
}

// copiesSuffix makes the namespace of the log that is about copies alone. It has
// more records than the other, which must not push each other out.
const copiesSuffix = ".copies"

// shutdown waits until all is written and purged, or until ctx is done.
func (s *shared) shutdown(ctx context.Context) error {
	err := s.queue.drain(ctx)
	s.repeat(ctx)
	s.after.Wait() // each within the timeout of an operation
	return err
}

// close ends what follows the logs, and does not wait for it.
func (s *shared) close() {
	s.stop()
	s.log.timer.Stop()
	s.copies.timer.Stop()
}

// errUnavailable is returned while the breaker is open.
var errUnavailable = errors.New("cachex: the store does not answer")

// do asks the store, within its timeout.
func (s *shared) do(ctx context.Context, ask func(context.Context) error) error {
	if !s.breaker.allow(time.Now()) {
		s.refusals.Add(1)
		return errUnavailable
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := ask(limited)
	switch {
	case err == nil || errors.Is(err, store.ErrTooLarge):
		if s.breaker.done(true, time.Now()) {
			s.logger.Warn("cachex: the store answers again")
			s.purges.assert(time.Now())
		}
	case ctx.Err() != nil: // nobody waits for it any more
		s.breaker.abandon()
	default:
		s.failures.Add(1)
		if s.breaker.done(false, time.Now()) {
			s.logger.Warn("cachex: the store does not answer; requests go to their handlers until it does", "error", err)
		}
	}
	return err
}

// address is where a key is kept: all keys of a URL, under both schemes and in
// all spellings of its path, are one resource of the store.
type address struct{ resource, name string }

// addressOf splits a key, whose URL ends at urlEnd.
func addressOf(key, scheme string, urlEnd int) address {
	start := len("GET ") + len(scheme) + len("://")
	slash := start + strings.IndexByte(key[start:urlEnd], '/')
	target := key[slash:urlEnd]
	at := address{resourceOf(key[start:slash], target), scheme}
	if strings.IndexByte(target, '%') >= 0 {
		at.name += "|" + target
	}
	at.name += strings.ReplaceAll(key[urlEnd:], "\n", "|")
	return at
}

// resourceOf is the resource of a host and a target, as they stand in a key.
func resourceOf(host, target string) string {
	path, query, found := strings.Cut(target, "?")
	if found {
		query = "?" + query
	}
	return "//" + host + decodedPath(path) + query
}

// address is that of the entry's key.
func (e *entry) address() address {
	key := e.key
	scheme, _, _ := strings.Cut(key[len("GET "):], "://")
	end := strings.IndexByte(key, '\n')
	if end < 0 {
		end = len(key)
	}
	return addressOf(key, scheme, end)
}

// variantName is where a variant is kept beside its manifest.
func variantName(name string, vary []selecting) string {
	h := fnv.New128a() // a collision is a miss: the entry knows its own fields
	for _, v := range vary {
		_, _ = h.Write(appendPart(nil, partHeader, v.name, v.value, v.present))
	}
	return name + "|v" + strconv.FormatUint(uint64(len(vary)), 10) + "|" + string(appendHex(nil, h.Sum(nil)))
}

func appendHex(b, sum []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range sum {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return b
}

// get reads what is stored for the request, and the ticket of the run that it
// may lead to.
func (rq *request) getShared() *resource {
	s := rq.p.cache.shared
	key := string(rq.key)
	at := addressOf(key, rq.scheme, rq.urlEnd)
	waiting := s.queue.find(key) // first: afterwards it may just have been written
	var values [][]byte
	err := s.do(rq.x.Context(), func(ctx context.Context) (err error) {
		rq.birth.token, values, err = s.space.Get(ctx, at.resource, at.name)
		return err
	})
	if err != nil {
		rq.birth = birth{} // one failure is enough for one request
		return nil
	}
	found, sets := s.accept(rq, key, values)
	if sets != nil {
		names := rq.variantNames(at.name, sets)
		var token store.Token
		err := s.do(rq.x.Context(), func(ctx context.Context) (err error) {
			token, values, err = s.space.Get(ctx, at.resource, names...)
			return err
		})
		if err != nil || token.ID != rq.birth.token.ID {
			rq.birth = birth{} // taken back, or lost, in between
			return nil
		}
		found, _ = s.accept(rq, key, values)
	}
	for _, w := range waiting {
		switch {
		case w.remove:
			found = slices.DeleteFunc(found, w.entry.sameVariant)
		case w.entry.shared().birth.token.ID == rq.birth.token.ID:
			// It takes the place of an older one even where it was taken back:
			// that may have been by a tag which the older one lacks.
			found = slices.DeleteFunc(found, func(o *entry) bool {
				return w.entry.sameVariant(o) && o.requested <= w.entry.requested
			})
			if soft := rq.birth.token.Soft; soft != w.entry.shared().birth.token.Soft { // in another process
				w.entry.expire(min(moment(soft), rq.now))
			}
			if rq.p.cache.marks.alive(w.entry) {
				found = newResource(found, nil).with(w.entry, rq.p.cache.marks.alive).variants()
			}
		}
	}
	slices.SortStableFunc(found, newestFirst)
	if len(found) == 0 && sets == nil {
		return nil
	}
	return newResource(found, sets)
}

// accept decodes values and takes those that nobody has taken back.
func (s *shared) accept(rq *request, key string, values [][]byte) (found []*entry, sets [][]string) {
	for _, v := range values {
		if v == nil {
			continue
		}
		e, more, err := s.codec.decode(v, key, rq.now)
		if err != nil {
			s.foreign.Add(1)
			continue
		}
		if more != nil {
			sets = more
			continue
		}
		if rq.adopt(e) {
			found = append(found, e)
		}
	}
	return found, sets
}

// adopt gives a decoded entry its place among the marks of this process. It
// returns false where the entry was taken back.
func (rq *request) adopt(e *entry) bool {
	c := rq.p.cache
	now := rq.birth.token
	if e.sharing.birth.token.ID != now.ID || now.ID == 0 {
		return false
	}
	var ok bool
	if e.born, ok = c.shared.log.ticketAt(e.sharing.birth.at); !ok {
		return false
	}
	p := rq.place()
	if !rq.p.query.any() {
		p.hostPath = 0
	}
	x := *e.more()
	x.further = c.marks.furtherScopes(x.tags)
	x.stands(e, p)
	e.extend(x)
	if now.Soft != e.sharing.birth.token.Soft {
		e.expire(min(moment(now.Soft), rq.now))
	}
	e.sharing.read, e.sharing.copied, e.sharing.byToken = rq.now, rq.ticket, true
	if !c.marks.alive(e) {
		return false
	}
	if e.life() <= e.currentAge(rq.now) {
		e.sharing.renewal = c.shared.states.of(e)
	}
	return true
}

// variantNames are the names under which variants for this request may be kept.
func (rq *request) variantNames(name string, sets [][]string) []string {
	names := make([]string, len(sets))
	for i, fields := range sets {
		vary := make([]selecting, len(fields))
		for j, f := range fields {
			value, present := field.Selecting(f, rq.lines(f))
			vary[j] = selecting{name: f, value: strings.Clone(value), present: present}
		}
		names[i] = variantName(name, vary)
	}
	return names
}

// ensureTicket makes a token where there was none. It is called before the
// handler runs.
func (rq *request) ensureTicket() {
	c := rq.p.cache
	if c.shared == nil || rq.birth.token.ID != 0 || rq.birth.at.Epoch == 0 {
		return
	}
	s := c.shared
	at := addressOf(string(rq.key), rq.scheme, rq.urlEnd)
	_ = s.do(rq.x.Context(), func(ctx context.Context) (err error) { // without one nothing is stored
		rq.birth.token, err = s.space.Token(ctx, at.resource, tokenFor)
		return err
	})
}

// takeTicket is for a run that is not begun by a lookup.
func (rq *request) takeTicket() {
	c := rq.p.cache
	rq.ticket, rq.birth = c.marks.ticket(), birth{}
	if c.shared != nil && c.shared.ready(rq.x.Context()) && !c.shared.purges.ends(rq) {
		rq.birth.at = c.shared.log.position()
		rq.ensureTicket()
	}
}

// tokenFor is how long a token lives under which nothing has been stored yet:
// longer than most handlers run. Set makes it live as long as what it writes.
const tokenFor = 10 * time.Minute

// put has an entry written, or returns false.
func (s *shared) put(e *entry, done func()) bool { return s.push(write{entry: e, done: done}) }

// remove has an entry removed.
func (s *shared) remove(e *entry) { s.push(write{entry: e, remove: true}) }

func (s *shared) push(w write) bool {
	if s.queue.push(w) {
		return true
	}
	s.dropped.Add(1)
	if w.done != nil {
		w.done()
	}
	return false
}

// write writes an entry, and, where the resource varies, in what. What somebody
// else has written since, and asked for later, is newer; between the look at it
// and the write it can still be pushed out, which costs a run.
func (s *shared) write(w write) {
	e := w.entry
	at, ttl := e.address(), min(e.keepFor(momentOf(s.now())), s.longest)
	now, err := s.stored(at, e)
	name := at.name
	if now.sets != nil || len(e.more().vary) > 0 {
		name = variantName(at.name, e.more().vary)
	}
	switch {
	case err != nil || now.token.ID != e.shared().birth.token.ID: // nobody would take it
	case w.remove:
		_ = s.do(context.Background(), func(ctx context.Context) error { return s.space.Delete(ctx, at.resource, name) })
	case now.same != nil && now.same.requested > e.requested && now.same.date > e.date:
	case name != at.name && !s.addSet(at, now, e, ttl): // nobody would find it
	case s.set(at.resource, name, s.codec.encode(e), ttl) == nil && now.same != nil && (!bytes.Equal(now.same.body, e.body) || now.same.status != e.status):
		s.tell(e)
	}
}

// standing is what the store holds where an entry is to be written.
type standing struct {
	token store.Token
	sets  [][]string // nil for no manifest
	plain []byte     // the value in its place, if that is an entry
	same  *entry     // the variant that the entry is to replace
}

func (s *shared) stored(at address, e *entry) (now standing, err error) {
	var values [][]byte
	err = s.do(context.Background(), func(ctx context.Context) (err error) {
		now.token, values, err = s.space.Get(ctx, at.resource, at.name, variantName(at.name, e.more().vary))
		return err
	})
	if err != nil {
		return now, err
	}
	for i, v := range values {
		old, sets, err := s.codec.decode(v, e.key, momentOf(s.now()))
		switch {
		case err != nil || old != nil && old.shared().birth.token.ID != now.token.ID: // as good as nothing
		case sets != nil:
			now.sets = sets
		case old.sameVariant(e):
			now.same = old
		case i == 0:
			now.plain = v
		}
	}
	return now, nil
}

// addSet has the manifest name what an entry varies in. An entry that does not
// vary, and stood in the manifest's place, becomes one of the variants.
func (s *shared) addSet(at address, now standing, e *entry, ttl time.Duration) bool {
	sets := now.sets
	if now.plain != nil {
		if s.set(at.resource, variantName(at.name, nil), now.plain, ttl) != nil {
			return false
		}
		sets = append(sets, nil)
	}
	if slices.ContainsFunc(sets, e.variesIn) {
		return true
	}
	sets = append([][]string{namesOf(e.more().vary)}, sets...)
	manifest := s.codec.encodeManifest(e.key, sets[:min(len(sets), maxSets)])
	return s.set(at.resource, at.name, manifest, ttl) == nil
}

func (s *shared) set(resource, name string, value []byte, ttl time.Duration) error {
	err := s.do(context.Background(), func(ctx context.Context) error {
		return s.space.Set(ctx, resource, name, value, ttl)
	})
	if errors.Is(err, store.ErrTooLarge) {
		s.tooLarge.Add(1)
	}
	return err
}

func (e *entry) variesIn(names []string) bool {
	return slices.EqualFunc(e.more().vary, names, func(s selecting, n string) bool { return s.name == n })
}

func namesOf(vary []selecting) []string {
	names := make([]string, len(vary))
	for i, v := range vary {
		names[i] = v.name
	}
	return names
}
