// Package cachexecho puts Cachex in front of the handlers of an echo v4 application.
//
//	cache := cachex.MustNew(cachex.Config{})
//	e := echo.New()
//	e.GET("/", hello, cachexecho.New(cache, cachex.TTL(time.Minute)))
//
// # Where it stands
//
// New fits Echo.Pre, Echo.Use, Group.Use and single routes. What stands before
// it runs on every request, what stands behind it only when there is nothing to
// answer with. Recover, logging, CORS and authentication belong before it.
// Where one New stands behind another, the innermost answers, with the options
// of both.
//
// Parameters that middleware has changed by QueryParams are a part of the key, as a
// changed URL is. A context of the application's own has to embed echo.Context for
// that: what it keeps in another field, or answers by a QueryParam of its own, is
// not seen, and needs a KeyFunc.
//
// # In handlers
//
// cachex.SetTTL, DoNotStore and AddTags take the context of the request,
// c.Request().Context(): echo.Context is no context.Context.
//
// # Errors
//
// An error that a handler returns becomes a response by the error handler of
// echo, which is called here, so that it can be judged and stored like any
// other. Middleware outside of the cache sees that response and no error. An
// error behind half of a response keeps it from being stored.
//
// # Hooks
//
// Response.Before and After of outer middleware run on every answer, those of
// inner middleware only when it runs. What outer hooks add is not stored.
package cachexecho
