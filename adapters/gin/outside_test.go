package cachexgin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	cachexgin "github.com/go-cachex/cachex/adapters/gin"
	cachex "github.com/go-cachex/cachex/core"
)

// A hit without a body counts as written for outer middleware.
func TestHitIsWritten(t *testing.T) {
	cache := cachex.MustNew(cachex.Config{})
	t.Cleanup(func() { _ = cache.Close() })
	e := gin.New()
	e.Use(func(c *gin.Context) {
		if c.Next(); !c.Writer.Written() {
			c.String(http.StatusInternalServerError, "nobody answered")
		}
	})
	e.GET("/", cachexgin.New(cache, cachex.TTL(time.Minute)), func(c *gin.Context) { c.String(http.StatusOK, "x") })
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("If-None-Match", w.Header().Get("Etag"))
	w = httptest.NewRecorder()
	if e.ServeHTTP(w, r); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// An inner New answers behind what stands between it and the outer one, even
// where that has replaced the context of the request.
func TestNestedBehindAnotherContext(t *testing.T) {
	cache := cachex.MustNew(cachex.Config{})
	t.Cleanup(func() { _ = cache.Close() })
	e := gin.New()
	e.Use(cachexgin.New(cache), func(c *gin.Context) {
		if c.GetHeader("Pass") == "" {
			c.AbortWithStatus(http.StatusForbidden)
			return
		}
		c.Request = c.Request.WithContext(context.Background())
	})
	e.GET("/", cachexgin.New(cache), func(c *gin.Context) {
		c.Header("Cache-Control", "public, max-age=60")
		c.String(http.StatusOK, "secret")
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Pass", "yes")
	e.ServeHTTP(httptest.NewRecorder(), r)
	w := httptest.NewRecorder()
	if e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil)); w.Code != http.StatusForbidden {
		t.Errorf("%d %q: past what stands between", w.Code, w.Body)
	}
}

// A handler that heeds its context and says nothing leaves the answer to the
// middleware that has set the deadline, and nothing that would have this one stored:
// gin's own status is not an answer.
func TestDeadlineOutside(t *testing.T) {
	for name, h := range map[string]gin.HandlerFunc{
		"says nothing":   func(c *gin.Context) { <-c.Request.Context().Done() },
		"notes a status": func(c *gin.Context) { <-c.Request.Context().Done(); c.Status(http.StatusNoContent) },
		"notes an error": func(c *gin.Context) { <-c.Request.Context().Done(); _ = c.Error(c.Request.Context().Err()) },
	} {
		t.Run(name, func(t *testing.T) {
			cache := cachex.MustNew(cachex.Config{})
			t.Cleanup(func() { _ = cache.Close() })
			e := gin.New()
			e.Use(func(c *gin.Context) {
				ctx, cancel := context.WithTimeout(c.Request.Context(), time.Millisecond)
				defer cancel()
				c.Request = c.Request.WithContext(ctx)
				if c.Next(); ctx.Err() != nil && !c.Writer.Written() {
					c.AbortWithStatus(http.StatusGatewayTimeout)
				}
			})
			e.GET("/", cachexgin.New(cache, cachex.CacheControl("public, max-age=60")), h)
			for range 2 {
				w := httptest.NewRecorder()
				if e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil)); w.Code != http.StatusGatewayTimeout || len(w.Header()) > 0 {
					t.Errorf("%d %v", w.Code, w.Header())
				}
			}
			if n := cache.Stats().Stores; n != 0 {
				t.Errorf("%d stored", n)
			}
		})
	}
}
