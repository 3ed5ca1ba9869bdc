// Package servers runs real stores for tests: a Redis server, a Redis Cluster, a
// Redis with a replica and a Sentinel, a Memcached server.
//
//	redis := servers.Redis(t)
//	client := goredis.NewClient(&goredis.Options{Addr: redis.Addr})
//	...
//	redis.Kill()
//	redis.Restart()
//
// Each server listens on a free loopback port, is ready when the function returns,
// keeps nothing on disk that outlives the test, and ends with the test, also where
// the test's own process is killed. A test fails where a program is missing:
// make setup installs it.
package servers
