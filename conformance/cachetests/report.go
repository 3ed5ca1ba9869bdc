package main

import (
	"fmt"
	"io"
	"time"
)

// A finding is a test whose outcome deserves a line.
type finding struct {
	test    test
	verdict verdict
	detail  string
}

// A report is the outcome of one framework's run.
type report struct {
	framework string
	took      time.Duration

	total, passed map[string]int  // by kind
	alone         map[string]int  // by kind: passes when failed dependencies are not counted against a test
	verdicts      map[verdict]int // of required and optimal tests

	expected   []finding // failures that the baseline lists; detail is the reason
	unexpected []finding // failures that it does not list
	surprises  []finding // passes that it lists as failures; detail is the reason
}

// newReport compares a run's results with the baseline.
func newReport(framework string, c catalog, res results, b baseline) report {
	r := report{framework: framework, total: map[string]int{}, passed: map[string]int{}, alone: map[string]int{}, verdicts: map[verdict]int{}}
	for _, id := range c.ids() {
		t, v := c[id], judge(c, res, id)
		r.total[t.Kind]++
		if v == pass {
			r.passed[t.Kind]++
		}
		if res[id].passed {
			r.alone[t.Kind]++
		}
		if t.Kind == "check" {
			continue
		}
		r.verdicts[v]++
		reason, listed := b[id][framework]
		switch {
		case v == pass && listed:
			r.surprises = append(r.surprises, finding{t, v, reason})
		case v == pass:
		case listed:
			r.expected = append(r.expected, finding{t, v, reason})
		default:
			r.unexpected = append(r.unexpected, finding{t, v, detail(c, res, t, v)})
		}
	}
	return r
}

// detail says why a test did not pass.
func detail(c catalog, res results, t test, v verdict) string {
	if v == dependency {
		for _, d := range t.DependsOn {
			if dv := judge(c, res, d); dv != pass {
				return fmt.Sprintf("%s: %s", d, dv)
			}
		}
	}
	return fmt.Sprintf("%s: %s", res[t.ID].failure, res[t.ID].message)
}

// ok reports whether the run went as the baseline says.
func (r report) ok() bool { return len(r.unexpected) == 0 && len(r.surprises) == 0 }

// write prints the report; verbose adds the expected failures.
func (r report) write(w io.Writer, verbose bool) {
	_, _ = fmt.Fprintf(w, "%-8s required %d/%d passed, optimal %d/%d passed, checks %d/%d yes; ", r.framework,
		r.passed["required"], r.total["required"], r.passed["optimal"], r.total["optimal"], r.passed["check"], r.total["check"])
	_, _ = fmt.Fprintf(w, "%d expected failures, %d unexpected failures, %d unexpected passes", len(r.expected), len(r.unexpected), len(r.surprises))
	_, _ = fmt.Fprintf(w, " (of required and optimal: %d failed", r.verdicts[fail])
	for _, v := range []verdict{setup, retried, dependency, untested} {
		if n := r.verdicts[v]; n > 0 {
			_, _ = fmt.Fprintf(w, ", %d %s", n, v)
		}
	}
	_, _ = fmt.Fprintf(w, "; without regard to dependencies %d required and %d optimal passed; %s)\n",
		r.alone["required"], r.alone["optimal"], r.took.Round(time.Second))

	for _, v := range []verdict{fail, setup, retried, dependency, untested} {
		r.list(w, "unexpected, "+string(v), r.unexpected, v)
	}
	r.list(w, "unexpected pass: take it out of the baseline", r.surprises, pass)
	if verbose {
		for _, v := range []verdict{fail, setup, retried, dependency, untested} {
			r.list(w, "expected, "+string(v), r.expected, v)
		}
	}
}

func (r report) list(w io.Writer, title string, findings []finding, v verdict) {
	first := true
	for _, f := range findings {
		if f.verdict != v {
			continue
		}
		if first {
			_, _ = fmt.Fprintf(w, "  %s\n", title)
			first = false
		}
		_, _ = fmt.Fprintf(w, "    %-8s %-8s %-50s %s\n", r.framework, f.test.Kind, f.test.ID, f.detail)
	}
}
