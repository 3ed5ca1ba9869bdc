package adapter_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// sink says what it was told to, and takes down what it hears.
type sink struct {
	shared            bool // others wait for the response
	taken             int
	sending           []bool
	verdict, released adapter.Verdict
	full              int // content that is taken, 0 for all
	onBegin           func(http.Header)

	began    []int
	before   []adapter.Line
	content  strings.Builder
	releases []bool
	fields   http.Header // at Release
	ended    []adapter.Outcome
}

func (s *sink) Begin(status int, h http.Header, before []adapter.Line) adapter.Verdict {
	s.began = append(s.began, status)
	s.before = append(s.before, before...)
	if s.onBegin != nil {
		s.onBegin(h)
	}
	return s.verdict
}

func (s *sink) Write(p []byte) bool {
	s.content.Write(p)
	return s.full == 0 || s.content.Len() <= s.full
}

func (s *sink) Held() []byte { return []byte(s.content.String()) }

func (s *sink) Release(h http.Header, complete bool) adapter.Verdict {
	s.releases, s.fields = append(s.releases, complete), h.Clone()
	return s.released
}

func (s *sink) Shared() bool { return s.shared }

func (s *sink) Sending(begins bool) { s.sending = append(s.sending, begins) }

func (s *sink) Taken() { s.taken++ }

func (s *sink) End(o adapter.Outcome) { s.ended = append(s.ended, o) }

// exchange runs a handler as adapters do.
type exchange struct {
	adapter.HTTP
	handler  http.HandlerFunc
	reopened bool
}

func (x *exchange) Next(w http.ResponseWriter, r *http.Request) { x.handler(w, r) }
func (x *exchange) Pattern() string                             { return "/p" }
func (x *exchange) Native() any                                 { return nil }
func (x *exchange) Reopen() http.ResponseWriter {
	x.reopened = true
	return nil
}

// client is the server's end of a response; it notes interim ones.
type client struct {
	*httptest.ResponseRecorder
	interim []int
	fail    error
	writes  int
	reads   int
}

func newClient() *client { return &client{ResponseRecorder: httptest.NewRecorder()} }

func (c *client) WriteHeader(status int) {
	if status < 200 {
		c.interim = append(c.interim, status)
		return
	}
	c.ResponseRecorder.WriteHeader(status)
}

func (c *client) Write(p []byte) (int, error) {
	c.writes++
	if c.fail != nil {
		return 0, c.fail
	}
	return c.ResponseRecorder.Write(p)
}

func (c *client) ReadFrom(src io.Reader) (int64, error) {
	c.reads++
	return io.Copy(struct{ io.Writer }{c}, src)
}

func run(w http.ResponseWriter, s *sink, h http.HandlerFunc) *exchange {
	x := &exchange{handler: h}
	r := httptest.NewRequest("GET", "/p", nil)
	x.Reset(w, w, r, x)
	x.Run(&adapter.Call{Context: context.Background(), Sink: s})
	return x
}

var (
	pass    = adapter.Verdict{Mode: adapter.Pass}
	record  = adapter.Verdict{Mode: adapter.Record}
	hold    = adapter.Verdict{Mode: adapter.Hold}
	discard = adapter.Verdict{Mode: adapter.Discard}
)

func write(w http.ResponseWriter, n int) { _, _ = io.WriteString(w, strings.Repeat("x", n)) }

func TestImplicitStatus(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"nothing at all":        func(http.ResponseWriter, *http.Request) {},
		"Write alone":           func(w http.ResponseWriter, _ *http.Request) { write(w, 3) },
		"a second WriteHeader":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); w.WriteHeader(404) },
		"Flush alone":           func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"an empty Write":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil) },
		"interim ones before":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(102) },
		"interim and then none": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); write(w, 1) },
	} {
		for _, v := range []adapter.Verdict{pass, record, hold} {
			c, s := newClient(), &sink{verdict: v, released: pass}
			run(c, s, h)
			if !reflect.DeepEqual(s.began, []int{200}) || c.Code != 200 {
				t.Errorf("%s, mode %v: Begin %v, sent %d (M8)", name, v.Mode, s.began, c.Code)
			}
			if strings.HasPrefix(name, "interim") && len(c.interim) == 0 {
				t.Errorf("%s: interim responses do not pass (G8)", name)
			}
			if want := []adapter.Outcome{{}}; !reflect.DeepEqual(s.ended, want) {
				t.Errorf("%s: End %+v", name, s.ended)
			}
		}
	}
}

