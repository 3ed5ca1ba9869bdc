package cachex

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
	"github.com/go-cachex/cachex/core/store"
)

var codecs = map[string]*codec{
	"plain":      {max: 1 << 20},
	"signed":     {max: 1 << 20, secret: []byte("sixteen bytes and more")},
	"compressed": {max: 1 << 20, compress: 10},
	"both":       {max: 1 << 20, compress: 10, secret: []byte("sixteen bytes and more")},
}

func sampleEntry() *entry {
	at := momentOf(time.Unix(1_700_000_000, 123))
	e := &entry{
		key: "GET https://example.com/a?b", status: 200,
		sharing: &sharing{birth: birth{store.Token{ID: 1 << 63, Soft: -5}, store.Position{Epoch: 7, Seq: 9}}},
		body:    []byte(strings.Repeat("content ", 100)), requested: at, received: at + moment(time.Second),
		extras: &extras{
			vary: []selecting{{name: "Accept", value: "x", present: true, raw: "x", one: true}, {name: "Cookie"}},
			tags: []string{"tnews"}, added: []string{"Link"}, upstream: []string{"up; hit"},
		},
		freshness: freshness{
			lifetime: time.Hour, age: time.Second, explicit: true, locked: true, shareable: true,
			whileRevalidate: time.Minute, ifError: time.Hour,
		},
	}
	lines := []adapter.Line{
		line("Content-Length", "800"), line("Etag", `"v"`), {Name: "Link", Values: []string{"</a>", "</b>"}}, line("Last-Modified", "Wed, 01 Nov 2023 10:00:00 GMT"),
	}
	e.expired.Store(42)
	e.seal(lines, at.time())
	return e
}

func TestCodecKeepsEverything(t *testing.T) {
	for name, c := range codecs {
		want := sampleEntry()
		data := c.encode(want)
		if c.compress > 0 && len(data) > len(want.body) {
			t.Errorf("%s: not compressed", name)
		}
		got, sets, err := c.decode(data, want.key, want.received)
		if err != nil || sets != nil {
			t.Fatalf("%s: %v, %v", name, sets, err)
		}
		if got.expired.Load() != 42 || got.requested != want.requested || got.received != want.received || got.modified != want.modified {
			t.Errorf("%s: times: %+v", name, got)
		}
		got.expired.Store(0)
		want.expired.Store(0)
		got.requested, got.received, got.date, got.modified = want.requested, want.received, want.date, want.modified
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v\n%+v", name, got, want)
		}
		sets = [][]string{{"Accept"}, nil, {"Accept", "Cookie"}}
		if _, back, err := c.decode(c.encodeManifest("k", sets), "k", want.received); err != nil || !reflect.DeepEqual(back, sets) {
			t.Errorf("%s: manifest: %q, %v", name, back, err)
		}
	}
}

// Whatever happens to a value, it is whole or a miss.
func TestCodecRefuses(t *testing.T) {
	e := sampleEntry()
	rnd := rand.New(rand.NewPCG(5, 6))
	for name, c := range codecs {
		data := c.encode(e)
		refuse := func(what string, data []byte, key string, now moment) {
			t.Helper()
			if _, _, err := c.decode(data, key, now); err == nil {
				t.Errorf("%s: %s was taken", name, what)
			}
		}
		for i := range data {
			refuse("a part", data[:i], e.key, e.received)
		}
		for range 500 {
			broken := bytes.Clone(data)
			broken[rnd.IntN(len(broken))] ^= 1 << rnd.IntN(8)
			refuse("a flipped bit", broken, e.key, e.received)
		}
		refuse("a longer one", append(bytes.Clone(data), 0), e.key, e.received)
		refuse("another key's", data, e.key+"c", e.received)
		refuse("one from the future", data, e.key, e.received-moment(maxSkew)-1)
		if _, _, err := c.decode(data, e.key, e.received-moment(maxSkew)); err != nil {
			t.Errorf("%s: a clock that is %v behind: %v", name, maxSkew, err)
		}
		for other, o := range codecs {
			if (o.secret != nil) != (c.secret != nil) {
				if _, _, err := o.decode(data, e.key, e.received); err == nil {
					t.Errorf("%s takes what %s has written", other, name)
				}
			}
		}
		small := *c
		small.max = int64(len(e.body)) - 1
		if _, _, err := small.decode(data, e.key, e.received); err == nil {
			t.Errorf("%s: a content above the limit was taken", name)
		}
		for what, change := range map[string]func(*entry){
			"a field with a line break":    func(e *entry) { reline(e, "Etag", line("Etag", "a\r\nb: c")) },
			"a name with a blank":          func(e *entry) { reline(e, "Etag", line("A b", "c")) },
			"a field of the connection":    func(e *entry) { reline(e, "Etag", line("Transfer-Encoding", "chunked")) },
			"a wrong length":               func(e *entry) { reline(e, "Content-Length", line("Content-Length", "801")) },
			"a status that is never final": func(e *entry) { e.status = 101 },
		} {
			bad := sampleEntry()
			change(bad)
			refuse(what, c.encode(bad), bad.key, bad.received)
		}
	}
}

