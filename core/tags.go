package cachex

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-cachex/cachex/core/internal/field"
)

// Bounds of tags. An entry keeps 8 bytes for each tag, and the tag itself.
const (
	maxTags     = 256 // of one response, groups included
	maxTagBytes = 256
)

// checkTag returns an error that names a bad tag.
func checkTag(t string) error {
	switch {
	case t == "":
		return errors.New("an empty tag")
	case len(t) > maxTagBytes:
		return fmt.Errorf("a tag of %d bytes, more than %d: %.40q...", len(t), maxTagBytes, t)
	case strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fmt.Errorf("a tag with a blank or control character: %q", t)
	}
	return nil
}

// readTags takes the tags out of the fields of a response: those of
// Config.TagField, which the client does not get to see, and its Cache-Groups.
func (r *run) readTags(h http.Header) {
	c := r.p.cache
	if name := c.cfg.TagField; name != "" {
		if lines := h[name]; lines != nil {
			for _, l := range lines {
				r.fieldTags = append(r.fieldTags, strings.Fields(strings.Clone(l))...)
			}
			delete(h, name)
		}
	}
	if c.cfg.Groups {
		r.groups = field.ParseGroups(h["Cache-Groups"])
	}
}

// checkTags returns an error where the response has a bad tag, or too many.
func (r *run) checkTags() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.badTags()
}

// badTags is checkTags with mu held. What would not be taken back later because of
// a bad tag, or because there are too many, must not be stored: a tag is never cut,
// and none is left out. Those of the route were checked with its options.
func (r *run) badTags() error {
	if n := len(r.p.tags) + len(r.fieldTags) + len(r.tags) + len(r.groups); n > maxTags {
		return fmt.Errorf("%d tags, more than %d", n, maxTags)
	}
	for _, list := range [...][]string{r.fieldTags, r.tags} {
		for _, t := range list {
			if err := checkTag(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// tagsOf are the tags of the response, each with its kind before it.
func (r *run) tagsOf() ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.badTags(); err != nil {
		return nil, err
	}
	if len(r.p.tags)+len(r.fieldTags)+len(r.tags)+len(r.groups) == 0 {
		return nil, nil
	}
	tags := slices.Concat(r.p.tags, r.fieldTags, r.tags)
	for i := len(r.p.tags); i < len(tags); i++ {
		tags[i] = string(scopeTag) + tags[i]
	}
	for _, g := range r.groups {
		tags = append(tags, groupTag(r.rq.origin(), g))
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// groupTag is a cache group of an origin: the same name is another group
// elsewhere (RFC 9875, section 2.1).
func groupTag(origin, group string) string { return string(scopeGroup) + origin + "\n" + group }

// origin is the scheme and host of the request.
func (rq *request) origin() string { return string(rq.key[len("GET "):rq.hostEnd]) }

// furtherScopes are the scopes of tags, each with its kind before it.
func (m *marks) furtherScopes(tags []string) []scope {
	if len(tags) == 0 {
		return nil
	}
	scopes := make([]scope, len(tags))
	for i, t := range tags {
		scopes[i] = m.scopeOf(t[0], t[1:])
	}
	return scopes
}

// tagEntry gives an entry its tags, and those of the response that it renews.
func (r *run) tagEntry(e *entry, before []string) error {
	tags, err := r.tagsOf()
	if err != nil {
		return err
	}
	if len(before) > 0 {
		tags = append(tags, before...)
		slices.Sort(tags)
		tags = slices.Compact(tags)
	}
	if len(tags) > 2*maxTags {
		return fmt.Errorf("%d tags over several validations", len(tags))
	}
	if len(tags) > 0 {
		x := *e.more()
		x.tags, x.further = tags, r.p.cache.marks.furtherScopes(tags)
		e.extras = &x
	}
	return nil
}

func (r *run) refuseTags(err error) detail {
	r.p.cache.warnOnce(&r.rt.warnedTags, "cachex: not stored: "+err.Error(), r.rq.x.Pattern())
	return notTags
}
