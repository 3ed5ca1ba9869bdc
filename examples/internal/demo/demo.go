// Package demo is what the example programs have in common and what is not
// about caching: flags, a server that stops on Ctrl-C, and things to show.
package demo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/examples/internal/stores"
)

// Server is a framework that can be started and stopped, such as *http.Server.
type Server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// addr is where the server listens; a flag sets it.
var addr string

// Config is what the command line says about the cache: where it says nothing,
// the zero Config. It ends the process where something is wrong, with one line on
// stderr.
func Config(name string) cachex.Config {
	cfg, err := parse(name, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(2)
	}
	return cfg
}

// Run serves until Ctrl-C, and then shuts down the server and the cache. It
// ends the process where something is wrong, with one line on stderr.
func Run(name string, cache *cachex.Cache, s Server) {
	if err := serve(addr, cache, s); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func parse(name string, args []string) (cfg cachex.Config, err error) {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&addr, "addr", "127.0.0.1:8080", "the `address` to listen on")
	set.DurationVar(&work, "work", work, "how long the work behind /report takes")
	kept := stores.Add(set)
	err = set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		set.SetOutput(os.Stdout)
		set.PrintDefaults()
		return cfg, err
	case err != nil:
		return cfg, err
	case set.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	return kept.Config(name)
}

func serve(addr string, cache *cachex.Cache, s Server) error {
	// Before anything is printed: who reads it may press Ctrl-C at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(listener) }()
	hints(listener.Addr())

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		stop() // a second Ctrl-C ends the process
	}
	limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = s.Shutdown(limit)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, cache.Shutdown(limit))
}

// hints prints what to try, in an order that shows something.
func hints(addr net.Addr) {
	url := "http://" + reachable(addr)
	fmt.Printf("Try these, each one twice, and read Cache-Status. Ctrl-C ends the server.\n\n")
	for _, h := range [...][2]string{
		{"curl -i " + url + "/", "kept for a minute"},
		{"curl -i " + url + "/no-cache", "asks the handler each time"},
		{"curl -i " + url + "/no-store", "never kept"},
		{"curl -i " + url + "/report", fmt.Sprintf("%v of work, once a minute", work)},
		{"curl -i -b user=ann " + url + "/me", "a page for each user: try bob, too"},
		{"curl -i " + url + "/items", "a list, kept for an hour ..."},
		{"curl -i -d name=pear " + url + "/items", "... or until it changes"},
		{"curl -i " + url + "/teams/red", "tagged, as is /teams/blue ..."},
		{"curl -i -X POST " + url + "/results", "... and taken back by the tag"},
		{"curl -i -d path=/report " + url + "/clear", "taken back by path"},
		{"curl -i -d 'pattern=/teams/*' " + url + "/clear", "taken back by pattern"},
	} {
		fmt.Printf("  %-52s # %s\n", h[0], h[1])
	}
	fmt.Println()
}

// reachable is the address for a client on this machine.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return addr.String()
	}
	return net.JoinHostPort("127.0.0.1", port)
}
