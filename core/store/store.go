// Package store is the interface between Cachex and a store that several
// processes share, such as Redis or Memcached.
//
// Applications do not call it: they give what New of package cachexredis or
// cachexmemcached returns to Config.Store. It is for authors of backends, who
// prove them with conformance.RunStore.
//
// A store keeps bytes. What they mean, how long they may be used and whether
// they are still true is decided by the engine, to which every byte that it reads
// is untrusted. Losing any key at any time is normal: it costs a run of a
// handler. Three things make it safe to take content back:
//
//   - Each resource has a token, and each value was written under one. Revoke
//     ends it, and with it all that was or will be written under it, by whomever,
//     at one stroke and without a list of what there is.
//   - The log tells all processes what was taken back by other marks than a
//     resource: paths, patterns, tags. Its epoch is lost together with it, so that
//     an empty log is never taken for one without marks.
//   - A lease lets one process of many run a handler.
package store

import (
	"context"
	"errors"
	"time"
)

// ErrTooLarge is returned by Set for a value that the store cannot hold. What
// stood there before is gone as well: it would be the older one.
var ErrTooLarge = errors.New("cachex: the value is too large for the store")

// Store is what applications make and give to Config.Store. Open neither reads
// nor writes: the servers need not be there yet.
type Store interface {
	// Open returns the part of the store that belongs to a namespace. It
	// returns an error for a namespace that cannot be a part of its keys.
	Open(namespace string) (Space, error)
}

// Space is the part of a store that belongs to one namespace. Its methods are
// safe for concurrent use, and return an error only when the servers cannot be
// asked or answer with one; that something is not there is none. They return when
// ctx is done, but for this: where it has a deadline, who cancels it earlier may
// have to wait for the deadline. They keep none of the slices that they get, and
// what they return belongs to the caller.
//
// resource is any string, mostly a URL without its scheme, such as
// //example.com/search?q=go; name is any string. Both may be too long for a key,
// or hold characters that keys may not: see Key. All that is stored for a resource lies where one round trip
// reaches it (in one slot of a Redis Cluster).
type Space interface {
	// Get returns the resource's token and, for each name, its value or nil.
	// It takes one round trip. The values are the caller's: their bytes do not
	// change any more.
	Get(ctx context.Context, resource string, names ...string) (Token, [][]byte, error)

	// Token returns the resource's token, and makes one that lives for ttl at
	// least where there is none.
	Token(ctx context.Context, resource string, ttl time.Duration) (Token, error)

	// Set writes a value that is kept for ttl, rounded up to what the store
	// counts in, and has the token, if there is one, live for as long. It may
	// return ErrTooLarge.
	Set(ctx context.Context, resource, name string, value []byte, ttl time.Duration) error

	// Delete removes values. The token stays.
	Delete(ctx context.Context, resource string, names ...string) error

	// Revoke removes the resource's token: the next one that is made differs
	// from it. It frees no values.
	Revoke(ctx context.Context, resource string) error

	// Expire sets Soft of the resource's token, if there is one, and leaves
	// its ID and how long it lives. A concurrent Revoke wins.
	Expire(ctx context.Context, resource string, soft int64) error

	// Acquire takes the lease of a name of a resource for owner, unless
	// somebody holds it. It ends by itself after ttl.
	Acquire(ctx context.Context, resource, name, owner string, ttl time.Duration) (bool, error)

	// Release gives the lease back, if owner still holds it.
	Release(ctx context.Context, resource, name, owner string) error

	// Append adds records to the log, all or none, and returns the position of
	// the last one. Where there is no log it begins one, with a new epoch. ttl is
	// how long the log is kept from now on, at least. It may return ErrTooLarge for
	// more than 1,000,000 bytes.
	Append(ctx context.Context, ttl time.Duration, records ...[]byte) (Position, error)

	// Read returns the records after a position, in order. Where there is no
	// log it begins one, as Append does. A position of another epoch, or one
	// that the log no longer reaches back to, has it return all records that
	// there are. One that the log has not reached yet proves that records were
	// lost, as a failover to a replica that lagged may lose them: then Read
	// begins a new log.
	Read(ctx context.Context, ttl time.Duration, after Position) (Log, error)
}

// Subscriber is implemented by a Space whose store can tell that there is
// something new in the log. It shortens the time in which other processes learn
// of it; they poll it in any case.
type Subscriber interface {
	// Subscribe calls wake after each Append by any process, as far as it
	// hears of it, and once when it has begun to listen. It returns when ctx
	// is done or when it can hear no more.
	Subscribe(ctx context.Context, wake func()) error
}

// Token stands for everything that was stored for a resource since the last
// Revoke. The zero Token is none.
type Token struct {
	ID   uint64 // random, never 0
	Soft int64  // given to the last Expire, 0 before
}

// Position is a place in the log. Positions of different epochs cannot be
// compared.
type Position struct {
	Epoch uint64 // random, never 0
	Seq   uint64 // of the newest record, counted from 1; 0 where there was none
}

// Log is a part of the log.
type Log struct {
	Position // of the newest record

	// Floor is the Seq of the newest record that the log no longer has, or 0.
	// A log keeps its 16,384 newest records at least.
	Floor uint64

	// Records are those after the position that was asked for, in order, and
	// each with its Seq. A record that was lost, or that has not been written yet
	// by whoever took its Seq, is missing.
	Records []Record
}

// Record is an entry of the log.
type Record struct {
	Seq  uint64
	Data []byte
}
