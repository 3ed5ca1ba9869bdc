package cachex

import (
	"net/http"
	"reflect"
	"testing"
	"time"
)

func level(t *testing.T, opts ...Option) *settings {
	t.Helper()
	s, err := newSettings("", opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Single values: the inner level's; lists add up, because a key part that gets
// lost is a leak.
func TestLevelsCombine(t *testing.T) {
	skip := SkipIf(func(*http.Request) bool { return false })
	veto := StoreIf(func(int, http.Header) bool { return true })
	outer := level(t, TTL(time.Minute), TTLFor(time.Second, 404), CacheControl("public"), KeyHeader("A"), KeyCookie("c"),
		IgnoreCookies("_a"), DropQuery("d"), KeepQuery("k"), Tags("t"), StrongETag(), skip, veto)
	inner := level(t, TTL(time.Hour), CacheControl("max-age=1"), KeyHeader("B"), IgnoreCookies("_b"), DropQuery("e"), KeepQuery("l"),
		SortQuery(), Tags("u"), NoETag(), skip, veto, Override(), StripSetCookie(), IgnoreReload(), Proxy())
	m := inner.under(outer)

	var names []string
	for _, p := range m.parts {
		names = append(names, p.name)
	}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"TTL", m.ttl[200], time.Hour},
		{"CacheControl, as a whole", m.control.value, "max-age=1"},
		{"ETag", m.etag, etagNone},
		{"key parts", names, []string{"A", "c", "B"}},
		{"IgnoreCookies", m.ignoreCookies, []string{"_a", "_b"}},
		{"DropQuery", m.query.drop, []string{"d", "e"}},
		{"KeepQuery", m.query.keep, []string{"k", "l"}},
		{"Tags", m.tags, []string{"t", "u"}},
		{"SkipIf", len(m.skips), 2},
		{"StoreIf", len(m.vetoes), 2},
		{"flags", []bool{m.query.keepSet, m.query.sort, m.override, m.stripCookie, m.ignoreReload, m.proxy, m.off}, []bool{true, true, true, true, true, true, false}},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if m.ttl[404] != 0 {
		t.Error("an inner CacheControl with a lifetime replaces the outer TTLs, that for 404 too")
	}
	if m := level(t, KeyHeader("B")).under(outer); m.ttl[404] != time.Second || m.ttl[200] != time.Minute || m.control.value != "public" || m.etag != etagStrong {
		t.Errorf("an inner level that says nothing of it changes the outer one's values: %v %v", m.ttl, m.control)
	}
	if m := level(t, Off()).under(outer); !m.off {
		t.Error("Off of an inner level")
	}
	if m := level(t).under(level(t, Off())); !m.off {
		t.Error("Off of an outer level")
	}
	if len(outer.parts) != 2 || outer.ttl[200] != time.Minute {
		t.Error("under changed the outer level")
	}
}

func TestPerUserAcrossLevels(t *testing.T) {
	one := PerUser(func(*http.Request) (string, bool) { return "1", true })
	two := PerUser(func(*http.Request) (string, bool) { return "2", true })
	id := func(s *settings) string {
		if len(s.perUser) != 1 {
			return ""
		}
		v, _ := s.perUser[0].f(&httpExchange{})
		return v
	}
	for _, tt := range []struct {
		name         string
		outer, inner []Option
		id           string
		shared       bool
	}{
		{"outer alone", []Option{one}, nil, "1", false},
		{"inner alone", nil, []Option{two}, "2", false},
		{"both: the inner one", []Option{one}, []Option{two}, "2", false},
		{"inner Shared", []Option{one}, []Option{Shared()}, "", true},
		{"inner PerUser", []Option{Shared()}, []Option{two}, "2", false},
		{"outer Shared", []Option{Shared()}, nil, "", true},
	} {
		m := level(t, tt.inner...).under(level(t, tt.outer...))
		if id(m) != tt.id || m.shared != tt.shared {
			t.Errorf("%s: user %q, shared %v", tt.name, id(m), m.shared)
		}
	}
}

// A changed policy must not be answered by entries from before: whatever shapes
// the key changes the shape, and nothing else does.
func TestShape(t *testing.T) {
	c := testCache(t, Config{})
	shapes := map[string]string{}
	for name, opts := range map[string][]Option{
		"plain": {TTL(time.Minute), Tags("a"), CacheControl("max-age=1"), NoETag(), IgnoreReload(), StripSetCookie()},
		"A":     {KeyHeader("A")}, "B": {KeyHeader("B")}, "AB": {KeyHeader("A", "B")}, "BA": {KeyHeader("B", "A")},
		"cookie": {KeyCookie("A")}, "func": {KeyFunc(func(*http.Request) (string, bool) { return "", true })},
		"user": {PerUser(func(*http.Request) (string, bool) { return "u", true })}, "shared": {Shared()}, "proxy": {Proxy()},
		"ignore": {IgnoreCookies("a")}, "drop": {DropQuery("a")}, "keep": {KeepQuery("a")}, "keep none": {KeepQuery()}, "sort": {SortQuery()},
	} {
		shape := testPolicy(t, c, opts).shape
		if before, ok := shapes[shape]; ok {
			t.Errorf("%s has the shape of %s", name, before)
		}
		shapes[shape] = name
	}
	if shapes[""] != "plain" {
		t.Error("what shapes no key changes the shape")
	}
	if testPolicy(t, c, nil, nil).shape == "" {
		t.Error("an inner New has the keys of the outer one: auth may stand between them")
	}
	if a, b := testPolicy(t, c, []Option{KeyHeader("A", "a")}), testPolicy(t, c, []Option{KeyHeader("A")}); a.shape != b.shape || len(a.parts) != 1 {
		t.Error("a key part that is given twice counts twice")
	}
}
