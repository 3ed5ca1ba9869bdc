// Package adapter is the seam between the engine of Cachex and a web framework.
//
// Applications do not import it: they use New of package cachexgin, cachexecho,
// cachexfiber or cachexchi, or Middleware of package cachex. It is for authors
// of adapters.
//
// An adapter turns one request into an [Exchange] and hands it to the [Handler]
// that Cache.Bind made at set-up. The handler answers it from the cache
// ([Exchange.Serve]) or lets the rest of the framework's chain run
// ([Exchange.Run]); in the second case the adapter reports the response, while
// it is being made, to the [Sink] of the [Call]. The engine alone decides; an
// adapter only translates.
//
// Frameworks on net/http share one exchange, [HTTP], and only bring a [Chain]
// that swaps the framework's writer and runs what follows. An adapter for
// another server implements Exchange itself.
package adapter

import (
	"context"
	"net/http"
	"net/netip"
)

// Handler answers requests by way of an Exchange. It is safe for concurrent use
// and never panics by itself: a panic that leaves Handle is the handler's own.
type Handler interface {
	Handle(Exchange)
}

// Exchange is one request and the answer to it. The engine calls its methods
// from one goroutine, and does not keep the exchange, nor any string that came
// from it, beyond the return of Handle: a pooled implementation may lend views
// of reused memory.
type Exchange interface {
	// Kept is where the engine keeps memory that it uses again: what it leaves there
	// it wants to find there at the next request. An adapter that pools its exchanges
	// does not clear it, and spares the engine a pool of its own.
	Kept() *any

	// Read fills in h: the request line, and each field line by h.Field.
	Read(h *Head)

	// Lines returns the lines of the request field with this canonical name,
	// nil where there is none. The caller does not change the slice, and has
	// no use for it after the next call of a method of the exchange. During
	// Run it returns what the request had before Run: the chain may change it.
	Lines(name string) []string

	// Sent is like Lines for the fields that outer middleware has already set
	// on the response.
	Sent(name string) []string

	// Peer is the address of the other end of the connection, or the zero Addr
	// where it is not known.
	Peer() netip.Addr

	// Context is done when the client has left, on servers that can tell.
	// It leads to the values of outer middleware.
	Context() context.Context

	// Pattern names the matched route for logs, as far as routing has got
	// when the cache runs. It may be empty.
	Pattern() string

	// Native is what options that were made for this framework take as their
	// argument: *gin.Context, echo.Context, *fiber.Ctx or *http.Request.
	Native() any

	// Request returns the request for options that look at an *http.Request.
	// Adapters of other servers may build one, without its content.
	Request() *http.Request

	// Serve sends a. It replaces fields of outer middleware that a also has,
	// and leaves the others.
	Serve(a *Answer)

	// Run runs the rest of the chain in this goroutine, with what c asks for,
	// and returns when the response is complete or has been discarded. A panic
	// of the chain passes through Run once c.Sink.End has been told.
	Run(c *Call)

	// Detach prepares to send a copy of the request, as a GET with these edits,
	// through the application once more, for nobody: so that the Handler is
	// asked again with the given context in the new exchange. It is called
	// before Serve, and what it returns runs in another goroutine, after Handle
	// has returned. Nil means that the framework has no way for it.
	//
	// The given context leads to the values of base, which must stay what they
	// are after Handle has returned.
	Detach(edits []Edit) (base context.Context, enter func(context.Context))

	// Pass runs the rest of the chain on the untouched response. Where run is
	// not nil it is found in the handler's contexts, as Call.Run is.
	Pass(run any)
}

// Line is a field of a response: its canonical name, and one string a line.
// Values is read-only wherever it comes from the engine, and its capacity is
// clipped, so that an append never reaches shared memory.
type Line struct {
	Name   string
	Values []string
}

// Answer is a response that is ready to be sent, made of shared, unchanging
// parts. It is valid during Serve.
type Answer struct {
	Status int

	// Lines are the stored fields, Extra those of this answer alone.
	// No name stands in both.
	Lines, Extra []Line

	// Body is the content. A response to HEAD has NoBody set, and announces
	// the length of Body.
	Body   []byte
	NoBody bool
}

// Edit changes a field of the request before the chain runs: one line with
// this value, or none where Delete is set.
type Edit struct {
	Name   string
	Value  string
	Delete bool
}

