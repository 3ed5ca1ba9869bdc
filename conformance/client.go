package conformance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// site is the host that requests ask for, where a case names no other.
const site = "site.test"

// conn is a connection to the server.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func (c *conn) close() { _ = c.Close() }

func (e *env) dial() *conn {
	e.t.Helper()
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &conn{c, bufio.NewReader(c)}
}

// connection is one that is free, or a new one. Requests that follow each other
// use the same: a server reads the next one when it is done with the last.
func (e *env) connection() *conn {
	e.t.Helper()
	e.mu.Lock()
	if n := len(e.idle); n > 0 {
		c := e.idle[n-1]
		e.idle = e.idle[:n-1]
		e.mu.Unlock()
		return c
	}
	e.mu.Unlock()
	return e.dial()
}

// request makes the bytes of a request. A field without a colon in front of its
// value is a mistake in the case; "Host: " is added where it is missing.
func request(method, target string, fields ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, target)
	if !slices.ContainsFunc(fields, func(f string) bool { return strings.HasPrefix(strings.ToLower(f), "host:") }) {
		b.WriteString("Host: " + site + "\r\n")
	}
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

func (e *env) get(target string, fields ...string) *response {
	e.t.Helper()
	return e.send(http.MethodGet, target, fields...)
}

func (e *env) head(target string, fields ...string) *response {
	e.t.Helper()
	return e.send(http.MethodHead, target, fields...)
}

// send sends a request, without content, and reads the response.
func (e *env) send(method, target string, fields ...string) *response {
	e.t.Helper()
	if unsafe := method != http.MethodGet && method != http.MethodHead; unsafe {
		fields = append(slices.Clip(fields), "Content-Length: 0")
	}
	return e.raw(method, request(method, target, fields...))
}

// raw sends a request as it stands, and reads the response.
func (e *env) raw(method, text string) *response {
	e.t.Helper()
	c, before := e.connection(), e.runs.Load()
	if _, err := io.WriteString(c, text); err != nil {
		e.fatalf("%v\nrequest:\n%s", err, text)
	}
	r, err := e.read(c, method, text, before)
	if err != nil {
		e.fatalf("%v\nrequest:\n%s", err, text)
	}
	return r
}

// begin sends a request on a connection of its own and does not wait.
func (e *env) begin(method, target string, fields ...string) *pending {
	e.t.Helper()
	p := &pending{e: e, c: e.dial(), method: method, text: request(method, target, fields...), before: e.runs.Load()}
	if _, err := io.WriteString(p.c, p.text); err != nil {
		e.fatalf("%v", err)
	}
	return p
}

// again sends the request once more on the same connection.
func (p *pending) again() *pending {
	p.e.t.Helper()
	next := *p
	next.before = p.e.runs.Load()
	if _, err := io.WriteString(p.c, p.text); err != nil {
		p.e.fatalf("%v", err)
	}
	return &next
}

// pending is a request whose response has not been read.
type pending struct {
	e            *env
	c            *conn
	method, text string
	before       int64
}

// end reads the response.
func (p *pending) end() *response {
	p.e.t.Helper()
	r, err := p.e.read(p.c, p.method, p.text, p.before)
	if err != nil {
		p.e.fatalf("%v\nrequest:\n%s", err, p.text)
	}
	return r
}

// open reads the response up to its content.
func (p *pending) open() *http.Response {
	p.e.t.Helper()
	r, err := http.ReadResponse(p.c.r, &http.Request{Method: p.method})
	if err != nil {
		p.e.fatalf("%v\nrequest:\n%s", err, p.text)
	}
	return r
}

// leave closes the connection.
func (p *pending) leave() { p.c.close() }

