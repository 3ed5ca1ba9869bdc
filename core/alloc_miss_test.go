//go:build !race

// The race detector has sync.Pool drop what it is given, at random.

package cachex_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// A miss that stores 1 KiB, above the same handler without a cache. The bounds are
// what is kept (the entry, its text, its values and its content, its node in the
// table and what tells otter of that), the key, the run, and what stands with a case.
func TestAllocationsOfAMiss(t *testing.T) {
	ttl := cachex.TTL(time.Hour)
	for _, tt := range []struct {
		name          string
		cc, vary, tag string
		lines         []string
		opts          []cachex.Option
		most          float64
	}{
		{name: "TTL", opts: []cachex.Option{ttl}, most: 8},
		{name: "Cache-Control", cc: "public, max-age=60", most: 8},
		{name: "an entity tag of the handler's", tag: `"v1"`, opts: []cachex.Option{ttl}, most: 8},
		{name: "KeyHeader", lines: []string{"X-Tenant: a"}, opts: []cachex.Option{ttl, cachex.KeyHeader("X-Tenant")}, most: 8},
		{name: "Vary", vary: "Accept-Encoding", lines: []string{"Accept-Encoding: gzip, br"}, opts: []cachex.Option{ttl}, most: 13},
		{name: "Tags", opts: []cachex.Option{ttl, cachex.Tags("a", "b")}, most: 11},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const runs = 200
			count := func(h http.Handler, stored string) float64 {
				ask, w := asker(h, request("/", tt.lines...), targets(runs+1)) // AllocsPerRun makes one more
				allocs := testing.AllocsPerRun(runs, ask)
				if state := w.h.Get("Cache-Status"); w.n != kib || !strings.Contains(state, stored) {
					t.Fatalf("%d bytes with Cache-Status %q, want %q in it", w.n, state, stored)
				}
				return allocs
			}
			handler := pageWith("Cache-Control", tt.cc, "Vary", tt.vary, "Etag", tt.tag)
			c := cachex.MustNew(cachex.Config{})
			t.Cleanup(func() { _ = c.Close() })
			bare, cached := count(handler, ""), count(c.Middleware(tt.opts...)(handler), "; stored")
			t.Logf("%v allocations, %v without the cache", cached, bare)
			if cached-bare > tt.most {
				t.Errorf("%v allocations above the handler, want at most %v", cached-bare, tt.most)
			}
		})
	}
}

// pageWith is page with these fields, those that are not empty.
func pageWith(fields ...string) http.Handler {
	body := make([]byte, kib)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		for f := range slices.Chunk(fields, 2) {
			if f[1] != "" {
				w.Header().Set(f[0], f[1])
			}
		}
		_, _ = w.Write(body)
	})
}
