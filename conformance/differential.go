package conformance

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// Seeds is the number of sequences that Differential replays by default.
const Seeds = 200

// Differential sends the same random sequences of requests to core's own
// middleware on net/http and to an adapter, and demands the same answers:
// status, fields apart from Date and those of framing, and content. The
// sequences are those of seeds 0 to seeds-1, so that a failure can be repeated.
func Differential(t *testing.T, a Adapter, seeds int) {
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			compare(t, a, uint64(seed))
		})
	}
}

func compare(t *testing.T, a Adapter, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	levels := randomLevels(rnd)
	steps := randomSteps(rnd)
	mine := replay(t, Adapter{Name: "net/http", Start: startPlain}, levels, steps)
	theirs := replay(t, a, levels, steps)
	for i := range steps {
		if mine[i] != theirs[i] {
			t.Fatalf("seed %d, levels %v, step %d of\n%s\nnet/http:\n%s\n%s:\n%s", seed, levels, i, listSteps(steps[:i+1]), mine[i], a.Name, theirs[i])
		}
	}
}

// randomLevels chooses the options of each level by number, 0 for no New.
func randomLevels(rnd *rand.Rand) [3]int {
	levels := [3]int{rnd.IntN(4), rnd.IntN(4), rnd.IntN(4)}
	if levels == [3]int{} {
		levels[2] = 1
	}
	return levels
}

func levelOptions(n, level int) []cachex.Option {
	switch n {
	case 0:
		return nil
	case 1:
		return []cachex.Option{cachex.TTL(time.Duration(10*(level+1)) * time.Second)}
	case 2:
		return []cachex.Option{cachex.CacheControl("public, max-age=20"), cachex.DropQuery("utm_*")}
	}
	return []cachex.Option{cachex.KeyHeader("X-Tenant"), cachex.IgnoreCookies("_ga*"), cachex.TTLFor(5*time.Second, 404)}
}

type diffStep struct {
	advance        time.Duration
	method, target string
	fields         []string
}

func listSteps(steps []diffStep) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "  +%v %s %s %q\n", s.advance, s.method, s.target, s.fields)
	}
	return b.String()
}

