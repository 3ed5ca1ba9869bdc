package cachex

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

// What the zero Config means.
const (
	defaultMemoryBytes   = 64 << 20
	defaultMaxEntryBytes = 1 << 20
	defaultMaxLifetime   = 30 * 24 * time.Hour
	defaultName          = "Cachex"
	defaultMemoryTTL     = 10 * time.Second
	defaultStoreTimeout  = 50 * time.Millisecond
	minSecret            = 16 // bytes
)

// Config is how a Cache works. The zero value works; negative numbers are
// errors.
type Config struct {
	// MemoryBytes bounds what the process keeps in memory, in bytes: contents,
	// fields, keys and the overhead of each entry together. 0 means 64 MiB, or,
	// with a Store, that nothing is kept in front of it.
	MemoryBytes int64

	// MaxEntryBytes is the largest content that is kept, in bytes. A larger
	// response is passed on and not stored. 0 means 1 MiB.
	MaxEntryBytes int64

	// MaxLifetime caps how long anything is kept, whatever the response says.
	// 0 means 30 days.
	MaxLifetime time.Duration

	// Defaults are options under those of every New and Middleware.
	Defaults []Option

	// Scheme is the public scheme, "http" or "https", where TLS ends before it
	// reaches this process. Empty means that of the connection.
	Scheme string

	// TrustedProxies are the addresses whose X-Forwarded-Proto and
	// X-Forwarded-Host are believed: they then name the scheme and host that
	// a response is stored under. From any other address the values of such
	// fields join the key, so that nobody can poison the answers of others.
	// Empty means that no one is believed.
	TrustedProxies []netip.Prefix

	// CredentialFields are request fields that identify a user as
	// Authorization and Cookie do. Nil means X-Api-Key and X-Auth-Token.
	CredentialFields []string

	// Name is the name of this cache in Cache-Status (RFC 9211).
	// Empty means Cachex.
	Name string

	// HideStatus leaves Cache-Status out of responses.
	HideStatus bool

	// Logger gets problems at Warn, rate limited, and decisions at Debug.
	// Nil means slog.Default().
	Logger *slog.Logger

	// Now is the clock of ages and lifetimes, for tests. Nil means the time of
	// the wall; it may take a second until a clock that was set is believed.
	Now func() time.Time

	// RefreshTimeout bounds one run in the background. 0 means 30 s.
	RefreshTimeout time.Duration

	// MaxRefreshes is how many runs there may be in the background at once.
	// 0 means 64.
	MaxRefreshes int

	// TagField is the response field by which handlers and origins name tags,
	// separated by blanks, such as Surrogate-Key. It is removed before the client
	// gets the response, unless the request passes the cache by, as with Off, SkipIf
	// and upgrades. Empty means none.
	TagField string

	// Groups has cache groups obeyed (RFC 9875): responses join groups by
	// Cache-Groups, and a successful unsafe request invalidates groups of its
	// origin by Cache-Group-Invalidation in its response. On shared hosts
	// one party could drop what belongs to another.
	Groups bool

	// Store is shared with other processes: what New of package cachexredis or
	// cachexmemcached returns. Nil means none. It need not answer: as long as it
	// does not, requests go to their handlers.
	Store store.Store

	// Namespace tells the caches apart that use the same Store: all processes of
	// one application have the same. It is required with a Store. The stores here
	// take 1 to 57 bytes of printable ASCII without blanks, braces and colons.
	Namespace string

	// MemoryTTL caps how long what was read from Store is kept in the memory in
	// front of it, if MemoryBytes makes one: so long another process's newer
	// version may stay unseen where the store fails to tell of it. 0 means 10 s.
	MemoryTTL time.Duration

	// StoreTimeout bounds each operation of Store; a lookup may get up to an
	// eighth less. 0 means 50 ms.
	StoreTimeout time.Duration

	// StoreSecret signs what is written to Store (HMAC-SHA256), and has
	// everything ignored that is not signed with it. It has 16 bytes at
	// least. Nil means that a checksum keeps out accidents alone.
	StoreSecret []byte

	// CompressAbove compresses contents for Store that are larger than so many
	// bytes and have no Content-Encoding. 0 means never.
	CompressAbove int

	// Disabled makes every New and Middleware pass through.
	Disabled bool
}

