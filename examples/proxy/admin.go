package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// admin is the listener by which operators purge. The public does not reach it,
// and the proxy forwards everything: a PURGE that comes to it is the origin's.
type admin struct{ addr, token string }

func (a admin) check() error {
	switch {
	case a.addr != "" && a.token == "":
		return errors.New("-admin without -admin-token: anybody could purge")
	case a.addr == "" && a.token != "":
		return errors.New("-admin-token without -admin: there is nowhere to use it")
	}
	return nil
}

// serve serves until stop is called. Without an address it does nothing.
func (a admin) serve(cache *cachex.Cache) (stop func(), err error) {
	if a.addr == "" {
		return func() {}, nil
	}
	purges, err := cache.PurgeHandler(a.token)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", a.addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/purge", purges)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	go func() { _ = s.Serve(listener) }() // until Close
	fmt.Printf("purges at %s/purge\n", "http://"+listener.Addr().String())
	return func() { _ = s.Close() }, nil
}
