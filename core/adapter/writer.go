package adapter

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// Writer is the http.ResponseWriter of a run: it tells the Sink of the response
// and does with it what the Sink says. It has every optional method of the
// server's writer, and Unwrap for http.ResponseController.
//
// It is valid until the handler has returned, like every ResponseWriter.
type Writer struct {
	inner   http.ResponseWriter
	sink    Sink
	outer   context.Context // of the request, as it came
	ctx     context.Context // of the handler
	before  []Line
	hold    *hold
	verdict Verdict
	room    int64 // for content, of the length that was announced, -1 for any

	status int
	kept   int32 // bytes of content that a hold keeps back; the sink has them

	begun     bool // the final status is known
	sent      bool // the status line has gone to inner
	recording bool
	bypassed  bool // somebody took the connection, or may write to inner past us
	taken     bool // and so the response is not ours to replace
	gone      bool // the client no longer takes bytes
	trailers  bool
	ended     bool
	broken    bool // the handler failed after it had begun
	silent    bool // it has returned without a word, and its time was over
}

// hold is memory for one run after the other: for the fields of a held response as
// they were when the handler named the status, and for what its own client is kept
// waiting for.
type hold struct {
	asked  []Line // the request's
	before []Line
	fields []Line
	owed   []byte
}

// maxPooled keeps a single large response from holding on to its memory.
const maxPooled = 256 << 10

func (h *hold) clear() {
	clear(h.asked)
	clear(h.before)
	clear(h.fields)
	h.asked, h.before, h.fields, h.owed = h.asked[:0], h.before[:0], h.fields[:0], h.owed[:0]
	if cap(h.owed) > maxPooled {
		h.owed = nil
	}
}

// Header implements http.ResponseWriter. It is the server's own map, so that
// trailers, and handlers that keep the map, work as without a cache.
func (w *Writer) Header() http.Header { return w.inner.Header() }

// WriteHeader implements http.ResponseWriter.
func (w *Writer) WriteHeader(status int) {
	if w.begun && status >= 500 {
		// Recovery middleware further in finds that it comes too late: what
		// was written is half of a response.
		w.broken = true
	}
	if w.begun || w.ended {
		return
	}
	if status >= 100 && status <= 199 && status != http.StatusSwitchingProtocols {
		w.inner.WriteHeader(status) // interim: passed through, never counted
		return
	}
	w.begun, w.status = true, status
	h := w.inner.Header()
	w.verdict = w.sink.Begin(status, h, w.before)
	if w.bypassed && (w.taken || status != http.StatusNotModified || w.verdict.Mode != Discard) {
		// The client may already have a part of it, but not of a 304 to a
		// condition of the sink's.
		w.verdict, w.taken = Verdict{}, true
	}
	w.recording = w.verdict.Mode != Pass
	w.room = -1
	if w.recording {
		w.room = room(h)
	}
	switch w.verdict.Mode {
	case Hold:
		// Fields that the handler sets from here on do not count, as
		// with net/http, though the map is still to be sent.
		w.hold.fields = snapshot(w.hold.fields[:0], h)
	case Pass, Record:
		w.send()
	}
}

func (w *Writer) send() {
	w.sent = true
	status := w.status
	if w.verdict.Status != 0 {
		status = w.verdict.Status
	}
	w.inner.WriteHeader(status)
}

// release ends a hold and sends what was kept back: held, of which the sink has
// the one copy.
func (w *Writer) release(held []byte, complete bool) {
	w.kept = 0
	h := w.inner.Header()
	if !same(h, w.hold.fields) {
		var after []Line
		for name, values := range h {
			if strings.HasPrefix(name, http.TrailerPrefix) {
				after = append(after, Line{name, values})
			}
		}
		restore(h, w.hold.fields)
		for _, l := range after {
			h[l.Name] = l.Values
		}
	}
	w.trailers = hasTrailers(h)
	v := w.sink.Release(h, complete && !w.trailers)
	w.verdict = v
	w.recording = v.Mode == Record
	w.send()
	switch {
	case v.NoBody || len(held) == 0:
	case complete || !w.owes():
		_ = w.push(held) // whoever writes on hears of it
	default:
		w.hold.owed = append(w.hold.owed, held...)
	}
}

// held is what a hold keeps back.
func (w *Writer) held() []byte {
	if w.kept == 0 {
		return nil
	}
	return w.sink.Held()[:w.kept]
}

