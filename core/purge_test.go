package cachex_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// purgeSite counts the runs of its handler, which answers with tags.
type purgeSite struct {
	cache *cachex.Cache
	h     http.Handler
	runs  atomic.Int64
}

func newPurgeSite(t *testing.T, cfg cachex.Config, opts ...cachex.Option) *purgeSite {
	c := cachex.MustNew(cfg)
	t.Cleanup(func() { _ = c.Close() })
	s := &purgeSite{cache: c}
	s.h = c.Middleware(append(opts, cachex.TTL(time.Hour))...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if sent, ok := strings.CutPrefix(name, "Send-"); ok {
				w.Header()[sent] = values
			}
		}
		if tag := r.Header.Get("Tag"); tag != "" {
			cachex.AddTags(r.Context(), tag)
		}
		fmt.Fprint(w, s.runs.Add(1))
	}))
	return s
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func (s *purgeSite) get(target string, fields ...string) string {
	h, _ := visit(s.h, target, fields...)
	return h.Get("Cache-Status")
}

func TestSelectors(t *testing.T) {
	targets := []string{
		"http://a.example/x", "https://a.example/x", "http://a.example/x?q=1", "http://a.example/x/y", "http://a.example/x/y/z",
		"http://b.example/x", "http://a.example:8080/x", "http://c.example/%2579", "http://c.example/x%2Fy",
	}
	for name, c := range map[string]struct {
		by   []cachex.Selector
		gone string // the indices of targets that it reaches
	}{
		"URL":               {[]cachex.Selector{cachex.ByURL("http://a.example/x")}, "01"},
		"URL https":         {[]cachex.Selector{cachex.ByURL("https://A.example:443/%78")}, "01"},
		"URL with query":    {[]cachex.Selector{cachex.ByURL("https://a.example/x?q=1")}, "2"},
		"path":              {[]cachex.Selector{cachex.ByPath("/x")}, "01256"},
		"pattern *":         {[]cachex.Selector{cachex.ByPattern("/x/*")}, "38"},
		"pattern **":        {[]cachex.Selector{cachex.ByPattern("/x/**")}, "348"},
		"pattern /**":       {[]cachex.Selector{cachex.ByPattern("/**")}, "012345678"},
		"pattern **/y":      {[]cachex.Selector{cachex.ByPattern("**/y")}, "38"},
		"pattern /*, %2F":   {[]cachex.Selector{cachex.ByPattern("/*y")}, "8"},
		"pattern with %2F":  {[]cachex.Selector{cachex.ByPattern("/*%2fy")}, "38"},
		"URL with a dot":    {[]cachex.Selector{cachex.ByURL("http://a.example.:80/x")}, "01"},
		"URL, + and %20":    {[]cachex.Selector{cachex.ByURL("http://a.example/x?q=%31")}, "2"},
		"path unescaped":    {[]cachex.Selector{cachex.ByPath("/%79")}, "7"},
		"path escaped":      {[]cachex.Selector{cachex.ByPath("/%2579")}, "7"},
		"host":              {[]cachex.Selector{cachex.ByHost("a.example")}, "01234"},
		"host and its port": {[]cachex.Selector{cachex.ByHost("A.example:8080")}, "6"},
		"all":               {[]cachex.Selector{cachex.All()}, "012345678"},
		"several":           {[]cachex.Selector{cachex.ByPath("/x/y"), cachex.ByHost("b.example")}, "358"},
		"nothing there":     {[]cachex.Selector{cachex.ByPath("/none"), cachex.ByTag("none")}, ""},
	} {
		for _, soft := range []bool{false, true} {
			s := newPurgeSite(t, cachex.Config{})
			for _, target := range targets {
				s.get(target)
			}
			take := s.cache.Purge
			if soft {
				take = s.cache.Expire
			}
			if err := take(context.Background(), c.by...); err != nil {
				t.Fatal(name, err)
			}
			gone := ""
			for i, target := range targets {
				state := s.get(target)
				if soft && strings.Contains(state, "fwd=uri-miss") {
					t.Errorf("%s: %s is gone after Expire: %s", name, target, state)
				}
				if !strings.Contains(state, "; hit") {
					gone += fmt.Sprint(i)
				}
			}
			if gone != c.gone {
				t.Errorf("%s, soft %v: reached %q, want %q", name, soft, gone, c.gone)
			}
		}
	}
}

