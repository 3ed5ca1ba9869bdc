package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// purging: what is taken back by hand, by whatever selects it, is gone, or stale,
// and what began before does not bring it back.
func purging() []Case {
	return append(append(selecting(), racing()...), tagging()...)
}

// selectors by the names that PurgeHandler has for them.
func selector(by, value string) cachex.Selector {
	switch by {
	case "url":
		return cachex.ByURL(value)
	case "path":
		return cachex.ByPath(value)
	case "pattern":
		return cachex.ByPattern(value)
	case "tag":
		return cachex.ByTag(value)
	case "host":
		return cachex.ByHost(value)
	}
	return cachex.All()
}

// purge takes back, or expires.
func (e *env) purge(soft bool, s ...cachex.Selector) {
	e.t.Helper()
	if err := e.take(context.Background(), soft, s...); err != nil {
		e.fatalf("%v", err)
	}
}

func (e *env) take(ctx context.Context, soft bool, s ...cachex.Selector) error {
	if soft {
		return e.cache.Expire(ctx, s...)
	}
	return e.cache.Purge(ctx, s...)
}

// clearing is an application with a page for everything and a route that purges:
// POST /clear. Tags are what the request says.
func clearing(e *env) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/clear" {
			s := selector(r.Header.Get("X-By"), r.Header.Get("X-Value"))
			if err := e.take(r.Context(), r.Header.Get("X-Soft") != "", s); err != nil {
				answer(http.StatusBadRequest, err.Error())(w, r)
				return
			}
			answer(http.StatusOK, "cleared")(w, r)
			return
		}
		if tags := r.Header.Get("X-Tags"); tags != "" {
			cachex.AddTags(r.Context(), strings.Fields(tags)...)
		}
		say()(w, r)
	}
}

// pages are asked for in the cases of selectors. The last two are one URL.
var pages = []struct{ target, host, tags, proto string }{
	{"/a", site, "red", ""},
	{"/a?q=1", site, "red blue", ""},
	{"/a/b", site, "blue", ""},
	{"/a/b/c", site, "", ""},
	{"/a", "other.test", "", ""},
	{"/a", site, "", "https"},
}

