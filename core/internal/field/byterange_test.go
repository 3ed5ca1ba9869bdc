package field_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-cachex/cachex/core/internal/field"
)

func TestParseRange(t *testing.T) {
	type spans = []field.Span
	const none, ok, unsatisfiable = field.RangeNone, field.RangeOK, field.RangeUnsatisfiable
	disjoint := func(n int) string {
		var specs []string
		for i := range n {
			specs = append(specs, fmt.Sprintf("%d-%d", 2*i, 2*i))
		}
		return "bytes=" + strings.Join(specs, ",")
	}
	sixteen := spans{}
	for i := range int64(16) {
		sixteen = append(sixteen, field.Span{Start: 2 * i, End: 2*i + 1})
	}
	for _, tt := range []struct {
		rule, value string
		size        int64
		want        spans
		result      field.RangeResult
	}{
		{"RFC 9110 14.1.2, first to last", "bytes=0-499", 10000, spans{{0, 500}}, ok},
		{"RFC 9110 14.1.2, the second 500", "bytes=500-999", 10000, spans{{500, 1000}}, ok},
		{"RFC 9110 14.1.2, a suffix", "bytes=-500", 10000, spans{{9500, 10000}}, ok},
		{"RFC 9110 14.1.2, to the end", "bytes=9500-", 10000, spans{{9500, 10000}}, ok},
		{"RFC 9110 14.1.2, the first and the last byte", "bytes=0-0,-1", 10000, spans{{0, 1}, {9999, 10000}}, ok},
		{"RFC 9110 14.1.2, blanks and the order of the request", "bytes= 600-601, 0-499 ,, 4500-4999 ", 10000, spans{{600, 602}, {0, 500}, {4500, 5000}}, ok},
		{"RFC 9110 14.1.2, beyond the end", "bytes=9000-99999", 10000, spans{{9000, 10000}}, ok},
		{"RFC 9110 14.1.2, everything", "bytes=0-", 10, spans{{0, 10}}, ok},
		{"RFC 9110 14.1.2, a suffix longer than the content", "bytes=-11", 10, spans{{0, 10}}, ok},
		{"RFC 9110 14.1.1, the unit in capitals", "BYTES=0-1", 10, spans{{0, 2}}, ok},
		{"RFC 9110 14.1.1, more than 64 bits", "bytes=1-99999999999999999999999999", 10, spans{{1, 10}}, ok},
		{"RFC 9110 14.1.1, more than 64 bits", "bytes=-99999999999999999999999999", 10, spans{{0, 10}}, ok},
		{"RFC 9110 14.1.1, exactly 63 bits", "bytes=0-9223372036854775807", 10, spans{{0, 10}}, ok},
		{"RFC 9110 14.1.2, one of two satisfiable", "bytes=20-30,1-2", 10, spans{{1, 3}}, ok},

		{"RFC 9110 15.5.17, behind the end", "bytes=10-", 10, nil, unsatisfiable},
		{"RFC 9110 15.5.17, behind the end", "bytes=10-20, 99-", 10, nil, unsatisfiable},
		{"RFC 9110 15.5.17, an empty suffix", "bytes=-0", 10, nil, unsatisfiable},
		{"RFC 9110 14.1.1, more than 64 bits", "bytes=99999999999999999999-", 10, nil, unsatisfiable},

		{"RFC 9110 14.2, another unit", "lines=0-1", 10, nil, none},
		{"RFC 9110 14.1.1, the last before the first", "bytes=2-1", 10, nil, none},
		{"RFC 9110 14.1.1, one bad range spoils all", "bytes=0-1,2-1", 10, nil, none},
		{"RFC 9110 14.1.1, one bad range spoils all", "bytes=20-30,x", 10, nil, none},
		{"RFC 9110 14.1.1, no ranges", "bytes=", 10, nil, none},
		{"RFC 9110 14.1.1, no ranges", "bytes=,", 10, nil, none},
		{"RFC 9110 14.1.1, no unit", "0-1", 10, nil, none},
		{"RFC 9110 14.1.1, no equals sign", "bytes 0-1", 10, nil, none},
		{"RFC 9110 14.1.1, a blank before the equals sign", "bytes =0-1", 10, nil, none},
		{"RFC 9110 14.1.1, a lone dash", "bytes=-", 10, nil, none},
		{"RFC 9110 14.1.1, no dash", "bytes=1", 10, nil, none},
		{"RFC 9110 14.1.1, two dashes", "bytes=1--2", 10, nil, none},
		{"RFC 9110 14.1.1, a sign", "bytes=+1-2", 10, nil, none},
		{"RFC 9110 14.1.1, a negative suffix", "bytes=--1", 10, nil, none},
		{"RFC 9110 14.1.1, a blank in a range", "bytes=1 -2", 10, nil, none},
		{"RFC 9110 14.1.1, hexadecimal digits", "bytes=0xa-", 10, nil, none},
		{"RFC 9110 14.1.1, empty", "", 10, nil, none},

		{"an empty content", "bytes=0-", 0, nil, none},
		{"an empty content", "bytes=-5", 0, nil, none},

		{"RFC 9110 14.2, 16 ranges", disjoint(16), 100, sixteen, ok},
		{"RFC 9110 14.2, 17 ranges", disjoint(17), 100, nil, none},
		{"RFC 9110 14.2, two overlap", "bytes=0-4,2-6,50-51", 100, spans{{0, 5}, {2, 7}, {50, 52}}, ok},
		{"RFC 9110 14.2, three overlap", "bytes=0-4,2-6,6-8", 100, nil, none},
		{"RFC 9110 14.2, touching ranges do not overlap", "bytes=0-1,2-3,4-5", 100, spans{{0, 2}, {2, 4}, {4, 6}}, ok},
		{"RFC 9110 14.2, more than the content in all", "bytes=0-,0-0", 100, nil, none},
		{"RFC 9110 14.2, a sum of more than 63 bits", "bytes=0-,0-", 1 << 62, nil, none},
		{"RFC 9110 14.2, all of the content", "bytes=50-,0-49", 100, spans{{50, 100}, {0, 50}}, ok},
	} {
		got, result := field.ParseRange([]string{tt.value}, tt.size, nil)
		if !slices.Equal(got, tt.want) || result != tt.result {
			t.Errorf("%s: %q of %d: got %v, %v, want %v, %v", tt.rule, tt.value, tt.size, got, result, tt.want, tt.result)
		}
	}
	for _, lines := range [][]string{nil, {}, {"bytes=0-1", "bytes=0-1"}} {
		if _, result := field.ParseRange(lines, 10, nil); result != none {
			t.Errorf("%q: %v", lines, result)
		}
	}
}

