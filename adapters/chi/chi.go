package cachexchi

import (
	"net/http"
	"sync"

	"github.com/go-chi/chi/v5"

	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/adapter"
)

const framework = "chi"

// New caches what is behind it. It fits Router.Use, Router.With and groups. It
// panics on a nil or closed cache and on options that cachex.Validate refuses.
func New(cache *cachex.Cache, opts ...cachex.Option) func(http.Handler) http.Handler {
	h, err := cache.Bind(framework, opts...)
	if err != nil {
		panic(err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x := exchanges.Get().(*exchange)
			x.next, x.handler = next, h
			x.Reset(w, w, r, x)
			h.Handle(x)
			x.free() // not where the handler panics: then it is garbage
		})
	}
}

// KeyFunc is cachex.KeyFunc: what auth middleware put into the request's
// context is in reach.
func KeyFunc(f func(*http.Request) (part string, ok bool)) cachex.Option { return cachex.KeyFunc(f) }

// PerUser is cachex.PerUser.
func PerUser(f func(*http.Request) (id string, ok bool)) cachex.Option { return cachex.PerUser(f) }

// SkipIf is cachex.SkipIf.
func SkipIf(f func(*http.Request) bool) cachex.Option { return cachex.SkipIf(f) }

// exchange is adapter.HTTP with chi's routing.
type exchange struct {
	adapter.HTTP
	next    http.Handler
	handler adapter.Handler
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func (x *exchange) free() {
	x.Clear()
	x.next, x.handler = nil, nil
	exchanges.Put(x)
}

func (x *exchange) Next(w http.ResponseWriter, r *http.Request) { x.next.ServeHTTP(w, r) }
func (x *exchange) Native() any                                 { return nil }
func (x *exchange) Reopen() http.ResponseWriter                 { return nil }

func (x *exchange) Pattern() string {
	if rc := chi.RouteContext(x.Context()); rc != nil {
		return rc.RoutePattern()
	}
	return ""
}