// What is read by a shape that was read before is what is read without one.
func TestCodecKnowsShapes(t *testing.T) {
	base := []adapter.Line{line("Content-Length", "800"), line("Content-Type", "text/plain"), line("Etag", `"v"`), line("X-A", "a")}
	with := func(changes ...adapter.Line) *entry {
		e := sampleEntry()
		lines := slices.Clone(base)
		for _, c := range changes {
			lines = slices.DeleteFunc(lines, func(l adapter.Line) bool { return l.Name == c.Name })
			if c.Values != nil {
				lines = append(lines, c)
			}
		}
		e.seal(lines, e.received.time())
		return e
	}
	first := with()
	for name, e := range map[string]*entry{
		"the same":              with(),
		"other values":          with(line("Content-Type", "text/html"), line("X-A", "")),
		"a malformed tag":       with(line("Etag", "v")),
		"a date":                with(line("X-A", ""), adapter.Line{Name: "X-A"}, line("Date", "Wed, 01 Nov 2023 10:00:00 GMT")),
		"two lines":             with(adapter.Line{Name: "X-A", Values: []string{"a", "b"}}),
		"a field less":          with(adapter.Line{Name: "X-A"}),
		"a field more":          with(line("X-B", "b")),
		"another field":         with(adapter.Line{Name: "X-A"}, line("X-B", "b")),
		"Last-Modified":         with(adapter.Line{Name: "X-A"}, line("Last-Modified", "Wed, 01 Nov 2023 10:00:00 GMT")),
		"a line break":          with(line("X-A", "a\r\nb: c")),
		"a wrong length":        with(line("Content-Length", "801")),
		"no length":             with(line("Content-Length", "")),
		"a field of connection": with(adapter.Line{Name: "X-A"}, line("Upgrade", "h2c")),
	} {
		plain, knowing := &codec{max: 1 << 20}, &codec{max: 1 << 20, recent: new(recent)}
		if _, _, err := knowing.decode(knowing.encode(first), first.key, first.received); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			data := plain.encode(e)
			want, _, bad := plain.decode(data, e.key, e.received)
			got, _, err := knowing.decode(data, e.key, e.received)
			if (err == nil) != (bad == nil) {
				t.Fatalf("%s: %v, want %v", name, err, bad)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n%+v\n%+v", name, got, want)
			}
		}
	}
}

// reline puts another field in the place of one that e has.
func reline(e *entry, name string, l adapter.Line) {
	lines := e.lines()
	lines[slices.IndexFunc(lines, func(l adapter.Line) bool { return l.Name == name })] = l
	e.seal(lines, e.received.time())
}

func FuzzCodec(f *testing.F) {
	e := sampleEntry()
	for _, c := range codecs {
		if c.secret != nil {
			continue
		}
		payload := c.encode(e)[8:]
		size, n := binary.Uvarint(payload)
		f.Add(payload[n:n+int(size)], payload[n+int(size):])
		f.Add(c.encodeManifest(e.key, [][]string{{"A"}})[9:], []byte{})
	}
	c := codecs["plain"]
	f.Fuzz(func(t *testing.T, payload, content []byte) {
		for _, flags := range []byte{0, flagCompressed, flagManifest} {
			// With a right sum, so that the payload is looked at.
			value := c.seal(flags, payload, content)
			got, _, err := c.decode(value, e.key, e.received)
			if err != nil || got == nil {
				continue
			}
			if int64(len(got.body)) > c.max || !got.plausible(e.received) || !got.plausibleLines(got.lines()) {
				t.Errorf("%+v", got)
			}
			if again, _, err := c.decode(c.encode(got), e.key, e.received); err != nil || !bytes.Equal(again.body, got.body) {
				t.Errorf("what was read cannot be written and read: %v", err)
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add(encodeRecord(true, time.Unix(1, 2), []Selector{ByURL("http://h/a"), ByTag("a", "b"), ByPattern("/a/**"), All()}))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, selectors, err := decodeRecord(data)
		if err == nil {
			newTestMarks().reach(selectors)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	for name, c := range codecs {
		e := sampleEntry()
		data := c.encode(e)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := c.decode(data, e.key, e.received); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
