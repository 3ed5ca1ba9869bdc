package cachexfiber

import (
	"bytes"
	"context"
	"io"

	"github.com/gofiber/fiber/v2"

	"github.com/go-cachex/cachex/core/adapter"
)

// Pass implements adapter.Exchange. What the chain returns is the outer
// middleware's business.
func (x *exchange) Pass(run any) {
	if run != nil {
		defer x.mark(context.WithValue(x.Context(), adapter.RunKey, run), run).undo(x)
	}
	x.err = x.c.Next()
}

// Run implements adapter.Exchange. fasthttp sends nothing before the chain has
// returned, so that the whole response is judged at once, and nothing need be
// held back; only streams are produced later.
func (x *exchange) Run(call *adapter.Call) {
	res := &x.fc.Response
	before := x.responseFields()
	res.Header.CopyTo(&x.outer)
	x.fc.Request.Header.CopyTo(&x.asked)
	x.running, x.clean = true, false
	out := adapter.Outcome{Broken: true}
	returned := false
	// A panic is recovered only where another response takes its place: its
	// stack is the handler's.
	defer func() {
		if !returned && call.Contain && recover() != nil {
			out.Contained = true
			res.ResetBody()
			x.outer.CopyTo(&res.Header)
		}
		call.Sink.End(out)
		x.running = false
	}()
	x.chain(call)
	returned = true
	if x.fc.LastTimeoutErrorResponse() != nil {
		// That one is sent. The handler may still be busy with this one.
		out = adapter.Outcome{Hijacked: true}
		return
	}

	out = adapter.Outcome{Hijacked: x.fc.Hijacked(), Trailers: len(res.Header.PeekTrailerKeys()) > 0}
	want := x.leave()
	verdict := call.Sink.Begin(res.StatusCode(), want, before)
	if verdict.Mode == adapter.Record || verdict.Mode == adapter.Hold {
		x.record(call.Sink, &out)
	}
	switch verdict.Mode {
	case adapter.Hold:
		verdict = call.Sink.Release(want, out == adapter.Outcome{})
	case adapter.Discard:
		res.ResetBody()
		x.outer.CopyTo(&res.Header)
		return
	}
	x.apply(want)
	if verdict.Status != 0 {
		res.SetStatusCode(verdict.Status)
	}
	if verdict.NoBody {
		res.ResetBody()
		res.Header.Del(fiber.HeaderContentLength)
	}
}

// chain runs what follows, with what call asks for. An error becomes the
// response that the app's error handler makes of it.
func (x *exchange) chain(call *adapter.Call) {
	defer x.mark(call.Context, call.Run).undo(x)
	defer x.edit(call)()
	err := x.c.Next()
	if err == nil {
		return
	}
	if err = x.c.App().ErrorHandler(x.c, err); err != nil {
		_ = x.c.SendStatus(fiber.StatusInternalServerError) // as fiber does
	}
}

// record gives the content to the sink. A stream of known length is read, since
// it cannot be teed; one without an end in sight is left alone.
func (x *exchange) record(sink adapter.Sink, out *adapter.Outcome) {
	res := &x.fc.Response
	if !res.IsBodyStream() {
		sink.Write(res.Body())
		return
	}
	length := res.Header.ContentLength()
	if length < 0 {
		out.Hijacked = true
		return
	}
	content, err := io.ReadAll(io.LimitReader(res.BodyStream(), int64(length)))
	if err != nil || len(content) != length {
		// Promised more than it holds: the connection breaks, as it would
		// have without a cache.
		out.Broken = true
		res.SetBodyStream(bytes.NewReader(content), length)
		return
	}
	sink.Write(content)
	res.SetBodyRaw(content)
}

// mark lets handlers find the run in both of fiber's contexts: ctx has it.
func (x *exchange) mark(ctx context.Context, run any) (outer marked) {
	outer = marked{run: x.fc.UserValue(adapter.RunKey), ctx: x.c.UserContext()}
	x.fc.SetUserValue(adapter.RunKey, run)
	x.c.SetUserContext(ctx)
	return outer
}

// marked is what handlers found before.
type marked struct {
	run any
	ctx context.Context
}

func (m marked) undo(x *exchange) {
	x.c.SetUserContext(m.ctx)
	if m.run == nil {
		x.fc.RemoveUserValue(adapter.RunKey)
	} else {
		x.fc.SetUserValue(adapter.RunKey, m.run)
	}
}
