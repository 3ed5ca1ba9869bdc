module github.com/go-cachex/cachex/adapters/chi

go 1.25.0

require (
	github.com/go-cachex/cachex/conformance v0.0.0
	github.com/go-cachex/cachex/core v0.0.0
	github.com/go-chi/chi/v5 v5.5.0
)

require (
	github.com/dunglas/httpsfv v1.1.2 // indirect
	github.com/gorilla/websocket v1.5.3
	github.com/maypok86/otter/v2 v2.4.0 // indirect
)

replace (
	github.com/go-cachex/cachex/conformance => ../../conformance
	github.com/go-cachex/cachex/core => ../../core
)