func TestHold(t *testing.T) {
	tests := []struct {
		name     string
		h        http.HandlerFunc
		early    int // bytes that are sent before the handler returns
		complete bool
		total    int
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, 0, true, 0},
		{"all that may wait", func(w http.ResponseWriter, _ *http.Request) { write(w, adapter.HoldLimit) }, 0, true, adapter.HoldLimit},
		{"in parts", func(w http.ResponseWriter, _ *http.Request) { write(w, 1000); write(w, 1048) }, 0, true, 2048},
		{"one byte more", func(w http.ResponseWriter, _ *http.Request) { write(w, 2048); write(w, 1) }, 2049, false, 2049},
		{"more at once", func(w http.ResponseWriter, _ *http.Request) { write(w, 5000) }, 5000, false, 5000},
		{"a flush", func(w http.ResponseWriter, _ *http.Request) { write(w, 10); w.(http.Flusher).Flush(); write(w, 5) }, 15, false, 15},
		{"a flush by the controller", func(w http.ResponseWriter, _ *http.Request) { write(w, 10); _ = http.NewResponseController(w).Flush() }, 10, false, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, s := newClient(), &sink{verdict: hold, released: record}
			early := 0
			run(c, s, func(w http.ResponseWriter, r *http.Request) {
				tt.h(w, r)
				early = c.Body.Len()
			})
			if early != tt.early {
				t.Errorf("%d bytes were sent while the handler ran, want %d", early, tt.early)
			}
			if !reflect.DeepEqual(s.releases, []bool{tt.complete}) {
				t.Errorf("Release(complete) %v, want one of %v", s.releases, tt.complete)
			}
			if c.Body.Len() != tt.total || s.content.Len() != tt.total {
				t.Errorf("%d bytes sent, %d recorded, want %d", c.Body.Len(), s.content.Len(), tt.total)
			}
		})
	}
}

func TestReleaseDecidesWhatIsSent(t *testing.T) {
	c, s := newClient(), &sink{verdict: hold, released: adapter.Verdict{Status: 304, NoBody: true}}
	run(c, s, func(w http.ResponseWriter, _ *http.Request) { write(w, 100) })
	if c.Code != 304 || c.Body.Len() != 0 || s.content.Len() != 100 {
		t.Errorf("status %d with %d bytes, %d recorded", c.Code, c.Body.Len(), s.content.Len())
	}
}

func TestNoMoreIsWanted(t *testing.T) {
	c, s := newClient(), &sink{verdict: hold, released: pass, full: 100}
	run(c, s, func(w http.ResponseWriter, _ *http.Request) {
		write(w, 60)
		write(w, 60)
		write(w, 60)
	})
	if s.content.Len() != 120 || c.Body.Len() != 180 || !reflect.DeepEqual(s.releases, []bool{false}) {
		t.Errorf("M1: %d bytes recorded, %d sent, releases %v", s.content.Len(), c.Body.Len(), s.releases)
	}
}

// What was held back comes before what ends the hold, whatever ends it, and however
// it was written.
func TestHeldContentIsSentInOrder(t *testing.T) {
	text := strings.Repeat("0123456789", 300)
	for _, full := range []int{0, 1, 700, 1400, 2047, 2048, 2500} {
		for _, shared := range []bool{false, true} {
			for _, cut := range []int{1, 700, 1024, 2048, 2999} {
				c, s := newClient(), &sink{verdict: hold, released: record, full: full, shared: shared}
				run(c, s, func(w http.ResponseWriter, _ *http.Request) {
					for i, rest := 0, text; len(rest) > 0; i++ {
						part := rest[:min(cut, len(rest))]
						if rest = rest[len(part):]; i%2 == 0 {
							_, _ = io.WriteString(w, part)
							continue
						}
						own := []byte(part)
						_, _ = w.Write(own)
						clear(own)
					}
				})
				if c.Body.String() != text {
					t.Errorf("with room for %d, in parts of %d, others wait %v: %q", full, cut, shared, c.Body)
				}
			}
		}
	}
}

// What comes past the writer comes behind what its client was kept waiting for.
func TestWhatIsWrittenPastComesBehind(t *testing.T) {
	for _, n := range []int{10, 3000} {
		c, s := newClient(), &sink{verdict: hold, released: record, shared: true}
		run(c, s, func(w http.ResponseWriter, _ *http.Request) {
			write(w, n)
			_, _ = io.WriteString(w.(*adapter.Writer).Unwrap(), "past")
			_, _ = io.WriteString(w, "and on")
		})
		if want := strings.Repeat("x", n) + "pastand on"; c.Body.String() != want {
			t.Errorf("after %d bytes: %q", n, c.Body)
		}
	}
}

