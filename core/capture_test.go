package cachex

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What is stored of a response is the one copy of its content that there is, at
// its size, unless it comes in parts and nobody tells how many.
func TestCaptureCopiesOnce(t *testing.T) {
	for name, c := range map[string]struct {
		declared int64
		parts    []string
		once     bool
	}{
		"at once":            {-1, []string{"abcdef"}, true},
		"nothing":            {-1, nil, true},
		"nothing, at once":   {-1, []string{"", "abcdef"}, true},
		"declared":           {6, []string{"ab", "", "cd", "ef"}, true},
		"in parts":           {-1, []string{"ab", "cd", "ef"}, false},
		"in many parts":      {-1, slices.Repeat([]string{"abc", "d"}, 1000), false},
		"more than declared": {3, []string{"ab", "cd", "ef"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			want := strings.Join(c.parts, "")
			for range 2 { // of which the second has the memory of the first
				r := newCapture(1<<20, c.declared)
				for _, p := range c.parts {
					part := []byte(p)
					if !r.write(part) {
						t.Fatal("refused")
					}
					clear(part) // it is the handler's
				}
				had := r.content
				got := r.bytes()
				if string(got) != want || len(got) != cap(got) && int64(cap(got)) != c.declared {
					t.Errorf("%q, room for %d, want %q", got, cap(got), want)
				}
				if len(got) > 0 && (&had[0] == &got[0]) != c.once {
					t.Errorf("copied once: %v, want %v", !c.once, c.once)
				}
				r.release()
			}
		})
	}
}

// That a length is declared is no reason to make room for it, as long as it is not
// sure that the response can be kept.
func TestAPromiseTakesNoMemory(t *testing.T) {
	c := MustNew(Config{})
	defer func() { _ = c.Shutdown(t.Context()) }()
	for name, begin := range map[string]func(http.ResponseWriter){
		"an error":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"no-cache":  func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-cache") },
		"too large": func(http.ResponseWriter) {},
	} {
		w := httptest.NewRecorder()
		c.Middleware(TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.FormatInt(math.MaxInt64, 10))
			begin(w)
			_, _ = io.WriteString(w, "a part")
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Body.String() != "a part" {
			t.Errorf("%s: %q", name, w.Body)
		}
	}
	r := newCapture(1<<20, 1<<20)
	defer r.release()
	if r.write(nil); r.content != nil {
		t.Errorf("room for %d bytes before the first", cap(r.content))
	}
}

// A response that turns out too large is not written down any further, but what
// was held back of it stays for its client.
func TestCaptureStops(t *testing.T) {
	r := newCapture(4, -1)
	if !r.write([]byte("ab")) || !r.write([]byte("cd")) || r.write([]byte("e")) {
		t.Fatal("four bytes fit, and no fifth")
	}
	r.stop()
	if string(r.content) != "abcd" || r.on() {
		t.Errorf("%q is left, on: %v", r.content, r.on())
	}
}

// A response that outgrows MaxEntryBytes while it is held back is sent whole.
func TestTooLargeWhileHeld(t *testing.T) {
	c := MustNew(Config{MaxEntryBytes: 1000})
	defer func() { _ = c.Shutdown(t.Context()) }()
	text := strings.Repeat("0123456789", 150)
	site := c.Middleware(TTL(time.Minute))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for rest := text; len(rest) > 0; rest = rest[300:] {
			_, _ = io.WriteString(w, rest[:300])
		}
	}))
	for range 2 {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := w.Header().Get("Cache-Status"); w.Body.String() != text || got != "Cachex; fwd=uri-miss; detail=too-large" {
			t.Errorf("%q: %q", got, w.Body)
		}
	}
}

func TestCaptureIsBounded(t *testing.T) {
	c := newCapture(10, -1)
	if !c.write(make([]byte, 6)) || !c.write(make([]byte, 4)) || c.write([]byte{1}) {
		t.Error("M1: the limit is 10 bytes")
	}
	if !c.whole() || len(c.bytes()) != 10 || cap(c.bytes()) != 10 {
		t.Errorf("%d bytes with room for %d", len(c.bytes()), cap(c.bytes()))
	}
	kept := c.bytes()
	c.release()
	c.release() // a second time does no harm
	again := newCapture(10, 3)
	again.write([]byte("abc"))
	if !reflect.DeepEqual(kept, make([]byte, 10)) {
		t.Error("M17: what was stored is a buffer that is used again")
	}
	if !again.whole() || string(again.bytes()) != "abc" {
		t.Errorf("captured %q", again.bytes())
	}
	again.write([]byte("d"))
	if again.whole() {
		t.Error("A21: more content than announced")
	}
	again.release()
	if short := newCapture(10, 3); short.whole() {
		t.Error("A21: less content than announced")
	}
}

func TestDeclaredLength(t *testing.T) {
	for v, want := range map[string]int64{"0": 0, "12": 12, "-1": -1, "x": -1, "": -1, "99999999999999999999": -1} {
		if got := declaredLength(http.Header{"Content-Length": {v}}); got != want {
			t.Errorf("declaredLength(%q) = %d, want %d", v, got, want)
		}
	}
	if declaredLength(http.Header{}) != -1 || declaredLength(http.Header{"Content-Length": {"1", "2"}}) != -1 {
		t.Error("no length, or two, are none")
	}
}
