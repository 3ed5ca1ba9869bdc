// Package cachexchi puts Cachex in front of the handlers of a chi router.
//
//	cache := cachex.MustNew(cachex.Config{})
//	r := chi.NewRouter()
//	r.With(cachexchi.New(cache, cachex.TTL(time.Minute))).Get("/", hello)
//
// # Where it stands
//
// New fits Router.Use, Router.With and groups. What stands before it runs on
// every request, what stands behind it only when there is nothing to answer
// with. Recoverer, logging, CORS and authentication belong before it. Where one
// New stands behind another, the innermost answers, with the options of both.
//
// # In handlers
//
// cachex.SetTTL, DoNotStore and AddTags take r.Context().
//
// # Why not Cache.Middleware
//
// Both do the same; New knows chi's route patterns, which logs and warnings
// name.
package cachexchi