func TestParseRangeTakesTheBuffer(t *testing.T) {
	lines, buf := []string{"bytes=0-1,-2"}, make([]field.Span, 1, 16)
	got, _ := field.ParseRange(lines, 10, buf)
	if len(got) != 2 || &got[0] != &buf[0] {
		t.Errorf("got %v, not in the buffer", got)
	}
	if n := testing.AllocsPerRun(100, func() { field.ParseRange(lines, 10, buf) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseRange(f *testing.F) {
	f.Add("bytes=0-1, -5,7-", int64(10))
	f.Add("bytes=99999999999999999999-", int64(0))
	f.Add("bytes=0-,-1", int64(1<<62))
	f.Fuzz(func(t *testing.T, value string, size int64) {
		spans, result := field.ParseRange([]string{value}, size, nil)
		if (result == field.RangeOK) != (len(spans) > 0) || len(spans) > 16 {
			t.Fatalf("%q of %d: %v with %v", value, size, result, spans)
		}
		var total int64
		specs := make([]string, 0, len(spans))
		for _, s := range spans {
			if s.Start < 0 || s.Start >= s.End || s.End > size {
				t.Fatalf("%q of %d: %v", value, size, s)
			}
			total += s.End - s.Start
			if total < 0 || total > size {
				t.Fatalf("%q of %d: %v are more than the content", value, size, spans)
			}
			specs = append(specs, fmt.Sprintf("%d-%d", s.Start, s.End-1))
		}
		if result != field.RangeOK {
			return
		}
		again, _ := field.ParseRange([]string{"bytes=" + strings.Join(specs, ",")}, size, nil)
		if !slices.Equal(again, spans) {
			t.Errorf("%q of %d: %v becomes %v", value, size, spans, again)
		}
	})
}
