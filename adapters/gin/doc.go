// Package cachexgin puts Cachex in front of the handlers of a gin application.
//
//	cache := cachex.MustNew(cachex.Config{})
//	r := gin.Default()
//	r.GET("/", cachexgin.New(cache, cachex.TTL(time.Minute)), hello)
//
// # Where it stands
//
// New fits Engine.Use, RouterGroup.Use and single routes. What stands before it
// runs on every request, what stands behind it only when there is nothing to
// answer with. Recovery, logging, CORS and authentication belong before it.
// Where one New stands behind another, the innermost answers, with the options
// of both.
//
// # In handlers
//
// cachex.SetTTL, DoNotStore and AddTags take *gin.Context itself as well as the
// context of its request.
//
// # What gin says late
//
// A status that nothing was written with is sent once the handlers have
// returned. Three answers are made outside of the cache and are never stored:
// gin's own bodies of 404 and 405, errors that c.Error left to an outer
// middleware while nothing was written, and what Engine.HandleContext writes.
// Redirects of trailing slashes reach no middleware at all.
//
// A handler of c.Stream runs on after its client has left while its response is
// being stored; otherwise it is told, as without a cache.
package cachexgin