// deliver sends content to the client. That the client has left is no error of
// a response that is being recorded: the handler goes on, for the cache.
func (w *Writer) deliver(p []byte) error {
	if w.owes() {
		w.hold.owed = append(w.hold.owed, p...)
		return nil
	}
	if err := w.drain(); err != nil {
		return err
	}
	return w.push(p)
}

// owes tells whether the client is kept waiting: others wait for the response, and
// this client, who may read slowly, gets the rest of it once it is theirs.
func (w *Writer) owes() bool {
	return w.recording && !w.bypassed && (len(w.hold.owed) > 0 || w.sink.Shared())
}

// drain sends what this client was kept waiting for.
func (w *Writer) drain() error {
	if len(w.hold.owed) == 0 || !w.sent || w.verdict.NoBody {
		return nil
	}
	err := w.push(w.hold.owed)
	w.hold.owed = w.hold.owed[:0]
	return err
}

func (w *Writer) push(p []byte) error {
	if w.gone {
		return nil
	}
	var err error
	w.sending(func() { _, err = w.inner.Write(p) })
	if err != nil && w.recording && !errors.Is(err, http.ErrBodyNotAllowed) && !errors.Is(err, http.ErrContentLength) {
		w.gone = true
		return nil
	}
	return err
}

// sending has the sink know while the client may be what holds up a response
// that is being recorded.
func (w *Writer) sending(f func()) {
	if !w.recording {
		f()
		return
	}
	w.sink.Sending(true)
	f()
	w.sink.Sending(false)
}

// Write implements http.ResponseWriter.
func (w *Writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, http.ErrHandlerTimeout
	}
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.verdict.Mode == Pass && !w.verdict.NoBody {
		return w.inner.Write(p)
	}
	if w.exceeds(len(p)) {
		return w.excess(p)
	}
	held := w.held()
	if w.keep(p) {
		return len(p), nil
	}
	return w.forward(held, p)
}

// exceeds tells whether n more bytes are more than was announced.
func (w *Writer) exceeds(n int) bool {
	if w.room < 0 || !w.recording || w.verdict.Mode == Discard || w.verdict.NoBody {
		return false
	}
	if int64(n) > w.room {
		return true
	}
	w.room -= int64(n)
	return false
}

// excess is content that exceeds what was announced. The server refuses it, and what
// came before stands; other writers may take it.
func (w *Writer) excess(p []byte) (int, error) {
	if w.verdict.Mode == Hold {
		w.release(w.held(), false)
	}
	if w.verdict.NoBody {
		w.recording = false
		return len(p), nil
	}
	_ = w.drain()
	n, err := w.inner.Write(p)
	if w.recording {
		// After what it has refused, the server refuses the rest as well.
		w.recording = !errors.Is(err, http.ErrContentLength) && w.sink.Write(p)
	}
	return n, err
}

// room is how much content was announced, or -1.

