// Package cachexfiber puts Cachex in front of the handlers of a fiber v2
// application.
//
//	cache := cachex.MustNew(cachex.Config{})
//	app := fiber.New()
//	app.Get("/", cachexfiber.New(cache, cachex.TTL(time.Minute)), func(c *fiber.Ctx) error {
//		return c.SendString("made once a minute")
//	})
//
// # Where it stands
//
// New fits App.Use, groups, mounted apps and single routes. Middleware that
// stands before it runs for every request, middleware after it for those alone
// that the cache does not answer. An error that a handler returns becomes a
// response, by way of the app's error handler, where the cache stands: outer
// middleware gets the response and no error.
//
// # In handlers
//
// cachex.SetTTL, DoNotStore and AddTags take c.Context() or c.UserContext(). The
// cache copies what it keeps, so that handlers may answer with strings that
// fiber lends them for the time of a request.
//
// # What is not stored
//
// fasthttp produces streams when the handlers have returned, and they cannot be
// read and sent at once. A stream of known length, such as a file, is read into
// memory if it may be stored. One without, such as server-sent events, is sent
// as it is and never stored; the same goes for hijacked connections.
//
// # Differences to net/http
//
// fasthttp writes Date itself: the stored one is sent in apps with
// DisableDefaultDate alone. It does not tell when a client has left, and it does
// not tell an empty Content-Type or User-Agent of a request from none.
//
// Stored content is sent without a copy. Outer middleware that changes the bytes
// of Response().Body() in place changes what is stored; it should set another
// body, as all that comes with fiber does.
package cachexfiber
