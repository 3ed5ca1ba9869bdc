package cachex

// forward is why a request goes to its handler, and detail is what else there is
// to say of its answer, as Cache-Status has them (RFC 9211, sections 2.2 and 2.8).
// Each is a number, so that a decision fits into a register.
type (
	forward uint8
	detail  uint8
)

const (
	notForwarded forward = iota // a hit
	fwdBypass
	fwdMethod
	fwdURIMiss
	fwdVaryMiss
	fwdRequest
	fwdStale
)

var forwards = [...]string{"", "bypass", "method", "uri-miss", "vary-miss", "request", "stale"}

func (f forward) String() string { return forwards[f] }

const (
	noDetail detail = iota

	// Why nothing is looked up.
	badTarget
	badHost
	overridden
	hasContent
	noKey

	// Why something stale is good enough.
	maxStale
	staleWhileRevalidate
	staleIfError
	softTimeout

	// Why a response is not stored.
	notStatus
	notNoStore
	notPrivate
	notRequest
	notHandler
	notVeto
	notTags
	notStore
	notCredentials
	notSetCookie
	notVary
	notCORS
	notOuter
	notStream
	notTrailers
	notLifetime
	notTooLarge
	notConnection
	notMalformed
)

var details = [...]string{
	noDetail: "",

	badTarget: "target", badHost: "host", overridden: "override", hasContent: "content", noKey: "key",

	maxStale: "max-stale", staleWhileRevalidate: "stale-while-revalidate", staleIfError: "stale-if-error", softTimeout: "soft-timeout",

	notStatus: "status", notNoStore: "no-store", notPrivate: "private", notRequest: "request-no-store", notHandler: "do-not-store",
	notVeto: "store-if", notTags: "tags", notStore: "store", notCredentials: "credentials", notSetCookie: "set-cookie",
	notVary: "vary", notCORS: "cors", notOuter: "outer", notStream: "stream", notTrailers: "trailers", notLifetime: "no-lifetime",
	notTooLarge: "too-large", notConnection: "connection", notMalformed: "malformed",
}

func (d detail) String() string { return details[d] }
