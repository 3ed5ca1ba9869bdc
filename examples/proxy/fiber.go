package main

import (
	"context"
	"net"
	"net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

// fiberProxy: fiber takes the known methods alone, and fasthttp writes a Date of
// its own on every response.
func fiberProxy(cache *cachex.Cache, origin http.Handler) (serveFunc, shutdownFunc) {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use(cachexfiber.New(cache, cachex.Proxy()))
	app.Use(adaptor.HTTPHandler(origin))
	return func(l net.Listener) error { return app.Listener(l) },
		func(ctx context.Context) error { return app.ShutdownWithContext(ctx) }
}
