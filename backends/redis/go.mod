module github.com/go-cachex/cachex/backends/redis

go 1.25.0

require (
	github.com/go-cachex/cachex/conformance v0.0.0-00010101000000-000000000000
	github.com/go-cachex/cachex/core v0.0.0
	github.com/redis/go-redis/v9 v9.17.3
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgryski/go-rendezvous v0.0.0-20200823014737-9f7001d12a5f // indirect
	github.com/dunglas/httpsfv v1.1.2 // indirect
	github.com/maypok86/otter/v2 v2.4.0 // indirect
)

replace (
	github.com/go-cachex/cachex/conformance => ../../conformance
	github.com/go-cachex/cachex/core => ../../core
)
