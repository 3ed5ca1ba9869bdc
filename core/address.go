package cachex

import (
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/go-cachex/cachex/core/internal/field"
)

// address is where a key is kept: all keys of a URL, under both schemes and in
// all spellings of its path, are one resource of the store.
type address struct{ resource, name string }

// addressOf splits a key, whose URL ends at urlEnd.
func addressOf(key, scheme string, urlEnd int) address {
	start := len("GET ") + len(scheme) + len("://")
	slash := start + strings.IndexByte(key[start:urlEnd], '/')
	at := address{key[start-len("//") : urlEnd], scheme}
	if target := key[slash:urlEnd]; strings.IndexByte(target, '%') >= 0 {
		at = address{resourceOf(key[start:slash], target), scheme + "|" + target}
	}
	at.name += strings.ReplaceAll(key[urlEnd:], "\n", "|")
	return at
}

// resourceOf is the resource of a host and a target, as they stand in a key.
func resourceOf(host, target string) string {
	path, query, found := strings.Cut(target, "?")
	if found {
		query = "?" + query
	}
	return "//" + host + decodedPath(path) + query
}

// address is that of the entry's key.
func (e *entry) address() address {
	key := e.key
	scheme, _, _ := strings.Cut(key[len("GET "):], "://")
	end := strings.IndexByte(key, '\n')
	if end < 0 {
		end = len(key)
	}
	return addressOf(key, scheme, end)
}

// variantName is where a variant is kept beside its manifest.
func variantName(name string, vary []selecting) string {
	h := fnv.New128a() // a collision is a miss: the entry knows its own fields
	for _, v := range vary {
		_, _ = h.Write(appendPart(nil, partHeader, v.name, v.value, v.present))
	}
	return name + "|v" + strconv.FormatUint(uint64(len(vary)), 10) + "|" + string(appendHex(nil, h.Sum(nil)))
}

func appendHex(b, sum []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range sum {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return b
}

// variantNames are the names under which variants for this request may be kept.
func (rq *request) variantNames(name string, sets [][]string) []string {
	names := make([]string, len(sets))
	for i, fields := range sets {
		vary := make([]selecting, len(fields))
		for j, f := range fields {
			value, present := field.Selecting(f, rq.lines(f))
			vary[j] = selecting{name: f, value: strings.Clone(value), present: present}
		}
		names[i] = variantName(name, vary)
	}
	return names
}
