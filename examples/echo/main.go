// Echo shows Cachex in an echo application.
//
//	go run ./examples/echo
package main

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/examples/internal/demo"
)

func main() {
	cache := cachex.MustNew(demo.Config("echo")) // 64 MiB in memory, unless flags say otherwise

	e := echo.New()
	e.Use(middleware.Recover())

	hello := func(c echo.Context) error { return c.String(http.StatusOK, demo.Hello()) }

	// This cache keeps it for a minute; clients are told nothing.
	e.GET("/", hello, cachexecho.New(cache, cachex.TTL(time.Minute)))

	// Everyone is told, and this cache obeys as well.
	e.GET("/no-cache", hello, cachexecho.New(cache, cachex.CacheControl("no-cache")))
	e.GET("/no-store", hello, cachexecho.New(cache, cachex.CacheControl("no-store")))

	// Slow work is done once a minute, whoever asks.
	e.GET("/report", func(c echo.Context) error {
		report, err := demo.Report(c.Request().Context())
		if err != nil {
			return echo.ErrServiceUnavailable
		}
		return c.String(http.StatusOK, report)
	}, cachexecho.New(cache, cachex.CacheControl("public, max-age=60")))

	// Each user has a copy, and nobody sees that of another. Your application
	// takes the id from its session, which its auth middleware has checked.
	user := cachexecho.PerUser(func(c echo.Context) (id string, ok bool) {
		cookie, err := c.Cookie("user")
		if err != nil {
			return "", false
		}
		return cookie.Value, true
	})
	e.GET("/me", func(c echo.Context) error {
		cookie, err := c.Cookie("user")
		if err != nil {
			return c.String(http.StatusUnauthorized, "Who are you? Send a cookie: user=ann\n")
		}
		return c.String(http.StatusOK, demo.Page(cookie.Value))
	}, cachexecho.New(cache, cachex.TTL(time.Minute), user))

	// A POST that succeeds takes back what was kept for its URL.
	var items demo.Items
	list := e.Group("/items", cachexecho.New(cache, cachex.TTL(time.Hour)))
	list.GET("", func(c echo.Context) error { return c.JSON(http.StatusOK, items.Names()) })
	list.POST("", func(c echo.Context) error {
		items.Add(c.FormValue("name"))
		return c.JSON(http.StatusOK, items.Names())
	})

	// Pages that show the same data share a tag ...
	e.GET("/teams/:team", func(c echo.Context) error {
		cachex.AddTags(c.Request().Context(), "league")
		return c.String(http.StatusOK, demo.Standing(c.Param("team")))
	}, cachexecho.New(cache, cachex.TTL(time.Hour)))
	// ... by which a change takes back all of them.
	e.POST("/results", func(c echo.Context) error {
		if err := cache.Purge(c.Request().Context(), cachex.ByTag("league")); err != nil {
			return c.String(http.StatusServiceUnavailable, err.Error()+"\n")
		}
		return c.String(http.StatusOK, "Noted.\n")
	})

	// By hand: path=/report, or pattern=/teams/*. Your application lets only
	// those do this who may.
	e.POST("/clear", func(c echo.Context) error {
		by := cachex.ByPath(c.FormValue("path"))
		if pattern := c.FormValue("pattern"); pattern != "" {
			by = cachex.ByPattern(pattern)
		}
		if err := cache.Purge(c.Request().Context(), by); err != nil {
			return c.String(http.StatusBadRequest, err.Error()+"\n")
		}
		return c.String(http.StatusOK, "Cleared.\n")
	})

	demo.Run("echo", cache, &http.Server{Handler: e})
}
