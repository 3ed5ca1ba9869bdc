package main

import (
	"bytes"
	"strings"
	"testing"
)

var tests = catalog{
	"base":    {ID: "base", Kind: "required"},
	"derived": {ID: "derived", Kind: "optimal", DependsOn: []string{"base"}},
	"third":   {ID: "third", Kind: "required", DependsOn: []string{"derived"}},
	"asks":    {ID: "asks", Kind: "check"},
	"browser": {ID: "browser", Kind: "required", BrowserOnly: true},
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name, output string
		id           string
		want         verdict
	}{
		{"a pass", `{"base": true}`, "base", pass},
		{"an assertion", `{"base": ["Assertion", "x"]}`, "base", fail},
		{"another error", `{"base": ["FetchError", "x"]}`, "base", fail},
		{"a set-up", `{"base": ["Setup", "x"]}`, "base", setup},
		{"a repeated request", `{"base": ["Setup", "retry"]}`, "base", retried},
		{"nothing", `{"asks": true}`, "base", untested},
		{"a passed dependency", `{"base": true, "derived": true}`, "derived", pass},
		{"a failed dependency", `{"base": ["Assertion", "x"], "derived": true}`, "derived", dependency},
		{"a dependency's dependency", `{"base": ["Setup", "x"], "derived": true, "third": true}`, "third", dependency},
		{"other output first", "a line\n{\"base\": true}", "base", pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := parseResults([]byte(c.output))
			if err != nil {
				t.Fatal(err)
			}
			if got := judge(tests, res, c.id); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestParseResultsRefuses(t *testing.T) {
	for _, output := range []string{"", "no object", "{", `{"base": 1}`, `{"base": []}`} {
		if res, err := parseResults([]byte(output)); err == nil {
			t.Errorf("%q gave %v", output, res)
		}
	}
}

func TestReadBaseline(t *testing.T) {
	b, err := readBaseline(strings.NewReader("# a comment\n\n*  base  why it fails\ngin,fiber third the framework drops it\n"), tests, frameworks)
	if err != nil {
		t.Fatal(err)
	}
	if got := b["base"]["chi"]; got != "why it fails" {
		t.Errorf("base for chi: %q", got)
	}
	if _, ok := b["third"]["chi"]; ok || len(b["third"]) != 2 {
		t.Errorf("third: %v", b["third"])
	}
	for _, line := range []string{"* base", "* unknown why", "* asks why", "* browser why", "martini base why", "* base why\ngin base why"} {
		if _, err := readBaseline(strings.NewReader(line), tests, frameworks); err == nil {
			t.Errorf("accepted %q", line)
		}
	}
}

func TestReport(t *testing.T) {
	b := baseline{"base": {"gin": "because"}, "derived": {"gin": "because"}}
	res := results{"base": {failure: "Assertion"}, "derived": {passed: true}, "third": {passed: true}, "asks": {}}

	gin := newReport("gin", tests, res, b)
	if len(gin.expected) != 2 || len(gin.unexpected) != 1 || gin.ok() {
		t.Errorf("gin: %+v", gin)
	}
	var out bytes.Buffer
	gin.write(&out, false)
	if !strings.Contains(out.String(), "derived: dependency failed") {
		t.Errorf("the report does not name the failed dependency:\n%s", &out)
	}

	res["base"] = result{passed: true}
	gin = newReport("gin", tests, res, b)
	if len(gin.surprises) != 2 || len(gin.unexpected) != 0 || gin.ok() {
		t.Errorf("gin, with passes: %+v", gin)
	}
	if chi := newReport("chi", tests, res, b); !chi.ok() || len(chi.surprises) != 0 {
		t.Errorf("chi: %+v", chi)
	}
}
