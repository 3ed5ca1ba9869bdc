package cachexmemcached_test

import (
	"fmt"

	"github.com/bradfitz/gomemcache/memcache"
	cachexmemcached "github.com/go-cachex/cachex/backends/memcached"
)

// The client stays the application's. The servers need not be there yet.
func ExampleNew() {
	client := memcache.New("127.0.0.1:11211", "127.0.0.1:11212")
	client.MaxIdleConns = 100
	defer client.Close()

	shared := cachexmemcached.New(client, cachexmemcached.Prefix("shop-cache"))
	_, err := shared.Open("production")
	fmt.Println(err)
	// Output: <nil>
}
