package cachexredis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-cachex/cachex/core/store"
	"github.com/redis/go-redis/v9"
)

// Option changes what New makes.
type Option func(*backend)

// Prefix is what all keys begin with. The default is "cachex". It is 1 to 64
// bytes of printable ASCII without blanks and braces; anything else is an error of
// Open, and with it of cachex.New.
func Prefix(prefix string) Option { return func(b *backend) { b.prefix = prefix } }

// New returns a store on the servers of a client, for Config.Store. It sends
// nothing.
func New(client redis.UniversalClient, options ...Option) store.Store {
	b := &backend{client: client, prefix: "cachex"}
	for _, o := range options {
		o(b)
	}
	return b
}

type backend struct {
	client redis.UniversalClient
	prefix string
}

// maxName is how long prefix and namespace may be.
const maxName = 64

// Open implements store.Store. A namespace is 1 to 64 bytes of printable ASCII
// without blanks, braces and colons.
func (b *backend) Open(namespace string) (store.Space, error) {
	punctual, err := check(b.client)
	if err != nil {
		return nil, err
	}
	if store.Key(b.prefix, maxName) != b.prefix {
		return nil, fmt.Errorf("cachexredis: the prefix %q is not 1 to %d bytes of printable ASCII without blanks and braces", b.prefix, maxName)
	}
	// Without colons, two pairs of prefix and namespace have no keys in common.
	if store.Key(namespace, maxName) != namespace || strings.Contains(namespace, ":") {
		return nil, fmt.Errorf("cachexredis: the namespace %q is not 1 to %d bytes of printable ASCII without blanks, braces and colons", namespace, maxName)
	}
	s := &space{client: b.client, punctual: punctual, prefix: b.prefix + ":" + namespace + ":"}
	if c, ok := b.client.(*redis.Client); ok && punctual {
		s.together = newTogether(c)
	}
	return s, nil
}

// check tells whether a client keeps the deadlines of contexts, and refuses those
// that cannot keep what Cachex promises.
func check(client redis.UniversalClient) (punctual bool, err error) {
	switch c := client.(type) {
	case nil:
		return false, errors.New("cachexredis: the client is nil")
	case *redis.Client:
		return c.Options().ContextTimeoutEnabled, nil
	case *redis.ClusterClient:
		if c.Options().ReadOnly {
			return false, errors.New("cachexredis: the client reads from replicas, which hold what was purged until they hear of it")
		}
		return c.Options().ContextTimeoutEnabled, nil
	case *redis.Ring:
		return false, errors.New("cachexredis: a Ring is not supported: a server that comes back brings back what was purged")
	}
	return false, nil // an application's own, about which nothing is known
}