// Call is what the engine asks of a run.
type Call struct {
	// Context replaces the request's context. It has Run under RunKey.
	Context context.Context

	// Run is the value that handlers find in every context that they hold,
	// under RunKey and, where a framework's context looks up strings only,
	// under RunName.
	Run any

	// Edits are changes of request fields, in order.
	Edits []Edit

	// Target replaces the request target, query included, where it is not
	// empty; only its query differs from the target that came.
	Target string

	// Contain ends a panic of the chain in Run, as long as nothing was sent:
	// another response will be served.
	Contain bool

	// Sink is told of the response.
	Sink Sink

	// What adapters on net/http give to the handler, which may keep them: they
	// are as old as the call, and take no memory of their own.
	writer  Writer
	request http.Request
}

type runKey struct{}

// RunKey is the context key of Call.Run. RunName is the same for contexts whose
// values are keyed by strings, such as gin.Context.
var RunKey any = runKey{}

// RunName: see RunKey.
const RunName = "github.com/go-cachex/cachex/run"

type backgroundKey struct{}

// BackgroundKey is the context key by which a framework's context that does not lead
// to the one of Detach tells that nobody waits. Any value will do.
var BackgroundKey any = backgroundKey{}

// Mode says what becomes of a response once its status and fields are known.
type Mode uint8

const (
	// Pass sends the response as it comes. The Sink hears no more of its
	// content.
	Pass Mode = iota

	// Record sends the response as it comes and gives a copy of its content to
	// the Sink.
	Record

	// Hold is Record, but the status line, the fields and the first bytes wait
	// until the Sink has been asked again by Release.
	Hold

	// Discard sends nothing. Once Run has returned, the engine serves another
	// response. The content still goes to the Sink.
	Discard
)

// HoldLimit is the number of bytes of content that a response under Hold keeps
// back. net/http holds back as much by itself.
const HoldLimit = 2048

// Verdict is the Sink's answer to a final status and its fields.
type Verdict struct {
	Mode Mode

	// Status, where it is not 0, is sent in place of the response's own.
	Status int

	// NoBody keeps the content from the client, though not from the Sink.
	NoBody bool
}

// Sink follows a response. Its methods are called by one goroutine at a time.
type Sink interface {
	// Begin is called once, when the final status is known and before anything
	// is sent. h holds every field that is about to leave; Begin may change
	// it, and the adapter sends what it finds afterwards. before holds what
	// outer middleware had set when the run started. Interim responses (1xx)
	// are not reported.
	Begin(status int, h http.Header, before []Line) Verdict

	// Write takes a copy of a part of the content, under Record, Hold and
	// Discard. It returns false as soon as no more is wanted.
	Write(p []byte) bool

	// Held is the content that it was given so far. The adapter asks for it under
	// Hold alone, to send what was kept back. What it has got is good until End,
	// whatever is called in between.
	Held() []byte

	// Release ends a Hold: complete tells whether the content has ended, or
	// whether it outgrew HoldLimit or was flushed. Like Begin it may change h.
	// Its verdict is Pass or Record.
	Release(h http.Header, complete bool) Verdict

	// Shared tells whether others wait for the response that is being recorded.
	// Its own client then gets what is left of it when it is complete, so that
	// a slow reader delays nobody.
	Shared() bool

	// Sending is called before the response's own client is given content while
	// it is being recorded, and with false when the client has taken it.
	Sending(bool)

	// Taken is called when the handler takes the connection, or may write past
	// the adapter from here on: whoever waits for the response waits in vain.
	Taken()

	// End is called exactly once, when the run is over.
	End(Outcome)
}

// Outcome is how a run ended.
type Outcome struct {
	// Broken: the response is incomplete. The chain panicked or ended its
	// goroutine, or its content could not be read to the end.
	Broken bool

	// Contained: it panicked, and Run has recovered, as Call.Contain asks.
	Contained bool

	// Hijacked: the handler took over the connection, or may have written past
	// the adapter in another way, so that the content is not known.
	Hijacked bool

	// Unanswered: the handler has returned without a word, and its time was over.
	// Outer middleware may answer in its place.
	Unanswered bool

	// Trailers: the response had trailer fields.
	Trailers bool
}

// Funcs are the functions of an option that take a framework's own context, as
// Exchange.Native returns it. Exactly one is set.
type Funcs struct {
	Name string // of the option, for errors: KeyFunc, PerUser, SkipIf
	Key  func(native any) (part string, ok bool)
	User func(native any) (id string, ok bool)
	Skip func(native any) bool
}
