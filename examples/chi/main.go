// Chi shows Cachex behind a chi router.
//
//	go run ./examples/chi
package main

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	cachexchi "github.com/go-cachex/cachex/adapters/chi"
	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/examples/internal/demo"
)

func main() {
	cache := cachex.MustNew(demo.Config("chi")) // 64 MiB in memory, unless flags say otherwise

	r := chi.NewRouter()
	r.Use(middleware.Recoverer)

	hello := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, demo.Hello()) }

	// This cache keeps it for a minute; clients are told nothing.
	r.With(cachexchi.New(cache, cachex.TTL(time.Minute))).Get("/", hello)

	// Everyone is told, and this cache obeys as well.
	r.With(cachexchi.New(cache, cachex.CacheControl("no-cache"))).Get("/no-cache", hello)
	r.With(cachexchi.New(cache, cachex.CacheControl("no-store"))).Get("/no-store", hello)

	// Slow work is done once a minute, whoever asks.
	r.With(cachexchi.New(cache, cachex.CacheControl("public, max-age=60"))).Get("/report", func(w http.ResponseWriter, r *http.Request) {
		report, err := demo.Report(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, report)
	})

	// Each user has a copy, and nobody sees that of another. Your application
	// takes the id from its session, which its auth middleware has checked.
	user := cachexchi.PerUser(func(r *http.Request) (id string, ok bool) {
		cookie, err := r.Cookie("user")
		if err != nil {
			return "", false
		}
		return cookie.Value, true
	})
	r.With(cachexchi.New(cache, cachex.TTL(time.Minute), user)).Get("/me", func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("user")
		if err != nil {
			http.Error(w, "Who are you? Send a cookie: user=ann", http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, demo.Page(cookie.Value))
	})

	// A POST that succeeds takes back what was kept for its URL.
	var items demo.Items
	list := r.With(cachexchi.New(cache, cachex.TTL(time.Hour)))
	list.Get("/items", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, items.Names()) })
	list.Post("/items", func(w http.ResponseWriter, r *http.Request) {
		items.Add(r.PostFormValue("name"))
		sendJSON(w, items.Names())
	})

	// Pages that show the same data share a tag ...
	r.With(cachexchi.New(cache, cachex.TTL(time.Hour))).Get("/teams/{team}", func(w http.ResponseWriter, r *http.Request) {
		cachex.AddTags(r.Context(), "league")
		_, _ = io.WriteString(w, demo.Standing(chi.URLParam(r, "team")))
	})
	// ... by which a change takes back all of them.
	r.Post("/results", func(w http.ResponseWriter, r *http.Request) {
		if err := cache.Purge(r.Context(), cachex.ByTag("league")); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "Noted.\n")
	})

	// By hand: path=/report, or pattern=/teams/*. Your application lets only
	// those do this who may.
	r.Post("/clear", func(w http.ResponseWriter, r *http.Request) {
		by := cachex.ByPath(r.PostFormValue("path"))
		if pattern := r.PostFormValue("pattern"); pattern != "" {
			by = cachex.ByPattern(pattern)
		}
		if err := cache.Purge(r.Context(), by); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, "Cleared.\n")
	})

	demo.Run("chi", cache, &http.Server{Handler: r})
}

func sendJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that has left misses nothing
}
