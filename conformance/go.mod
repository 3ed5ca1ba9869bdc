module github.com/go-cachex/cachex/conformance

go 1.25.0

require github.com/go-cachex/cachex/core v0.0.0

require (
	github.com/dunglas/httpsfv v1.1.2 // indirect
	github.com/maypok86/otter/v2 v2.4.0 // indirect
)

replace github.com/go-cachex/cachex/core => ../core