func TestTagsReach(t *testing.T) {
	purge := func(s *purgeSite, tags ...string) {
		t.Helper()
		if err := s.cache.Purge(context.Background(), cachex.ByTag(tags...)); err != nil {
			t.Fatal(err)
		}
	}
	s := newPurgeSite(t, cachex.Config{TagField: "surrogate-key"}, cachex.Tags("route"))
	for _, c := range []struct{ by, tag, field string }{{"route", "", ""}, {"told", "told", ""}, {"two", "", "one two"}, {"Two", "", "Two"}} {
		fields := []string{"Tag", c.tag, "Send-Surrogate-Key", c.field}
		target := "/" + c.by
		h, _ := visit(s.h, target, fields...)
		if h["Surrogate-Key"] != nil {
			t.Errorf("the client gets to see the tags: %v", h)
		}
		if got := s.get(target); !strings.Contains(got, "hit") {
			t.Fatalf("%s: %s", target, got)
		}
		purge(s, "none", "wo", "t", "surrogate-key")
		if got := s.get(target); !strings.Contains(got, "hit") {
			t.Errorf("%s: gone by other tags: %s", target, got)
		}
		purge(s, "none", c.by)
		if got := s.get(target, fields...); !strings.Contains(got, "fwd=uri-miss; stored") {
			t.Errorf("%s: still there: %s", target, got)
		}
	}
}

func TestTooManyTags(t *testing.T) {
	var many []string
	for i := range 10_000 {
		many = append(many, fmt.Sprint("tag", i))
	}
	if err := cachex.Validate(cachex.Tags(many...)); err == nil || !strings.Contains(err.Error(), "10000 tags") {
		t.Errorf("Validate: %v", err)
	}
	var log strings.Builder
	s := newPurgeSite(t, cachex.Config{TagField: "Surrogate-Key", Logger: logTo(&log)})
	for _, field := range []string{strings.Join(many, " "), "fine " + strings.Repeat("x", 257)} {
		for range 2 {
			if got := s.get("/", "Send-Surrogate-Key", field); !strings.Contains(got, "detail=tags") {
				t.Errorf("%.40s...: %s", field, got)
			}
		}
	}
	for range 2 {
		if got := s.get("/late", "Tag", "a b"); strings.Contains(got, "stored") || strings.Contains(got, "hit") {
			t.Errorf("a tag with a blank: %s", got)
		}
	}
	if n := strings.Count(log.String(), "not stored"); n != 1 {
		t.Errorf("%d warnings, want 1: %s", n, log.String())
	}
}

func TestGroups(t *testing.T) {
	s := newPurgeSite(t, cachex.Config{Groups: true})
	group := []string{"Send-Cache-Groups", `"articles", "front"`}
	targets := []string{"http://a.example/1", "http://a.example/2", "http://b.example/1", "https://a.example/1"}
	for _, target := range targets {
		s.get(target, group...)
	}
	post := func(method, value string) {
		r := httptest.NewRequest(method, "http://a.example/edit", nil)
		r.Header.Set("Send-Cache-Group-Invalidation", value)
		s.h.ServeHTTP(httptest.NewRecorder(), r)
	}
	hits := func() (n int) {
		for _, target := range targets {
			if strings.Contains(s.get(target, group...), "; hit") {
				n++
			}
		}
		return n
	}
	post("GET", `"articles"`)
	post("POST", `articles`)
	post("POST", `"Articles"`)
	if n := hits(); n != 4 {
		t.Errorf("RFC 9875, sections 2 and 3: %d hits, want 4: safe methods, broken fields and other names invalidate nothing", n)
	}
	post("POST", `"other", "articles"`)
	if n := hits(); n != 2 {
		t.Errorf("RFC 9875, section 2.1: %d hits, want those 2 of other origins", n)
	}
}

func TestExpireLeavesStaleStates(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	cfg := cachex.Config{Now: func() time.Time { return now }}
	s := newPurgeSite(t, cfg, cachex.StaleIfError(time.Minute))
	s.get("/")
	now = now.Add(10 * time.Second)
	if err := s.cache.Expire(context.Background(), cachex.All()); err != nil {
		t.Fatal(err)
	}
	if got := s.get("/", "Cache-Control", "only-if-cached, max-stale=5"); !strings.Contains(got, "hit; ttl=0; detail=max-stale") {
		t.Errorf("just expired: %s", got)
	}
	now = now.Add(6 * time.Second)
	if got := s.get("/", "Cache-Control", "max-stale=7"); !strings.Contains(got, "hit; ttl=-6") {
		t.Errorf("expired six seconds ago: %s", got)
	}
	if got := s.get("/"); !strings.Contains(got, "fwd=stale; stored; ttl=3600") {
		t.Errorf("renewed: %s", got)
	}
}

