package cachex

import (
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/internal/field"
)

// status is our member of Cache-Status (RFC 9211).
type status struct {
	decision
	stored bool
	ttl    int64 // in seconds
	hasTTL bool
}

// member serialises s. A decision without fwd is a hit.
func (c *Cache) member(s status) string {
	var room [128]byte
	b := append(room[:0], c.token...)
	if s.fwd == notForwarded {
		b = append(b, "; hit"...)
	} else {
		b = append(append(b, "; fwd="...), s.fwd.String()...)
	}
	if s.code != 0 {
		b = strconv.AppendUint(append(b, "; fwd-status="...), uint64(s.code), 10)
	}
	if s.stored {
		b = append(b, "; stored"...)
	}
	if s.collapsed {
		b = append(b, "; collapsed"...)
	}
	if s.hasTTL {
		b = strconv.AppendInt(append(b, "; ttl="...), s.ttl, 10)
	}
	if s.detail != noDetail {
		b = append(append(b, "; detail="...), s.detail.String()...)
	}
	return string(b)
}

// statusLines is Cache-Status of an answer from e: the members of caches nearer
// to the origin that were stored with it, then ours.
func (rq *request) statusLines(e *entry, d decision, ttl int64) []string {
	c := rq.p.cache
	own := d.detail == noDetail && d.fwd == notForwarded
	if own && e.more().upstream == nil {
		return c.hits.line(ttl)
	}
	m := c.member(status{decision: d, stored: d.renewed, ttl: ttl, hasTTL: true})
	upstream := e.more().upstream
	return append(append(make([]string, 0, len(upstream)+1), upstream...), m)
}

// observed tells whether anybody wants to know of decisions.
func (rq *request) observed() bool {
	return rq.p.cache.cfg.Logger.Enabled(rq.ctx, slog.LevelDebug)
}

// observe is the one place that every decision passes.
func (rq *request) observe(s status) {
	c := rq.p.cache
	if !rq.observed() {
		return
	}
	c.cfg.Logger.LogAttrs(rq.ctx, slog.LevelDebug, "cachex: "+c.member(s),
		slog.String("method", strings.Clone(rq.head.Method)), slog.String("target", strings.Clone(rq.head.Target)),
		slog.String("route", strings.Clone(rq.x.Pattern())))
}

// statusToken is the name of the cache as a Token or, where it cannot be one, a
// String of RFC 9651.
func statusToken(name string) string {
	if field.ValidName(name) && (name[0] >= 'a' && name[0] <= 'z' || name[0] >= 'A' && name[0] <= 'Z' || name[0] == '*') {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// lineTable keeps ready-made lines that hold a number, so that a hit formats
// nothing. It is bounded: numbers that fall on the same place take turns.
type lineTable struct {
	prefix string
	slots  [4096]atomic.Pointer[numbered]
}

type numbered struct {
	n      int64
	values []string
}

func (t *lineTable) line(n int64) []string {
	slot := &t.slots[uint64(n)%uint64(len(t.slots))]
	if have := slot.Load(); have != nil && have.n == n {
		return have.values
	}
	made := &numbered{n, []string{t.prefix + strconv.FormatInt(n, 10)}}
	slot.Store(made)
	return made.values[:1:1]
}

var _ adapter.Handler = (*route)(nil)
