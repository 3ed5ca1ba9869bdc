// Package cachex is an HTTP response cache for Go web applications: a shared
// cache (RFC 9111) that stands in the process, in front of the handlers.
//
//	cache := cachex.MustNew(cachex.Config{}) // 64 MiB in memory
//	mux.Handle("GET /{$}", cache.Middleware(cachex.TTL(time.Minute))(hello))
//	mux.Handle("GET /logo", cache.Middleware(cachex.CacheControl("public, max-age=3600"))(hello))
//
// This package is the engine and the middleware for plain net/http. For gin,
// echo, fiber and chi there are packages cachexgin, cachexecho, cachexfiber and
// cachexchi with a New that takes the same options.
//
// # The life of a request
//
// In this order; the files carry the names of what they do. serve.go shows all
// of it in one function.
//
//   - route.go: which policy applies, whether another New stands around this
//     one, and whether the request is skipped.
//   - key.go, query.go, credentials.go: the key, and what of a user is not in it.
//     Requests without a key, upgrades and GETs with content pass by the cache.
//   - invalidate.go: an unsafe method goes to the handler; if that succeeds,
//     what was stored for its URL is taken back, through marks.go, as by
//     purge.go with its selector.go, scope.go, pattern.go and tags.go.
//   - lookup.go, memory.go: the variant whose Vary fits.
//   - tiers.go: where memory, a shared store, and both at once differ; shared.go,
//     sharedwrite.go, address.go, codec.go, decoder.go, queue.go, breaker.go and
//     lookupdeadline.go: reading the store, and writing to it behind the answers;
//     sharedpurge.go, marklog.go, logrecord.go: what processes tell each other;
//     lease.go: one run for all of them.
//   - decide.go, detail.go, freshness.go: serve it, validate it, or run the handler.
//   - serve.go, precondition.go, byterange.go: the answer from the cache, whole,
//     in part, or as 304 Not Modified.
//   - flight.go, leader.go: one run for all who ask for the same at a time;
//     collapse.go: which requests may share one, and what each makes of it.
//   - run.go, record.go, capture.go, fields.go: the handler, with a copy of what
//     it writes; tether.go is its context, and decorate.go adds what the route
//     asks for.
//   - validate.go, stale.go, background.go: a 304 makes a stored response fresh
//     again, a stale one stands in for a failure, and renewals that no client
//     waits for; timeout.go: what becomes of runs that take too long.
//   - storable.go, entry.go, shape.go, moment.go: whether the response may be
//     kept, and what of it.
//   - cachestatus.go: what is said about all this in Cache-Status (RFC 9211).
//
// # Keys
//
// A key is the method, scheme, host and request target as it was received:
//
//	GET https://example.com/search?q=go
//
// KeyHeader, KeyCookie, KeyFunc and PerUser add parts; DropQuery, KeepQuery and
// SortQuery change the query for the key and for the handler alike. A request
// for which no key can be made is not cached. Beneath a key, Vary of a response
// tells its variants apart.
//
// # Credentials
//
// A request with Cookie, Authorization or one of Config.CredentialFields is
// neither stored from nor answered by an entry that only a TTL or max-age allows.
// It takes public, s-maxage or must-revalidate of the response or the route, or
// an option that says what its credentials mean: PerUser, Shared, KeyCookie,
// KeyHeader or IgnoreCookies. Responses with Set-Cookie are not stored, unless
// StripSetCookie removes it. A handler's private and no-store are never loosened.
//
// # Options and levels
//
// TTL is for this cache alone and never leaves; CacheControl is sent to
// everybody and obeyed here as well. Options stand in Config.Defaults, in an
// outer New and in an inner New. Of single values the innermost counts; key
// parts, tags, ignored cookies and query rules add up. From the strongest:
// DoNotStore and no-store or private of the handler; SetTTL; Override; the
// handler's own fields; the inner New; the outer New; the defaults.
//
// # Handlers
//
// Handlers steer with the fields of their responses, or with SetTTL, DoNotStore
// and AddTags, which take any context that the handler holds and do nothing
// where no cache stands around it.
//
// # Taking things back
//
// Purge takes back what selectors select: a URL, a path, a pattern of paths, tags,
// a host, everything. Expire makes it stale instead. A successful unsafe request
// purges its own URL. What that costs does not depend on how much is stored.
//
// The promise: a request that starts after Purge has returned never gets the
// result of a run that began before it. It gets it neither from memory nor by
// waiting for that run, nor by a 304 or a renewal in the background, however
// late that run ends; after Expire, it does not get it as a fresh response. A
// run takes a ticket before anything is looked up, a purge leaves a mark, and
// what has an older ticket than a mark that reaches it is gone (marks.go). Marks
// are bounded: where there are too many, more is taken back than was asked for,
// and never less.
//
// The promise is kept within the process. Between processes that share a store
// a bound of time comes in: see below.
//
// # Shared stores
//
// With Config.Store and a Namespace, processes share what they keep, in Redis
// (package cachexredis) or Memcached (package cachexmemcached). One of them runs
// the handler for a key while the others wait, for ten seconds at most. With
// MemoryBytes as well there is memory in front of the store, for MemoryTTL.
//
// What Purge takes back is gone for the other processes too: for ByURL, and for
// what an unsafe request has changed, when it returns; for everything else, and
// where they have memory in front of the store, as soon as they have read the
// store's log, which they do each second. A process that could not read it for
// three seconds takes nothing from the store. Where the store does not confirm a purge, Purge
// returns ErrPurgeIncomplete, and it is tried again until it does. A failover of
// the store can undo purges of the last moments; those of the last minute are
// confirmed once more after it.
//
// A store that fails or is slow is a miss, and Stats counts it. Each operation ends
// after StoreTimeout; after five failures in a row only one request a second
// tries. Meanwhile nothing is stored. Every value that is read is checked: that it
// is whole, of this version, for this key and, with StoreSecret, written by one
// who knows the secret. Shutdown waits for what is still to be written.
//
// # Errors
//
// New returns every mistake in a Config, and Validate every mistake in options.
// Middleware, and New of an adapter, panic at set-up with the same errors, as
// routers do on a bad pattern. Nothing panics on a request, and a handler's own
// panic passes through; its response is not stored.
package cachex
