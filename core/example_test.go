package cachex_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// get sends a GET with these cookies to h and returns the response.
func get(h http.Handler, target string, cookies ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, c := range cookies {
		r.Header.Add("Cookie", c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func Example() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", cache.Middleware(cachex.TTL(time.Minute))(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Println("the handler runs")
			io.WriteString(w, "Hello")
		})))

	fmt.Println(get(mux, "/").Header.Get("Cache-Status"))
	fmt.Println(get(mux, "/").Header.Get("Cache-Status"))
	// Output:
	// the handler runs
	// Cachex; fwd=uri-miss; stored; ttl=60
	// Cachex; hit; ttl=60
}

// hello is a handler that says nothing about caching.
var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, "Hello")
})

func ExampleCache_Middleware() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	page := cache.Middleware(cachex.TTL(time.Minute))(hello)
	for range 2 {
		res := get(page, "/")
		fmt.Printf("%s, Cache-Control: %q\n", res.Header.Get("Cache-Status"), res.Header.Get("Cache-Control"))
	}
	// Output:
	// Cachex; fwd=uri-miss; stored; ttl=60, Cache-Control: ""
	// Cachex; hit; ttl=60, Cache-Control: ""
}

func ExampleCacheControl() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	mux := http.NewServeMux()
	mux.Handle("/logo", cache.Middleware(cachex.CacheControl("public, max-age=3600"))(hello))
	mux.Handle("/secret", cache.Middleware(cachex.CacheControl("no-store"))(hello))
	for _, path := range []string{"/logo", "/logo", "/secret", "/secret"} {
		res := get(mux, path)
		fmt.Printf("%-20s  %s\n", res.Header.Get("Cache-Control"), res.Header.Get("Cache-Status"))
	}
	// Output:
	// public, max-age=3600  Cachex; fwd=uri-miss; stored; ttl=3600
	// public, max-age=3600  Cachex; hit; ttl=3600
	// no-store              Cachex; fwd=uri-miss; detail=no-store
	// no-store              Cachex; fwd=uri-miss; detail=no-store
}

// A request with a cookie is not answered by what a TTL alone has stored.
func ExampleTTL_credentials() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	page := cache.Middleware(cachex.TTL(time.Minute))(hello)
	get(page, "/")
	fmt.Println(get(page, "/").Header.Get("Cache-Status"))
	fmt.Println(get(page, "/", "session=1").Header.Get("Cache-Status"))

	page = cache.Middleware(cachex.TTL(time.Minute), cachex.IgnoreCookies("_ga*"))(hello)
	get(page, "/")
	fmt.Println(get(page, "/", "_ga=1", "_gac_7=1").Header.Get("Cache-Status"))
	// Output:
	// Cachex; hit; ttl=60
	// Cachex; fwd=request; detail=credentials
	// Cachex; hit; ttl=60
}

func ExamplePerUser() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	user := func(r *http.Request) (id string, ok bool) {
		c, err := r.Cookie("user") // take it from a session that was checked
		if err != nil {
			return "", false
		}
		return c.Value, true
	}
	me := cache.Middleware(cachex.TTL(time.Minute), cachex.PerUser(user))(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, _ := user(r)
			io.WriteString(w, "Hello, "+id)
		}))

	for _, cookie := range []string{"user=ann", "user=ann", "user=bob", "theme=dark"} {
		res := get(me, "/me", cookie)
		fmt.Printf("%q: %q, %s\n", cookie, res.Header.Get("Cache-Control"), res.Header.Get("Cache-Status"))
	}
	// Output:
	// "user=ann": "private", Cachex; fwd=uri-miss; stored; ttl=60
	// "user=ann": "private", Cachex; hit; ttl=60
	// "user=bob": "private", Cachex; fwd=uri-miss; stored; ttl=60
	// "theme=dark": "", Cachex; fwd=bypass; detail=key
}

func ExampleSetTTL() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	score := cache.Middleware(cachex.TTL(time.Second))(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/final" { // it will not change any more
				cachex.SetTTL(r.Context(), 24*time.Hour)
			}
			io.WriteString(w, "2:1")
		}))

	fmt.Println(get(score, "/now").Header.Get("Cache-Status"))
	fmt.Println(get(score, "/final").Header.Get("Cache-Status"))
	// Output:
	// Cachex; fwd=uri-miss; stored; ttl=1
	// Cachex; fwd=uri-miss; stored; ttl=86400
}

func ExampleDoNotStore() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	page := cache.Middleware(cachex.TTL(time.Minute))(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cachex.DoNotStore(r.Context()) // half of the data could not be read
			io.WriteString(w, "what there is")
		}))

	fmt.Println(get(page, "/").Header.Get("Cache-Status"))
	fmt.Println(get(page, "/").Header.Get("Cache-Status"))
	// Output:
	// Cachex; fwd=uri-miss; detail=do-not-store
	// Cachex; fwd=uri-miss; detail=do-not-store
}

func ExampleValidate() {
	fmt.Println(cachex.Validate(cachex.TTL(time.Minute), cachex.CacheControl("public, max-age=10")))
	fmt.Println(cachex.Validate(cachex.TTL(time.Minute), cachex.CacheControl("no-store"), cachex.KeyHeader("not a name")))
	// Output:
	// <nil>
	// cachex: KeyHeader: "not a name" is no field name
	// cachex: CacheControl("no-store") contradicts a TTL: no-store keeps nothing
}

func ExampleOptions() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	campaigns := cachex.Options(cachex.DropQuery("utm_*", "fbclid"), cachex.IgnoreCookies("_ga*"))
	page := cache.Middleware(cachex.TTL(time.Minute), campaigns)(hello)

	get(page, "/?id=1&utm_source=letter")
	fmt.Println(get(page, "/?id=1", "_ga=7").Header.Get("Cache-Status"))
	// Output:
	// Cachex; hit; ttl=60
}

func ExampleCache_Stats() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	page := cache.Middleware(cachex.TTL(time.Minute))(hello)
	for range 3 {
		get(page, "/")
	}
	s := cache.Stats()
	fmt.Println("hits", s.Hits, "misses", s.Misses, "stores", s.Stores)
	// Output:
	// hits 2 misses 1 stores 1
}

func ExampleNew() {
	_, err := cachex.New(cachex.Config{MemoryBytes: -1, Scheme: "ftp"})
	fmt.Println(err)
	// Output:
	// cachex: Config.MemoryBytes is negative: -1
	// cachex: Config.Scheme is "ftp", want "http", "https" or ""
}
