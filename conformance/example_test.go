package conformance_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/go-cachex/cachex/conformance"
)

// The tests of an adapter describe its framework, say what it cannot do and
// why, and run the suite: conformance.Run(t, mine).
func ExampleAdapter() {
	mine := conformance.Adapter{
		Name: "mine",
		Start: func(t testing.TB, app conformance.App) string {
			server := httptest.NewServer(app.Cache.Middleware(app.Root...)(app.Handler))
			t.Cleanup(server.Close)
			return server.URL
		},
		Lacks: map[string]string{
			conformance.Interim: "its server drops 1xx responses",
		},
	}
	fmt.Printf("%s cannot: %s\n", mine.Name, mine.Lacks[conformance.Interim])
	// Output: mine cannot: its server drops 1xx responses
}