func TestFieldsAfterWriteHeaderDoNotCount(t *testing.T) {
	c, s := newClient(), &sink{verdict: hold, released: pass, onBegin: func(h http.Header) { h.Set("From-Sink", "1") }}
	run(c, s, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("A", "1")
		w.WriteHeader(201)
		w.Header().Set("A", "2")
		w.Header().Set("B", "1")
		write(w, 1)
		w.Header().Del("From-Sink")
	})
	got := c.Result().Header
	if got.Get("A") != "1" || got.Get("B") != "" || got.Get("From-Sink") != "1" || c.Code != 201 {
		t.Errorf("M8: sent %d %v", c.Code, got)
	}
	if s.fields.Get("A") != "1" || s.fields.Get("B") != "" {
		t.Errorf("M8: Release sees %v", s.fields)
	}
}

func TestBeforeHoldsWhatOuterMiddlewareSet(t *testing.T) {
	c, s := newClient(), &sink{verdict: pass}
	c.Header().Set("Outer", "1")
	run(c, s, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Inner", "1") })
	if len(s.before) != 1 || s.before[0].Name != "Outer" {
		t.Errorf("A30: before is %v", s.before)
	}
}

func TestDiscard(t *testing.T) {
	c, s := newClient(), &sink{verdict: discard}
	c.Header().Set("Outer", "1")
	x := run(c, s, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Outer", "2")
		w.Header().Set("Inner", "1")
		write(w, 5000)
		_ = http.NewResponseController(w).Flush()
	})
	if c.writes != 0 || c.Flushed || len(c.Result().Header) != 1 || c.Header().Get("Outer") != "1" {
		t.Errorf("%d writes, fields %v: something of a discarded response is left", c.writes, c.Header())
	}
	if s.content.Len() != 5000 || !x.reopened || len(s.releases) != 0 {
		t.Errorf("%d bytes recorded, reopened %v, releases %v", s.content.Len(), x.reopened, s.releases)
	}
}

func TestPanic(t *testing.T) {
	bug := errors.New("a bug")
	part := func(n int, value any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Inner", "1")
			write(w, n)
			breaks(value)
		}
	}
	for _, tt := range []struct {
		name  string
		h     http.HandlerFunc
		value any
		sent  int
	}{
		{"before anything", func(http.ResponseWriter, *http.Request) { breaks(bug) }, bug, 0},
		{"while it is held", part(10, bug), bug, 0},
		{"after a part was sent", part(5000, bug), bug, 5000},
		{"broken off before anything", func(http.ResponseWriter, *http.Request) { breaks(http.ErrAbortHandler) }, http.ErrAbortHandler, 0},
		// As without a cache: whoever recovers from this one adds nothing to it.
		{"broken off while it is held", part(10, http.ErrAbortHandler), http.ErrAbortHandler, 10},
		{"broken off after a part was sent", part(5000, http.ErrAbortHandler), http.ErrAbortHandler, 5000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, s := newClient(), &sink{verdict: hold, released: record}
			c.Header().Set("Outer", "1")
			func() {
				defer func() {
					if v := recover(); v != tt.value {
						t.Errorf("M11: the panic that comes out is %v", v)
					}
					if stack := string(debug.Stack()); !strings.Contains(stack, "adapter_test.breaks(") {
						t.Errorf("the handler is not on the stack of its panic:\n%s", stack)
					}
				}()
				run(c, s, tt.h)
			}()
			if want := []adapter.Outcome{{Broken: true}}; !reflect.DeepEqual(s.ended, want) {
				t.Errorf("M11: End %+v, want %+v", s.ended, want)
			}
			if n := c.Body.Len(); n != tt.sent || len(s.releases) > 0 != (tt.sent > 0) {
				t.Errorf("%d bytes, want %d; releases %v", n, tt.sent, s.releases)
			}
			if tt.sent == 0 && (c.Header().Get("Inner") != "" || c.Header().Get("Outer") != "1") {
				t.Errorf("who recovers answers under the fields of what never was: %v", c.Header())
			}
		})
	}
}

// breaks is what is looked for on the stack.
//
//go:noinline
func breaks(value any) { panic(value) }

func TestGoexitIsBroken(t *testing.T) {
	c, s := newClient(), &sink{verdict: hold, released: record}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(c, s, func(w http.ResponseWriter, _ *http.Request) {
			write(w, 1)
			func() { defer func() { _ = recover() }(); panic(1) }() // one that the handler deals with
			runtime.Goexit()
		})
	}()
	<-done
	if want := []adapter.Outcome{{Broken: true}}; !reflect.DeepEqual(s.ended, want) {
		t.Errorf("End %+v, want %+v", s.ended, want)
	}
}

