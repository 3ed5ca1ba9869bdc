package cachexecho_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/labstack/echo/v4"

	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	cachex "github.com/go-cachex/cachex/core"
)

func Example() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	e := echo.New()
	e.GET("/", func(c echo.Context) error {
		fmt.Println("the handler runs")
		return c.String(http.StatusOK, "hello")
	}, cachexecho.New(cache, cachex.TTL(time.Minute)))

	for range 2 {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		fmt.Println(w.Body, "-", w.Header().Get("Cache-Status"))
	}
	// Output:
	// the handler runs
	// hello - Cachex; fwd=uri-miss; stored; ttl=60
	// hello - Cachex; hit; ttl=60
}

func ExamplePerUser() {
	user := func(c echo.Context) (string, bool) {
		id, ok := c.Get("user").(string) // where auth middleware has put it
		return id, ok
	}
	fmt.Println(cachex.Validate(cachexecho.PerUser(user), cachex.TTL(time.Minute)))
	// Output: <nil>
}
