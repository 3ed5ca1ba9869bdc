package cachexfiber

import (
	"bytes"
	"reflect"
	"unsafe"

	"github.com/valyala/fasthttp"
)

// parsedQuery is the field by which fasthttp.URI tells that somebody has asked for
// a parameter. To ask for them only to see whether one was changed would parse the
// query of each request.
var parsedQuery, hasParsedQuery = func() (reflect.StructField, bool) {
	f, ok := reflect.TypeFor[fasthttp.URI]().FieldByName("parsedQueryArgs")
	return f, ok && f.Type == reflect.TypeFor[bool]()
}()

// isParsed tells whether the parameters may be other than the query says. Where
// fasthttp has changed, they always may.
func isParsed(u *fasthttp.URI) bool {
	return !hasParsedQuery || *(*bool)(unsafe.Add(unsafe.Pointer(u), parsedQuery.Offset))
}

// appendQuery appends the query as handlers see it: middleware may have changed its
// parameters, of which the text that they were parsed from knows nothing.
func (x *exchange) appendQuery(to []byte) []byte {
	uri := x.fc.URI()
	text := uri.QueryString()
	if !isParsed(uri) {
		return append(to, text...)
	}
	begin := len(to)
	to = uri.QueryArgs().AppendBytes(to)
	end := len(to)
	if bytes.Equal(to[begin:], text) {
		return to
	}
	x.parsed.ParseBytes(text)
	if to = x.parsed.AppendBytes(to); bytes.Equal(to[begin:end], to[end:]) {
		return append(to[:begin], text...) // in the spelling that it came in
	}
	return to[:end]
}

// keepQuery returns what puts the query back as it is now.
func (x *exchange) keepQuery() (undo func()) {
	uri := x.fc.URI()
	text := string(uri.QueryString())
	var args *fasthttp.Args
	if isParsed(uri) {
		args = new(fasthttp.Args)
		uri.QueryArgs().CopyTo(args)
	}
	return func() {
		if uri.SetQueryString(text); args != nil {
			args.CopyTo(uri.QueryArgs())
		}
	}
}