func selecting() []Case {
	var cases []Case
	for _, c := range []struct {
		by, value string
		gone      string // indices of pages
	}{
		{"url", "http://" + site + "/a", "05"},
		{"url", "https://SITE.test:443/%61?q=1", "1"},
		{"path", "/a", "0145"},
		{"path", "/a/b", "2"},
		{"pattern", "/a/*", "2"},
		{"pattern", "/a/**", "23"},
		{"pattern", "/*", "0145"},
		{"tag", "red", "01"},
		{"tag", "blue", "12"},
		{"host", "other.test", "4"},
		{"host", site, "01235"},
		{"all", "", "012345"},
	} {
		cases = append(cases, Case{
			Name: strings.TrimSpace("by " + c.by + " " + c.value), Rule: "Purge takes back what the selector selects, Expire makes it stale, and both leave the rest, from outside and from inside of a handler",
			Options: options(minute), Handler: clearing,
			Config: func(cfg *cachex.Config) {
				cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
			},
			Test: func(e *env) {
				for _, soft := range []bool{false, true} {
					for _, inside := range []bool{false, true} {
						e.purge(false, cachex.All())
						testSelector(e, c.by, c.value, c.gone, soft, inside)
					}
				}
			},
		})
	}
	return append(cases,
		Case{
			Name: "no mistake takes anything", Rule: "an empty or bad selector is an error that names it, and takes back nothing",
			Options: options(minute), Handler: clearing,
			Test: func(e *env) {
				e.get("/a").ran()
				for _, by := range []string{"url", "path", "pattern", "tag", "host"} {
					r := e.send("POST", "/clear", "X-By: "+by).code(400)
					if !strings.Contains(strings.ToLower(r.content), "by"+by) {
						r.fail("the error does not name the selector")
					}
				}
				if err := e.cache.Purge(context.Background()); err == nil {
					e.fatalf("Purge without a selector is no error")
				}
				e.get("/a").hit()
			},
		},
		Case{
			Name: "query rules", Rule: "ByURL reaches what query rules have made of the URL, and so does an unsafe request",
			Options: options(minute, cachex.DropQuery("utm_*")), Handler: clearing,
			Test: func(e *env) {
				e.get("/a?q=1&utm_source=x").ran()
				e.get("/a?q=1").hit()
				e.purge(false, cachex.ByURL("http://"+site+"/a?q=1&utm_source=y"))
				e.get("/a?q=1").ran()
				e.send("POST", "/a?utm_source=z&q=1").ran()
				e.get("/a?q=1").ran()
				e.purge(false, cachex.ByPath("/a"))
				e.get("/a?q=1").ran()
			},
		},
		Case{
			Name: "Expire and validation", Rule: "after Expire the handler may confirm what is stored; after Purge it is not asked to",
			Options: options(minute), Handler: func(*env) handler { return validated(`"a"`) },
			Test: func(e *env) {
				e.get("/").ran()
				e.purge(true, cachex.All())
				e.get("/").says("Cachex; fwd=stale; fwd-status=304; ttl=60").body(`content of "a"`)
				e.get("/").hit()
				e.purge(false, cachex.All())
				e.get("/").ran().says("Cachex; fwd=uri-miss; stored; ttl=60").by(3)
			},
		},
		Case{
			Name: "Expire and max-stale", Rule: "D, RFC 9111, section 5.2.1.2: what was expired is stale for as long as ago that was",
			Options: options(minute),
			Test: func(e *env) {
				e.get("/").ran()
				e.purge(true, cachex.All())
				e.advance(9 * time.Second)
				e.get("/", "Cache-Control: max-stale=10").hit().says("Cachex; hit; ttl=-9; detail=max-stale")
				e.get("/", "Cache-Control: max-stale=8").ran()
			},
		},
		Case{
			Name: "PURGE", Rule: "L19: PURGE never purges on a public route, whatever the handler answers to it",
			Options: options(minute),
			Test: func(e *env) {
				e.get("/a").ran()
				e.send("PURGE", "/a", "Authorization: Bearer t")
				e.get("/a").hit().by(1)
			},
		},
		Case{
			Name: "PurgeHandler", Rule: "PurgeHandler purges for who has the token; POST alone, and nothing for anybody else",
			Options: options(minute),
			Handler: func(e *env) handler {
				purges, err := e.cache.PurgeHandler("t")
				if err != nil {
					e.fatalf("%v", err)
				}
				return func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/purge" {
						purges.ServeHTTP(w, r)
						return
					}
					say()(w, r)
				}
			},
			Test: testPurgeHandler,
		},
	)
}

func testSelector(e *env, by, value, gone string, soft, inside bool) {
	e.t.Helper()
	ask := func(i int) *response {
		e.t.Helper()
		p := pages[i]
		fields := []string{"Host: " + p.host, "X-Tags: " + p.tags}
		if p.proto != "" {
			fields = append(fields, "X-Forwarded-Proto: "+p.proto)
		}
		return e.get(p.target, fields...)
	}
	for i := range pages {
		ask(i).ran()
	}
	if inside {
		fields := []string{"X-By: " + by, "X-Value: " + value}
		if soft {
			fields = append(fields, "X-Soft: 1")
		}
		e.send("POST", "/clear", fields...).code(200)
	} else {
		e.purge(soft, selector(by, value))
	}
	for i := range pages {
		r := ask(i)
		switch {
		case !strings.Contains(gone, fmt.Sprint(i)):
			r.hit()
		case soft:
			r.ran().says("Cachex; fwd=stale; stored; ttl=60")
		default:
			r.ran().says("Cachex; fwd=uri-miss; stored; ttl=60")
		}
	}
}

