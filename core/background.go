package cachex

import (
	"context"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// background bounds the runs that no client waits for, and lets Shutdown wait
// for them.
type background struct {
	mu      sync.Mutex
	running atomic.Int64 // changed with mu held
	closed  bool
	idle    chan struct{} // closed when nothing runs and nothing may begin
}

func newBackground() *background { return &background{idle: make(chan struct{})} }

func (b *background) begin(most int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.running.Load() >= int64(most) {
		return false
	}
	b.running.Add(1)
	return true
}

func (b *background) runs() int  { return int(b.running.Load()) }
func (b *background) busy() bool { return b.running.Load() > 0 }

func (b *background) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running.Add(-1) == 0 && b.closed {
		close(b.idle)
	}
}

// close refuses new runs.
func (b *background) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		if b.closed = true; b.running.Load() == 0 {
			close(b.idle)
		}
	}
}

// refresh is one renewal of a stored response in the background. It is found in
// the context of the request that is sent through the application for it: a New
// that it is meant for claims it. No field of a request tells of it, because
// anybody could send one.
type refresh struct {
	rt      *route
	key     string
	old     *entry
	flight  *flight // that it leads
	claimed bool
	done    bool     // something was stored, or confirmed
	hidden  []string // fields that its client has sent and it has not
	own     bool     // its response depends on one of them
	counted bool     // as a failure

	elsewhere bool // another process has renewed it, or is at it
}

type refreshKey struct{}

func refreshOf(ctx context.Context) *refresh {
	f, _ := ctx.Value(refreshKey{}).(*refresh)
	return f
}

// IsBackground tells middleware and handlers that a request is none of a
// client's: it renews a stored response (stale-while-revalidate). Middleware
// outside of the cache sees such requests on gin, echo and fiber, where they
// pass through the whole application; on chi and net/http only what is behind
// the cache does. For ctx see SetTTL; outside of the cache, gin's middleware asks
// the context of its request.
func IsBackground(ctx context.Context) bool {
	if ctx == nil {
		return false
	}
	if ctx.Value(refreshKey{}) != nil || ctx.Value(adapter.BackgroundKey) != nil {
		return true
	}
	r := runOf(ctx) // in contexts that only lead to that
	return r != nil && r.background
}

// refreshInBackground renews what is about to be served, unless that is being
// done already. Those who come when it may no longer be served wait for this run.
func (rq *request) refreshInBackground(rt *route, e *entry, res *resource) {
	c := rq.p.cache
	if e.renewing().refreshing.Load() {
		c.stats.pendingRefreshes.Add(1)
		return
	}
	f, leads := c.flights.join(rq, rq.flightKey(res), nil)
	if f != nil && !leads {
		c.flights.leave(f, false)
		c.stats.pendingRefreshes.Add(1)
		return
	}
	if rq.send(rt, e, f) != sent && f != nil {
		c.flights.land(f, landedVoid, nil, rq.now)
	}
}

// sending is whether a run was begun in the background.
type sending uint8

const (
	notSent    sending = iota
	sent               // now
	sentBefore         // and it has not ended
)

// send begins a run in the background that renews e and leads f, which may be
// nil. It is called before the answer is sent, while the request is whole.
func (rq *request) send(rt *route, e *entry, f *flight) sending {
	c := rq.p.cache
	if !e.renewing().refreshing.CompareAndSwap(false, true) {
		c.stats.pendingRefreshes.Add(1)
		return sentBefore
	}
	if !c.background.begin(c.cfg.MaxRefreshes) {
		c.stats.refusedRefreshes.Add(1)
		e.renewing().refreshing.Store(false)
		return notSent
	}
	edits := rq.unattended()
	var base context.Context
	var enter func(context.Context)
	usual := selectsWith(e, edits)
	if usual {
		base, enter = rq.x.Detach(edits)
	}
	if enter == nil {
		c.background.end()
		if !usual || rq.head.Method == http.MethodGet { // the framework has no way back in for a GET
			e.renewing().foreground.Store(true)
		}
		e.renewing().refreshing.Store(false)
		return notSent
	}
	b := &refresh{rt: rt, key: string(rq.key), old: e, flight: f, hidden: rq.hiddenBy(edits)}
	ctx, cancel := context.WithTimeout(context.WithValue(context.WithoutCancel(base), refreshKey{}, b), c.cfg.RefreshTimeout)
	go b.run(ctx, cancel, enter, strings.Clone(rq.x.Pattern()))
	return sent
}

