package conformance

import (
	"net/http"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// invalidation: what changes a resource takes back what is stored of it (RFC
// 9111, section 4.4).
func invalidation() []Case {
	const lifetime = "Cache-Control: max-age=600"
	// status and fields of unsafe requests are what the request asks for
	obedient := func(*env) handler {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "GET" {
				say(lifetime)(w, r)
				return
			}
			status := 200
			switch r.Header.Get("X-Status") {
			case "201":
				status = 201
			case "204":
				status = 204
			case "303":
				status = 303
			case "400":
				status = 400
			case "500":
				status = 500
			}
			for _, name := range []string{"Location", "Content-Location"} {
				if v := r.Header.Get("X-" + name); v != "" {
					w.Header().Set(name, v)
				}
			}
			answer(status, "done")(w, r)
		}
	}
	var cases []Case
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", unknownMethod} {
		c := Case{
			Name: method, Rule: "F1, F5, RFC 9111, section 4.4: a successful unsafe or unknown method takes back what is stored of its URI",
			Handler: obedient,
			Test: func(e *env) {
				e.get("/a").ran()
				e.get("/b").ran()
				e.get("/a").hit()
				e.send(method, "/a").ran().code(200).says("Cachex; fwd=method")
				e.get("/a").ran().by(4).says("Cachex; fwd=uri-miss; stored; ttl=600")
				e.get("/b").hit().by(2)
			},
		}
		if method == unknownMethod {
			c.Needs = []string{UnknownMethods}
		}
		cases = append(cases, c)
	}
	for _, status := range []string{"201", "204", "303"} {
		cases = append(cases, Case{
			Name: "after " + status, Rule: "F1, RFC 9111, section 4.4: 2xx and 3xx are no errors", Handler: obedient,
			Test: func(e *env) {
				e.get("/").ran()
				e.send("POST", "/", "X-Status: "+status).ran()
				e.get("/").ran()
			},
		})
	}
	for _, status := range []string{"400", "500"} {
		cases = append(cases, Case{
			Name: "not after " + status, Rule: "F2, RFC 9111, section 4.4: a request that failed takes nothing back", Handler: obedient,
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/other").ran()
				e.send("POST", "/", "X-Status: "+status, "X-Location: /other").ran()
				e.get("/").hit().by(1)
				e.get("/other").hit().by(2)
			},
		})
	}
	for _, c := range []struct {
		name, field, value string
		gone               bool
	}{
		{"Location", "Location", "/other?q=1", true},
		{"Content-Location", "Content-Location", "/other?q=1", true},
		{"absolute", "Location", "http://" + site + "/other?q=1", true},
		{"host in capitals and port", "Location", "http://SITE.test:80/other?q=1", true},
		{"relative", "Location", "other?q=1", true},
		{"another host", "Location", "http://elsewhere.test/other?q=1", false},
		{"another port", "Location", "http://" + site + ":8080/other?q=1", false},
		{"another scheme", "Location", "https://" + site + "/other?q=1", false},
		{"another query", "Location", "/other", false},
		{"not a URI", "Location", "http://[::/other?q=1", false},
	} {
		cases = append(cases, Case{
			Name: c.field + "/" + c.name, Rule: "F3, RFC 9111, section 4.4: Location and Content-Location of the same origin are taken back too, others never",
			Handler: obedient,
			Test: func(e *env) {
				e.get("/other?q=1").ran()
				e.send("POST", "/form", "X-"+c.field+": "+c.value).ran()
				if r := e.get("/other?q=1"); c.gone {
					r.ran().by(3)
				} else {
					r.hit().by(1)
				}
			},
		})
	}
	return append(cases,
		Case{
			Name: "all variants", Rule: "F1, RFC 9111, section 4.4: all variants, and all further parts of the key",
			Options: options(cachex.TTL(time.Hour), cachex.KeyHeader("X-Tenant")),
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) { say("Vary: X-A")(w, r) }
			},
			Test: func(e *env) {
				e.get("/", "X-A: 1", "X-Tenant: t").ran()
				e.get("/", "X-A: 2", "X-Tenant: t").ran()
				e.get("/", "X-A: 1").ran()
				e.send("PUT", "/", "X-A: 3", "X-Tenant: z").ran()
				e.get("/", "X-A: 1", "X-Tenant: t").ran()
				e.get("/", "X-A: 2", "X-Tenant: t").ran()
				e.get("/", "X-A: 1").ran()
			},
		},
		Case{
			Name: "with Upgrade", Rule: "F1, RFC 9110, section 7.8: a server may ignore Upgrade, and then an unsafe request is one like others: some clients offer h2c with each",
			Handler: obedient,
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/other").ran()
				e.send("POST", "/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk").ran()
				e.get("/").ran()
				e.get("/other").hit()
			},
		},
		Case{
			Name: "HEAD and conditions too", Rule: "F4, RFC 9111, section 4.4: what was taken back answers nothing, neither stale nor by condition",
			Handler: func(*env) handler { return validated(`"a"`, lifetime) },
			Test: func(e *env) {
				e.get("/").ran()
				e.send("POST", "/").ran()
				e.get("/", "Cache-Control: only-if-cached, max-stale").code(504)
				e.head("/").ran()
				e.get("/", `If-None-Match: "z"`).ran()
			},
		},
		Case{
			Name: "safe methods", Rule: "F5, RFC 9111, section 4.4: safe methods take nothing back",
			Handler: obedient,
			Test: func(e *env) {
				e.get("/").ran()
				e.head("/").hit()
				e.send("OPTIONS", "/").ran()
				e.get("/").hit().by(1)
			},
		},
		Case{
			Name: "other query", Rule: "F9: another query is another URI",
			Handler: obedient,
			Test: func(e *env) {
				e.get("/?a=1").ran()
				e.send("POST", "/?a=2").ran()
				e.get("/?a=1").hit()
			},
		},
		Case{
			Name: "other host", Rule: "F1, B3: another host is another URI",
			Handler: obedient,
			Test: func(e *env) {
				e.get("/").ran()
				e.send("POST", "/", "Host: other.test").ran()
				e.get("/").hit()
			},
		},
		Case{
			Name: "slow GET", Rule: "F6: a GET that began before the change does not put the old content back",
			Handler: func(e *env) handler { return slow(e, lifetime) },
			Test: func(e *env) {
				p := e.begin("GET", "/", "X-Slow: 1")
				e.wait(gateOf(e, "in"), "the slow handler")
				e.send("POST", "/").code(200)
				e.waitFinished()
				open(e, "go")
				p.end().code(200)
				e.waitFinished()
				e.get("/").ran().by(3)
				e.get("/").hit().by(3)
			},
		},
		Case{
			Name: "slow GET after a second store", Rule: "F6, A31: what a slow GET brings does not push out what was made after the change",
			Handler: func(e *env) handler { return slow(e, lifetime) },
			Test: func(e *env) {
				p := e.begin("GET", "/", "X-Slow: 1")
				e.wait(gateOf(e, "in"), "the slow handler")
				e.send("POST", "/").code(200)
				e.waitFinished()
				e.get("/").by(3)
				e.waitFinished()
				open(e, "go")
				p.end().code(200)
				e.waitFinished()
				e.get("/").hit().by(3)
			},
		},
		Case{
			Name: "while it changes", Rule: "F7: a GET that runs while the unsafe method is at work is taken back with its end",
			Handler: func(e *env) handler {
				s := slow(e, lifetime)
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Method == "POST" {
						s(w, r)
						return
					}
					say(lifetime)(w, r)
				}
			},
			Test: func(e *env) {
				p := e.begin("POST", "/", "X-Slow: 1", "Content-Length: 0")
				e.wait(gateOf(e, "in"), "the slow handler")
				e.get("/").by(2)
				e.get("/").hit().by(2)
				open(e, "go")
				p.end().code(200)
				e.get("/").ran().by(3)
			},
		},
		Case{
			Name: "through an outer level", Rule: "F1: an unsafe request below any New of the cache takes back what another New stored",
			App: func(_ *env, a *App) { a.Root, a.Route = options(minute), options(cachex.TTL(time.Hour)) },
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit()
				e.send("DELETE", "/").ran()
				e.get("/").ran()
			},
		},
		Case{
			Name: "with DropQuery", Rule: "F1: query rules hold for what is taken back as for the key",
			Options: options(cachex.TTL(time.Hour), cachex.DropQuery("utm_*")),
			Test: func(e *env) {
				e.get("/?a=1&utm_x=2").ran()
				e.send("POST", "/?utm_x=3&a=1").ran()
				e.get("/?a=1").ran()
			},
		},
	)
}
