package conformance

import (
	"net/http"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// cacheStatus: what Cache-Status says (RFC 9211), to the letter.
func cacheStatus() []Case {
	return []Case{
		{
			Name: "life of a response", Rule: "I4, I5, I6, I7, I8, RFC 9211, section 2: hit, or the most specific reason for going on; ttl in whole seconds",
			Handler: func(*env) handler { return validated(`"a"`, "Cache-Control: max-age=60", "Vary: X-A") },
			Test: func(e *env) {
				e.get("/").says("Cachex; fwd=uri-miss; stored; ttl=60")
				e.get("/").says("Cachex; hit; ttl=60")
				e.advance(1500 * time.Millisecond)
				e.get("/").says("Cachex; hit; ttl=59")
				e.get("/", `If-None-Match: "a"`).code(304).says("Cachex; hit; ttl=59")
				e.get("/", "Range: bytes=0-1").code(206).says("Cachex; hit; ttl=59")
				e.head("/").says("Cachex; hit; ttl=59")
				e.get("/", "Cache-Control: no-cache").says("Cachex; fwd=request; fwd-status=304; ttl=60")
				e.advance(70 * time.Second)
				e.get("/", "Cache-Control: max-stale").says("Cachex; hit; ttl=-10; detail=max-stale")
				e.get("/").says("Cachex; fwd=stale; fwd-status=304; ttl=60")
				e.send("POST", "/").says("Cachex; fwd=method")
			},
		},
		{
			Name: "name", Rule: "I2, RFC 9211, section 2: a name that is no token is a string",
			Options: options(minute), Config: func(c *cachex.Config) { c.Name = `eu "west"` },
			Test: func(e *env) {
				e.get("/").ran().says(`"eu \"west\""; fwd=uri-miss; stored; ttl=60`)
				e.get("/").hit().says(`"eu \"west\""; hit; ttl=60`)
			},
		},
		{
			Name: "hidden", Rule: "I12, L21: HideStatus leaves it out",
			Options: options(minute), Config: func(c *cachex.Config) { c.HideStatus = true },
			Test: func(e *env) {
				e.get("/").ran().lacks("Cache-Status")
				e.get("/").lacks("Cache-Status").by(1)
				e.wantRuns(1)
			},
		},
		{
			Name: "HEAD miss", Rule: "I5: a HEAD that is passed on names its reason too",
			Options: options(minute),
			Test: func(e *env) {
				e.head("/").ran().says("Cachex; fwd=uri-miss")
				e.get("/").ran()
				e.head("/", "Cache-Control: no-cache").ran().says("Cachex; fwd=request")
			},
		},
		{
			Name: "every refusal", Rule: "I10: detail says why nothing was stored",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Path {
					case "/vary":
						set(w.Header(), "Vary: *")
					case "/set-cookie":
						set(w.Header(), "Set-Cookie: a=b")
					case "/stream":
						set(w.Header(), "Content-Type: multipart/x-mixed-replace; boundary=x")
						w.WriteHeader(200)
						return
					case "/no-store", "/private":
						set(w.Header(), "Cache-Control: "+r.URL.Path[1:])
					case "/no-lifetime":
						set(w.Header(), "Cache-Control: max-age=0")
					case "/do-not-store":
						cachex.DoNotStore(r.Context())
					case "/status":
						answer(500, "no")(w, r)
						return
					}
					say()(w, r)
				}
			},
			Test: func(e *env) {
				for _, reason := range []string{"vary", "set-cookie", "stream", "no-store", "private", "no-lifetime", "do-not-store", "status"} {
					e.get("/" + reason).ran().says("Cachex; fwd=uri-miss; detail=" + reason)
				}
				e.get("/", "Cookie: a=b").ran().says("Cachex; fwd=uri-miss; detail=credentials")
				e.get("/", "Cache-Control: no-store").ran().says("Cachex; fwd=uri-miss; detail=request-no-store")
				if s := e.cache.Stats(); s.Entries != 0 {
					e.fatalf("%d entries", s.Entries)
				}
			},
		},
		{
			Name: "too large", Rule: "I10: detail says why nothing was stored", Needs: []string{LengthChecked},
			Options: options(minute), Config: func(c *cachex.Config) { c.MaxEntryBytes = 5 },
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", "6")
					_, _ = w.Write([]byte("larger"))
				}
			},
			Test: func(e *env) { e.get("/").ran().says("Cachex; fwd=uri-miss; detail=too-large") },
		},
	}
}
