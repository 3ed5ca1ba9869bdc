//go:build !race

package cachexecho_test

const raceEnabled = false
