package main

import (
	"fmt"
	"strings"

	"github.com/go-cachex/cachex/benchmarks"
	"github.com/go-cachex/cachex/benchmarks/internal/report"
)

func (r results) of(w benchmarks.Work, c benchmarks.Contender, name, mode string) *series {
	return r[w.Name+"/"+c.Framework+"/"+name+"/"+mode]
}

// ratio is the median of the rounds' ratios to a floor of the same framework,
// NaN-free: empty where there is none.
func (r results) ratio(w benchmarks.Work, c benchmarks.Contender, floor, mode string) string {
	s, f := r.of(w, c, c.Name, mode), r.of(w, c, floor, mode)
	if s == nil || f == nil || c.Name == floor {
		return ""
	}
	return fmt.Sprintf("%.2f", report.Median(report.Ratios(s.ns, f.ns)))
}

func (r results) tables(machine string, entries int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", machine)
	for _, w := range benchmarks.Works {
		var rows strings.Builder
		rounds := 0
		for _, c := range benchmarks.All() {
			s, p := r.of(w, c, c.Name, "serial"), r.of(w, c, c.Name, "parallel")
			if s == nil || p == nil {
				continue
			}
			rounds = len(s.ns)
			name := c.Name
			if c.Role == benchmarks.Cachex {
				name = "**" + name + "**"
			}
			above := ""
			if w.Misses && c.Role >= benchmarks.Cachex {
				above = r.above(w, c)
			}
			fmt.Fprintf(&rows, "| %s | %s | %.0f | %s | %s | %.0f | %s | %s | %.0f | %.0f |", c.Framework, name,
				report.Median(s.ns), r.ratio(w, c, "plain", "serial"), r.ratio(w, c, "equal", "serial"),
				report.Median(p.ns), r.ratio(w, c, "plain", "parallel"), r.ratio(w, c, "equal", "parallel"),
				report.Median(s.bytes), report.Median(s.allocs))
			if w.Misses {
				fmt.Fprintf(&rows, " %s |", above)
			}
			rows.WriteString("\n")
		}
		if rows.Len() == 0 {
			continue
		}
		title := w.Title
		if w.Many {
			title = strings.Replace(title, "many entries", fmt.Sprintf("%d entries", entries), 1)
		}
		fmt.Fprintf(&b, "\n### %s\n\nMedians of %d rounds.\n\n", title, rounds)
		head, rule := "| framework | | ns | of plain | of equal | parallel ns | of plain | of equal | B | allocs |", "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
		if w.Misses {
			head, rule = head+" above plain |", rule+"---|"
		}
		fmt.Fprintf(&b, "%s\n%s\n%s", head, rule, rows.String())
	}
	b.WriteString("\n### What the others leave out\n\n")
	for _, c := range benchmarks.All() {
		if c.Role == benchmarks.Peer {
			fmt.Fprintf(&b, "- **%s** (%s, `%s` %s). %s\n", c.Name, c.Framework, c.Module, benchmarks.Version(c.Module), c.Notes)
		}
	}
	b.WriteString("\nFrameworks: ")
	for i, m := range []string{"github.com/gin-gonic/gin", "github.com/labstack/echo/v4", "github.com/go-chi/chi/v5", "github.com/gofiber/fiber/v2", "github.com/gofiber/fiber/v3", "github.com/valyala/fasthttp"} {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "`%s` %s", m, benchmarks.Version(m))
	}
	b.WriteString(".\n")
	return b.String()
}

// above is what a miss costs more than the bare handler.
func (r results) above(w benchmarks.Work, c benchmarks.Contender) string {
	s, f := r.of(w, c, c.Name, "serial"), r.of(w, c, "plain", "serial")
	var ns []float64
	for i := range min(len(s.ns), len(f.ns)) {
		ns = append(ns, s.ns[i]-f.ns[i])
	}
	return fmt.Sprintf("%.1f µs, %.0f allocs", report.Median(ns)/1000, report.Median(s.allocs)-report.Median(f.allocs))
}
