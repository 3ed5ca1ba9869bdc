// Package report writes measurements into documents.
package report

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Replace puts text into the section of this name of a document: what stands
// between the comments "name: begin" and "name: end". A document without them,
// or none at all, gets them at its end.
func Replace(path, name, text string) error {
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->\n"
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	doc := string(old)
	from, to := strings.Index(doc, begin), strings.Index(doc, end)
	if from < 0 || to < from {
		doc += "\n" + begin + text + end
	} else {
		doc = doc[:from+len(begin)] + text + doc[to:]
	}
	return os.WriteFile(path, []byte(doc), 0o644)
}

// Machine describes where the numbers come from, as one line, and what is to be
// held against them.
func Machine(load string) string {
	s := fmt.Sprintf("%s, %d processors, %s/%s, %s, %s.", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format("2 January 2006"))
	if busy(load) {
		s += " **Preliminary: the machine had other work at the same time** (load average " + load + " at the start), so the nanoseconds are too high; the ratios stem from neighbouring runs."
	}
	return s
}

// Load is the load average of the last minute.
func Load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	load, _, _ := strings.Cut(string(b), " ")
	return load
}

func busy(load string) bool {
	var l float64
	if _, err := fmt.Sscan(load, &l); err != nil {
		return true
	}
	return l > 0.3
}

func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