func testPurgeHandler(e *env) {
	post := func(token, body string) *response {
		e.t.Helper()
		return e.raw("POST", request("POST", "/purge", "Authorization: Bearer "+token, fmt.Sprint("Content-Length: ", len(body)))+body)
	}
	e.get("/a").ran()
	post("wrong", `{"by":"all"}`).code(401).has("Content-Type", "application/json")
	post("", `{"by":"all"}`).code(401)
	e.get("/purge", "Authorization: Bearer t").code(405).has("Allow", "POST")
	post("t", `{"by":"path"}`).code(400)
	post("t", `{"by":"path","value":"/b"}`).code(200).body("{\"ok\":true}\n")
	e.get("/a").hit()
	post("t", `{"by":"path","value":"/a","soft":true}`).code(200).body("{\"ok\":true}\n")
	e.get("/a").ran().says("Cachex; fwd=stale; stored; ttl=60")
	post("t", `{"by":"url","value":"http://`+site+`/a"}`).code(200).body("{\"ok\":true}\n")
	e.get("/a").ran().says("Cachex; fwd=uri-miss; stored; ttl=60")
}

// racing: purges that fall between the beginning and the end of a run.
func racing() []Case {
	var cases []Case
	for _, by := range []string{"url http://" + site + "/", "path /", "pattern /**", "tag t", "host " + site, "all"} {
		by, value, _ := strings.Cut(by, " ")
		for _, soft := range []bool{false, true} {
			name := "purge by " + by
			if soft {
				name = "expire by " + by
			}
			cases = append(cases, Case{
				Name: name + " during a run", Rule: "F6: a request that starts after the purge never gets the result of a run that began before it",
				Options: options(minute, cachex.Tags("t")), Handler: func(e *env) handler { return slow(e) },
				Test: func(e *env) {
					old := e.begin("GET", "/", "X-Slow: 1")
					e.wait(gateOf(e, "in"), "the slow handler")
					e.purge(soft, selector(by, value))
					// It may wait for the old run, if that knows its tags only in the
					// end, but not take what comes of it.
					next := e.begin("GET", "/")
					open(e, "go")
					old.end().whole().by(1)
					next.end().by(2)
					e.get("/").hit().by(2)
				},
			})
		}
	}
	return append(cases, Case{
		Name: "a purge by the handler of the page", Rule: "F6: what a handler purges while it makes the page is gone, and the page with it",
		Options: options(minute),
		Handler: func(e *env) handler {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Purge") != "" {
					if err := e.cache.Purge(r.Context(), cachex.ByPath(r.URL.Path)); err != nil {
						answer(500, err.Error())(w, r)
						return
					}
				}
				say()(w, r)
			}
		},
		Test: func(e *env) {
			e.get("/", "X-Purge: 1").ran().code(200)
			e.get("/").ran()
			e.get("/").hit().by(2)
		},
	}, Case{
		Name: "a purge during a validation", Rule: "F6: a 304 does not bring back what was purged while it was under way",
		Options: options(minute),
		Handler: func(e *env) handler {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("If-None-Match") != "" {
					open(e, "in")
					pass(e, "go")
				}
				validated(`"a"`)(w, r)
			}
		},
		Test: func(e *env) {
			e.get("/").ran()
			e.advance(time.Minute)
			old := e.begin("GET", "/")
			e.wait(gateOf(e, "in"), "the validation")
			e.purge(false, cachex.All())
			open(e, "go")
			old.end().code(200)
			e.get("/").ran().says("Cachex; fwd=uri-miss; stored; ttl=60").by(3)
		},
	})
}

