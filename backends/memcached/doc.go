// Package cachexmemcached keeps what Cachex remembers in Memcached, where several
// processes share it.
//
//	client := memcache.New("10.0.0.1:11211", "10.0.0.2:11211")
//	client.MaxIdleConns = 100
//	cache := cachex.MustNew(cachex.Config{
//		Store:     cachexmemcached.New(client),
//		Namespace: "shop",
//	})
//	mux.Handle("GET /{$}", cache.Middleware(cachex.TTL(time.Minute))(hello))
//
// # The client
//
// It remains the application's: nobody else closes it, and the servers need not be
// there when it is made. Their names are looked up at once, though: where one is not
// found, New of the client has no servers at all and does not say so; ServerList and
// its SetServers do. MaxIdleConns should be the number of requests at once:
// the default of two opens a connection for nearly every lookup under load. The
// client knows no contexts, so each operation runs in a goroutine of its own, which
// stays behind until the client's Timeout where an operation ends earlier.
//
// All processes need the same servers in the same order. Do not use a selector
// that sends keys elsewhere while a server is gone: what that server held would come
// back with it, also what was purged in between.
//
// # The keys
//
// None is longer than 250 bytes, and nothing is ever flushed or listed.
//
//	cachex:shop:{//example.com/search?q=go}:g        the token of a resource
//	cachex:shop:{//example.com/search?q=go}:v:NAME   a value
//	cachex:shop:{//example.com/search?q=go}:l:NAME   a lease
//	cachex:shop:log                                  the log's counter; it does not expire
//	cachex:shop:log:0123456789abcdef                 a record of the log, or several
//	cachex:shop.copies:log                           another log, for memory in front
//
// Resources too long for a key, or with characters that are hard to read, stand
// there as # and their SHA-256.
//
// # What it cannot do
//
// Values that the server's item limit refuses (-I, 1 MiB unless it was raised) are
// not stored. Nobody is told of a new record in the log: other processes learn of
// it when they poll. While one of several servers is gone, its resources miss;
// records of the log that fall on it are lost, which costs more than was purged,
// never less; and where it had the log's counter, there is no log until it is back.
package cachexmemcached
