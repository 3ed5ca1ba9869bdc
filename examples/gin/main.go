// Gin shows Cachex in a gin application.
//
//	go run ./examples/gin
package main

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/examples/internal/demo"
)

func main() {
	cache := cachex.MustNew(demo.Config("gin")) // 64 MiB in memory, unless flags say otherwise

	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery())

	hello := func(c *gin.Context) { c.String(http.StatusOK, demo.Hello()) }

	// This cache keeps it for a minute; clients are told nothing.
	r.GET("/", cachexgin.New(cache, cachex.TTL(time.Minute)), hello)

	// Everyone is told, and this cache obeys as well.
	r.GET("/no-cache", cachexgin.New(cache, cachex.CacheControl("no-cache")), hello)
	r.GET("/no-store", cachexgin.New(cache, cachex.CacheControl("no-store")), hello)

	// Slow work is done once a minute, whoever asks.
	r.GET("/report", cachexgin.New(cache, cachex.CacheControl("public, max-age=60")), func(c *gin.Context) {
		report, err := demo.Report(c.Request.Context())
		if err != nil {
			c.Status(http.StatusServiceUnavailable)
			return
		}
		c.String(http.StatusOK, report)
	})

	// Each user has a copy, and nobody sees that of another. Your application
	// takes the id from its session, which its auth middleware has checked.
	user := cachexgin.PerUser(func(c *gin.Context) (id string, ok bool) {
		id, err := c.Cookie("user")
		return id, err == nil
	})
	r.GET("/me", cachexgin.New(cache, cachex.TTL(time.Minute), user), func(c *gin.Context) {
		name, err := c.Cookie("user")
		if err != nil {
			c.String(http.StatusUnauthorized, "Who are you? Send a cookie: user=ann\n")
			return
		}
		c.String(http.StatusOK, demo.Page(name))
	})

	// A POST that succeeds takes back what was kept for its URL.
	var items demo.Items
	list := r.Group("/items", cachexgin.New(cache, cachex.TTL(time.Hour)))
	list.GET("", func(c *gin.Context) { c.JSON(http.StatusOK, items.Names()) })
	list.POST("", func(c *gin.Context) {
		items.Add(c.PostForm("name"))
		c.JSON(http.StatusOK, items.Names())
	})

	// Pages that show the same data share a tag ...
	r.GET("/teams/:team", cachexgin.New(cache, cachex.TTL(time.Hour)), func(c *gin.Context) {
		cachex.AddTags(c, "league")
		c.String(http.StatusOK, demo.Standing(c.Param("team")))
	})
	// ... by which a change takes back all of them.
	r.POST("/results", func(c *gin.Context) {
		if err := cache.Purge(c, cachex.ByTag("league")); err != nil {
			c.String(http.StatusServiceUnavailable, "%v\n", err)
			return
		}
		c.String(http.StatusOK, "Noted.\n")
	})

	// By hand: path=/report, or pattern=/teams/*. Your application lets only
	// those do this who may.
	r.POST("/clear", func(c *gin.Context) {
		by := cachex.ByPath(c.PostForm("path"))
		if pattern := c.PostForm("pattern"); pattern != "" {
			by = cachex.ByPattern(pattern)
		}
		if err := cache.Purge(c, by); err != nil {
			c.String(http.StatusBadRequest, "%v\n", err)
			return
		}
		c.String(http.StatusOK, "Cleared.\n")
	})

	demo.Run("gin", cache, &http.Server{Handler: r})
}
