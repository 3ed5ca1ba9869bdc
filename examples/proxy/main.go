// Proxy is a caching reverse proxy: Cachex with its Proxy option around
// httputil.ReverseProxy, in the framework of your choice.
//
//	go run ./examples/proxy -addr 127.0.0.1:8080 -origin http://127.0.0.1:9000 -framework gin
//
// Responses of the origin may have tags, in Surrogate-Key. With an admin address
// of its own, operators purge by them, and by more:
//
//	go run ./examples/proxy -origin http://127.0.0.1:9000 -admin 127.0.0.1:8081 -admin-token secret
//	curl -H 'Authorization: Bearer secret' -d '{"by":"tag","value":"news"}' http://127.0.0.1:8081/purge
//
// Several of them share what they keep with -store redis or -store memcached.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/store"
	"github.com/go-cachex/cachex/examples/internal/stores"
)

func main() {
	f, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "proxy:", err)
		os.Exit(2)
	}
	if err := start(f); err != nil {
		fmt.Fprintln(os.Stderr, "proxy:", err)
		os.Exit(1)
	}
}

// flags are what the command line says.
type flags struct {
	addr, framework string
	origin          *url.URL
	cache           cachex.Config
	admin           admin
}

func parse(args []string) (flags, error) {
	var f flags
	set := flag.NewFlagSet("proxy", flag.ContinueOnError)
	set.Usage = func() {}
	set.StringVar(&f.addr, "addr", "127.0.0.1:8080", "the address to listen on")
	set.StringVar(&f.framework, "framework", "nethttp", "one of "+strings.Join(names(), ", "))
	set.StringVar(&f.admin.addr, "admin", "", "another address, for operators: POST /purge")
	set.StringVar(&f.admin.token, "admin-token", "", "what they must send: Authorization: Bearer with this token")
	kept := stores.Add(set)
	origin := set.String("origin", "", "the URL of the server behind the proxy, such as http://127.0.0.1:9000")
	set.SetOutput(io.Discard)
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		set.SetOutput(os.Stdout)
		set.PrintDefaults()
		os.Exit(0)
	} else if err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if _, ok := frameworks[f.framework]; !ok {
		return f, fmt.Errorf("-framework %q: want one of %s", f.framework, strings.Join(names(), ", "))
	}
	u, err := url.Parse(*origin)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return f, fmt.Errorf("-origin %q: want a URL such as http://127.0.0.1:9000", *origin)
	}
	f.origin = u
	if err := f.admin.check(); err != nil {
		return f, err
	}
	f.cache, err = kept.Config(namespace(u))
	f.cache.Name, f.cache.TagField = "cachex", "Surrogate-Key"
	return f, err
}

// namespace has proxies for one origin share what they keep, and none answer from
// another's: in the names that clients use, two origins need not differ.
func namespace(origin *url.URL) string {
	const longest = 50 // see Config.Namespace
	return store.Key(url.QueryEscape(origin.String()), longest)
}

func start(f flags) error {
	cache, err := cachex.New(f.cache)
	if err != nil {
		return err
	}
	defer func() { _ = cache.Close() }()
	stopAdmin, err := f.admin.serve(cache)
	if err != nil {
		return err
	}
	defer stopAdmin()
	listener, err := net.Listen("tcp", f.addr)
	if err != nil {
		return err
	}
	fmt.Printf("%s proxy on http://%s for %s\n", f.framework, listener.Addr(), f.origin)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	serve, shutdown := frameworks[f.framework](cache, reverse(f.origin))
	failed := make(chan error, 1)
	go func() { failed <- serve(listener) }()
	select {
	case err = <-failed:
		return err
	case <-ctx.Done():
		limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return errors.Join(shutdown(limit), cache.Shutdown(limit))
	}
}

// reverse forwards to the origin. An origin that cannot be reached is a 502.
func reverse(origin *url.URL) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // the bytes pass as they are
	transport.MaxIdleConnsPerHost = 256
	// Common servers close idle connections after 5 s. A request with content
	// that meets the closing cannot be sent again, so ours close before.
	transport.IdleConnTimeout = 2 * time.Second
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(origin)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				slog.Warn("the origin cannot be reached", "error", err)
			}
			http.Error(w, "Bad Gateway: the origin cannot be reached", http.StatusBadGateway)
		},
	}
}
