package examples_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-cachex/cachex/conformance/servers"
)

// patient is for tests that count runs: that a loaded machine is slow is no fault
// of the store. Where failures are the subject, the default stands.
var patient = []string{"-store-timeout", "10s"}

// sharedStores are the flags for a store that runs for the test.
func sharedStores(t *testing.T) map[string][]string {
	return map[string][]string{
		"redis":     {"-store", "redis", "-redis", servers.Redis(t).Addr},
		"memcached": {"-store", "memcached", "-memcached", servers.Memcached(t).Addr + "," + servers.Memcached(t).Addr},
	}
}

// site is the name by which clients know all processes.
const site = "shop.example"

// fetch asks the process at base for a page of the site.
func fetch(ctx context.Context, base, path string) (a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return a, err
	}
	req.Host = site
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Cache-Status"), string(body)}, err
}

// Two processes of each example have one cache, with and without memory in front
// of it.
func TestExamplesShareAStore(t *testing.T) {
	for name, flags := range sharedStores(t) {
		for _, program := range frameworks {
			for _, memory := range [][]string{nil, {"-memory", "1000000"}} {
				t.Run(strings.Join(append([]string{name, program}, memory...), " "), func(t *testing.T) {
					args := append(append(memory, flags...), patient...)
					one, other := example(t, program, args...), example(t, program, args...)
					path := "/?" + strings.Join(memory, "=")
					made, err := fetch(t.Context(), one, path)
					if err != nil || !strings.Contains(made.status, "; stored") {
						t.Fatalf("the first: %+v, %v", made, err)
					}
					// It may still be on its way to the store: then the other waits for it.
					kept, err := fetch(t.Context(), other, path)
					if err != nil || kept.body != made.body ||
						!strings.Contains(kept.status, "hit") && !strings.Contains(kept.status, "collapsed") {
						t.Errorf("the other: %+v, %v; the first made %q", kept, err, made.body)
					}
				})
			}
		}
	}
}

// fleet is three proxies with one store and one origin.
func fleet(t *testing.T, origin http.Handler, args ...string) (bases [3]string) {
	t.Helper()
	server := httptest.NewServer(origin)
	t.Cleanup(server.Close)
	for i := range bases {
		bases[i] = start(t, filepath.Join(programs, "proxy"), append(args, "-addr", "127.0.0.1:0", "-origin", server.URL)...)
	}
	return bases
}

// A page that nobody has, and 300 clients want at once from three proxies, is
// made once.
func TestProxiesRunTheOriginOnce(t *testing.T) {
	for name, flags := range sharedStores(t) {
		t.Run(name, func(t *testing.T) {
			const clients = 300
			var runs atomic.Int32
			asked := make(chan struct{}) // closed when all have sent their requests
			bases := fleet(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				runs.Add(1)
				<-asked
				w.Header().Set("Cache-Control", "max-age=60")
				_, _ = io.WriteString(w, "the page")
			}), append(flags, patient...)...)

			var sent, done sync.WaitGroup
			sent.Add(clients)
			for i := range clients {
				done.Go(func() {
					once := sync.OnceFunc(sent.Done)
					defer once()
					ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
						WroteRequest: func(httptrace.WroteRequestInfo) { once() },
					})
					if a, err := fetch(ctx, bases[i%3], "/cold"); err != nil || a.code != http.StatusOK || a.body != "the page" {
						t.Errorf("client %d: %+v, %v", i, a, err)
					}
				})
			}
			sent.Wait()
			close(asked)
			done.Wait()
			if n := runs.Load(); n != 1 {
				t.Errorf("the origin ran %d times for %d clients", n, clients)
			}
		})
	}
}