func room(h http.Header) int64 {
	if v := h["Content-Length"]; len(v) == 1 {
		if n, err := strconv.ParseInt(v[0], 10, 64); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}

// WriteString implements io.StringWriter.
func (w *Writer) WriteString(s string) (int, error) {
	if w.ended || !w.begun || w.verdict.Mode != Hold || int(w.kept)+len(s) > HoldLimit {
		return w.Write([]byte(s))
	}
	if w.exceeds(len(s)) {
		return w.excess([]byte(s))
	}
	held := w.held()
	if w.keep(unsafe.Slice(unsafe.StringData(s), len(s))) { // of which the sink takes a copy
		return len(s), nil
	}
	return w.forward(held, []byte(s))
}

// keep gives content to the sink, and tells whether that is all that is to be done
// with it for now.
func (w *Writer) keep(p []byte) bool {
	if w.recording {
		w.recording = w.sink.Write(p)
	}
	switch {
	case w.verdict.NoBody, w.verdict.Mode == Discard:
		return true
	case w.verdict.Mode == Hold && w.recording && int(w.kept)+len(p) <= HoldLimit:
		w.kept += int32(len(p)) // no more than HoldLimit
		return true
	}
	return false
}

// forward sends content that is not kept, behind what was.
func (w *Writer) forward(held, p []byte) (int, error) {
	if w.verdict.Mode == Hold {
		w.release(held, false)
		if w.verdict.NoBody {
			return len(p), nil
		}
	}
	if err := w.deliver(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ReadFrom implements io.ReaderFrom, so that a response which is not recorded
// can still be sent by the kernel.
func (w *Writer) ReadFrom(src io.Reader) (int64, error) {
	if w.begun && !w.recording && w.sent && !w.verdict.NoBody {
		if rf, ok := w.inner.(io.ReaderFrom); ok {
			return rf.ReadFrom(src)
		}
	}
	return io.Copy(struct{ io.Writer }{w}, src)
}

// Flush implements http.Flusher.
func (w *Writer) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *Writer) FlushError() error {
	if w.ended {
		return http.ErrHandlerTimeout
	}
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.verdict.Mode == Discard:
		return nil
	case w.verdict.Mode == Hold:
		w.release(w.held(), false)
	}
	_ = w.drain()
	var err error
	w.sending(func() { err = http.NewResponseController(w.inner).Flush() })
	if err != nil && w.recording && !errors.Is(err, http.ErrNotSupported) {
		w.gone = true
		return nil
	}
	return err
}

// Hijack implements http.Hijacker.
func (w *Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.ended {
		_ = w.drain()
	}
	c, rw, err := http.NewResponseController(w.inner).Hijack()
	if err == nil {
		w.bypass()
		w.taken = true
	}
	return c, rw, err
}

// SetReadDeadline is for http.ResponseController, as are the next two.
func (w *Writer) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(w.inner).SetReadDeadline(t)
}

// SetWriteDeadline sets the deadline of the connection to the client.
func (w *Writer) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(w.inner).SetWriteDeadline(t)
}

// EnableFullDuplex lets the handler read the request while it writes.
func (w *Writer) EnableFullDuplex() error {
	return http.NewResponseController(w.inner).EnableFullDuplex()
}

// Unwrap returns the server's writer. Whoever asks may write past the recorder,
// so such a response is sent as it is and never stored. http.ResponseController
// has no need to ask: a Writer has all of its methods.
func (w *Writer) Unwrap() http.ResponseWriter {
	w.bypass()
	if w.ended {
		return w.inner
	}
	if w.begun && w.verdict.Mode == Discard {
		return NewNobody() // another response takes its place
	}
	if w.begun && w.verdict.Mode == Hold {
		w.release(w.held(), false)
	}
	_ = w.drain() // before what comes past us
	return w.inner
}

func (w *Writer) bypass() {
	if !w.bypassed && !w.ended {
		w.bypassed = true
		w.sink.Taken()
	}
}

// Leave has the response that nothing was said of yet pass by the recorder: it
// is going to be written after the chain has returned.
func (w *Writer) Leave() { w.bypass() }

// Begun tells whether the handler has named a final status.
func (w *Writer) Begun() bool { return w.begun }

// Status is the final status that the handler named, or 0.
func (w *Writer) Status() int { return w.status }

// Overdue tells whether nothing was said before the handler's time was over, nor that
// of the request. What is left implicit then is no answer: middleware that has set
// a deadline finds that there is none, and answers.
func (w *Writer) Overdue() bool { return !w.begun && w.outer.Err() != nil && w.ctx.Err() != nil }

// finish is called when the handler has returned normally: what it left
// implicit happens now.
func (w *Writer) finish() {
	if w.bypassed {
		return
	}
	if w.silent = w.Overdue(); w.silent {
		return
	}
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.verdict.Mode == Hold {
		w.release(w.held(), !w.broken)
		return
	}
	w.trailers = w.trailers || hasTrailers(w.inner.Header())
}

// holds tells whether a response has begun of which nothing was sent yet.
func (w *Writer) holds() bool { return w.begun && w.verdict.Mode == Hold }

// abort sends what was held of a response that its handler breaks off. Not all who
// recover from that answer in its place: gin's Recovery would leave an empty
// response, which looks whole.
func (w *Writer) abort() { w.release(w.held(), false) }

func hasTrailers(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// end tells the Sink that the run is over. The handler has not returned
// normally if it panicked or ended its goroutine.
func (w *Writer) end(returned, contained bool) {
	w.ended = true
	defer func() { _ = w.drain() }()
	w.sink.End(Outcome{Broken: !returned || w.broken, Contained: contained, Hijacked: w.bypassed, Unanswered: w.silent, Trailers: w.trailers})
}
