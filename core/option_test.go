package cachex_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/adapter"
)

func user(*http.Request) (string, bool) { return "u", true }

// mentions fails unless err names everything that was wrong, once each, and
// says where it comes from.
func mentions(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that names %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error does not name %q:\n%v", w, err)
		}
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if strings.Count(line, "cachex: ") != 1 || !strings.HasPrefix(line, "cachex: ") {
			t.Errorf("not one prefix: %q", line)
		}
	}
}

func TestBadOption(t *testing.T) {
	tests := []struct {
		name string
		opt  cachex.Option
		want []string
	}{
		{"the zero Option", cachex.Option{}, []string{"Option"}},
		{"TTL, negative", cachex.TTL(-time.Second), []string{"TTL(-1s)"}},
		{"TTLFor, negative", cachex.TTLFor(-time.Second, 404), []string{"TTLFor(-1s)"}},
		{"TTLFor, no status", cachex.TTLFor(time.Second), []string{"TTLFor(1s)"}},
		{"TTLFor, interim", cachex.TTLFor(time.Second, 103), []string{"103"}},
		{"TTLFor, no status code", cachex.TTLFor(time.Second, 600), []string{"600"}},
		{"TTLFor, 206", cachex.TTLFor(time.Second, 206), []string{"206"}},
		{"TTLFor, 304", cachex.TTLFor(time.Second, 304), []string{"304"}},
		{"TTLFor, never stored", cachex.TTLFor(time.Second, 404, 401, 429), []string{"401", "429"}},
		{"CacheControl, empty", cachex.CacheControl(""), []string{`CacheControl("")`}},
		{"CacheControl, unknown", cachex.CacheControl("max-age=1, s-max-age=1"), []string{"s-max-age"}},
		{"CacheControl, of requests", cachex.CacheControl("only-if-cached"), []string{"only-if-cached"}},
		{"CacheControl, no number", cachex.CacheControl("max-age=1m"), []string{"max-age", "1m"}},
		{"CacheControl, contradicting", cachex.CacheControl("public, private"), []string{"public, private"}},
		{"SkipIf", cachex.SkipIf(nil), []string{"SkipIf(nil)"}},
		{"StoreIf", cachex.StoreIf(nil), []string{"StoreIf(nil)"}},
		{"KeyFunc", cachex.KeyFunc(nil), []string{"KeyFunc(nil)"}},
		{"PerUser", cachex.PerUser(nil), []string{"PerUser(nil)"}},
		{"KeyHeader, none", cachex.KeyHeader(), []string{"KeyHeader()"}},
		{"KeyHeader, no names", cachex.KeyHeader("a b", "X-A", "c:"), []string{"KeyHeader", `"a b"`, `"c:"`}},
		{"KeyCookie, none", cachex.KeyCookie(), []string{"KeyCookie()"}},
		{"KeyCookie, no name", cachex.KeyCookie("a=b"), []string{"KeyCookie", `"a=b"`}},
		{"IgnoreCookies, none", cachex.IgnoreCookies(), []string{"IgnoreCookies()"}},
		{"IgnoreCookies, no name", cachex.IgnoreCookies("a;b", ""), []string{"IgnoreCookies", `"a;b"`, `""`}},
		{"DropQuery, none", cachex.DropQuery(), []string{"DropQuery()"}},
		{"DropQuery, no name", cachex.DropQuery("a&b"), []string{"DropQuery", `"a&b"`}},
		{"KeepQuery, no name", cachex.KeepQuery("a b"), []string{"KeepQuery", `"a b"`}},
		{"Tags, empty", cachex.Tags(""), []string{"Tags", "empty"}},
		{"Tags, blank", cachex.Tags("a b"), []string{"Tags", `"a b"`}},
		{"Tags, long", cachex.Tags(strings.Repeat("x", 257)), []string{"Tags", "257"}},
		{"a bundle", cachex.Options(cachex.SkipIf(nil), cachex.TTL(-1)), []string{"SkipIf(nil)", "TTL(-1ns)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { mentions(t, cachex.Validate(tt.opt), tt.want...) })
	}
}

func TestContradictions(t *testing.T) {
	ttl, private := cachex.TTL(time.Minute), cachex.CacheControl("private")
	tests := []struct {
		name string
		opts []cachex.Option
		want []string // empty: no contradiction
	}{
		{"two TTLs", []cachex.Option{ttl, cachex.TTL(time.Hour)}, []string{"200", "1m0s", "1h0m0s"}},
		{"TTL and TTLFor of 200", []cachex.Option{ttl, cachex.TTLFor(time.Hour, 200)}, []string{"200"}},
		{"the same TTL twice", []cachex.Option{ttl, ttl}, nil},
		{"two CacheControls", []cachex.Option{private, cachex.CacheControl("public, max-age=1")}, []string{"private", "public, max-age=1"}},
		{"PerUser and Shared", []cachex.Option{cachex.PerUser(user), cachex.Shared()}, []string{"PerUser", "Shared"}},
		{"PerUser twice", []cachex.Option{cachex.PerUser(user), cachex.PerUser(user)}, []string{"PerUser"}},
		{"StrongETag and NoETag", []cachex.Option{cachex.StrongETag(), cachex.NoETag()}, []string{"NoETag", "StrongETag"}},
		{"no-store and TTL", []cachex.Option{cachex.CacheControl("no-store"), ttl}, []string{"no-store", "TTL"}},
		{"no-cache and TTL", []cachex.Option{ttl, cachex.CacheControl("no-cache")}, []string{"no-cache", "TTL"}},
		{"private and TTL", []cachex.Option{ttl, private}, []string{"private", "TTL"}},
		{"private and TTL with Shared", []cachex.Option{ttl, private, cachex.Shared()}, nil},
		{"private and TTL with PerUser", []cachex.Option{ttl, private, cachex.PerUser(user)}, nil},
		{"s-maxage and TTL", []cachex.Option{ttl, cachex.CacheControl("s-maxage=1")}, []string{"s-maxage=1", "TTL"}},
		{"max-age and TTL", []cachex.Option{ttl, cachex.CacheControl("max-age=1")}, nil},
		{"public and PerUser", []cachex.Option{cachex.PerUser(user), cachex.CacheControl("public")}, []string{"public", "PerUser"}},
		{"a cookie in the key and ignored", []cachex.Option{cachex.KeyCookie("sid"), cachex.IgnoreCookies("s*")}, []string{`"sid"`, "IgnoreCookies"}},
		{"a parameter kept and dropped", []cachex.Option{cachex.KeepQuery("utm_id"), cachex.DropQuery("utm_*")}, []string{`"utm_id"`, "DropQuery"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := cachex.Validate(tt.opts...)
			if tt.want == nil {
				if err != nil {
					t.Errorf("an error for what is no contradiction: %v", err)
				}
				return
			}
			mentions(t, err, tt.want...)
		})
	}
}

func TestGoodOptions(t *testing.T) {
	err := cachex.Validate(
		cachex.TTL(time.Minute), cachex.TTLFor(0, 404, 410), cachex.CacheControl("public, max-age=60, immutable"), cachex.Override(),
		cachex.Off(), cachex.SkipIf(func(*http.Request) bool { return false }), cachex.StoreIf(func(int, http.Header) bool { return true }),
		cachex.KeyHeader("x-tenant"), cachex.KeyCookie("lang"), cachex.KeyFunc(user), cachex.Shared(), cachex.IgnoreCookies("_ga*"),
		cachex.DropQuery("utm_*"), cachex.KeepQuery(), cachex.SortQuery(), cachex.StripSetCookie(), cachex.Tags("a", "ä"),
		cachex.StrongETag(), cachex.IgnoreReload(), cachex.Proxy(), cachex.Options(),
	)
	if err != nil {
		t.Error(err)
	}
	if err := cachex.Validate(); err != nil {
		t.Errorf("no option: %v", err)
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	_, err := cachex.New(cachex.Config{
		MemoryBytes: -1, MaxEntryBytes: -2, MaxLifetime: -3, Scheme: "ftp",
		TrustedProxies: []netip.Prefix{{}}, CredentialFields: []string{"X Y"}, Name: "a\nb",
		Defaults: []cachex.Option{cachex.TTL(-time.Minute), cachex.SkipIf(nil)},
	})
	mentions(t, err, "MemoryBytes", "-1", "MaxEntryBytes", "-2", "MaxLifetime", "-3", `"ftp"`, "TrustedProxies",
		"CredentialFields", `"X Y"`, "Name", `"a\nb"`, "TTL(-1m0s)", "SkipIf(nil)")

	c, err := cachex.New(cachex.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("the zero Config: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func panics(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		err, ok := recover().(error)
		if !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("panic with %v, want an error that names %q", err, want)
		}
	}()
	f()
}

func TestMustNew(t *testing.T) {
	panics(t, "MemoryBytes", func() { cachex.MustNew(cachex.Config{MemoryBytes: -1}) })
	_ = cachex.MustNew(cachex.Config{}).Close()
}

func TestMiddlewarePanicsAtSetUp(t *testing.T) {
	c := cachex.MustNew(cachex.Config{})
	panics(t, "TTL(-1s)", func() { c.Middleware(cachex.TTL(-time.Second)) })
	panics(t, "nil *Cache", func() { (*cachex.Cache)(nil).Middleware() })
	_ = c.Close()
	panics(t, cachex.ErrClosed.Error(), func() { c.Middleware() })
	if _, err := c.Bind("gin"); !errors.Is(err, cachex.ErrClosed) {
		t.Errorf("Bind after Close: %v, want ErrClosed", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestFrameworkOption(t *testing.T) {
	c := cachex.MustNew(cachex.Config{})
	defer c.Close()
	gin := func(f adapter.Funcs) cachex.Option { return cachex.FrameworkOption("gin", f) }
	key := gin(adapter.Funcs{Name: "KeyFunc", Key: func(any) (string, bool) { return "", true }})
	for framework, want := range map[string]string{"echo": "cachexecho.KeyFunc", "fiber": "cachexfiber.KeyFunc", cachex.NetHTTP: "use cachex.KeyFunc"} {
		_, err := c.Bind(framework, key)
		mentions(t, err, "cachexgin.KeyFunc", framework, want)
	}
	for _, f := range []adapter.Funcs{
		{Name: "KeyFunc", Key: func(any) (string, bool) { return "", true }},
		{Name: "PerUser", User: func(any) (string, bool) { return "", true }},
		{Name: "SkipIf", Skip: func(any) bool { return true }},
	} {
		if _, err := c.Bind("gin", gin(f)); err != nil {
			t.Errorf("%s of gin in gin: %v", f.Name, err)
		}
		if err := cachex.Validate(gin(f)); err != nil {
			t.Errorf("Validate does not know the framework, so %s is right: %v", f.Name, err)
		}
		f = adapter.Funcs{Name: f.Name}
		mentions(t, cachex.Validate(gin(f)), "cachexgin."+f.Name+"(nil)")
	}
	mentions(t, cachex.Validate(
		gin(adapter.Funcs{Name: "PerUser", User: func(any) (string, bool) { return "", true }}), cachex.PerUser(user)), "PerUser given twice")
}
