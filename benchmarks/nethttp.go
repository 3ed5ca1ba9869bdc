package benchmarks

import (
	"net/http"

	cachex "github.com/go-cachex/cachex/core"
)

var netHTTP = []Contender{
	{Framework: "nethttp", Name: plainName, Role: PlainFloor, Open: func(s *Site) Server {
		return Server{HTTP: mux(http.HandlerFunc(s.plain))}
	}},
	{Framework: "nethttp", Name: equalName, Role: EqualFloor, Open: func(s *Site) Server {
		return Server{HTTP: mux(http.HandlerFunc(s.equal))}
	}},
	{Framework: "nethttp", Name: ours, Role: Cachex, Validates: true, Module: coreName, Open: func(s *Site) Server {
		c := cacheOf(s)
		return Server{HTTP: mux(c.Middleware(cachex.TTL(lifetime))(http.HandlerFunc(s.plain))), Close: closing(c)}
	}},
}

func mux(page http.Handler) http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /pages/{id}", page)
	return m
}
