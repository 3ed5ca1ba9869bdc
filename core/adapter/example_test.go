package adapter_test

import (
	"fmt"

	"github.com/go-cachex/cachex/core/adapter"
)

// An adapter reports the name of each field line of a request, in whatever
// letter case; the engine then asks for the few that it needs.
func ExampleHead_Field() {
	h := adapter.Head{Credentials: []string{"X-Api-Key"}}
	for _, name := range []string{"Accept", "authorization", "X-API-KEY", "If-None-Match"} {
		h.Field(name)
	}
	fmt.Println("credentials:", h.Has&(adapter.Authorization|adapter.Credential) != 0)
	fmt.Println("conditions:", h.Has&adapter.Conditions != 0)
	fmt.Println("cookies:", h.Has&adapter.Cookie != 0)
	// Output:
	// credentials: true
	// conditions: true
	// cookies: false
}
