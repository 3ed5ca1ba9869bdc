package benchmarks

import (
	"net/http"

	gincache "github.com/chenyahui/gin-cache"
	"github.com/chenyahui/gin-cache/persist"
	"github.com/gin-contrib/cache"
	"github.com/gin-contrib/cache/persistence"
	"github.com/gin-gonic/gin"

	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	cachex "github.com/go-cachex/cachex/core"
)

var ginGonic = []Contender{
	{Framework: "gin", Name: plainName, Role: PlainFloor, Open: func(s *Site) Server {
		return ginServer(s.ginPlain)
	}},
	{Framework: "gin", Name: equalName, Role: EqualFloor, Open: func(s *Site) Server {
		return ginServer(func(c *gin.Context) {
			for _, f := range s.Equal.Fields {
				c.Header(f.Name, f.Value)
			}
			if len(s.Equal.Body) == 0 {
				c.Status(s.Equal.Status)
				return
			}
			c.Data(s.Equal.Status, contentType, s.Equal.Body)
		})
	}},
	{Framework: "gin", Name: ours, Role: Cachex, Validates: true, Module: "github.com/go-cachex/cachex/adapters/gin", Open: func(s *Site) Server {
		c := cacheOf(s)
		srv := ginServer(cachexgin.New(c, cachex.TTL(lifetime)), s.ginPlain)
		srv.Close = closing(c)
		return srv
	}},
	{Framework: "gin", Name: "gin-cache", Role: Peer, Module: "github.com/chenyahui/gin-cache",
		Notes: "Its key is the request target, without the host. No ETag, no 304, no Vary, no Cache-Control, no Age; status and fields are kept. " +
			"Nothing bounds the memory: its store counts entries, and by default not even those.",
		Open: func(s *Site) Server {
			store := persist.NewMemoryStore(lifetime)
			return ginServer(gincache.CacheByRequestURI(store, lifetime), s.ginPlain)
		}},
	{Framework: "gin", Name: "gin-contrib-cache", Role: Peer, Module: "github.com/gin-contrib/cache",
		Notes: "CachePage. Its key is a 64-bit hash of the request target, without the host. No ETag, no 304, no Vary, no Cache-Control, no Age. " +
			"It writes the status before the fields, and one line of each field. Nothing bounds the memory.",
		Open: func(s *Site) Server {
			store := persistence.NewInMemoryStore(lifetime)
			return ginServer(cache.CachePage(store, lifetime, s.ginPlain))
		}},
}

func (s *Site) ginPlain(c *gin.Context) {
	s.Runs.Add(1)
	c.Data(http.StatusOK, contentType, s.Body)
}

func ginServer(handlers ...gin.HandlerFunc) Server {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/pages/:id", handlers...)
	return Server{HTTP: e}
}
