package site

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
)

// Text is long enough for any middleware that compresses.
var Text = strings.Repeat("text ", 1000)

// Compression asks for Text at /, with and without compression.
func Compression(t *testing.T, s *Site) {
	t.Helper()
	for _, state := range []string{"fwd=", "hit"} {
		a := s.Get("/", "Accept-Encoding: gzip")
		a.Field(t, "Content-Encoding", "gzip").Field(t, "Vary", "Accept-Encoding")
		z, err := gzip.NewReader(strings.NewReader(a.Body))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(z); err != nil || string(b) != Text || !strings.Contains(a.State(), state) {
			t.Errorf("%d bytes, %v, %s", len(b), err, a.State())
		}
		s.Get("/").Want(t, 200, Text, "Cachex").Field(t, "Content-Encoding")
	}
	tag := s.Get("/", "Accept-Encoding: gzip").Header.Get("Etag")
	if tag == "" {
		t.Error("no ETag")
	}
	s.Get("/", "Accept-Encoding: gzip", "If-None-Match: "+tag).Want(t, 304, "", "hit")
}

// Interim reads the 103 with a Link that comes before the answer at /.
func Interim(t *testing.T, s *Site) {
	t.Helper()
	for i, want := range []int{1, 0} { // a hit has none
		var interim int
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == 103 && h.Get("Link") != "" {
				interim++
			}
			return nil
		}}
		q, _ := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), "GET", s.URL, nil)
		res, err := http.DefaultTransport.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if interim != want || res.StatusCode != 200 || string(b) != "hello" {
			t.Errorf("answer %d: %d interim, %d %q", i, interim, res.StatusCode, b)
		}
	}
}