func randomSteps(rnd *rand.Rand) []diffStep {
	choose := func(of ...string) string { return of[rnd.IntN(len(of))] }
	kind := rnd.IntN(40) // few resources, so that they are asked for again
	steps := make([]diffStep, 25)
	for i := range steps {
		s := &steps[i]
		s.advance = time.Duration(rnd.IntN(4)*rnd.IntN(8)) * time.Second
		s.method = choose("GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
		s.target = fmt.Sprintf("/%d", kind+rnd.IntN(3)) + choose("", "", "", "?a=1", "?a=2", "?utm_x=1", "?a=1&utm_x=2", "/x%2Fy")
		add := func(chance int, fields ...string) {
			if rnd.IntN(chance) == 0 {
				s.fields = append(s.fields, choose(fields...))
			}
		}
		add(3, "X-A: 1", "X-A: 2", "X-A:")
		add(4, "Accept-Language: en", "Accept-Language: de, en", "Accept-Encoding: gzip", "Accept-Encoding: br;q=0, gzip")
		add(6, "X-Tenant: t", "X-Tenant: u")
		add(6, "Cookie: a=1", "Cookie: _ga=1", "Cookie: _ga=1; a=1")
		add(9, "Authorization: x", "X-Api-Key: y")
		add(4, "Cache-Control: no-cache", "Cache-Control: max-age=0", "Cache-Control: max-age=5", "Cache-Control: max-stale", "Cache-Control: only-if-cached", "Cache-Control: no-store", "Cache-Control: min-fresh=5", "Pragma: no-cache")
		add(4, `If-None-Match: "e0"`, `If-None-Match: "zzz", W/"e1"`, "If-None-Match: *", "If-Modified-Since: "+at(-time.Minute), "If-Modified-Since: "+at(-48*time.Hour), `If-Match: "e0"`)
		add(5, "Range: bytes=0-3", "Range: bytes=-5", "Range: bytes=5000-", "Range: bytes=2-1", "Range: bytes=0-0, 4-5")
		add(12, `If-Range: "e0"`, "If-Range: "+at(-24*time.Hour))
		add(12, "X-Forwarded-Host: f.test", "X-HTTP-Method-Override: DELETE", "Host: other.test")
	}
	return steps
}

// behave is a handler whose behaviour follows from the path and the number of
// the run.
func behave(e *env) handler {
	return func(w http.ResponseWriter, r *http.Request) {
		sum := fnv.New64a()
		_, _ = sum.Write([]byte(strings.SplitN(r.URL.Path, "/", 3)[1]))
		rnd := rand.New(rand.NewPCG(sum.Sum64(), 1))
		choose := func(of ...string) string { return of[rnd.IntN(len(of))] }
		h := w.Header()
		add := func(f string) {
			if f != "" {
				set(h, f)
			}
		}
		add(choose("", "", "Cache-Control: max-age=15", "Cache-Control: max-age=5, s-maxage=25", "Cache-Control: public, max-age=0", "Cache-Control: no-cache",
			"Cache-Control: private", "Cache-Control: no-store", "Cache-Control: must-revalidate, max-age=10", `Cache-Control: max-age=30, private="x-mine"`, "Expires: "+at(90*time.Second)))
		add(choose("", "", "Vary: X-A", "Vary: Accept-Language, Accept-Encoding", "Vary: *"))
		add(choose("", "", "Set-Cookie: c=1", "Age: 3"))
		add("X-Mine: 1")
		tag := choose("", "", `"e0"`, `W/"e1"`)
		modified := choose("", "", at(-24*time.Hour))
		status := []int{200, 200, 200, 200, 200, 200, 404, 500, 301, 203}[rnd.IntN(10)]
		length := 20 + rnd.IntN(900)
		if tag != "" {
			h.Set("Etag", tag)
		}
		if modified != "" {
			h.Set("Last-Modified", modified)
		}
		if status == 301 || r.Method == "POST" {
			h.Set("Location", choose("/0", "/1?a=1", "http://"+site+"/2"))
		}
		h.Set("X-Saw", fmt.Sprintf("%s %q %q %q %q", r.RequestURI, r.Header["Cookie"], r.Header["If-None-Match"], r.Header["If-Modified-Since"], r.Header["Range"]))
		if r.Method != "GET" && r.Method != "HEAD" {
			answer([]int{200, 201, 400}[rnd.IntN(3)], "done")(w, r)
			return
		}
		if tag != "" && r.Header.Get("If-None-Match") == tag || modified != "" && tag == "" && r.Header.Get("If-Modified-Since") == modified {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		// The length is the same for every request: frameworks differ in whether
		// the response to a HEAD announces it.
		content := fmt.Sprintf("run %4s a=%-12q ", h.Get("X-Run"), r.Header.Get("X-A"))
		answer(status, content+strings.Repeat("-", length))(w, r)
	}
}

// replay returns what each step was answered with.
func replay(t *testing.T, a Adapter, levels [3]int, steps []diffStep) []string {
	t.Helper()
	c := Case{Rule: "the same requests have the same answers on every framework", Handler: behave}
	e := newEnv(t, a, c)
	e.outerFields = func(r *http.Request, h http.Header) {
		h.Set("X-Outer", r.Header.Get("X-Tenant"))
	}
	e.serve(a.Start(t, App{
		Cache: e.cache, Outer: e.outer, Handler: e.handler(c),
		Root: levelOptions(levels[0], 0), Group: levelOptions(levels[1], 1), Route: levelOptions(levels[2], 2),
	}))
	answers := make([]string, len(steps))
	for i, s := range steps {
		e.advance(s.advance)
		answers[i] = describe(e.send(s.method, s.target, s.fields...))
	}
	return answers
}

// describe is a response without what may differ between frameworks.
func describe(r *response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d, run %v\n", r.status, r.after != r.before)
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		switch name {
		case "Date", "Content-Length", "Transfer-Encoding", "Connection", "Server":
			continue
		case "Content-Type":
			// net/http takes it from every 304, and others put one on.
			if r.status == http.StatusNotModified {
				continue
			}
		}
		fmt.Fprintf(&b, "%s: %q\n", name, r.header[name])
	}
	content := r.content
	if kind := r.header.Get("Content-Type"); strings.HasPrefix(kind, "multipart/byteranges") {
		// The boundary is a random one.
		_, boundary, _ := strings.Cut(kind, "boundary=")
		return strings.ReplaceAll(b.String(), boundary, "BOUNDARY") + strings.ReplaceAll(content, boundary, "BOUNDARY")
	}
	b.WriteString(content)
	return b.String()
}

// startPlain is core's middleware on net/http, for comparison.
func startPlain(t testing.TB, app App) string {
	h := app.Handler
	for _, options := range [][]cachex.Option{app.Route, app.Group, app.Root} {
		if options != nil {
			h = app.Cache.Middleware(options...)(h)
		}
	}
	s := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer app.Outer(r, w.Header())()
		h.ServeHTTP(w, r)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return "http://" + l.Addr().String()
}
