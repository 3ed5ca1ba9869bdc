// Package conformance is the suite that every adapter of Cachex must pass.
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, conformance.Adapter{Name: "chi", Start: start, Lacks: lacks})
//	}
//
// Each case runs against a real server on a loopback port, with a cache of its
// own whose clock the case sets forward; what must happen in a certain order is
// ordered by channels, so that nothing sleeps. A case names the rule that it
// checks and quotes it when it fails. What a framework cannot do is declared as
// data, [Adapter.Lacks], with the reason.
//
// The files: conformance.go is Run and the description of an adapter, env.go
// what a case works with, client.go a client that sends requests to the byte.
// Every other file holds the cases of one subject; differential.go compares an
// adapter with plain net/http on random sequences of requests.
package conformance
