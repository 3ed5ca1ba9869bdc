package cachex

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestAsWithoutACache: what a client of a real server gets is what the handler alone
// has it get, at the miss and at the hit.
func TestAsWithoutACache(t *testing.T) {
	flush := func(w http.ResponseWriter) { w.(http.Flusher).Flush() }
	for name, handler := range map[string]http.HandlerFunc{
		"a type that is guessed": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"no type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, "<html>")
		},
		"a type that is guessed by what was flushed": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, " ")
			flush(w)
			_, _ = io.WriteString(w, "<html>")
		},
		"flushed before there was anything": func(w http.ResponseWriter, _ *http.Request) {
			flush(w)
			_, _ = io.WriteString(w, "<html>")
		},
		"no content, whatever is written, and flushed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			w.WriteHeader(http.StatusNoContent)
			_, _ = io.WriteString(w, "<html>")
			flush(w)
		},
		"more than was announced, in a second part": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "hello")
			if _, err := io.WriteString(w, "\n"); !errors.Is(err, http.ErrContentLength) {
				t.Errorf("more than was announced: %v", err)
			}
		},
		"a flush that is not supported": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hello ")
			if err := http.NewResponseController(w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
				t.Error(err)
			}
			_, _ = io.WriteString(w, "world")
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := MustNew(Config{})
			defer func() { _ = c.Close() }()
			get := func(url string) (typed, body, state string) {
				res, err := http.Get(url)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				all, err := io.ReadAll(res.Body)
				if err != nil {
					t.Errorf("after %q: %v", all, err)
				}
				return strings.Join(res.Header["Content-Type"], ", "), string(all), res.Header.Get("Cache-Status")
			}
			outer := func(h http.Handler) http.Handler { return h }
			if strings.HasPrefix(name, "a flush") {
				outer = func(h http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						h.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
					})
				}
			}
			bare, cached := httptest.NewServer(outer(handler)), httptest.NewServer(outer(c.Middleware(TTL(time.Minute))(handler)))
			defer bare.Close()
			defer cached.Close()
			wantType, want, _ := get(bare.URL)
			for _, state := range []string{"Cachex; fwd=uri-miss", "Cachex; hit"} {
				typed, body, got := get(cached.URL)
				if body != want || typed != wantType || !strings.HasPrefix(got, state) {
					t.Errorf("%q of type %q, %s; want %q of %q, %s", body, typed, got, want, wantType, state)
				}
			}
		})
	}
}

// TestRefusedInBetween: of a response that the server has broken off, because a part of
// it was more than announced, nothing is stored, whatever else the handler writes.
func TestRefusedInBetween(t *testing.T) {
	for _, flushes := range []bool{false, true} {
		c := MustNew(Config{})
		s := httptest.NewServer(c.Middleware(TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			for _, part := range []string{"hello", "wonderful", "world"} {
				_, _ = io.WriteString(w, part)
				if flushes {
					w.(http.Flusher).Flush()
				}
			}
		})))
		for range 2 {
			res, err := http.Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if string(body) != "hello" || err == nil {
				t.Errorf("%q, %v, %s", body, err, res.Header.Get("Cache-Status"))
			}
		}
		s.Close()
		_ = c.Close()
	}
}

// TestPastWhatIsReplaced: where another response takes the place of the handler's,
// what it writes past the recorder does not come before that.
func TestPastWhatIsReplaced(t *testing.T) {
	for name, c := range map[string]struct {
		handler func(w http.ResponseWriter, past func() http.ResponseWriter)
		want    string
		panics  bool
	}{
		"after an error": {func(w http.ResponseWriter, past func() http.ResponseWriter) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(past(), "oops")
		}, "stale", false},
		"before a panic": {func(_ http.ResponseWriter, past func() http.ResponseWriter) {
			_, _ = io.WriteString(past(), "half")
			panic(http.ErrAbortHandler)
		}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, []Option{TTL(time.Second), StaleIfError(time.Hour)}, func(b *bubble) {
				b.stale("stale")
				b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) {
					c.handler(w, w.(interface{ Unwrap() http.ResponseWriter }).Unwrap)
				}
				if r := b.get(); (r.broken != nil) != c.panics || r.body != c.want {
					t.Errorf("%d %q, %v", r.status, r.body, r.broken)
				}
			})
		})
	}
}

