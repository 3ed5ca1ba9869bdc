package cachex_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

func serial(b *testing.B, h http.Handler, r *http.Request) {
	w := &reusable{h: make(http.Header, 16)}
	b.ReportAllocs()
	for b.Loop() {
		w.reset()
		h.ServeHTTP(w, r)
	}
}

func parallel(b *testing.B, h http.Handler, r *http.Request) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		w, r := &reusable{h: make(http.Header, 16)}, r.Clone(r.Context())
		for pb.Next() {
			w.reset()
			h.ServeHTTP(w, r)
		}
	})
}

func hitOn(b *testing.B) (http.Handler, *http.Request) {
	r := request("/")
	return hit(b, r, "", "", cachex.TTL(time.Hour)), r
}

func hit304On(b *testing.B) (http.Handler, *http.Request) {
	r := request("/", "If-None-Match: x")
	return hit(b, r, "", "", cachex.TTL(time.Hour)), r
}

// BenchmarkHandler is the floor: the same handler without a cache.
func BenchmarkHandler(b *testing.B)         { serial(b, page("", ""), request("/")) }
func BenchmarkHandlerParallel(b *testing.B) { parallel(b, page("", ""), request("/")) }

func BenchmarkHit(b *testing.B) {
	h, r := hitOn(b)
	serial(b, h, r)
}

func BenchmarkHitParallel(b *testing.B) {
	h, r := hitOn(b)
	parallel(b, h, r)
}

func BenchmarkHit304(b *testing.B) {
	h, r := hit304On(b)
	serial(b, h, r)
}

func BenchmarkHit304Parallel(b *testing.B) {
	h, r := hit304On(b)
	parallel(b, h, r)
}

// BenchmarkMiss stores every response, under a thousand keys in turn.
func BenchmarkMiss(b *testing.B) {
	c := cachex.MustNew(cachex.Config{})
	b.Cleanup(func() { _ = c.Close() })
	h := c.Middleware(cachex.TTL(time.Hour))(page("", ""))
	requests := make([]*http.Request, 1000)
	for i := range requests {
		requests[i] = request(fmt.Sprintf("/%d", i), "Cache-Control: no-cache")
	}
	w := &reusable{h: make(http.Header, 16)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.reset()
		h.ServeHTTP(w, requests[i%len(requests)])
	}
}

// BenchmarkMissCold stores every response, each under a key that is new.
func BenchmarkMissCold(b *testing.B) {
	c := cachex.MustNew(cachex.Config{})
	b.Cleanup(func() { _ = c.Close() })
	ask, _ := asker(c.Middleware(cachex.TTL(time.Hour))(page("", "")), request("/"), targets(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		ask()
	}
}

// targets are those of n requests, each for something else.
func targets(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint("/", i)
	}
	return out
}

// asker asks a handler for one target after the other.
func asker(h http.Handler, r *http.Request, targets []string) (ask func(), w *reusable) {
	w = &reusable{h: make(http.Header, 16)}
	i := 0
	return func() {
		w.reset()
		r.URL.Path, r.RequestURI = targets[i], targets[i]
		i++
		h.ServeHTTP(w, r)
	}, w
}
