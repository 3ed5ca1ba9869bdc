package cachex

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// A key names a resource as a reader would, and injectively, because a URL is
// injective: no control character can stand in it.
//
//	GET https://host/path?query
//
// Further parts follow, each on a line that starts with \n: its kind, its name,
// and its value with the length before it. There is no key that several
// requests without one share: where no key can be made, the request passes by
// lookup, store and flight (bypass).

// keyPart is one addition to the key.
type keyPart struct {
	kind byte
	name string
	f    func(adapter.Exchange) (string, bool)
}

const (
	partHeader byte = 'h'
	partCookie byte = 'c'
	partFunc   byte = 'k'
	partUser   byte = 'u'
	partOther  byte = 'f' // a forwarded field that nobody vouches for
	partMoved  byte = 'r' // the host, path and query that outer middleware has put in place
)

// same tells whether adding both parts would say the same thing twice.
func (k keyPart) same(o keyPart) bool {
	return k.f == nil && o.f == nil && k.kind == o.kind && k.name == o.name
}

// maxTarget is the longest request target that is cached, in bytes: a flood of
// long ones fills memory with keys.
const maxTarget = 4 << 10

// maxKey is the longest key, in bytes, for the same reason.
const maxKey = 8 << 10

// forwardedFields are the fields by which proxies tell the scheme and host.
// Handlers build absolute links from them, believed or not; echo's and fiber's
// contexts look at the last four for the scheme.
var forwardedFields = [...]string{
	"Forwarded", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "Front-End-Https", "X-Forwarded-Scheme",
	"X-Forwarded-Proto", "X-Forwarded-Protocol", "X-Forwarded-Ssl", "X-Url-Scheme",
}

// prefix says what the key that was made last begins with: most requests are for
// the same host as the one before.
type prefix struct {
	https bool
	host  [64]byte // as it was given; longer ones are not kept
	n     int      // bytes of it
	end   int      // of the prefix in the key, 0 for none
}

// makeURL writes the part of the key that is the URL to rq.key, and tells why
// there is none.
func (rq *request) makeURL() (reason detail, ok bool) {
	head := &rq.head
	scheme, host := rq.p.cache.cfg.Scheme, head.Host
	if scheme == "" {
		scheme = "http"
		if head.TLS {
			scheme = "https"
		}
	}
	target := head.Target
	if target == "" || len(target) > maxTarget {
		return badTarget, false
	}
	rq.movedHost = false
	if target[0] != '/' {
		var authority string
		if authority, target, ok = splitAbsolute(target); !ok {
			return badTarget, false
		}
		host = authority // RFC 9112, section 3.2.2: it outranks Host
		rq.movedHost = !sameHost(authority, head.Host, scheme)
	}
	mark := -1 // where the query begins: most targets are too short for a search of its own
	for i := 0; i < len(target); i++ {
		switch c := target[i]; {
		case c <= ' ' || c == 0x7f || c == '#':
			return badTarget, false
		case c == '?' && mark < 0:
			mark = i
		}
	}
	path, query := target, ""
	if mark >= 0 {
		path, query = target[:mark], target[mark+1:]
	}
	rq.movedPath = path != head.Path && !(path == "/" && head.Path == "")
	rq.movedQuery = query != head.Query
	rq.trusted = head.Has&adapter.Forwarded != 0 && rq.p.cache.trusts(rq.x.Peer())
	if rq.trusted {
		scheme, host = rq.forwarded(scheme, host)
	}
	if rq.p.query.any() {
		target = rq.rewriteQuery(target)
	}
	rq.scheme, rq.target = scheme, target
	k := rq.key[:0]
	if p := &rq.prefix; p.end > 0 && p.https == (scheme == "https") && string(p.host[:p.n]) == host {
		k = rq.key[:p.end] // it was the same for the request before
	} else {
		p.end = 0
		k = append(append(append(k, "GET "...), scheme...), "://"...)
		if k, ok = appendHost(k, host, scheme); !ok {
			rq.key = k
			return badHost, false
		}
		if len(host) <= len(p.host) {
			p.https, p.n, p.end = scheme == "https", copy(p.host[:], host), len(k)
		}
	}
	rq.hostEnd = len(k)
	k = append(k, target...)
	rq.key, rq.urlEnd = k, len(k)
	return noDetail, true
}

