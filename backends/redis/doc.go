// Package cachexredis keeps what Cachex remembers in Redis, where several
// processes share it.
//
//	client := redis.NewClient(&redis.Options{
//		Addr:                  "localhost:6379",
//		ContextTimeoutEnabled: true,
//	})
//	cache := cachex.MustNew(cachex.Config{
//		Store:     cachexredis.New(client),
//		Namespace: "shop",
//	})
//	mux.Handle("GET /{$}", cache.Middleware(cachex.TTL(time.Minute))(hello))
//
// # The client
//
// Any client of go-redis for a single server, for Sentinel or for a Cluster will
// do, with whatever TLS, user name and limits it has. It remains the application's:
// nobody else closes it, and the servers need not be there when it is made. With
// ContextTimeoutEnabled an operation ends at its deadline by itself; without, each
// one costs a goroutine that stays behind until the client's own timeout.
//
// With a client of a single server, or of Sentinel, that has ContextTimeoutEnabled,
// lookups share round trips: those that come while eight are under way wait, for 100
// microseconds at most, and go together, as a pipeline of up to 32. Hooks of the client
// see such a pipeline without the context of any request.
//
// Two kinds of clients are refused, because they would bring back what was
// purged: a Ring, whose servers come back with what they held, and a Cluster's
// client that reads from replicas.
//
// Redis 6 or newer is needed, and these commands: MGET, UNLINK, SET, EVAL and
// EVALSHA with GET, SET, DEL, STRLEN, SETRANGE, PTTL, PEXPIRE, ZADD, ZRANGE,
// ZREVRANGE, ZRANGEBYSCORE, ZREMRANGEBYSCORE and PUBLISH; SUBSCRIBE on the channel
// that is called like the log. Never KEYS, SCAN or FLUSHDB, and no command touches
// two slots of a Cluster.
//
// # The keys
//
// All of them expire.
//
//	cachex:shop:{//example.com/search?q=go}:g        the token of a resource
//	cachex:shop:{//example.com/search?q=go}:v:NAME   a value
//	cachex:shop:{//example.com/search?q=go}:l:NAME   a lease
//	cachex:shop:log                                  the log, a sorted set, and the channel that tells of it
//	cachex:shop.copies:log                           another log, for memory in front
//
// Resources longer than 200 bytes, or with characters that are hard to read, stand
// there as # and their SHA-256. The braces have a Cluster keep all of a resource in
// one slot.
package cachexredis
