package cachexgin

import (
	"context"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/adapter"
)

const framework = "gin"

// New caches what is behind it. It fits Engine.Use, RouterGroup.Use and single
// routes. It panics on a nil or closed cache and on options that
// cachex.Validate refuses.
func New(cache *cachex.Cache, opts ...cachex.Option) gin.HandlerFunc {
	h, err := cache.Bind(framework, opts...)
	if err != nil {
		panic(err)
	}
	return func(c *gin.Context) {
		x := exchanges.Get().(*exchange)
		x.c, x.inner = c, c.Writer
		x.Reset(c.Writer, c.Writer, c.Request, x)
		h.Handle(x)
		if !x.ran || x.broken {
			c.Abort()
			x.inner.WriteHeaderNow() // a 304 too is an answer, for those who ask Written
		}
		// Behind the last middleware gin adds a body to a 404 and a 405 that
		// nothing was written with, on requests without a route.
		if x.committed || !x.left && c.FullPath() == "" {
			x.inner.WriteHeaderNow()
		}
		x.free() // not where the handler panics: then it is garbage
	}
}

// KeyFunc is cachex.KeyFunc on gin's context.
func KeyFunc(f func(*gin.Context) (part string, ok bool)) cachex.Option {
	fs := adapter.Funcs{Name: "KeyFunc"}
	if f != nil {
		fs.Key = func(native any) (string, bool) { return f(native.(*gin.Context)) }
	}
	return cachex.FrameworkOption(framework, fs)
}

// PerUser is cachex.PerUser on gin's context.
func PerUser(f func(*gin.Context) (id string, ok bool)) cachex.Option {
	fs := adapter.Funcs{Name: "PerUser"}
	if f != nil {
		fs.User = func(native any) (string, bool) { return f(native.(*gin.Context)) }
	}
	return cachex.FrameworkOption(framework, fs)
}

// SkipIf is cachex.SkipIf on gin's context.
func SkipIf(f func(*gin.Context) bool) cachex.Option {
	fs := adapter.Funcs{Name: "SkipIf"}
	if f != nil {
		fs.Skip = func(native any) bool { return f(native.(*gin.Context)) }
	}
	return cachex.FrameworkOption(framework, fs)
}

// exchange is adapter.HTTP with gin's context around it.
type exchange struct {
	adapter.HTTP
	c     *gin.Context
	inner gin.ResponseWriter

	ran       bool // the rest of the chain
	broken    bool // by a panic, in whose place something stale was served
	left      bool // to what stands outside: the response is not known here
	committed bool // the handler has had its status sent
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func (x *exchange) free() {
	x.Clear()
	x.c, x.inner = nil, nil
	x.ran, x.broken, x.left, x.committed = false, false, false, false
	exchanges.Put(x)
}

// Next implements adapter.Chain.
func (x *exchange) Next(w http.ResponseWriter, r *http.Request) {
	c, inner, before := x.c, x.inner, x.c.Request
	x.ran, x.left = true, true
	outer, nested := c.Get(adapter.RunName)
	var rec *writer
	if aw, ok := w.(*adapter.Writer); ok {
		rec = &writer{ResponseWriter: inner, w: aw, run: r.Context()}
		c.Writer = rec
	}
	c.Request = r
	if run := r.Context().Value(adapter.RunKey); run != nil {
		c.Set(adapter.RunName, run)
	}
	if rec != nil && r.URL != before.URL {
		if q := queryOf(c); q != nil {
			parsed := *q
			*q = nil
			defer func() { *q = parsed }()
		} else {
			rec.w.Leave() // the handler may see what is not in the key
		}
	}
	defer func() {
		c.Writer, c.Request = inner, before
		if nested {
			c.Set(adapter.RunName, outer)
		} else {
			c.Delete(adapter.RunName)
		}
	}()
	x.broken = true
	c.Next()
	x.broken = false
	if rec != nil {
		x.committed = rec.w.Begun()
		x.left = !rec.settle(c)
	}
}

// Context implements adapter.Exchange. Middleware may have replaced the request's
// context by one that has lost the run of an outer New, which must not go unseen.
func (x *exchange) Context() context.Context {
	ctx := x.HTTP.Context()
	if run, ok := x.c.Get(adapter.RunName); ok && ctx.Value(adapter.RunKey) == nil {
		ctx = context.WithValue(ctx, adapter.RunKey, run)
	}
	return ctx
}

func (x *exchange) Reopen() http.ResponseWriter { return nil }
func (x *exchange) Pattern() string             { return x.c.FullPath() }
func (x *exchange) Native() any                 { return x.c }
