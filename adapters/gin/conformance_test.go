package cachexgin_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	"github.com/go-cachex/cachex/conformance"
)

var adapter = conformance.Adapter{
	Name: "gin", Start: startGin,
	Lacks: map[string]string{
		conformance.Interim:      "gin's writer takes note of a status and sends none before the final one",
		conformance.FrozenFields: "gin's writer takes note of a status and sends it with the first byte of content, and fields that were set meanwhile with it",
	},
}

func TestConformance(t *testing.T)  { conformance.Run(t, adapter) }
func TestDifferential(t *testing.T) { conformance.Differential(t, adapter, conformance.Seeds) }

func startGin(t testing.TB, app conformance.App) string {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		defer app.Outer(c.Request, c.Writer.Header())()
		if app.Denies(c.Request) {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Next()
	})
	if app.Root != nil {
		engine.Use(cachexgin.New(app.Cache, app.Root...))
	}
	group := engine.Group("/")
	if app.Group != nil {
		group.Use(cachexgin.New(app.Cache, app.Group...))
	}
	var handlers []gin.HandlerFunc
	if app.Route != nil {
		cache := app.Cache
		if app.RouteCache != nil {
			cache = app.RouteCache
		}
		handlers = append(handlers, cachexgin.New(cache, app.Route...))
	}
	handlers = append(handlers, gin.WrapH(app.Handler))
	for _, method := range conformance.Methods {
		group.Handle(method, "/*path", handlers...)
	}
	s := httptest.NewUnstartedServer(engine)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are a part of the suite
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}
