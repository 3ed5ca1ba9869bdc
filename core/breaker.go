package cachex

import (
	"sync"
	"sync/atomic"
	"time"
)

// breaker keeps requests from waiting for a store that does not answer. After
// some failures in a row it lets none ask; then, after a while, one at a time, and
// all again when that one has an answer.
type breaker struct {
	uneasy atomic.Bool // there was a failure since the last answer: the rest counts

	mu       sync.Mutex
	failures int
	last     *period // of the last failure that counts, which was then
	failed   time.Time
	until    time.Time // no one asks before; zero while it is closed
	probing  bool
}

// attempt is an operation, as far as it fails together with others. The zero value
// fails for itself.
type attempt struct {
	period *period // of lookups, which stores may send together
	began  time.Time
}

const (
	maxFailures = 5           // in a row
	breakFor    = time.Second // then a probe
)

// allow tells whether to ask.
func (b *breaker) allow() bool {
	if !b.uneasy.Load() {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return true
	case b.probing || time.Now().Before(b.until):
		return false
	}
	b.probing = true
	return true
}

// done is told how it went; changed tells whether the breaker has opened, or
// closed again. Of lookups with one deadline that were under way together, the
// first failure counts: one packet that is lost may have been that of all.
func (b *breaker) done(ok bool, a attempt) (changed bool) {
	if ok && !b.uneasy.Load() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uneasy.Store(!ok); ok {
		changed = !b.until.IsZero()
		b.failures, b.until, b.probing = 0, time.Time{}, false
		return changed
	}
	b.probing = false
	if b.until.IsZero() && a.period != nil && a.period == b.last && a.began.Before(b.failed) {
		return false
	}
	b.last, b.failed = a.period, time.Now()
	if b.failures++; b.failures < maxFailures {
		return false
	}
	changed = b.until.IsZero()
	b.until = time.Now().Add(breakFor)
	return changed
}

// abandon is told that nobody knows how it went: the client has left.
func (b *breaker) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}
