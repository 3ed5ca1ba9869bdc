package benchmarks

import (
	"bytes"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Site is what every contender serves: one page under any name.
type Site struct {
	Body   []byte
	Equal  *Answer // what the equal floor writes
	Room   int64   // how much a cache may keep, in bytes
	Caches int     // how many entries, for those that count

	Runs atomic.Int64 // of the handler
}

const (
	contentType = "text/plain; charset=utf-8"
	lifetime    = time.Hour
)

// NewSite returns a site whose page has size bytes.
func NewSite(size int) *Site {
	return &Site{Body: bytes.Repeat([]byte("0123456789abcdef"), size/16), Room: 64 << 20, Caches: 60_000}
}

// Target names one of the pages.
func Target(i int) string { return "/pages/" + strconv.Itoa(i) }

// Answer is a response, as a contender gave it.
type Answer struct {
	Status int
	Fields []Field
	Body   []byte
}

// Field is a line of an Answer.
type Field struct{ Name, Value string }

// Get returns the first line of a field.
func (a *Answer) Get(name string) string {
	for _, f := range a.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// plain is the handler of net/http and chi: the floor, and what is cached.
func (s *Site) plain(w http.ResponseWriter, _ *http.Request) {
	s.Runs.Add(1)
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(s.Body)
}

// equal writes the very response of a hit.
func (s *Site) equal(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	for _, f := range s.Equal.Fields {
		h.Set(f.Name, f.Value)
	}
	w.WriteHeader(s.Equal.Status)
	if len(s.Equal.Body) > 0 {
		_, _ = w.Write(s.Equal.Body)
	}
}