func TestWriteErrorsAreSwallowedWhileRecording(t *testing.T) {
	gone := errors.New("the client has left")
	for _, tt := range []struct {
		name    string
		verdict adapter.Verdict
		fail    error
		want    error
	}{
		{"recording", record, gone, nil},
		{"passing", pass, gone, gone},
		{"recording, not allowed", record, http.ErrBodyNotAllowed, http.ErrBodyNotAllowed},
		{"recording, too long", record, http.ErrContentLength, http.ErrContentLength},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, s := newClient(), &sink{verdict: tt.verdict}
			c.fail = tt.fail
			run(c, s, func(w http.ResponseWriter, _ *http.Request) {
				for range 3 {
					if _, err := w.Write([]byte("abc")); !errors.Is(err, tt.want) {
						t.Errorf("Write: %v, want %v (M12)", err, tt.want)
					}
				}
			})
			if tt.verdict == record && s.content.String() != "abcabcabc" {
				t.Errorf("M12: recorded %q", s.content.String())
			}
			if tt.verdict == record && errors.Is(tt.fail, gone) && c.writes != 1 {
				t.Errorf("%d writes to a client that has left", c.writes)
			}
		})
	}
}

func TestReadFrom(t *testing.T) {
	for _, tt := range []struct {
		name    string
		verdict adapter.Verdict
		begin   bool
		direct  bool
	}{
		{"passing", pass, true, true},
		{"recording", record, true, false},
		{"before the status", pass, false, false},
		{"nothing for the client", adapter.Verdict{NoBody: true}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, s := newClient(), &sink{verdict: tt.verdict}
			run(c, s, func(w http.ResponseWriter, _ *http.Request) {
				if tt.begin {
					w.WriteHeader(200)
				}
				n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("content"))
				if n != 7 || err != nil {
					t.Errorf("ReadFrom: %d, %v", n, err)
				}
			})
			if (c.reads > 0) != tt.direct {
				t.Errorf("M4: the server's ReadFrom was used: %v", c.reads > 0)
			}
			if got := c.Body.String(); got != "content" && !tt.verdict.NoBody || got != "" && tt.verdict.NoBody {
				t.Errorf("sent %q", got)
			}
			if tt.verdict == record && s.content.String() != "content" {
				t.Errorf("recorded %q", s.content.String())
			}
		})
	}
}

func TestTrailers(t *testing.T) {
	for name, announced := range map[string]func(http.ResponseWriter){
		"after the content":  func(w http.ResponseWriter) { write(w, 1); w.Header().Set(http.TrailerPrefix+"Sum", "1") },
		"after much content": func(w http.ResponseWriter) { write(w, 5000); w.Header().Set(http.TrailerPrefix+"Sum", "1") },
	} {
		c, s := newClient(), &sink{verdict: hold, released: record}
		run(c, s, func(w http.ResponseWriter, _ *http.Request) { announced(w) })
		if want := []adapter.Outcome{{Trailers: true}}; !reflect.DeepEqual(s.ended, want) {
			t.Errorf("%s: End %+v, want %+v (A20)", name, s.ended, want)
		}
		if got := c.Header().Get(http.TrailerPrefix + "Sum"); got != "1" {
			t.Errorf("%s: the trailer does not reach the server (M14)", name)
		}
		if len(s.releases) == 1 && s.releases[0] {
			t.Errorf("%s: complete, before the trailers (A20)", name)
		}
	}
}

// A client may hold up its response only between Sending(true) and
// Sending(false).
func TestSending(t *testing.T) {
	for _, tt := range []struct {
		name           string
		verdict        adapter.Verdict
		shared         bool
		written, atEnd int
	}{
		{"recording", record, false, 1, 2},
		{"passing", pass, false, 0, 0},
		{"for others too", record, true, 0, 2}, // the client waits for the flush
	} {
		c, s := newClient(), &sink{verdict: tt.verdict, shared: tt.shared}
		run(c, s, func(w http.ResponseWriter, _ *http.Request) {
			write(w, 5)
			if len(s.sending) != 2*tt.written {
				t.Errorf("%s: Sending %v after a Write", tt.name, s.sending)
			}
			w.(http.Flusher).Flush()
		})
		if len(s.sending) != 2*tt.atEnd {
			t.Errorf("%s: Sending %v, want %d times", tt.name, s.sending, tt.atEnd)
		}
		for i, begins := range s.sending {
			if begins != (i%2 == 0) {
				t.Errorf("%s: Sending %v", tt.name, s.sending)
			}
		}
	}
}

