package cachexfiber

import (
	"sync"

	"github.com/gofiber/fiber/v2"

	cachex "github.com/go-cachex/cachex/core"
	"github.com/go-cachex/cachex/core/adapter"
)

const framework = "fiber"

// New caches what is behind it. It fits App.Use, groups and single routes. It
// panics on a nil or closed cache and on options that cachex.Validate refuses.
//
// An error that a handler returns is given to the app's error handler here, so
// that the response that it makes can be judged and stored as well; outer
// middleware sees no error, but where the cache is Off or skipped.
func New(cache *cachex.Cache, opts ...cachex.Option) fiber.Handler {
	h, err := cache.Bind(framework, opts...)
	if err != nil {
		panic(err)
	}
	return func(c *fiber.Ctx) error {
		x := exchanges.Get().(*exchange)
		x.reset(c)
		h.Handle(x)
		err := x.err
		x.free() // not where the handler panics: then it is garbage
		return err
	}
}

// KeyFunc is cachex.KeyFunc on fiber's context.
func KeyFunc(f func(*fiber.Ctx) (part string, ok bool)) cachex.Option {
	fs := adapter.Funcs{Name: "KeyFunc"}
	if f != nil {
		fs.Key = func(native any) (string, bool) { return f(native.(*fiber.Ctx)) }
	}
	return cachex.FrameworkOption(framework, fs)
}

// PerUser is cachex.PerUser on fiber's context.
func PerUser(f func(*fiber.Ctx) (id string, ok bool)) cachex.Option {
	fs := adapter.Funcs{Name: "PerUser"}
	if f != nil {
		fs.User = func(native any) (string, bool) { return f(native.(*fiber.Ctx)) }
	}
	return cachex.FrameworkOption(framework, fs)
}

// SkipIf is cachex.SkipIf on fiber's context.
func SkipIf(f func(*fiber.Ctx) bool) cachex.Option {
	fs := adapter.Funcs{Name: "SkipIf"}
	if f != nil {
		fs.Skip = func(native any) bool { return f(native.(*fiber.Ctx)) }
	}
	return cachex.FrameworkOption(framework, fs)
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}
