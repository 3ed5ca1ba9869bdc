package conformance

import (
	"net/http"
	"slices"
	"testing"

	cachex "github.com/go-cachex/cachex/core"
)

// Adapter describes a framework to the suite.
type Adapter struct {
	// Name is the framework's, for the names of tests.
	Name string

	// Start builds an application as app says, serves it on a loopback port
	// until the test ends, and returns its URL without a path, such as
	// http://127.0.0.1:40000.
	Start func(t testing.TB, app App) (baseURL string)

	// Config, where it is not nil, changes the config of every cache of the
	// suite, before the cases do: it puts a store behind them.
	Config func(*cachex.Config)

	// Levels are where the New of a case stands that is not about levels:
	// route, group, root. Nil means all of them.
	Levels []string

	// Without leaves out whole subjects that do not concern what is proven.
	Without []string

	// Lacks names the features that the framework, not the adapter, lacks, each
	// with the reason. Cases that need one are left out and say why. A feature
	// that no case needs is an error.
	Lacks map[string]string
}

// The features that a framework may lack.
const (
	Interim        = "interim-responses"   // 1xx of a handler reach the client
	Streaming      = "streaming"           // what a handler has flushed reaches the client before it returns
	Hijack         = "hijack"              // handlers can take over the connection
	Disconnect     = "disconnect"          // handlers learn that their client has left
	UnknownMethods = "unknown-methods"     // FROBNICATE reaches the handler
	StoredDate     = "stored-date"         // handlers decide on Date
	Trailers       = "trailers"            // handlers can send trailer fields
	LengthChecked  = "length-checked"      // a handler that writes less than its Content-Length is found out
	FrozenFields   = "frozen-fields"       // fields that are set after the status do not count
	AbsoluteForm   = "absolute-form"       // the target http://host/path reaches the handler
	HTTP10         = "http10"              // answers HTTP/1.0 with HTTP/1.0
	OddTargets     = "odd-targets"         // targets with control characters, escaped, reach the handler
	ContentOnGET   = "content-on-get"      // handlers can read the content of a GET
	Controller     = "response-controller" // http.ResponseController works
	ConnectionName = "connection-names"    // handlers can name fields in Connection
	ClockBack      = "clock-back"          // what was stored an hour ahead is used: not in a shared store, where another process's clock may be wrong
	OtherVariants  = "other-variants"      // a variant that does not fit the request can be validated: not in a shared store, which reads those that do
	VariantCap     = "variant-cap"         // no more than 64 variants of a resource are kept: not in a shared store
	LongTargets    = "long-targets"        // targets above 4 KiB reach the handler
	OuterType      = "outer-type"          // a handler that names no type keeps that of outer middleware
	OuterRenewals  = "outer-renewals"      // renewals in the background pass through middleware outside of the cache
)

// Methods are the methods for which an application must route every path to
// App.Handler, as far as the framework is able to.
var Methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodOptions, unknownMethod, "PURGE",
}

const unknownMethod = "FROBNICATE"

// App is the application that Start builds: one route for every method and
// path, in a group below the root, with Handler at its end.
type App struct {
	Cache *cachex.Cache

	// Root, Group and Route are the options of a New at each level. Nil means
	// that no New stands there; empty means a New without options.
	Root, Group, Route []cachex.Option

	// RouteCache, where it is not nil, takes the place of Cache in the New of
	// the route.
	RouteCache *cachex.Cache

	// Outer is middleware around everything else. It gets the request and a
	// map to which it adds response fields; those that it sets must stand on
	// the response before the rest of the chain runs. What it returns must be
	// called when the rest of the chain has returned or panicked.
	Outer func(r *http.Request, h http.Header) (after func())

	// Deny is asked by that middleware, after Outer. Where it says yes, the
	// answer is 401 and nothing else runs. Start calls it through Denies.
	Deny func(r *http.Request) bool

	// Handler is the end of every route. Where the framework does not survive
	// a panic on its own, Start adds its recovery middleware around Outer.
	Handler http.Handler
}

