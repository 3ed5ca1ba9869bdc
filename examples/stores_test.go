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
	"os"
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

// No request fails and no body is wrong while a store is killed under load and
// starts again, and afterwards it is used again. Operators purge all the while, by
// the admin addresses of all three proxies; the third has memory in front of the
// store. CACHEX_OUTAGE says for how long the store is gone at least.
func TestProxiesOutliveTheirStore(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...string) *servers.Server{"redis": servers.Redis, "memcached": servers.Memcached} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			f := newPages(t, "-store", name, "-"+name, server.Addr)
			stop := f.load()
			f.until(300, "; hit")
			f.confirmed(t)
			server.Kill()
			gone := time.After(outage(t))
			f.until(100, "; detail=store") // the breaker has opened
			for i := range f.proxies {
				if code := f.purge(t, i, 0); code != http.StatusServiceUnavailable {
					t.Errorf("a purge without a store: %d", code)
				}
			}
			f.until(200, "; detail=store")
			<-gone
			server.Restart()
			f.until(300, "; hit")
			f.confirmed(t)
			f.until(300, "; hit")
			stop()
		})
	}
}

func outage(t *testing.T) time.Duration {
	said := os.Getenv("CACHEX_OUTAGE")
	if said == "" {
		return 0
	}
	d, err := time.ParseDuration(said)
	if err != nil {
		t.Fatalf("CACHEX_OUTAGE=%s: want a duration such as 10s", said)
	}
	return d
}

// pages are the content of an origin behind three proxies. Each answer says the
// number of its run, and a purge draws one as well: where it has returned, the proxy
// that was told answers with later runs alone, and so do those without memory in
// front of the store, where that has confirmed it.
type pages struct {
	t       *testing.T
	proxies [3]struct{ base, admin string }
	seq     atomic.Int64
	purged  [3][40]atomic.Int64 // by proxy and page
	answers chan answer         // with the proxy in the place of the body
}

func newPages(t *testing.T, args ...string) *pages {
	p := &pages{t: t, answers: make(chan answer)}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, pageOf(r.URL.Path, p.seq.Add(1)))
	}))
	t.Cleanup(origin.Close)
	for i := range p.proxies {
		args := append(args[:len(args):len(args)], "-origin", origin.URL)
		if i == 2 {
			args = append(args, "-memory", "1000000")
		}
		p.proxies[i].base, p.proxies[i].admin = startBoth(t, args...)
	}
	return p
}

func pageOf(path string, run int64) string {
	return strings.Repeat(fmt.Sprint(path, " ", run, "\n"), 100)
}

// purge takes back a page by a proxy, and returns the status of its answer.
func (p *pages) purge(t *testing.T, proxy, page int) int {
	at := p.seq.Add(1)
	body := strings.NewReader(fmt.Sprintf(`{"by":"url","value":"http://%s/page/%d"}`, site, page))
	req, err := http.NewRequest(http.MethodPost, p.proxies[proxy].admin+"/purge", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer secret")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	res.Body.Close()
	for i := range p.purged {
		if i == proxy || i != 2 && res.StatusCode == http.StatusOK {
			raise(&p.purged[i][page], at)
		}
	}
	return res.StatusCode
}

func raise(a *atomic.Int64, to int64) {
	for old := a.Load(); old < to && !a.CompareAndSwap(old, to); old = a.Load() {
	}
}

// confirmed purges by each proxy until the store has confirmed it.
func (p *pages) confirmed(t *testing.T) {
	t.Helper()
	for i := range p.proxies {
		for deadline := time.Now().Add(time.Minute); p.purge(t, i, 0) != http.StatusOK; {
			if time.Now().After(deadline) {
				t.Fatal("no purge is confirmed")
			}
			<-p.answers
		}
	}
}

// load has clients ask, and an operator purge, until it is stopped.
func (p *pages) load() (stop func()) {
	ctx, cancel := context.WithCancel(p.t.Context())
	var load sync.WaitGroup
	stop = func() { cancel(); load.Wait() }
	p.t.Cleanup(stop)
	for worker := range 12 {
		load.Go(func() {
			for n := worker; ctx.Err() == nil; n++ {
				i, page := worker%3, n%40
				if worker == 0 && n%10 == 0 {
					p.purge(p.t, n/10%3, page)
				}
				purged := p.purged[i][page].Load()
				path := fmt.Sprint("/page/", page)
				a, err := fetch(ctx, p.proxies[i].base, path)
				if ctx.Err() != nil {
					return
				}
				var run int64
				_, _ = fmt.Sscanf(a.body, path+" %d\n", &run)
				if err != nil || a.code != http.StatusOK || a.body != pageOf(path, run) || run <= purged || run > p.seq.Load() {
					p.t.Errorf("%s of proxy %d: run %d, where %d was purged: %.200v, %v", path, i, run, purged, a, err)
				}
				a.body = p.proxies[i].base
				select {
				case p.answers <- a:
				case <-ctx.Done():
				}
			}
		})
	}
	return stop
}

// until reads answers until each proxy has given n with these words.
func (p *pages) until(n int, words string) {
	p.t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	left := map[string]int{}
	for _, proxy := range p.proxies {
		left[proxy.base] = n
	}
	for last := (answer{}); len(left) > 0; {
		select {
		case last = <-p.answers:
		case <-limit.C:
			p.t.Fatalf("waited in vain for answers with %q: %v left; the last was %+v", words, left, last)
		}
		if strings.Contains(last.status, words) {
			if left[last.body]--; left[last.body] <= 0 {
				delete(left, last.body)
			}
		}
	}
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
