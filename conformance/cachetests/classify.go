package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// A test is what the suite says about one of its tests.
type test struct {
	ID          string   `json:"id"`
	Suite       string   `json:"suite"`
	Name        string   `json:"name"`
	Kind        string   `json:"kind"` // required, optimal or check
	DependsOn   []string `json:"depends_on"`
	BrowserOnly bool     `json:"browser_only"`
}

// A catalog holds the suite's tests by id.
type catalog map[string]test

// ids returns, sorted, the ids of the tests that run outside of a browser.
func (c catalog) ids() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c)), func(id string) bool { return c[id].BrowserOnly })
}

// A result is what the suite printed for a test: true, or the name of an error
// and its message.
type result struct {
	passed  bool
	failure string // Assertion, Setup, FetchError, TypeError and others
	message string
}

func (r *result) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &r.passed); err == nil {
		return nil
	}
	var pair []string
	if err := json.Unmarshal(data, &pair); err != nil || len(pair) == 0 {
		return fmt.Errorf("neither true nor an error: %s", data)
	}
	r.failure = pair[0]
	if len(pair) > 1 {
		r.message = pair[1]
	}
	return nil
}

type results map[string]result

// better returns what either of two runs has passed.
func (r results) better(other results) results {
	both := maps.Clone(other)
	for id, one := range r {
		if one.passed || !both[id].passed {
			both[id] = one
		}
	}
	return both
}

// A verdict is what a result means. The names follow the suite's own display.
type verdict string

const (
	pass       verdict = "passed"
	fail       verdict = "failed"
	setup      verdict = "set-up failed"     // what the test builds on did not happen: nothing was tested
	retried    verdict = "request repeated"  // something on the way sent a request twice
	dependency verdict = "dependency failed" // a test that this one depends on did not pass
	untested   verdict = "no result"
)

// judge gives the verdict that the suite's own display gives (determineTestResult
// in its lib/display.mjs): a failed dependency goes before the test's own
// result, and dependencies are judged in the same way. For a check, pass is yes
// and fail is no.
func judge(c catalog, res results, id string) verdict {
	return judgeBelow(c, res, id, nil)
}

func judgeBelow(c catalog, res results, id string, path []string) verdict {
	r, ok := res[id]
	if !ok || slices.Contains(path, id) { // a circle would be a fault of the suite
		return untested
	}
	path = append(path, id)
	for _, d := range c[id].DependsOn {
		if judgeBelow(c, res, d, path) != pass {
			return dependency
		}
	}
	switch {
	case r.passed:
		return pass
	case r.failure == "Setup" && r.message == "retry":
		return retried
	case r.failure == "Setup":
		return setup
	}
	return fail
}