// TestUnwrappedConfirmation: a 304 to a condition of ours is not for the client, who
// has sent none, even where the handler has asked for the server's writer.
func TestUnwrappedConfirmation(t *testing.T) {
	inBubble(t, nil, func(b *bubble) {
		b.handler = func(run int64, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=1")
			w.Header().Set("ETag", `"1"`)
			if run > 1 {
				w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
			}
			http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("whole"))
		}
		b.get()
		passes(2 * time.Second)
		if r := b.get(); r.status != http.StatusOK || r.body != "whole" {
			t.Errorf("%d %q, without a condition", r.status, r.body)
		}
	})
}

// TestHardTimeoutOfWhoHijacks: who has taken the connection is no longer timed.
func TestHardTimeoutOfWhoHijacks(t *testing.T) {
	c := MustNew(Config{})
	defer func() { _ = c.Close() }()
	ended := make(chan bool, 1)
	s := httptest.NewServer(c.Middleware(TTL(time.Minute), HardTimeout(time.Millisecond))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		select {
		case <-r.Context().Done():
			ended <- true
		case <-time.After(50 * time.Millisecond): // of a timeout that must not come, however long
			ended <- false
		}
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
		_ = rw.Flush()
	})))
	defer s.Close()
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if <-ended {
		t.Error("the context of who has taken the connection ends with HardTimeout")
	}
}

// TestErrorsOfOthers: an error is for those who wait only where it is nobody's own,
// and only for those whom it is for.
func TestErrorsOfOthers(t *testing.T) {
	t.Run("Vary", func(t *testing.T) {
		inBubble(t, nil, func(b *bubble) {
			b.handler = func(_ int64, w http.ResponseWriter, r *http.Request) {
				passes(time.Second)
				l := r.Header.Get("Accept-Language")
				w.Header().Set("Vary", "Accept-Language")
				if w.Header().Set("Cache-Control", "max-age=60"); l == "en" {
					w.Header().Del("Cache-Control")
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				_, _ = io.WriteString(w, "in "+l)
			}
			var english []*client
			for range 3 {
				english = append(english, b.asks("Accept-Language", "en"))
				synctest.Wait()
			}
			french := b.asks("Accept-Language", "fr")
			for _, c := range english {
				if r := <-c.done; r.status != http.StatusServiceUnavailable || r.body != "in en" {
					t.Errorf("en: %d %q, %s", r.status, r.body, r.cache)
				}
			}
			if r := <-french.done; r.status != http.StatusOK || r.body != "in fr" {
				t.Errorf("fr: %d %q, %s", r.status, r.body, r.cache)
			}
		})
	})
	t.Run("Cookie", func(t *testing.T) {
		inBubble(t, nil, func(b *bubble) {
			b.handler = func(run int64, w http.ResponseWriter, r *http.Request) {
				if run == 1 {
					w.Header().Set("Cache-Control", "public, max-age=1")
					return
				}
				passes(time.Second)
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, "sorry, "+r.Header.Get("Cookie"))
			}
			b.get()
			passes(2 * time.Second)
			clients := map[string]*client{}
			for _, user := range []string{"user=alice", "user=bob", "user=carol"} {
				clients[user] = b.asks("Cookie", user)
			}
			for user, c := range clients {
				if r := <-c.done; r.body != "sorry, "+user {
					t.Errorf("%s: %d %q, %s", user, r.status, r.body, r.cache)
				}
			}
		})
	})
}

// TestErrorBehindStandIns: who takes nothing stale gets the handler's error, and none
// of ours, where those who led got something stale.
func TestErrorBehindStandIns(t *testing.T) {
	inBubble(t, nil, func(b *bubble) {
		b.handler = func(run int64, w http.ResponseWriter, _ *http.Request) {
			if run == 1 {
				w.Header().Set("Cache-Control", "max-age=1")
				w.Header().Set("ETag", `"1"`)
				_, _ = io.WriteString(w, "hello")
				return
			}
			passes(time.Second)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "out of order")
		}
		b.get()
		passes(2 * time.Second)
		var lenient sync.WaitGroup
		for range 20 { // any of whom may lead after the first
			c := b.asks("Cache-Control", "stale-if-error=60")
			synctest.Wait()
			lenient.Go(func() {
				if r := <-c.done; r.body != "hello" {
					t.Errorf("%d %q, %s", r.status, r.body, r.cache)
				}
			})
		}
		if r := b.get(); r.status != http.StatusServiceUnavailable || r.body != "out of order" {
			t.Errorf("%d %q, %s", r.status, r.body, r.cache)
		}
		lenient.Wait()
	})
}
