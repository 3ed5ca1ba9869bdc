package cachex

import (
	"hash/maphash"
	"net/url"
	"strings"
)

// scope is a hash of something that can be taken back: a URL, a path, a host, a
// tag. Two that collide are taken back together: too much goes, never too little.
type scope uint64

// everything is the scope that all entries are in.
const everything scope = 1

// The kinds of scope, so that the tag /a is not the path /a.
const (
	scopeURL      byte = 'u'
	scopeHostPath byte = 'q'
	scopePath     byte = 'p'
	scopeHost     byte = 'h'
	scopeTag      byte = 't'
	scopeGroup    byte = 'g'
)

// noHash is a bit of all hashes, so that none of them is everything, or 0, which
// stands for no scope.
const noHash scope = 1 << 63

// scopeOf hashes parts. Where a part holds a \n, some of a kind collide.
func (m *marks) scopeOf(kind byte, parts ...string) scope {
	var room [256]byte
	text := append(room[:0], kind)
	for _, p := range parts {
		text = append(append(text, '\n'), p...)
	}
	return scope(maphash.Bytes(m.seed, text)) | noHash
}

// place is where a resource stands, as far as marks can reach it. Lookups,
// unsafe requests and purges all make it from the same part of a key.
type place struct {
	spot

	// hostPath reaches what is stored for another query than was asked for, by
	// routes with query rules. Other entries do without it.
	hostPath scope

	text string // the path as it was written, for patterns
}

// spot is the part of a place that every entry keeps.
type spot struct{ url, path, host scope }

// place is that of a host, as it stands in a key, and a request target.
func (m *marks) place(host, target string) place {
	host = plainHost(host)
	path, query := target, ""
	if i := strings.IndexByte(target, '?'); i >= 0 {
		path, query = target[:i], decodedQuery(target[i:]) // with the ?: /a and /a? are two resources
	}
	decoded := decodedPath(path)
	return place{
		spot: spot{
			url:  m.scopeOf(scopeURL, host, decoded, query),
			path: m.scopeOf(scopePath, decoded),
			host: m.scopeOf(scopeHost, host),
		},
		hostPath: m.scopeOf(scopeHostPath, host, decoded),
		text:     path,
	}
}

// plainHost makes one of all spellings of a host, and of both schemes.
func plainHost(host string) string {
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], host[i:]
	}
	if port == ":" || port == ":80" || port == ":443" {
		port = ""
	}
	if port != "" && !strings.HasSuffix(name, ".") {
		return host
	}
	return strings.TrimSuffix(name, ".") + port
}

// decodedPath makes one of all spellings of a path: for lookups /%61 and /a are
// two, but who takes back one of them means both.
func decodedPath(path string) string {
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	if decoded, err := url.PathUnescape(path); err == nil {
		return decoded
	}
	return path
}

// decodedQuery is the same for queries, in which + is a blank too.
func decodedQuery(query string) string {
	if strings.IndexByte(query, '%') < 0 && strings.IndexByte(query, '+') < 0 {
		return query
	}
	if decoded, err := url.QueryUnescape(query); err == nil {
		return decoded
	}
	return query
}