// Denies tells whether the outer middleware is to refuse the request.
func (a App) Denies(r *http.Request) bool { return a.Deny != nil && a.Deny(r) }

// Case is one rule and the proof that it is kept.
type Case struct {
	Name string
	Rule string // printed when the case fails

	Needs   []string             // features of the framework
	Config  func(*cachex.Config) // changes of the zero Config
	Options []cachex.Option      // of the one New; see App for others
	App     func(*env, *App)     // changes of the application
	Handler func(*env) handler   // default: a text that names the run
	Test    func(*env)
}

type handler = http.HandlerFunc

// subjects are the cases by subject.
func subjects() []subject {
	return []subject{
		{"storing", storing()},
		{"freshness", freshness()},
		{"requests", requests()},
		{"vary", vary()},
		{"validation", validation()},
		{"conditions", conditions()},
		{"ranges", ranges()},
		{"invalidation", invalidation()},
		{"purging", purging()},
		{"security", security()},
		{"fields", fields()},
		{"streaming", streaming()},
		{"stale", stale()},
		{"failures", failures()},
		{"flights", flights()},
		{"api", api()},
		{"nesting", nesting()},
		{"status", cacheStatus()},
	}
}

type subject struct {
	name  string
	cases []Case
}

// levels are the places where a New can stand. Cases that are not about levels
// run at each.
var levels = []struct {
	name  string
	place func(*App, []cachex.Option)
}{
	{"route", func(a *App, o []cachex.Option) { a.Route = o }},
	{"group", func(a *App, o []cachex.Option) { a.Group = o }},
	{"root", func(a *App, o []cachex.Option) { a.Root = o }},
}

// Run runs the suite.
func Run(t *testing.T, a Adapter) {
	all := subjects()
	checkLacks(t, a, all)
	for _, level := range levels {
		if a.Levels != nil && !slices.Contains(a.Levels, level.name) {
			continue
		}
		t.Run(level.name, func(t *testing.T) {
			for _, s := range all {
				if slices.Contains(a.Without, s.name) {
					continue
				}
				t.Run(s.name, func(t *testing.T) {
					for _, c := range s.cases {
						if c.App != nil && level.name != "route" {
							continue // it places its New itself
						}
						t.Run(c.Name, func(t *testing.T) {
							t.Parallel()
							runCase(t, a, c, level.name, level.place)
						})
					}
				})
			}
		})
	}
}

// checkLacks keeps the data honest: a lack that takes nothing away is a mistake.
func checkLacks(t *testing.T, a Adapter, all []subject) {
	t.Helper()
	for feature, reason := range a.Lacks {
		if reason == "" {
			t.Errorf("%s lacks %q without a reason", a.Name, feature)
		}
		used := slices.ContainsFunc(all, func(s subject) bool {
			return slices.ContainsFunc(s.cases, func(c Case) bool { return slices.Contains(c.Needs, feature) })
		})
		if !used {
			t.Errorf("%s lacks %q, which no case needs", a.Name, feature)
		}
	}
}

func runCase(t *testing.T, a Adapter, c Case, level string, place func(*App, []cachex.Option)) {
	t.Helper()
	for _, feature := range c.Needs {
		if reason, lacks := a.Lacks[feature]; lacks {
			t.Logf("left out: %s lacks %s: %s", a.Name, feature, reason)
			return
		}
	}
	e := newEnv(t, a, c)
	e.level = level
	app := App{Cache: e.cache, Outer: e.outer, Deny: e.denies, Handler: e.handler(c)}
	options := c.Options
	if options == nil {
		options = []cachex.Option{}
	}
	if c.App != nil {
		c.App(e, &app)
	} else {
		place(&app, options)
	}
	e.serve(a.Start(t, app))
	c.Test(e)
}
