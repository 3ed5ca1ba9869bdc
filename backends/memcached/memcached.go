package cachexmemcached

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/go-cachex/cachex/core/store"
)

// Option changes what New makes.
type Option func(*backend)

// Prefix is what all keys begin with. The default is "cachex". It is 1 to 32
// bytes of printable ASCII without blanks and braces; anything else is an error of
// Open, and with it of cachex.New.
func Prefix(prefix string) Option { return func(b *backend) { b.prefix = prefix } }

// New returns a store on the servers of a client, for Config.Store. It sends
// nothing.
func New(client *memcache.Client, options ...Option) store.Store {
	b := &backend{client: client, prefix: "cachex"}
	for _, o := range options {
		o(b)
	}
	return b
}

type backend struct {
	client *memcache.Client
	prefix string
}

// How long the parts of a key may be. What is left is the resource's.
const (
	maxKey       = 250
	maxPrefix    = 32
	maxNamespace = 64
	maxValueName = 50
	punctuation  = len("{}:v:")
)

// Open implements store.Store. A namespace is 1 to 64 bytes of printable ASCII
// without blanks, braces and colons.
func (b *backend) Open(namespace string) (store.Space, error) {
	if b.client == nil {
		return nil, errors.New("cachexmemcached: the client is nil")
	}
	if !fits(b.prefix, maxPrefix) {
		return nil, fmt.Errorf("cachexmemcached: the prefix %q is not 1 to %d bytes of printable ASCII without blanks and braces", b.prefix, maxPrefix)
	}
	// Without colons, two pairs of prefix and namespace have no keys in common.
	if !fits(namespace, maxNamespace) || strings.Contains(namespace, ":") {
		return nil, fmt.Errorf("cachexmemcached: the namespace %q is not 1 to %d bytes of printable ASCII without blanks, braces and colons", namespace, maxNamespace)
	}
	prefix := b.prefix + ":" + namespace + ":"
	return &space{
		client: b.client, prefix: prefix,
		maxResource: maxKey - len(prefix) - punctuation - maxValueName,
	}, nil
}

func fits(s string, max int) bool { return len(s) <= max && store.Key(s, maxNamespace) == s }