// What query rules have made of a URL is reached by the URL as it was.
// Of two calls of Expire the second comes when a request has read the clock and not
// yet looked at the marks. The first had returned before it.
func TestExpireTwice(t *testing.T) {
	var seconds atomic.Int64
	var asked atomic.Bool
	var s *purgeSite
	expire := func() {
		seconds.Add(1)
		if err := s.cache.Expire(context.Background(), cachex.ByTag("t")); err != nil {
			t.Error(err)
		}
	}
	s = newPurgeSite(t, cachex.Config{Now: func() time.Time {
		read := time.Unix(1e9+seconds.Load(), 0)
		if asked.CompareAndSwap(true, false) {
			expire()
		}
		return read
	}})
	s.get("/a", "Tag", "t")
	expire()
	asked.Store(true)
	if got := s.get("/a", "Tag", "t"); !strings.Contains(got, "fwd=stale") {
		t.Error(got)
	}
}

func TestPurgeKnowsQueryRules(t *testing.T) {
	s := newPurgeSite(t, cachex.Config{}, cachex.DropQuery("utm_*"), cachex.SortQuery())
	s.get("http://a.example/?b=1&a=2&utm_source=x")
	if err := s.cache.Purge(context.Background(), cachex.ByURL("http://a.example/?b=1&a=2&utm_source=y")); err != nil {
		t.Fatal(err)
	}
	if got := s.get("http://a.example/?a=2&b=1"); !strings.Contains(got, "fwd=uri-miss") {
		t.Errorf("still there: %s", got)
	}
}

// An unsafe request is about its URL as it came, whatever the query rules of its
// own route are: another route may have stored it under that.
func TestUnsafeRequestsReachBothQueries(t *testing.T) {
	c := cachex.MustNew(cachex.Config{})
	defer c.Close()
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.Header.Get("To"); to != "" {
			w.Header().Set("Location", to)
		}
		fmt.Fprint(w, "ok")
	})
	plain := c.Middleware(cachex.TTL(time.Hour))(ok)
	ruled := c.Middleware(cachex.TTL(time.Hour), cachex.DropQuery("utm_*"))(ok)
	for _, get := range []http.Handler{plain, ruled} {
		for _, post := range []http.Handler{plain, ruled} {
			for _, ask := range [][]string{{"/a?utm_s=1"}, {"/b", "To", "/a?utm_s=1"}} {
				visit(get, "/a?utm_s=1")
				r := httptest.NewRequest("POST", ask[0], nil)
				for i := 1; i < len(ask); i += 2 {
					r.Header.Set(ask[i], ask[i+1])
				}
				post.ServeHTTP(httptest.NewRecorder(), r)
				h, _ := visit(get, "/a?utm_s=1")
				if got := h.Get("Cache-Status"); !strings.Contains(got, "uri-miss") {
					t.Errorf("F1: rules on GET %v, on POST %v, %v: %s", &get == &ruled, &post == &ruled, ask, got)
				}
			}
		}
	}
}

// What a POST answers may be stored for GET, as it was made after the change, but
// not if something else was taken back while it ran.
func TestPurgeDuringPost(t *testing.T) {
	for name, by := range map[string]cachex.Selector{
		"nothing": {}, "the URL": cachex.ByURL("http://example.com/a"), "a tag": cachex.ByTag("t"), "all": cachex.All(),
		"a pattern": cachex.ByPattern("/**"),
	} {
		c := cachex.MustNew(cachex.Config{TagField: "Surrogate-Key"})
		defer c.Close()
		h := c.Middleware(cachex.Proxy())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name != "nothing" && r.Method == "POST" {
				if err := c.Purge(r.Context(), by); err != nil {
					t.Error(err)
				}
			}
			w.Header().Set("Content-Location", "/a")
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Surrogate-Key", "t")
			fmt.Fprint(w, r.Method)
		}))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "http://example.com/a", nil))
		want := "GET"
		if name == "nothing" {
			want = "POST"
		}
		if _, body := visit(h, "http://example.com/a"); body != want {
			t.Errorf("%s was purged while a POST ran: a later GET gets %s, want %s", name, body, want)
		}
	}
}

