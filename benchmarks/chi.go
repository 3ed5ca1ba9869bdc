package benchmarks

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/stampede"

	cachexchi "github.com/go-cachex/cachex/adapters/chi"
	cachex "github.com/go-cachex/cachex/core"
)

var goChi = []Contender{
	{Framework: "chi", Name: plainName, Role: PlainFloor, Open: func(s *Site) Server {
		return chiServer(s.plain)
	}},
	{Framework: "chi", Name: equalName, Role: EqualFloor, Open: func(s *Site) Server {
		return chiServer(s.equal)
	}},
	{Framework: "chi", Name: ours, Role: Cachex, Validates: true, Module: "github.com/go-cachex/cachex/adapters/chi", Open: func(s *Site) Server {
		c := cacheOf(s)
		srv := chiServer(s.plain, cachexchi.New(c, cachex.TTL(lifetime)))
		srv.Close = closing(c)
		return srv
	}},
	{Framework: "chi", Name: "stampede", Role: Peer, Module: "github.com/go-chi/stampede",
		Notes: "Its key is a 64-bit hash of the path in lower case: neither the host nor the query is in it. No ETag, no 304, no Vary, no Cache-Control, no Age. " +
			"Bounded in entries, not in bytes.",
		Open: func(s *Site) Server {
			return chiServer(s.plain, stampede.Handler(s.Caches, lifetime))
		}},
}

func chiServer(page http.HandlerFunc, m ...func(http.Handler) http.Handler) Server {
	r := chi.NewRouter()
	r.With(m...).Get("/pages/{id}", page)
	return Server{HTTP: r}
}