func TestUnwrap(t *testing.T) {
	c, s := newClient(), &sink{verdict: hold, released: record}
	run(c, s, func(w http.ResponseWriter, _ *http.Request) {
		write(w, 5)
		inner := w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
		if inner != http.ResponseWriter(c) {
			t.Error("Unwrap returns another writer")
		}
		write(inner, 5)
	})
	if want := []adapter.Outcome{{Hijacked: true}}; !reflect.DeepEqual(s.ended, want) {
		t.Errorf("M4: End %+v, want %+v", s.ended, want)
	}
	if c.Body.Len() != 10 {
		t.Errorf("%d bytes sent, want all, in order", c.Body.Len())
	}
}

func TestNothingAfterTheHandler(t *testing.T) {
	c, s := newClient(), &sink{verdict: record}
	var kept http.ResponseWriter
	run(c, s, func(w http.ResponseWriter, _ *http.Request) { kept = w })
	if _, err := kept.Write([]byte("late")); err == nil || c.Body.Len() != 0 {
		t.Errorf("a late Write: %v, %q", err, c.Body)
	}
}

// On a real server: what http.ResponseController asks for reaches it, without
// an Unwrap, so that the response can still be stored.
func TestController(t *testing.T) {
	s := &sink{verdict: hold, released: record}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{handler: func(w http.ResponseWriter, _ *http.Request) {
			rc := http.NewResponseController(w)
			for name, err := range map[string]error{
				"SetReadDeadline":  rc.SetReadDeadline(time.Now().Add(time.Minute)),
				"SetWriteDeadline": rc.SetWriteDeadline(time.Now().Add(time.Minute)),
				"EnableFullDuplex": rc.EnableFullDuplex(),
				"Flush":            rc.Flush(),
			} {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			write(w, 3)
		}}
		x.Reset(w, w, r, x)
		x.Run(&adapter.Call{Context: r.Context(), Sink: s})
	}))
	res, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	server.Close()
	if string(body) != "xxx" || !reflect.DeepEqual(s.ended, []adapter.Outcome{{}}) {
		t.Errorf("body %q, End %+v", body, s.ended)
	}
}

func TestHijack(t *testing.T) {
	s := &sink{verdict: hold, released: record}
	done := make(chan struct{}) // a server does not wait for whom it gave a connection
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		x := &exchange{handler: func(w http.ResponseWriter, _ *http.Request) {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = rw.WriteString("HTTP/1.1 299 Mine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_ = rw.Flush()
			_ = conn.Close()
		}}
		x.Reset(w, w, r, x)
		x.Run(&adapter.Call{Context: r.Context(), Sink: s})
	}))
	res, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	<-done
	server.Close()
	if res.StatusCode != 299 || len(s.began) != 0 || s.taken != 1 || !reflect.DeepEqual(s.ended, []adapter.Outcome{{Hijacked: true}}) {
		t.Errorf("M5: status %d, Begin %v, End %+v", res.StatusCode, s.began, s.ended)
	}
}

func TestFailedHijack(t *testing.T) {
	c, s := newClient(), &sink{verdict: pass}
	run(c, s, func(w http.ResponseWriter, _ *http.Request) {
		var conn net.Conn
		var rw *bufio.ReadWriter
		var err error
		if conn, rw, err = w.(http.Hijacker).Hijack(); err == nil {
			t.Error("a recorder was hijacked", conn, rw)
		}
		write(w, 1)
	})
	if !reflect.DeepEqual(s.ended, []adapter.Outcome{{}}) || c.Body.Len() != 1 {
		t.Errorf("a Hijack that failed counts: %+v", s.ended)
	}
}

// A recovery further in that comes too late leaves half of a response, which is
// sent, as it would be without a cache, and not stored (RFC 9111, section 3.3).
func TestRecoveryComesTooLate(t *testing.T) {
	s := &sink{verdict: adapter.Verdict{Mode: adapter.Hold}, released: adapter.Verdict{Mode: adapter.Record}}
	w := httptest.NewRecorder()
	run(w, s, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		w.WriteHeader(http.StatusInternalServerError)
	})
	if w.Code != http.StatusOK || w.Body.String() != "half" {
		t.Errorf("sent: %d %q", w.Code, w.Body)
	}
	if len(s.releases) != 1 || s.releases[0] || len(s.ended) != 1 || !s.ended[0].Broken {
		t.Errorf("released as complete: %v, ended: %+v", s.releases, s.ended)
	}
}
