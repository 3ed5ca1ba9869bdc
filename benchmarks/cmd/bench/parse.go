package main

import (
	"regexp"
	"strconv"
	"strings"
)

// series is one benchmark: a value for each round.
type series struct{ ns, bytes, allocs []float64 }

// results are keyed by work/framework/contender/mode.
type results map[string]*series

var line = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op(?:\s+(\d+) B/op\s+(\d+) allocs/op)?`)

// parse reads what go test -bench prints. In each round every benchmark stands
// once, so the nth time that a name comes up is round n.
func parse(out []byte) results {
	r := results{}
	for l := range strings.Lines(string(out)) {
		m := line.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		s := r[m[1]]
		if s == nil {
			s = &series{}
			r[m[1]] = s
		}
		s.ns = append(s.ns, number(m[2]))
		s.bytes = append(s.bytes, number(m[3]))
		s.allocs = append(s.allocs, number(m[4]))
	}
	return r
}

func number(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64) // the expression lets nothing else pass
	return f
}
