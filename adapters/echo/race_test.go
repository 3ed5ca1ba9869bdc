//go:build race

package cachexecho_test

// sync.Pool drops at random under the race detector, so allocations tell nothing.
const raceEnabled = true