// read reads a response to its end. A response that is cut short is no error
// here, but marked.
func (e *env) read(c *conn, method, text string, before int64) (*response, error) {
	r := &response{e: e, request: text, before: before}
	for {
		resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
		if err != nil {
			c.close()
			return nil, err
		}
		if resp.StatusCode >= 100 && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			r.interim = append(r.interim, resp.StatusCode)
			continue
		}
		content, err := io.ReadAll(resp.Body)
		r.status, r.proto, r.header, r.trailer = resp.StatusCode, resp.Proto, resp.Header, resp.Trailer
		r.content, r.cut = string(content), err != nil
		r.length = resp.ContentLength
		if r.cut || resp.Close || resp.StatusCode == http.StatusSwitchingProtocols {
			c.close()
		} else {
			e.mu.Lock()
			e.idle = append(e.idle, c)
			e.mu.Unlock()
		}
		r.after = e.runs.Load()
		return r, nil
	}
}

// response is a response and what can be said about it. Every method fails the
// case, or returns the response.
type response struct {
	e             *env
	request       string
	before, after int64 // runs of the handler

	proto   string
	status  int
	header  http.Header
	content string
	trailer http.Header
	interim []int
	cut     bool  // the content ended too early
	length  int64 // announced, -1 for none
}

func (r *response) fail(format string, args ...any) {
	r.e.t.Helper()
	var b strings.Builder
	for name, values := range r.header {
		for _, v := range values {
			fmt.Fprintf(&b, "  %s: %s\n", name, v)
		}
	}
	content := r.content
	if len(content) > 400 {
		content = content[:400] + "..."
	}
	r.e.fatalf("%s\nrequest:\n%sresponse: %d\n%s\n%q", fmt.Sprintf(format, args...), r.request, r.status, b.String(), content)
}

// ran: the handler ran for this request, and this is what it answered.
func (r *response) ran() *response {
	r.e.t.Helper()
	if r.after == r.before {
		r.fail("answered without the handler")
	}
	if n := r.header.Get("X-Run"); n != strconv.FormatInt(r.after, 10) && n != "" {
		r.fail("the handler ran for the %dth time, but the answer is that of run %s", r.after, n)
	}
	return r
}

// hit: the answer came from the cache.
func (r *response) hit() *response {
	r.e.t.Helper()
	if r.after != r.before {
		r.fail("the handler ran")
	}
	if cs := strings.Join(r.header["Cache-Status"], ", "); !strings.Contains(cs, "; hit") {
		r.fail("Cache-Status is %q, want a hit", cs)
	}
	return r
}

// by: the answer is that of the nth run.
func (r *response) by(n int) *response {
	r.e.t.Helper()
	if have := r.header.Get("X-Run"); have != strconv.Itoa(n) {
		r.fail("the answer of run %q, want %d", have, n)
	}
	return r
}

func (r *response) code(want int) *response {
	r.e.t.Helper()
	if r.status != want {
		r.fail("status %d, want %d", r.status, want)
	}
	return r
}

// says checks the whole of Cache-Status.
func (r *response) says(want string) *response {
	r.e.t.Helper()
	return r.has("Cache-Status", want)
}

// has checks all lines of a field, joined by a comma.
func (r *response) has(name, want string) *response {
	r.e.t.Helper()
	if have := strings.Join(r.header[name], ", "); have != want {
		r.fail("%s is %q, want %q", name, have, want)
	}
	return r
}

// lines checks the lines of a field.
func (r *response) lines(name string, want ...string) *response {
	r.e.t.Helper()
	if !slices.Equal(r.header[name], want) {
		r.fail("the lines of %s are %q, want %q", name, r.header[name], want)
	}
	return r
}

func (r *response) lacks(names ...string) *response {
	r.e.t.Helper()
	for _, n := range names {
		if v, ok := r.header[n]; ok {
			r.fail("%s is there: %q", n, v)
		}
	}
	return r
}

func (r *response) body(want string) *response {
	r.e.t.Helper()
	if r.content != want {
		r.fail("content %q, want %q", clip(r.content), clip(want))
	}
	return r
}

func (r *response) whole() *response {
	r.e.t.Helper()
	if r.cut {
		r.fail("the content was cut short")
	}
	return r
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}
