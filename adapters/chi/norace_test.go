//go:build !race

package cachexchi_test

const raceEnabled = false
