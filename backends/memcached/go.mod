module github.com/go-cachex/cachex/backends/memcached

go 1.25.0

require (
	github.com/bradfitz/gomemcache v0.0.0-20250403215159-8d39553ac7cf
	github.com/go-cachex/cachex/conformance v0.0.0
	github.com/go-cachex/cachex/core v0.0.0
)

require (
	github.com/dunglas/httpsfv v1.1.2 // indirect
	github.com/maypok86/otter/v2 v2.4.0 // indirect
)

replace (
	github.com/go-cachex/cachex/conformance => ../../conformance
	github.com/go-cachex/cachex/core => ../../core
)
