package cachex

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/go-cachex/cachex/core/adapter"
)

// NetHTTP is the framework name of Middleware, for Bind.
const NetHTTP = "nethttp"

// Bind makes the handler of one New. It is for authors of adapters;
// applications use New of their adapter, or Middleware. framework names the
// adapter in errors, and decides which options made for one framework fit. It
// returns everything that is wrong with the options, or ErrClosed.
func (c *Cache) Bind(framework string, opts ...Option) (adapter.Handler, error) {
	if c == nil {
		return nil, errors.New("cachex: New with a nil *Cache")
	}
	if c.closed.Load() {
		return nil, ErrClosed
	}
	s, err := newSettings(framework, opts)
	if err != nil {
		return nil, err
	}
	d, err := newSettings(framework, c.cfg.Defaults)
	if err != nil {
		return nil, fmt.Errorf("cachex: Config.Defaults: %w", err)
	}
	return &route{cache: c, own: s, alone: newPolicy(c, s.under(d), 1)}, nil
}

// route is one New: a place in the application where the cache stands.
type route struct {
	cache  *Cache
	own    *settings // without Config.Defaults
	alone  *policy   // where no other New stands around it
	nested sync.Map  // *policy of the outer New -> *policy

	warnedCredentials, warnedForeign, warnedWildcard, warnedTags atomic.Bool
}

// policyFor is the policy of a request: the route's own, or, inside of another
// New of this cache, both combined. Then the outer one steps aside: the
// innermost New answers. Without a policy the request passes, with a marker
// that has a New further in know what stands around it.
func (rt *route) policyFor(x adapter.Exchange, ctx context.Context) (p *policy, marker any) {
	p = rt.alone
	if outer, _ := ctx.Value(adapter.RunKey).(*run); outer != nil {
		if outer.p.cache != rt.cache && !outer.passing {
			rt.cache.warnOnce(&rt.warnedForeign, "cachex: a New inside of a New of another cache does nothing; the outer one answers", x.Pattern())
			return nil, outer
		}
		if outer.p.cache == rt.cache {
			outer.stepAside()
			p = rt.inside(outer.p)
		}
	}
	if p.off || rt.cache.closed.Load() || p.skipped(x) {
		passing := &run{rt: rt, p: p, passing: true}
		passing.claimed.Store(true)
		return nil, passing
	}
	return p, nil
}

func (rt *route) inside(outer *policy) *policy {
	if p, ok := rt.nested.Load(outer); ok {
		return p.(*policy)
	}
	p, _ := rt.nested.LoadOrStore(outer, newPolicy(rt.cache, rt.own.under(outer.settings), outer.level+1))
	return p.(*policy)
}

func (p *policy) skipped(x adapter.Exchange) bool {
	for _, skip := range p.skips {
		if skip(x) {
			return true
		}
	}
	return false
}

// Middleware caches what is behind it, for plain net/http and for every router
// that takes such middleware. It panics on a nil or closed cache and on options
// that Validate refuses.
func (c *Cache) Middleware(opts ...Option) func(http.Handler) http.Handler {
	h, err := c.Bind(NetHTTP, opts...)
	if err != nil {
		panic(err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x := exchanges.Get().(*httpExchange)
			x.next, x.handler = next, h
			x.Reset(w, w, r, x)
			h.Handle(x)
			x.free() // not where the handler panics: then it is garbage
		})
	}
}

// httpExchange is the exchange of plain net/http.
type httpExchange struct {
	adapter.HTTP
	next    http.Handler
	handler adapter.Handler
}

var exchanges = sync.Pool{New: func() any { return new(httpExchange) }}

func (x *httpExchange) free() {
	x.Clear()
	x.next, x.handler = nil, nil
	exchanges.Put(x)
}

func (x *httpExchange) Next(w http.ResponseWriter, r *http.Request) { x.next.ServeHTTP(w, r) }
func (x *httpExchange) Pattern() string                             { return x.Request().Pattern }
func (x *httpExchange) Native() any                                 { return nil }
func (x *httpExchange) Reopen() http.ResponseWriter                 { return nil }

// Reenter implements adapter.Reentrant: what is behind the cache runs again, and
// nothing that stands before it. Behind a HEAD that may be a handler for nothing else.
func (x *httpExchange) Reenter(r *http.Request) func(context.Context) {
	if x.Request().Method == http.MethodHead {
		return nil
	}
	next, h, w := x.next, x.handler, x.Nobody()
	return func(ctx context.Context) {
		detached := &httpExchange{next: next, handler: h}
		detached.Reset(w, w, r.WithContext(ctx), detached)
		h.Handle(detached)
	}
}
