package cachex

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// What the cache reckons is what it takes: Config.MemoryBytes bounds the memory in
// fact. The margins are for the steps in which tables grow and for what else a
// process does.
func TestReckoningIsTheHeap(t *testing.T) {
	const entries = 20_000
	for _, tt := range []struct {
		name string
		size int
		set  func(http.Header, int)
	}{
		{"1 KiB", 1 << 10, func(http.Header, int) {}},
		{"no content", 0, func(http.Header, int) {}},
		{"an origin's", 1 << 10, func(h http.Header, i int) {
			// Of a reverse proxy: nothing is a constant.
			h.Set("Cache-Control", strings.Clone("public, max-age=3600"))
			h.Set("Last-Modified", time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC).Format(http.TimeFormat))
			h.Set("Etag", fmt.Sprintf(`"%032d"`, i))
			h.Set("Content-Type", strings.Clone("text/plain; charset=utf-8"))
			h.Set("X-Page", fmt.Sprint("page ", i, " of the shop"))
		}},
		{"with tags and Vary", 1 << 10, func(h http.Header, i int) {
			h.Set("Vary", "Accept-Encoding")
			h.Set("X-Tags", fmt.Sprintf("product-%d products shop", i))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := make([]byte, tt.size)
			c := MustNew(Config{MemoryBytes: 1 << 30, TagField: "X-Tags"})
			defer func() { _ = c.Close() }()
			before := heapInUse()
			i := 0
			h := c.Middleware(TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.set(w.Header(), i); w.Header()["Content-Type"] == nil {
					w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				}
				_, _ = w.Write(body)
			}))
			r, w := httptest.NewRequest("GET", "http://example.com/", nil), &sink{http.Header{}}
			for i = range entries {
				r.URL.Path = fmt.Sprint("/catalogue/", i)
				r.RequestURI = r.URL.Path
				clear(w.h)
				h.ServeHTTP(w, r)
			}
			c.memory.cache.CleanUp()
			grown := float64(int64(heapInUse()) - int64(before))
			n, reckoned := c.memory.entries()
			if n != entries {
				t.Fatalf("%d entries of %d", n, entries)
			}
			t.Logf("%.0f bytes each beside the content, reckoned %.0f", grown/entries-float64(tt.size), float64(reckoned)/entries-float64(tt.size))
			if ratio := float64(reckoned) / grown; ratio < 0.9 || ratio > 1.2 {
				t.Errorf("reckons %d bytes for each entry and takes %.0f", reckoned/entries, grown/entries)
			}
			runtime.KeepAlive(c)
		})
	}
}

// heapInUse is the heap after a collection. Two of them empty the pools.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