// addParts completes the key. It returns false where a part says that the
// request is not to be cached.
func (rq *request) addParts() bool {
	k := rq.key
	// By what outer middleware has rewritten them, the key does not say: it may
	// have been a language, or a tenant. Beside an absolute target some servers
	// show handlers the Host that came with it, too.
	if rq.movedHost {
		k = appendPart(k, partMoved, "host", rq.head.Host, true)
	}
	if rq.head.OtherHost != "" {
		k = appendPart(k, partMoved, "other host", rq.head.OtherHost, true)
	}
	if rq.movedPath {
		k = appendPart(k, partMoved, "path", rq.head.Path, true)
	}
	if rq.movedQuery {
		k = appendPart(k, partMoved, "query", rq.head.Query, true)
	}
	if rq.head.Has&adapter.Forwarded != 0 {
		for _, name := range forwardedFields {
			lines := rq.x.Lines(name)
			if rq.trusted && (name == "X-Forwarded-Host" || name == "X-Forwarded-Proto") && single(lines) {
				continue // it is in the URL; what stands before it in a list came from others
			}
			k = appendLines(k, partOther, name, lines)
		}
	}
	for i := range rq.p.parts {
		part := &rq.p.parts[i]
		value, present := "", true
		switch part.kind {
		case partHeader:
			if lines := rq.lines(part.name); lines != nil {
				k = appendLines(k, part.kind, part.name, lines)
				continue
			}
			present = false
		case partCookie:
			value, present = cookieValue(rq.x.Lines("Cookie"), part.name)
		default:
			var ok bool
			if value, ok = part.f(rq.x); !ok || part.kind == partUser && value == "" {
				rq.anonymous = part.kind == partUser
				return false
			}
		}
		k = appendPart(k, part.kind, part.name, value, present)
	}
	rq.key = append(k, rq.p.shape...)
	return len(rq.key) <= maxKey
}

func appendPart(k []byte, kind byte, name, value string, present bool) []byte {
	k = append(k, '\n', kind, ':')
	k = append(k, name...)
	if !present { // absent and empty are two things
		return append(k, '!')
	}
	k = append(k, ':')
	k = strconv.AppendInt(k, int64(len(value)), 10)
	k = append(k, ':')
	return append(k, value...)
}

// appendLines appends each line on its own: handlers that look at the first one
// alone tell two lines from one with a comma.
func appendLines(k []byte, kind byte, name string, lines []string) []byte {
	for _, l := range lines {
		k = appendPart(k, kind, name, l, true)
	}
	return k
}

// single tells whether the lines of a field are no list.
func single(lines []string) bool {
	return len(lines) == 1 && strings.IndexByte(lines[0], ',') < 0
}

// splitAbsolute takes apart a target in absolute form.
func splitAbsolute(target string) (authority, rest string, ok bool) {
	_, after, found := strings.Cut(target, "://")
	if !found || len(target)-len(after) > len("https://") {
		return "", "", false
	}
	if s := strings.ToLower(target[:len(target)-len(after)]); s != "http://" && s != "https://" {
		return "", "", false
	}
	end := strings.IndexAny(after, "/?")
	switch {
	case end < 0:
		return after, "/", true
	case after[end] == '?':
		return after[:end], "/" + after[end:], true
	}
	return after[:end], after[end:], true
}

// appendHost appends the host in lower case and without the default port of its
// scheme; a host that holds anything else than a host may is refused.
func appendHost(k []byte, host, scheme string) ([]byte, bool) {
	if scheme == "http" {
		host = strings.TrimSuffix(host, ":80")
	} else {
		host = strings.TrimSuffix(host, ":443")
	}
	if host == "" || len(host) > 255+len(":65535") {
		return k, false
	}
	for i := 0; i < len(host); i++ {
		c := host[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == ':', c == '[', c == ']', c == '~':
		default:
			return k, false
		}
		k = append(k, c)
	}
	return k, true
}

// sameHost tells whether two hosts are one in a key.
func sameHost(a, b, scheme string) bool {
	var room [2][64]byte
	x, okX := appendHost(room[0][:0], a, scheme)
	y, okY := appendHost(room[1][:0], b, scheme)
	return okX && okY && string(x) == string(y)
}

// forwarded is the scheme and host that a trusted proxy tells. Of a list the
// last member is the one that this proxy added.
func (rq *request) forwarded(scheme, host string) (string, string) {
	if p := lastMember(rq.x.Lines("X-Forwarded-Proto")); strings.EqualFold(p, "http") || strings.EqualFold(p, "https") {
		scheme = strings.ToLower(p)
	}
	if h := lastMember(rq.x.Lines("X-Forwarded-Host")); h != "" {
		host = h
	}
	return scheme, host
}

func lastMember(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	last := lines[len(lines)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}

// rewriteQuery applies the route's query rules, and has the handler see the
// same target. Where outer middleware has put another query in place, that is what
// the handler sees, under the same rules.
func (rq *request) rewriteQuery(target string) string {
	ruled := rq.p.query.target(target)
	if ruled != target {
		rq.asked = target
	}
	if !rq.movedQuery {
		if ruled != target {
			rq.rewritten = ruled
		}
		return ruled
	}
	if seen := rq.p.query.rewrite(rq.head.Query); seen != rq.head.Query {
		path, _, _ := strings.Cut(target, "?")
		if rq.head.Query, rq.rewritten = seen, path; seen != "" {
			rq.rewritten += "?" + seen
		}
	}
	return ruled
}

func (c *Cache) trusts(peer netip.Addr) bool {
	for _, p := range c.cfg.TrustedProxies {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}

func validName(s string) bool { return field.ValidName(s) }
