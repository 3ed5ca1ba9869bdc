package cachexredis_test

import (
	"fmt"

	cachexredis "github.com/go-cachex/cachex/backends/redis"
	"github.com/redis/go-redis/v9"
)

// The client stays the application's. The server need not be there yet.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{
		Addr:                  "localhost:6379",
		ContextTimeoutEnabled: true,
	})
	defer client.Close()

	shared := cachexredis.New(client, cachexredis.Prefix("shop-cache"))
	_, err := shared.Open("production")
	fmt.Println(err)
	// Output: <nil>
}

// What was purged must not come back, so two kinds of clients are refused.
func ExampleNew_refused() {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"localhost:7000"}, ReadOnly: true})
	defer client.Close()

	_, err := cachexredis.New(client).Open("production")
	fmt.Println(err)
	// Output: cachexredis: the client reads from replicas, which hold what was purged until they hear of it
}
