package cachexmemcached

// Expiration is what the protocol is told of a lifetime.
var (
	Expiration = expiration
	Seconds    = seconds
)
