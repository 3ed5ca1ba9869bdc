module github.com/go-cachex/cachex/core

go 1.25.0

require (
	github.com/dunglas/httpsfv v1.1.2
	github.com/maypok86/otter/v2 v2.4.0
)
