// Package benchmarks does the same work with Cachex, with each framework's bare
// handler and with other response caches for the same frameworks, always through
// the framework's own entry point: ServeHTTP, or the request handler of a
// fasthttp server.
//
// It is a module of its own that the workspace does not name. What the peers
// require would raise the versions that every other module of a workspace is
// built with: fiber v3 alone moves fasthttp eighteen versions on. So nothing
// here reaches the go.sum of somebody who uses Cachex, and the tools run with
// GOWORK=off.
//
//	make bench          all of it, into docs/benchmarks.md
//	make bench-compare  benchstat against the run that is stored in testdata
//	make bench-http     over sockets, with wrk, beside nginx and Varnish
//	make bench-scale    a million entries
//	make bench-instructions  instructions of a hit and of a 304, by valgrind
//
// # What is compared
//
// There are two floors, and neither has a cache. The plain one writes a
// Content-Type and the body. The equal one writes the very response that a hit
// of Cachex has, the same status, fields and body, with the framework's usual
// calls: that is what a handler would have to do by itself. Each contender is
// checked before it is measured: the second request must not reach the handler,
// and must have the right status and body.
//
// What each peer leaves out stands in its Notes, and in docs/benchmarks.md.
package benchmarks
