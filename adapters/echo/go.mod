module github.com/go-cachex/cachex/adapters/echo

go 1.25.0

require (
	github.com/go-cachex/cachex/conformance v0.0.0
	github.com/go-cachex/cachex/core v0.0.0
	github.com/labstack/echo/v4 v4.16.0
)

require (
	github.com/dunglas/httpsfv v1.1.2 // indirect
	github.com/gorilla/websocket v1.5.3
	github.com/labstack/gommon v0.5.0 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.22 // indirect
	github.com/maypok86/otter/v2 v2.4.0 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasttemplate v1.2.2 // indirect
	golang.org/x/crypto v0.53.0 // indirect
	golang.org/x/net v0.56.0 // indirect
	golang.org/x/sys v0.46.0 // indirect
	golang.org/x/text v0.40.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)

replace (
	github.com/go-cachex/cachex/conformance => ../../conformance
	github.com/go-cachex/cachex/core => ../../core
)
