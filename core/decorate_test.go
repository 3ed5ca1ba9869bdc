package cachex_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// What belongs to one user is private to every cache further out, on a miss and
// on a hit, whatever a targeted field of the handler says: a CDN would obey it
// before Cache-Control (RFC 9213, section 2.2).
func TestPerUserIsPrivateToTargetedCachesToo(t *testing.T) {
	cache := cachex.MustNew(cachex.Config{})
	defer func() { _ = cache.Close() }()
	user := cachex.PerUser(func(r *http.Request) (string, bool) { return "ann", true })
	h := cache.Middleware(user, cachex.TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private")
		w.Header().Set("CDN-Cache-Control", "max-age=600")
		w.Header().Set("Surrogate-Control", "max-age=600")
		_, _ = w.Write([]byte("ann's page"))
	}))
	for _, which := range []string{"miss", "hit"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		for _, name := range []string{"CDN-Cache-Control", "Surrogate-Control"} {
			if v := w.Header().Get(name); v != "" {
				t.Errorf("%s: %s: %s leaves with what belongs to one user", which, name, v)
			}
		}
		if v := w.Header().Get("Cache-Control"); v != "private" {
			t.Errorf("%s: Cache-Control: %s", which, v)
		}
	}
}
