package cachexgin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gin-gonic/gin"

	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	cachex "github.com/go-cachex/cachex/core"
)

func Example() {
	gin.SetMode(gin.ReleaseMode)
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	r := gin.New()
	r.GET("/", cachexgin.New(cache, cachex.TTL(time.Minute)), func(c *gin.Context) {
		fmt.Println("the handler runs")
		c.String(http.StatusOK, "hello")
	})

	for range 2 {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		fmt.Println(w.Body, "-", w.Header().Get("Cache-Status"))
	}
	// Output:
	// the handler runs
	// hello - Cachex; fwd=uri-miss; stored; ttl=60
	// hello - Cachex; hit; ttl=60
}

func ExamplePerUser() {
	user := func(c *gin.Context) (string, bool) {
		id := c.GetString("user") // where auth middleware has put it
		return id, id != ""
	}
	fmt.Println(cachex.Validate(cachexgin.PerUser(user), cachex.TTL(time.Minute)))
	// Output: <nil>
}
