package benchmarks

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"sort"

	"github.com/valyala/fasthttp"
)

// Client sends requests to a Server, one after the other, on memory that it
// uses again, as a server does for a connection. It is for one goroutine.
type Client interface {
	// Target names what is asked for from now on.
	Target(string)

	// Set adds a field to the requests.
	Set(name, value string)

	// Send sends one request.
	Send()

	// Answer copies what the last one was answered with.
	Answer() *Answer
}

// asked are the fields of each request, beside Host.
var asked = []Field{
	{"User-Agent", "benchmark/1.0"},
	{"Accept", "*/*"},
	{"Accept-Encoding", "gzip"},
}

const host = "example.com"

// NewClient returns a client.
func NewClient(s Server) Client {
	if s.Fast != nil {
		return newFastClient(s.Fast)
	}
	return newHTTPClient(s.HTTP)
}

type httpClient struct {
	h http.Handler
	r *http.Request
	w writer
}

// writer is a ResponseWriter that only takes note.
type writer struct {
	header http.Header
	status int
	body   []byte // the last that was written
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = p
	return len(p), nil
}

func newHTTPClient(h http.Handler) *httpClient {
	c := &httpClient{h: h, w: writer{header: make(http.Header, 16)}}
	c.r = &http.Request{
		Method: http.MethodGet, URL: new(url.URL), Host: host, Header: make(http.Header),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, RemoteAddr: "192.0.2.1:1234",
	}
	for _, f := range asked {
		c.Set(f.Name, f.Value)
	}
	return c
}

func (c *httpClient) Target(t string) { c.r.RequestURI, c.r.URL.Path = t, t }

func (c *httpClient) Set(name, value string) { c.r.Header.Set(name, value) }

func (c *httpClient) Send() {
	clear(c.w.header)
	c.w.status, c.w.body = 0, nil
	c.h.ServeHTTP(&c.w, c.r)
}

func (c *httpClient) Answer() *Answer {
	a := &Answer{Status: c.w.status, Body: bytes.Clone(c.w.body)}
	for name, lines := range c.w.header {
		for _, l := range lines {
			a.Fields = append(a.Fields, Field{name, l})
		}
	}
	a.sort()
	return a
}

type fastClient struct {
	h      fasthttp.RequestHandler
	ctx    fasthttp.RequestCtx
	target string
}

func newFastClient(h fasthttp.RequestHandler) *fastClient {
	c := &fastClient{h: h}
	c.ctx.Init2(nowhere{}, nil, false)
	c.ctx.Request.Header.SetHost(host)
	for _, f := range asked {
		c.Set(f.Name, f.Value)
	}
	return c
}

func (c *fastClient) Target(t string) { c.target = t }

func (c *fastClient) Set(name, value string) { c.ctx.Request.Header.Set(name, value) }

// Send names the target each time: a server parses it for each request.
func (c *fastClient) Send() {
	c.ctx.Request.SetRequestURI(c.target)
	c.ctx.Response.Reset()
	c.ctx.ResetUserValues()
	c.h(&c.ctx)
}

func (c *fastClient) Answer() *Answer {
	res := &c.ctx.Response
	a := &Answer{Status: res.StatusCode(), Body: bytes.Clone(res.Body())}
	res.Header.VisitAll(func(name, value []byte) {
		if string(name) != "Content-Length" { // fasthttp counts for itself
			a.Fields = append(a.Fields, Field{string(name), string(value)})
		}
	})
	a.sort()
	return a
}

func (a *Answer) sort() {
	sort.SliceStable(a.Fields, func(i, j int) bool { return a.Fields[i].Name < a.Fields[j].Name })
}

// nowhere is the connection of a fastClient.
type nowhere struct{ net.Conn }

func (nowhere) RemoteAddr() net.Addr     { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234} }
func (nowhere) LocalAddr() net.Addr      { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80} }
func (nowhere) Read([]byte) (int, error) { return 0, io.EOF }
