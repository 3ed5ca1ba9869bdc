package report

import "slices"

// Median is the middle of values, or the mean of the two in the middle; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Clone(values)
	slices.Sort(s)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// Ratios divides round by round.
func Ratios(values, floor []float64) []float64 {
	n := min(len(values), len(floor))
	r := make([]float64, 0, n)
	for i := range n {
		if floor[i] > 0 {
			r = append(r, values[i]/floor[i])
		}
	}
	return r
}
