package adapter

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Names is a set of request fields that matter to a cache.
type Names uint32

// The fields that Head.Field recognises.
const (
	Authorization Names = 1 << iota
	Cookie
	Credential // one of Head.Credentials
	CacheControl
	Pragma
	IfNoneMatch
	IfModifiedSince
	IfMatch
	IfUnmodifiedSince
	Range
	IfRange
	Upgrade
	Override  // asks for another method or target: X-HTTP-Method-Override and the like
	Forwarded // tells a scheme or host: X-Forwarded-Host and the like
)

// Preconditions and ranges: what makes the answer to a request something other
// than the whole representation (RFC 9110, sections 13 and 14).
const Conditions = IfNoneMatch | IfModifiedSince | IfMatch | IfUnmodifiedSince | Range | IfRange

// Head is the part of a request that the engine reads once, in one pass over
// its fields. Its strings are views that are valid during Handle.
type Head struct {
	Method string
	Target string // the request target as it was received
	Host   string // the authority: Host, or that of an absolute target

	// OtherHost is a second one that handlers may see, on servers that keep two and
	// where they differ. The engine clears it before Read.
	OtherHost string

	// Path, escaped, and Query are what the rest of the chain is going to see.
	// They are not those of Target where outer middleware has rewritten them.
	Path, Query string

	TLS bool // the connection is encrypted

	// Content: the request announces content, of whatever length.
	Content bool

	// Untouched: outer middleware has set neither Vary nor Cache-Control on the
	// response, so that Sent need not be asked for them. The engine clears it
	// before Read: an adapter may leave it alone.
	Untouched bool

	// Credentials are the canonical names of further fields that identify the
	// user. The engine sets them before Read.
	Credentials []string

	// Has is the set of recognised fields that the request has.
	Has Names
}

// QueryOf is h.Query as handlers see it who find these parameters, which middleware may
// have changed: the URL knows nothing of that.
func QueryOf(params url.Values, h *Head) string {
	if says(h.Query, params) {
		return h.Query // in the spelling that it came in
	}
	_, came, _ := strings.Cut(h.Target, "?")
	switch {
	case h.Query == came:
		return params.Encode()
	case says(came, params): // they were parsed before the URL was changed
		return h.Query
	}
	return h.Query + "&" + params.Encode() // handlers may look at either
}

func says(query string, params url.Values) bool {
	parsed, _ := url.ParseQuery(query) // as servers do: what is malformed is left out
	return maps.EqualFunc(parsed, params, slices.Equal)
}

// Field records that the request has a field line with this name. Letter case
// does not matter.
func (h *Head) Field(name string) {
	h.Has |= known(name)
	if len(h.Credentials) > 0 && h.isCredential(name) {
		h.Has |= Credential
	}
}

func (h *Head) isCredential(name string) bool {
	for _, c := range h.Credentials {
		if len(c) == len(name) && strings.EqualFold(c, name) {
			return true
		}
	}
	return false
}

// known looks at the length first, which leaves one or two candidates: it is
// called for every line of every request.
func known(name string) Names {
	switch len(name) {
	case 5:
		return match(name, "Range", Range)
	case 6:
		return match(name, "Cookie", Cookie) | match(name, "Pragma", Pragma)
	case 7:
		return match(name, "Upgrade", Upgrade)
	case 8:
		return match(name, "If-Match", IfMatch) | match(name, "If-Range", IfRange)
	case 9:
		return match(name, "Forwarded", Forwarded)
	case 13:
		return match(name, "Authorization", Authorization) | match(name, "Cache-Control", CacheControl) |
			match(name, "If-None-Match", IfNoneMatch) | match(name, "X-HTTP-Method", Override) |
			match(name, "X-Rewrite-URL", Override)
	case 14:
		return match(name, "X-Original-URL", Override)
	case 12:
		return match(name, "X-Url-Scheme", Forwarded)
	case 15:
		return match(name, "Front-End-Https", Forwarded) | match(name, "X-Forwarded-Ssl", Forwarded)
	case 16:
		return match(name, "X-Forwarded-Host", Forwarded) | match(name, "X-Forwarded-Port", Forwarded)
	case 17:
		return match(name, "If-Modified-Since", IfModifiedSince) | match(name, "X-Method-Override", Override) |
			match(name, "X-Forwarded-Proto", Forwarded)
	case 18:
		return match(name, "X-Forwarded-Prefix", Forwarded) | match(name, "X-Forwarded-Scheme", Forwarded)
	case 19:
		return match(name, "If-Unmodified-Since", IfUnmodifiedSince)
	case 20:
		return match(name, "X-Forwarded-Protocol", Forwarded)
	case 22:
		return match(name, "X-HTTP-Method-Override", Override)
	}
	return 0
}

func match(name, want string, n Names) Names {
	// By the first letter alone, mostly: this is cheaper than a call.
	if name[0]|0x20 == want[0]|0x20 && (name == want || strings.EqualFold(name, want)) {
		return n
	}
	return 0
}
