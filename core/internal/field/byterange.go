package field

import (
	"math"
	"strings"
)

// Span is a part of a content: Start is the first byte, End the one behind the
// last.
type Span struct{ Start, End int64 }

// RangeResult is what a Range comes to.
type RangeResult uint8

// What a Range comes to.
const (
	RangeNone          RangeResult = iota // to be ignored: the whole content
	RangeOK                               // the spans
	RangeUnsatisfiable                    // 416
)

// More ranges than these, or more that overlap others, are nobody's video player
// but an attack (RFC 9110, sections 14.2 and 17.15).
const (
	maxRanges  = 16
	maxOverlap = 2
)

// ParseRange parses Range for a content of size bytes (RFC 9110, sections
// 14.1.1, 14.1.2 and 14.2). The spans are appended to buf[:0]. An empty content
// has no part that could be sent, so that Range is ignored.
func ParseRange(lines []string, size int64, buf []Span) ([]Span, RangeResult) {
	if len(lines) != 1 || size <= 0 {
		return nil, RangeNone
	}
	unit, set, found := strings.Cut(strings.Trim(lines[0], " \t"), "=")
	if !found || !strings.EqualFold(unit, "bytes") {
		return nil, RangeNone
	}
	spans, count := buf[:0], 0
	var total int64
	for spec := range strings.SplitSeq(set, ",") {
		spec = strings.Trim(spec, " \t")
		if spec == "" {
			continue
		}
		if count++; count > maxRanges {
			return nil, RangeNone
		}
		s, valid := parseSpec(spec, size)
		if !valid {
			return nil, RangeNone
		}
		if s.Start < s.End {
			if s.End-s.Start > size-total { // in this form, it cannot overflow
				return nil, RangeNone
			}
			spans = append(spans, s)
			total += s.End - s.Start
		}
	}
	switch {
	case count == 0, overlaps(spans) > maxOverlap:
		return nil, RangeNone
	case len(spans) == 0:
		return nil, RangeUnsatisfiable
	}
	return spans, RangeOK
}

// parseSpec parses one range. An empty span cannot be satisfied.
func parseSpec(spec string, size int64) (s Span, valid bool) {
	from, to, found := strings.Cut(spec, "-")
	if !found || from == "" && to == "" {
		return s, false
	}
	if from == "" {
		n, ok := saturating(to)
		return Span{max(0, size-n), size}, ok
	}
	start, ok := saturating(from)
	if !ok {
		return s, false
	}
	end := size
	if to != "" {
		last, ok := saturating(to)
		if !ok || last < start {
			return s, false
		}
		if last < size {
			end = last + 1
		}
	}
	if start >= size {
		return Span{}, true
	}
	return Span{start, end}, true
}

// saturating parses digits; numbers that do not fit are as large as can be.
func saturating(s string) (n int64, ok bool) {
	if s == "" {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n > (math.MaxInt64-9)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// overlaps counts the spans that share bytes with another one.
func overlaps(spans []Span) (n int) {
	for i, a := range spans {
		for j, b := range spans {
			if i != j && a.Start < b.End && b.Start < a.End {
				n++
				break
			}
		}
	}
	return n
}
