package cachexchi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-chi/chi/v5"

	cachexchi "github.com/go-cachex/cachex/adapters/chi"
	cachex "github.com/go-cachex/cachex/core"
)

func Example() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	r := chi.NewRouter()
	r.With(cachexchi.New(cache, cachex.TTL(time.Minute))).Get("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Println("the handler runs")
		fmt.Fprint(w, "hello")
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
