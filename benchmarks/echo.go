package benchmarks

import (
	"net/http"

	echocache "github.com/SporkHubr/echo-http-cache"
	"github.com/SporkHubr/echo-http-cache/adapter/memory"
	"github.com/labstack/echo/v4"

	cachexecho "github.com/go-cachex/cachex/adapters/echo"
	cachex "github.com/go-cachex/cachex/core"
)

var labstackEcho = []Contender{
	{Framework: "echo", Name: plainName, Role: PlainFloor, Open: func(s *Site) Server {
		return echoServer(s.echoPlain)
	}},
	{Framework: "echo", Name: equalName, Role: EqualFloor, Open: func(s *Site) Server {
		return echoServer(func(c echo.Context) error {
			h := c.Response().Header()
			for _, f := range s.Equal.Fields {
				h.Set(f.Name, f.Value)
			}
			if len(s.Equal.Body) == 0 {
				return c.NoContent(s.Equal.Status)
			}
			return c.Blob(s.Equal.Status, contentType, s.Equal.Body)
		})
	}},
	{Framework: "echo", Name: ours, Role: Cachex, Validates: true, Module: "github.com/go-cachex/cachex/adapters/echo", Open: func(s *Site) Server {
		c := cacheOf(s)
		srv := echoServer(s.echoPlain, cachexecho.New(c, cachex.TTL(lifetime)))
		srv.Close = closing(c)
		return srv
	}},
	{Framework: "echo", Name: "echo-http-cache", Role: Peer, Module: "github.com/SporkHubr/echo-http-cache",
		Notes: "A port of victorspringer/http-cache. Its key is a 64-bit hash of the URL, without the host. It decodes and encodes the entry on each hit. " +
			"Each hit is a 200. No ETag, no 304, no Vary, no Cache-Control, no Age. Bounded in entries, not in bytes.",
		Open: func(s *Site) Server {
			store, err := memory.NewAdapter(memory.AdapterWithAlgorithm(memory.LRU), memory.AdapterWithCapacity(s.Caches))
			if err != nil {
				panic(err)
			}
			client, err := echocache.NewClient(echocache.ClientWithAdapter(store), echocache.ClientWithTTL(lifetime))
			if err != nil {
				panic(err)
			}
			return echoServer(s.echoPlain, client.Middleware())
		}},
}

func (s *Site) echoPlain(c echo.Context) error {
	s.Runs.Add(1)
	return c.Blob(http.StatusOK, contentType, s.Body)
}

func echoServer(page echo.HandlerFunc, m ...echo.MiddlewareFunc) Server {
	e := echo.New()
	e.GET("/pages/:id", page, m...)
	return Server{HTTP: e}
}