// normalize returns the config with its defaults filled in, or every mistake
// in it.
func (c Config) normalize() (Config, error) {
	var errs []error
	for _, n := range []struct {
		name  string
		value int64
	}{{"MemoryBytes", c.MemoryBytes}, {"MaxEntryBytes", c.MaxEntryBytes}, {"MaxLifetime", int64(c.MaxLifetime)}, {"RefreshTimeout", int64(c.RefreshTimeout)}, {"MaxRefreshes", int64(c.MaxRefreshes)}, {"MemoryTTL", int64(c.MemoryTTL)}, {"StoreTimeout", int64(c.StoreTimeout)}, {"CompressAbove", int64(c.CompressAbove)}} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("cachex: Config.%s is negative: %d", n.name, n.value))
		}
	}
	if c.Scheme != "" && c.Scheme != "http" && c.Scheme != "https" {
		errs = append(errs, fmt.Errorf(`cachex: Config.Scheme is %q, want "http", "https" or ""`, c.Scheme))
	}
	for _, p := range c.TrustedProxies {
		if !p.IsValid() {
			errs = append(errs, fmt.Errorf("cachex: Config.TrustedProxies holds an invalid prefix: %v", p))
		}
	}
	if c.CredentialFields == nil {
		c.CredentialFields = []string{"X-Api-Key", "X-Auth-Token"}
	}
	names, err := fieldNames("Config.CredentialFields", c.CredentialFields)
	if err != nil {
		errs = append(errs, err)
	}
	c.CredentialFields = names
	if c.TagField != "" {
		names, err := fieldNames("Config.TagField", []string{c.TagField})
		if err != nil {
			errs = append(errs, err)
		} else {
			c.TagField = names[0]
		}
	}
	if c.Name == "" {
		c.Name = defaultName
	}
	if strings.ContainsFunc(c.Name, func(r rune) bool { return r < ' ' || r > '~' }) {
		errs = append(errs, fmt.Errorf("cachex: Config.Name is %q, want printable ASCII", c.Name))
	}
	if c.Store == nil {
		c.MemoryBytes = or(c.MemoryBytes, defaultMemoryBytes)
	} else if c.Namespace == "" {
		errs = append(errs, errors.New("cachex: Config.Store without Config.Namespace: two applications on one store must not answer for each other"))
	}
	if n := len(c.StoreSecret); c.StoreSecret != nil && n < minSecret {
		errs = append(errs, fmt.Errorf("cachex: Config.StoreSecret has %d bytes, want %d at least", n, minSecret))
	}
	c.MemoryTTL = or(c.MemoryTTL, defaultMemoryTTL)
	c.StoreTimeout = or(c.StoreTimeout, defaultStoreTimeout)
	c.MaxEntryBytes = or(c.MaxEntryBytes, defaultMaxEntryBytes)
	c.MaxLifetime = or(c.MaxLifetime, defaultMaxLifetime)
	c.RefreshTimeout = or(c.RefreshTimeout, defaultRefreshTimeout)
	c.MaxRefreshes = or(c.MaxRefreshes, defaultMaxRefreshes)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, errors.Join(errs...)
}

func or[T comparable](v, ifZero T) T {
	var zero T
	if v == zero {
		return ifZero
	}
	return v
}

// fieldNames returns names in canonical form.
func fieldNames(where string, names []string) ([]string, error) {
	var errs []error
	out := make([]string, 0, len(names))
	for _, n := range names {
		if !validName(n) {
			errs = append(errs, fmt.Errorf("cachex: %s: %q is no field name", where, n))
			continue
		}
		out = append(out, http.CanonicalHeaderKey(n))
	}
	return out, errors.Join(errs...)
}