// tagging: tags by the response, and cache groups.
func tagging() []Case {
	field := func(c *cachex.Config) { c.TagField = "surrogate-key" }
	return []Case{
		{
			Name: "TagField", Rule: "tags in Config.TagField reach their pages, and the field no client",
			Options: options(minute), Config: field,
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					set(w.Header(), "Etag: \"a\"", "Surrogate-Key: page p"+r.URL.Query().Get("n"), "Surrogate-Key: all")
					if r.Header.Get("X-Fail") != "" {
						answer(500, "broken")(w, r)
						return
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				const name = "Surrogate-Key"
				e.get("/?n=1").ran().lacks(name)
				e.get("/?n=2").ran().lacks(name)
				e.get("/?n=1").hit().lacks(name)
				e.head("/?n=1").hit().lacks(name)
				e.get("/?n=1", `If-None-Match: "a"`).hit().code(304).lacks(name)
				e.head("/?n=3").ran().lacks(name)
				e.get("/?n=4", "X-Fail: 1").ran().code(500).lacks(name)
				e.send("POST", "/other").ran().lacks(name)
				e.get("/?n=1", "Cache-Control: no-store, no-cache").ran().lacks(name)
				e.purge(false, cachex.ByTag("p2", "none"))
				e.get("/?n=1").hit()
				e.get("/?n=2").ran()
				e.purge(false, cachex.ByTag("all"))
				e.get("/?n=1").ran()
				e.get("/?n=2").ran()
			},
		},
		{
			Name: "tags of the route and of a 304", Rule: "tags of all sources add up, and a 304 may bring new ones without taking the old",
			Options: options(minute, cachex.Tags("route")), Config: field,
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					tag := "first"
					if r.Header.Get("If-None-Match") != "" {
						tag = "second"
					}
					cachex.AddTags(r.Context(), tag)
					set(w.Header(), "Surrogate-Key: field-"+tag)
					validated(`"a"`)(w, r)
				}
			},
			Test: func(e *env) {
				for _, tag := range []string{"route", "first", "second", "field-first", "field-second"} {
					e.get("/").ran()
					e.advance(time.Minute)
					e.get("/").says("Cachex; fwd=stale; fwd-status=304; ttl=60").lacks("Surrogate-Key")
					e.get("/").hit()
					e.purge(false, cachex.ByTag(tag))
					e.get("/").ran().says("Cachex; fwd=uri-miss; stored; ttl=60")
					e.purge(false, cachex.All())
				}
			},
		},
		{
			Name: "late tags", Rule: "AddTags counts until the response is complete",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					say()(w, r)
					cachex.AddTags(r.Context(), "late")
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit()
				e.purge(false, cachex.ByTag("late"))
				e.get("/").ran()
			},
		},
		{
			Name: "too many tags", Rule: "a page with more tags than can be kept is not stored, rather than left out of a purge; one Warn",
			Options: options(minute), Config: field,
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					for i := range 257 {
						cachex.AddTags(r.Context(), fmt.Sprint("t", i))
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().says("Cachex; fwd=uri-miss; detail=tags")
				e.get("/").ran().says("Cachex; fwd=uri-miss; detail=tags")
				e.wantWarning("257 tags", 1)
			},
		},
		{
			Name: "groups", Rule: "J1, J3, J5, RFC 9875, sections 2 and 3: an unsafe request invalidates the groups that its response names, of its own origin",
			Options: options(minute), Config: func(c *cachex.Config) { c.Groups = true }, Handler: grouped,
			Test: func(e *env) {
				ask := func() [3]*response {
					e.t.Helper()
					return [3]*response{e.get("/1"), e.get("/2"), e.get("/1", "Host: other.test")}
				}
				for _, r := range ask() {
					r.ran().has("Cache-Groups", `"g";x=1, "h"`)
				}
				e.get("/safe", `X-Invalidate: "g"`).ran()
				e.send("POST", "/edit", "X-Invalidate: g").ran()
				e.send("POST", "/edit", `X-Invalidate: "G"`).ran()
				e.send("POST", "/edit", `X-Invalidate: "g"`, "X-Status: 400").ran()
				for _, r := range ask() {
					r.hit()
				}
				e.send("POST", "/edit", `X-Invalidate: "none", "g"`).ran()
				after := ask()
				after[0].ran()
				after[1].ran()
				after[2].hit()
			},
		},
		{
			Name: "groups are off", Rule: "J6: without Config.Groups both fields mean nothing",
			Options: options(minute), Handler: grouped,
			Test: func(e *env) {
				e.get("/1").ran()
				e.send("POST", "/edit", `X-Invalidate: "g"`).ran()
				e.get("/1").hit()
			},
		},
	}
}

func grouped(*env) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		set(w.Header(), `Cache-Groups: "g";x=1, "h"`)
		if v := r.Header.Get("X-Invalidate"); v != "" {
			set(w.Header(), "Cache-Group-Invalidation: "+v)
		}
		if r.Header.Get("X-Status") != "" {
			answer(http.StatusBadRequest, "no")(w, r)
			return
		}
		say()(w, r)
	}
}