// run is the goroutine of a run in the background.
func (b *refresh) run(ctx context.Context, cancel func(), enter func(context.Context), pattern string) {
	c := b.rt.cache
	defer c.background.end()
	defer b.old.renewing().refreshing.Store(false)
	defer cancel()
	// A handler that does not come back keeps its place among the runs in the
	// background, but nobody waits for it any longer.
	defer context.AfterFunc(ctx, func() {
		b.old.rest(c.now())
		b.land(landedFailed)
	})()
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // p is what was panicked with, and servers compare it so
			c.cfg.Logger.Warn("cachex: a handler panicked in the background", "route", pattern, "panic", p, "stack", string(debug.Stack()))
		}
		switch {
		case b.elsewhere:
		case b.done:
			c.stats.refreshes.Add(1)
		case !b.claimed, b.own: // outer middleware has refused it, or it takes a user
			b.old.renewing().foreground.Store(true)
		case !b.counted:
			c.stats.failures.Add(1)
			b.old.rest(c.now())
		}
		b.land(landedVoid) // if it has not landed
	}()
	enter(ctx)
}

func (b *refresh) land(end landing) {
	if b.flight != nil {
		c := b.rt.cache
		c.flights.land(b.flight, end, nil, c.now())
	}
}

// unattended are the edits that make a client's request one of nobody: without
// conditions, without wishes, and without credentials that are not in the key.
func (rq *request) unattended() []adapter.Edit {
	p := rq.p
	edits := append([]adapter.Edit(nil), noConditions...)
	drop := func(name string) { edits = append(edits, adapter.Edit{Name: name, Delete: true}) }
	drop("Cache-Control")
	drop("Pragma")
	if p.perUser { // the key says whose they are
		return edits
	}
	if !p.keysAuth {
		drop("Authorization")
	}
	for _, name := range p.cache.cfg.CredentialFields {
		if !containsFold(p.keyedCreds, name) {
			drop(name)
		}
	}
	if !p.keysCookie && rq.head.Has&adapter.Cookie != 0 {
		kept := keptCookies(rq.x.Lines("Cookie"), p.keyCookies)
		edits = append(edits, adapter.Edit{Name: "Cookie", Value: kept, Delete: kept == ""})
	}
	return edits
}

// selectsWith tells whether a request that selects the entry still does after these
// edits. What was made for a user cannot be renewed without one.
func selectsWith(e *entry, edits []adapter.Edit) bool {
	for _, v := range e.more().vary {
		for _, edit := range edits {
			if edit.Name != v.name {
				continue
			}
			value, present := "", false
			if !edit.Delete {
				value, present = field.Selecting(v.name, []string{edit.Value})
			}
			if present != v.present || value != v.value {
				return false
			}
		}
	}
	return true
}

// hiddenBy names the fields that the request has and its edited copy lacks, in whole
// or in part. The copy's context may still know what they said.
func (rq *request) hiddenBy(edits []adapter.Edit) (names []string) {
	for _, edit := range edits {
		if lines := rq.x.Lines(edit.Name); lines != nil && (edit.Delete || len(lines) > 1 || lines[0] != edit.Value) {
			names = append(names, edit.Name)
		}
	}
	return names
}

// renew is the way of a refresh through the cache that it belongs to.
func (rq *request) renew(rt *route, f *refresh) {
	if _, ok := rq.makeURL(); !ok || !rq.addParts() || string(rq.key) != f.key {
		return // nobody's: it counts as refused
	}
	if !rq.selects(f.old) {
		return // by what outer middleware has made of it
	}
	f.claimed = true
	rq.hidden = f.hidden
	rq.takeTicket()
	if rq.renewedElsewhere(f) {
		return
	}
	r := rq.newRun(rt, decision{action: actValidate, fwd: fwdStale}, f.flight)
	r.limit, r.spare = rq.p.hard, f.old // which a failure leaves in its place
	if r.selected = f.old; rq.mayConfirm(f.old) {
		r.candidate = rq.candidate(f.old, &f.old.alone)
	}
	r.call.Edits = append(r.call.Edits, rq.validators(r)...)
	rq.perform(r)
	f.done, f.counted = r.committed || r.result != nil && !r.stoodIn, r.stoodIn
	f.own = rq.hiddenHit
}

// Defaults of Config.
const (
	defaultRefreshTimeout = 30 * time.Second
	defaultMaxRefreshes   = 64
)