// No request fails and no body is wrong while Redis is killed under load and
// starts again, and afterwards it is used again.
func TestProxiesOutliveRedis(t *testing.T) {
	redis := servers.Redis(t)
	content := func(path string) string { return strings.Repeat(path+" ", 200) }
	bases := fleet(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, content(r.URL.Path))
	}), "-store", "redis", "-redis", redis.Addr)

	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	defer load.Wait()
	defer stop()
	answers := make(chan answer)
	for worker := range 12 {
		load.Go(func() {
			for n := worker; ctx.Err() == nil; n++ {
				path := fmt.Sprint("/page/", n%40)
				a, err := fetch(ctx, bases[worker%3], path)
				if ctx.Err() != nil {
					return
				}
				if err != nil || a.code != http.StatusOK || a.body != content(path) {
					t.Errorf("%s: %+v, %v", path, a, err)
				}
				a.body = bases[worker%3]
				select {
				case answers <- a:
				case <-ctx.Done():
				}
			}
		})
	}

	// until reads answers until each proxy has given n with these words.
	until := func(n int, words string) {
		t.Helper()
		limit := time.NewTimer(time.Minute)
		defer limit.Stop()
		left := map[string]int{bases[0]: n, bases[1]: n, bases[2]: n}
		for last := (answer{}); len(left) > 0; {
			select {
			case last = <-answers:
			case <-limit.C:
				t.Fatalf("waited in vain for answers with %q: %v left; the last was %+v", words, left, last)
			}
			if strings.Contains(last.status, words) {
				if left[last.body]--; left[last.body] <= 0 {
					delete(left, last.body)
				}
			}
		}
	}
	until(300, "; hit")
	redis.Kill()
	until(1000, "; detail=store") // seconds, in which the breaker opens and probes
	redis.Restart()
	until(300, "; hit")
}

// A store that cannot be reached is no error, neither at the start nor later.
func TestExamplesWithoutTheirStore(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := nobody.Addr().String()
	nobody.Close()
	for _, name := range []string{"redis", "memcached"} {
		bases := fleet(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = io.WriteString(w, "the page")
		}), "-store", name, "-"+name, addr)
		for range 3 {
			a, err := fetch(t.Context(), bases[0], "/")
			if err != nil || a.body != "the page" || !strings.Contains(a.status, "; detail=store") {
				t.Errorf("%s at an address where nobody is: %+v, %v", name, a, err)
			}
		}
	}
}

// The flags are the same for all programs.
func TestStoreFlags(t *testing.T) {
	for _, program := range append([]string{"proxy"}, frameworks...) {
		for _, c := range []struct {
			args []string
			says string
		}{
			{[]string{"-store", "shoebox"}, `-store "shoebox": want memory, redis or memcached`},
			{[]string{"-store", "redis", "-redis", "nonsense"}, `-redis "nonsense": want HOST:PORT`},
			{[]string{"-store", "redis", "-redis", "localhost:http"}, `-redis "localhost:http": want HOST:PORT`},
			{[]string{"-store", "memcached", "-memcached", "127.0.0.1:11211,"}, `-memcached "127.0.0.1:11211,": want HOST:PORT`},
			{[]string{"-store", "memcached", "-memcached", "..:11211"}, `-memcached "..:11211": `},
			{[]string{"-redis", "127.0.0.1:6379"}, "-redis without -store redis"},
			{[]string{"-store", "redis", "-memcached", "127.0.0.1:11211"}, "-memcached without -store memcached"},
			{[]string{"-memory", "much"}, "-memory"},
			{[]string{"-memory", "-1"}, "-memory -1: want 0 bytes or more"},
			{[]string{"-store-timeout", "-1s"}, "-store-timeout -1s: want 0 or more"},
		} {
			args := append([]string{"-addr", "127.0.0.1:0"}, c.args...)
			if program == "proxy" {
				args = append(args, "-origin", "http://127.0.0.1:9")
			}
			var stderr bytes.Buffer
			cmd := exec.Command(filepath.Join(programs, program), args...)
			cmd.Stderr = &stderr
			err := cmd.Run()
			said := stderr.String()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.HasPrefix(said, program+": ") ||
				!strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
				t.Errorf("%s %v: %v, want exit code 2; stderr: %q", program, c.args, err, said)
			}
		}
	}
}
