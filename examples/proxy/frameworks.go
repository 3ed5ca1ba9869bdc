package main

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	cachexchi "github.com/go-cachex/cachex/adapters/chi"
	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	cachex "github.com/go-cachex/cachex/core"
)

// How a framework is started and stopped.
type (
	serveFunc    func(net.Listener) error
	shutdownFunc func(context.Context) error
)

// frameworks are the ways to put the cache in front of a handler.
var frameworks = map[string]func(*cachex.Cache, http.Handler) (serveFunc, shutdownFunc){
	"nethttp": func(cache *cachex.Cache, origin http.Handler) (serveFunc, shutdownFunc) {
		return serve(cache.Middleware(cachex.Proxy())(origin))
	},
	"chi": func(cache *cachex.Cache, origin http.Handler) (serveFunc, shutdownFunc) {
		r := chi.NewRouter()
		r.Use(cachexchi.New(cache, cachex.Proxy()))
		r.Handle("/*", origin)
		r.MethodNotAllowed(origin.ServeHTTP) // methods that chi does not know
		return serve(r)
	},
	"gin": func(cache *cachex.Cache, origin http.Handler) (serveFunc, shutdownFunc) {
		gin.SetMode(gin.ReleaseMode)
		r := gin.New()
		r.Use(cachexgin.New(cache, cachex.Proxy()))
		r.NoRoute(gin.WrapH(origin))
		return serve(r)
	},
	"echo": func(cache *cachex.Cache, origin http.Handler) (serveFunc, shutdownFunc) {
		e := echo.New()
		e.Use(cachexecho.New(cache, cachex.Proxy()))
		e.RouteNotFound("/*", func(c echo.Context) error {
			// The writer below echo's response lets interim responses pass.
			origin.ServeHTTP(c.Response().Writer, c.Request())
			return nil
		})
		return serve(e)
	},
	"fiber": fiberProxy,
}

func names() []string { return slices.Sorted(maps.Keys(frameworks)) }

// serve is the server of all frameworks on net/http.
func serve(h http.Handler) (serveFunc, shutdownFunc) {
	s := &http.Server{Handler: h}
	return s.Serve, s.Shutdown
}
