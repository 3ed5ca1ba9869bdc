package benchmarks

import (
	"bytes"
	"fmt"
	"net/http"
)

// Work is a kind of request that is measured.
type Work struct {
	Name        string // of its benchmark
	Title       string
	Size        int // of the page, in bytes
	Conditional bool
	Misses      bool // each request is for another page
	Many        bool // pages of a Zipf distribution over all that are stored
}

// Works are all kinds, in the order of the report.
var Works = []Work{
	{Name: "Hit1K", Title: "A hit of 1 KiB", Size: 1 << 10},
	{Name: "Hit32K", Title: "A hit of 32 KiB", Size: 32 << 10},
	{Name: "NotModified", Title: "A conditional request whose condition holds (304)", Size: 1 << 10, Conditional: true},
	{Name: "Miss1K", Title: "A miss of 1 KiB that is stored", Size: 1 << 10, Misses: true},
	{Name: "HitOfMany", Title: "A hit of 1 KiB among many entries, Zipf", Size: 1 << 10, Many: true},
}

// Start opens a contender for a kind of work and proves that it does it: the
// page is right, it comes from the cache or from the handler as it should, and
// a 304 is one. prepare makes a client that sends the requests of this work.
func (c Contender) Start(w Work, s *Site) (srv Server, prepare func() Client, err error) {
	condition := `"none"`
	if ours, ok := Find(c.Framework, ours); ok && (c.Role == EqualFloor || c.Validates && w.Conditional) {
		if s.Equal, condition, err = ours.answer(w, s); err != nil {
			return Server{}, nil, err
		}
	}
	s.Runs.Store(0)
	srv = c.Open(s)
	prepare = func() Client {
		client := NewClient(srv)
		client.Target(Target(0))
		if w.Conditional {
			client.Set("If-None-Match", condition)
		}
		return client
	}
	if !w.Misses {
		// Some peers keep the very header map of the response. A server
		// makes one for each, so the client of the first one is not used again.
		prepare().Send()
	}
	return srv, prepare, c.check(w, s, prepare())
}

// answer is what Cachex answers, and the entity tag of the page.
func (c Contender) answer(w Work, s *Site) (a *Answer, tag string, err error) {
	srv := c.Open(s)
	defer srv.Close()
	client := NewClient(srv)
	client.Target(Target(0))
	client.Send()
	client.Send() // a longer page has its tag from the first hit on
	tag = client.Answer().Get("Etag")
	if tag == "" {
		return nil, "", fmt.Errorf("%s/%s: the response has no ETag", c.Framework, c.Name)
	}
	if w.Conditional {
		client.Set("If-None-Match", tag)
	}
	client.Send()
	return client.Answer(), tag, nil
}

func (c Contender) check(w Work, s *Site, client Client) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s/%s, %s: %s", c.Framework, c.Name, w.Name, fmt.Sprintf(format, args...))
	}
	status, body := http.StatusOK, s.Body
	if w.Conditional && (c.Validates || c.Role == EqualFloor) {
		status, body = http.StatusNotModified, nil
	}
	const rounds = 3
	for i := range rounds {
		if w.Misses {
			client.Target(Target(-1 - i)) // pages that are measured have other numbers
		}
		client.Send()
	}
	a := client.Answer()
	if a.Status != status || !bytes.Equal(a.Body, body) {
		return fail("status %d with %d bytes, want %d with %d", a.Status, len(a.Body), status, len(body))
	}
	if body != nil && a.Get("Content-Type") != contentType {
		return fail("Content-Type %q", a.Get("Content-Type"))
	}
	if c.Role == EqualFloor {
		if fmt.Sprint(a.Fields) != fmt.Sprint(s.Equal.Fields) {
			return fail("fields %v, want %v", a.Fields, s.Equal.Fields)
		}
		return nil
	}
	runs := int64(rounds)
	switch {
	case w.Misses:
	case c.Role == PlainFloor:
		runs++
	default:
		runs = 1
	}
	if got := s.Runs.Load(); got != runs {
		return fail("the handler ran %d times, want %d", got, runs)
	}
	if c.Role != PlainFloor && w.Misses { // and what was missed is stored
		if client.Send(); s.Runs.Load() != runs {
			return fail("a miss was not stored")
		}
	}
	return nil
}
