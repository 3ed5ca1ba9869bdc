package main

import (
	"bytes"
	"fmt"
	"math"

	"github.com/go-cachex/cachex/benchmarks"
	"github.com/go-cachex/cachex/benchmarks/internal/report"
)

const (
	chartWidth = 860
	chartLeft  = 230
	barHeight  = 18
	barGap     = 5
	groupGap   = 14
)

var colours = map[benchmarks.Role]string{
	benchmarks.PlainFloor: "#9aa5b1", benchmarks.EqualFloor: "#c3cad2",
	benchmarks.Cachex: "#1f7a4d", benchmarks.Peer: "#c26a2d",
}

// chart draws the hit of 1 KiB, serial, as a multiple of the plain floor of the
// same framework. The scale is logarithmic: the slowest costs a hundred times as
// much as the fastest.
func (r results) chart() []byte {
	w := benchmarks.Works[0]
	type bar struct {
		label, colour string
		value         float64
		first         bool
	}
	var bars []bar
	top, framework := 2.0, ""
	for _, c := range benchmarks.All() {
		s, f := r.of(w, c, c.Name, "serial"), r.of(w, c, "plain", "serial")
		if s == nil || f == nil {
			continue
		}
		v := report.Median(report.Ratios(s.ns, f.ns))
		bars = append(bars, bar{c.Framework + " · " + c.Name, colours[c.Role], v, framework != "" && framework != c.Framework})
		framework, top = c.Framework, max(top, v)
	}
	const lowest = 0.5
	x := func(v float64) float64 {
		return chartLeft + (chartWidth-chartLeft-70)*math.Log(max(v, lowest)/lowest)/math.Log(top/lowest)
	}
	var b bytes.Buffer
	y := 56
	for _, bar := range bars {
		if bar.first {
			y += groupGap
		}
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", chartLeft-8, y+13, bar.label)
		fmt.Fprintf(&b, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", chartLeft, y, x(bar.value)-chartLeft, barHeight, bar.colour)
		fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%d\">%.2f</text>\n", x(bar.value)+6, y+13, bar.value)
		y += barHeight + barGap
	}
	var svg bytes.Buffer
	fmt.Fprintf(&svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n", chartWidth, y+20)
	fmt.Fprintf(&svg, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", chartWidth, y+20)
	svg.WriteString("<text x=\"16\" y=\"24\" font-size=\"15\">A hit of 1 KiB in memory, as a multiple of the bare handler (less is faster; logarithmic scale)</text>\n")
	for _, tick := range []float64{1, 2, 5, 10, 20, 50, 100, 200} {
		if tick <= top {
			fmt.Fprintf(&svg, "<line x1=\"%.1f\" y1=\"50\" x2=\"%.1f\" y2=\"%d\" stroke=\"#e3e6ea\"/><text x=\"%.1f\" y=\"44\" text-anchor=\"middle\" fill=\"#777\">%g</text>\n", x(tick), x(tick), y, x(tick), tick)
		}
	}
	svg.Write(b.Bytes())
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}
