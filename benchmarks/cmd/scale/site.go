package main

import (
	"bytes"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

const size = 1 << 10 // of a page, in bytes

// site is a handler behind a cache, and a client that asks for its pages.
type site struct {
	cache *cachex.Cache
	h     http.Handler
	runs  atomic.Int64 // of the handler
}

func newSite(bytesOfMemory int64) *site {
	s := &site{cache: cachex.MustNew(cachex.Config{MemoryBytes: bytesOfMemory})}
	body := bytes.Repeat([]byte("x"), size)
	s.h = s.cache.Middleware(cachex.TTL(time.Hour))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.runs.Add(1)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(body)
	}))
	return s
}

func (s *site) close() { _ = s.cache.Close() }

// client asks on memory that it uses again.
type client struct {
	s *site
	r http.Request
	h http.Header
}

func (s *site) client() *client {
	return &client{s: s, h: http.Header{}, r: http.Request{
		Method: http.MethodGet, URL: new(url.URL), Host: "example.com", Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
	}}
}

func (c *client) get(path, query string) {
	c.r.RequestURI, c.r.URL.Path, c.r.URL.RawQuery = path, path, query
	if query != "" {
		c.r.RequestURI = path + "?" + query
	}
	clear(c.h)
	c.s.h.ServeHTTP(c, &c.r)
}

// client is its own ResponseWriter.
func (c *client) Header() http.Header         { return c.h }
func (c *client) WriteHeader(int)             {}
func (c *client) Write(p []byte) (int, error) { return len(p), nil }
