package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A baseline holds the expected failures: for a test id, the frameworks that
// fail it, each with its reason.
type baseline map[string]map[string]string

// readBaseline reads lines of three columns: the frameworks (separated by
// commas, or * for all), a test's id, and the reason, which is not optional.
// Blank lines and those that start with # say nothing.
func readBaseline(r io.Reader, c catalog, frameworks []string) (baseline, error) {
	b := baseline{}
	var errs []error
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := b.add(line, c, frameworks); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
		}
	}
	return b, errors.Join(append(errs, lines.Err())...)
}

func (b baseline) add(line string, c catalog, frameworks []string) error {
	columns := strings.Fields(line)
	if len(columns) < 3 {
		return errors.New("want frameworks, a test id and the reason")
	}
	names, id, reason := strings.Split(columns[0], ","), columns[1], strings.Join(columns[2:], " ")
	if columns[0] == "*" {
		names = frameworks
	}
	switch t, ok := c[id]; {
	case !ok:
		return fmt.Errorf("the suite has no test %s", id)
	case t.Kind == "check":
		return fmt.Errorf("%s is a check, which cannot fail", id)
	case t.BrowserOnly:
		return fmt.Errorf("%s runs in browsers only", id)
	}
	if b[id] == nil {
		b[id] = map[string]string{}
	}
	for _, name := range names {
		if !slices.Contains(frameworks, name) {
			return fmt.Errorf("unknown framework %s", name)
		}
		if _, ok := b[id][name]; ok {
			return fmt.Errorf("%s is listed twice for %s", id, name)
		}
		b[id][name] = reason
	}
	return nil
}
