package report

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	for _, step := range []struct{ name, text, want string }{
		{"a", "1\n", "\n<!-- a: begin -->\n1\n<!-- a: end -->\n"},
		{"b", "2\n", "\n<!-- a: begin -->\n1\n<!-- a: end -->\n\n<!-- b: begin -->\n2\n<!-- b: end -->\n"},
		{"a", "3\n", "\n<!-- a: begin -->\n3\n<!-- a: end -->\n\n<!-- b: begin -->\n2\n<!-- b: end -->\n"},
	} {
		if err := Replace(path, step.name, step.text); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != step.want {
			t.Errorf("%q, want %q", got, step.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{0: nil, 2: {3, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := Median(values); got != want {
			t.Errorf("Median(%v) = %v, want %v", values, got, want)
		}
	}
}

func TestRatiosAreThoseOfARound(t *testing.T) {
	if got, want := Ratios([]float64{2, 9}, []float64{1, 3, 5}), []float64{2, 3}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