// A resource lives on as long as variants are added. Those that were purged do
// not live on with it until the purge is forgotten.
func TestPurgedVariantsDoNotOutliveTheirMark(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	c := cachex.MustNew(cachex.Config{Now: func() time.Time { return now }, MaxLifetime: time.Hour})
	defer c.Close()
	confirmed := false
	h := c.Middleware(cachex.TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "X-Variant")
		w.Header().Set("Etag", `"`+r.Header.Get("X-Variant")+`"`)
		if r.Header.Get("If-None-Match") == `"first"` {
			confirmed = true
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, r.Header.Get("X-Variant"))
	}))
	visit(h, "/", "X-Variant", "first")
	if err := c.Purge(context.Background(), cachex.All()); err != nil {
		t.Fatal(err)
	}
	for i := range 60 { // 30 hours: longer than a mark is kept
		now = now.Add(30 * time.Minute)
		visit(h, "/", "X-Variant", fmt.Sprint(i))
		if err := c.Purge(context.Background(), cachex.ByTag("other")); err != nil {
			t.Fatal(err)
		}
	}
	confirmed = false
	if got, body := visit(h, "/", "X-Variant", "first"); confirmed || strings.Contains(got.Get("Cache-Status"), "hit") {
		t.Errorf("what was purged 30 hours ago is back: %s %s", got.Get("Cache-Status"), body)
	}
}

// PURGE is what other caches call a purge. Here it is for the handler, and
// whatever that answers takes nothing back.
func TestPurgeMethodPurgesNothing(t *testing.T) {
	s := newPurgeSite(t, cachex.Config{})
	s.get("/")
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, httptest.NewRequest("PURGE", "/", nil))
	if w.Code != 200 || w.Body.String() != "2" {
		t.Errorf("PURGE did not reach the handler: %d %s", w.Code, w.Body)
	}
	if got := s.get("/"); !strings.Contains(got, "hit") {
		t.Errorf("after PURGE: %s", got)
	}
}

func TestBadSelectorsTakeNothing(t *testing.T) {
	s := newPurgeSite(t, cachex.Config{})
	s.get("/")
	var many []string
	for i := range 10_000 {
		many = append(many, fmt.Sprint(i))
	}
	for want, by := range map[string]cachex.Selector{
		"ByURL: an empty URL":             cachex.ByURL(""),
		`ByURL: the URL "/a"`:             cachex.ByURL("/a"),
		`"ftp://h/a" does not begin with`: cachex.ByURL("ftp://h/a"),
		`"http:///a" has no host`:         cachex.ByURL("http:///a"),
		`"http://u@h/" has a user`:        cachex.ByURL("http://u@h/"),
		`"http://h/#" has a user or frag`: cachex.ByURL("http://h/#"),
		"is no URL":                       cachex.ByURL("http://h/%zz"),
		"ByPath: an empty path":           cachex.ByPath(""),
		`the path "a" does not begin`:     cachex.ByPath("a"),
		`the path "/a?b" has a query`:     cachex.ByPath("/a?b"),
		`the path "/\x00" has a control`:  cachex.ByPath("/\x00"),
		"ByPattern: an empty pattern":     cachex.ByPattern(""),
		`the pattern "a*" does not begin`: cachex.ByPattern("a*"),
		`the pattern "/[a": `:             cachex.ByPattern("/[a"),
		`the pattern "/%zz" is not`:       cachex.ByPattern("/%zz"),
		"a pattern of 2000 bytes":         cachex.ByPattern("/" + strings.Repeat("*a", 1000)[1:]),
		"ByTag: no tag":                   cachex.ByTag(),
		"ByTag: an empty tag":             cachex.ByTag(""),
		`a tag with a blank or control`:   cachex.ByTag("a b"),
		"10000 tags":                      cachex.ByTag(many...),
		`ByHost: "" is no host`:           cachex.ByHost(""),
		`ByHost: "a/b" is no host`:        cachex.ByHost("a/b"),
		"a Selector that no function":     {},
	} {
		for _, with := range [][]cachex.Selector{{by}, {cachex.All(), by}} {
			err := s.cache.Purge(context.Background(), with...)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v", want, err)
			}
		}
	}
	if err := s.cache.Purge(context.Background()); err == nil || !strings.Contains(err.Error(), "no Selector") {
		t.Errorf("without a selector: %v", err)
	}
	if got := s.get("/"); !strings.Contains(got, "hit") {
		t.Errorf("something was purged by mistake: %s", got)
	}
	_ = s.cache.Close()
	if err := s.cache.Purge(context.Background(), cachex.All()); !errors.Is(err, cachex.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	off := cachex.MustNew(cachex.Config{Disabled: true})
	if err := off.Purge(context.Background(), cachex.All()); err != nil {
		t.Errorf("with Disabled: %v", err)
	}
}

