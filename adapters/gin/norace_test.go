//go:build !race

package cachexgin_test

const raceEnabled = false
