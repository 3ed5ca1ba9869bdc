package cachexecho

import (
	"maps"
	"net/http"
	"net/url"
	"sync"

	"github.com/labstack/echo/v4"

	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/adapter"
)

const framework = "echo"

// New caches what is behind it. It fits Echo.Use, Group.Use and single routes.
// It panics on a nil or closed cache and on options that cachex.Validate
// refuses.
//
// An error that a handler returns is given to the error handler here, so that
// the response that it makes can be judged and stored as well; outer middleware
// sees no error, unless the request passes the cache untouched.
func New(cache *cachex.Cache, opts ...cachex.Option) echo.MiddlewareFunc {
	h, err := cache.Bind(framework, opts...)
	if err != nil {
		panic(err)
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			x := exchanges.Get().(*exchange)
			x.c, x.next = c, next
			x.Reset(c.Response(), c.Response(), c.Request(), x)
			h.Handle(x)
			err := x.err
			x.free() // not where the handler panics: then it is garbage
			return err
		}
	}
}

// KeyFunc is cachex.KeyFunc on echo's context.
func KeyFunc(f func(echo.Context) (part string, ok bool)) cachex.Option {
	fs := adapter.Funcs{Name: "KeyFunc"}
	if f != nil {
		fs.Key = func(native any) (string, bool) { return f(native.(echo.Context)) }
	}
	return cachex.FrameworkOption(framework, fs)
}

// PerUser is cachex.PerUser on echo's context.
func PerUser(f func(echo.Context) (id string, ok bool)) cachex.Option {
	fs := adapter.Funcs{Name: "PerUser"}
	if f != nil {
		fs.User = func(native any) (string, bool) { return f(native.(echo.Context)) }
	}
	return cachex.FrameworkOption(framework, fs)
}

// SkipIf is cachex.SkipIf on echo's context.
func SkipIf(f func(echo.Context) bool) cachex.Option {
	fs := adapter.Funcs{Name: "SkipIf"}
	if f != nil {
		fs.Skip = func(native any) bool { return f(native.(echo.Context)) }
	}
	return cachex.FrameworkOption(framework, fs)
}

// exchange is adapter.HTTP with echo's context around it.
type exchange struct {
	adapter.HTTP
	c    echo.Context
	next echo.HandlerFunc
	err  error // of a chain that passed
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func (x *exchange) free() {
	x.Clear()
	x.c, x.next, x.err = nil, nil, nil
	exchanges.Put(x)
}

// Run implements adapter.Exchange. While the chain runs, echo's response is a
// fresh one above the recorder, and its state from before, with the hooks of
// outer middleware, stands below. So what those hooks add is not stored, and
// outer middleware finds what was really sent: nothing after a panic or a
// discarded answer.
func (x *exchange) Run(call *adapter.Call) {
	res := x.c.Response()
	outer := &response{*res}
	defer func() {
		*res = outer.Response
		x.c.SetResponse(res)
	}()
	x.Reset(res, outer, x.c.Request(), x)
	x.HTTP.Run(call)
}

// Next implements adapter.Chain.
func (x *exchange) Next(w http.ResponseWriter, r *http.Request) {
	c, before := x.c, x.c.Request()
	if r.URL != before.URL {
		defer setQuery(c, maps.Clone(c.QueryParams()))
		setQuery(c, r.URL.Query())
	}
	c.SetRequest(r)
	defer c.SetRequest(before)
	rec, ok := w.(*adapter.Writer)
	if !ok {
		x.err = x.next(c)
		return
	}
	res := c.Response()
	status := res.Status
	*res = *echo.NewResponse(w, c.Echo())
	res.Status = status
	if err := x.next(c); err != nil {
		if res.Committed && res.Status < 400 {
			// The handler failed behind half of a response: not to be stored.
			rec.WriteHeader(http.StatusInternalServerError)
		}
		c.Error(err)
	}
}

// setQuery changes the parameters that echo keeps once something, such as a
// KeyFunc, has asked for one: the handler is not to see what DropQuery has taken
// out of the key.
func setQuery(c echo.Context, q url.Values) {
	kept := c.QueryParams()
	clear(kept)
	maps.Copy(kept, q)
}

func (x *exchange) Reopen() http.ResponseWriter { return nil }
func (x *exchange) Pattern() string             { return x.c.Path() }
func (x *exchange) Native() any                 { return x.c }

// response is echo's response as the server's writer of a run.
type response struct{ echo.Response }

// WriteHeader implements http.ResponseWriter. echo takes an interim response
// for the final one.
func (r *response) WriteHeader(status int) {
	if status >= 100 && status <= 199 && status != http.StatusSwitchingProtocols {
		r.Writer.WriteHeader(status)
		return
	}
	r.Response.WriteHeader(status)
}

// FlushError is for http.ResponseController; Flush of echo may panic.
func (r *response) FlushError() error { return http.NewResponseController(r.Writer).Flush() }