// A purge that has begun does not stop for its context.
func TestPurgeIgnoresCancel(t *testing.T) {
	s := newPurgeSite(t, cachex.Config{})
	s.get("/")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.cache.Purge(ctx, cachex.All()); err != nil {
		t.Error(err)
	}
	if got := s.get("/"); !strings.Contains(got, "uri-miss") {
		t.Errorf("not purged: %s", got)
	}
}

func TestPurgeHandler(t *testing.T) {
	var log strings.Builder
	s := newPurgeSite(t, cachex.Config{Logger: logTo(&log)}, cachex.Tags("news"))
	for _, token := range []string{"", " ", "secret\n", "sec ret"} {
		if _, err := s.cache.PurgeHandler(token); err == nil {
			t.Errorf("the token %q is no error", token)
		}
	}
	h, err := s.cache.PurgeHandler("secret")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, authorization, body string) (int, string) {
		r := httptest.NewRequest(method, "/purge", strings.NewReader(body))
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	lines := 0
	for _, c := range []struct {
		method, authorization, body string
		status                      int
		says                        string
	}{
		{"POST", "", `{"by":"all"}`, 401, `"ok":false`},
		{"POST", "Bearer secre", `{"by":"all"}`, 401, `"ok":false`},
		{"POST", "Bearer secret2", `{"by":"all"}`, 401, `"ok":false`},
		{"POST", "Basic secret", `{"by":"all"}`, 401, `"ok":false`},
		{"GET", "Bearer secret", ``, 405, `want POST`},
		{"PURGE", "Bearer secret", ``, 405, `want POST`},
		{"POST", "Bearer secret", ``, 400, `want {`},
		{"POST", "Bearer secret", `{`, 400, `want {`},
		{"POST", "Bearer secret", `{"by":"all"} {}`, 400, `more than one`},
		{"POST", "Bearer secret", `{"by":"all","value":"x"}`, 400, `takes no value`},
		{"POST", "Bearer secret", `{"by":"path"}`, 400, `an empty path`},
		{"POST", "Bearer secret", `{"by":"tag","value":"a b"}`, 400, `a tag with a blank`},
		{"POST", "Bearer secret", `{"by":"regex","value":".*"}`, 400, `by is \"regex\"`},
		{"POST", "Bearer secret", `{"by":"all","hard":true}`, 400, `unknown field`},
		{"POST", "Bearer secret", `{"by":"all","pad":"` + strings.Repeat("x", 70_000) + `"}`, 400, `"ok":false`},
	} {
		s.get("/")
		status, body := ask(c.method, c.authorization, c.body)
		if status != c.status || !strings.Contains(strings.ReplaceAll(body, `\"`, `\"`), c.says) {
			t.Errorf("%s %q %.40s: %d %s", c.method, c.authorization, c.body, status, body)
		}
		if got := s.get("/"); !strings.Contains(got, "hit") {
			t.Errorf("%s %q %.40s purged: %s", c.method, c.authorization, c.body, got)
		}
		lines++
	}
	for _, body := range []string{
		`{"by":"url","value":"http://example.com/"}`, `{"by":"path","value":"/","soft":false}`, `{"by":"pattern","value":"/**"}`,
		`{"by":"tag","value":"news"}`, `{"by":"host","value":"example.com"}`, `{"by":"all"}`, `{"by":"all","soft":true}`,
	} {
		s.get("http://example.com/")
		if status, said := ask("POST", "bearer secret", body); status != 200 || said != `{"ok":true}` {
			t.Errorf("%s: %d %s", body, status, said)
		}
		if got := s.get("http://example.com/"); strings.Contains(got, "hit") {
			t.Errorf("%s did not purge: %s", body, got)
		}
		lines++
	}
	if n := strings.Count(log.String(), "cachex: purge"); n != lines {
		t.Errorf("%d lines in the audit log, want %d", n, lines)
	}
	_ = s.cache.Close()
	if status, said := ask("POST", "Bearer secret", `{"by":"all"}`); status != 503 || !strings.Contains(said, "closed") {
		t.Errorf("after Close: %d %s", status, said)
	}
}
