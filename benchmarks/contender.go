package benchmarks

import (
	"net/http"
	"runtime/debug"

	"github.com/valyala/fasthttp"

	cachex "github.com/go-cachex/cachex/core"
)

// Role is what a contender is measured for.
type Role int

// The roles. Ratios are those to the floors of the same framework.
const (
	PlainFloor Role = iota
	EqualFloor
	Cachex
	Peer
)

// Contender is one way to serve a Site.
type Contender struct {
	Framework string
	Name      string
	Role      Role

	// Open sets it up. What it returns has room for Site.Room bytes.
	Open func(*Site) Server

	// Validates: it answers a condition that holds with 304.
	Validates bool

	// Module is what go.mod calls it, "" for a floor.
	Module string

	// Notes are what a reader of the numbers must know.
	Notes string
}

// Server is an application: one of both is set.
type Server struct {
	HTTP  http.Handler
	Fast  fasthttp.RequestHandler
	Close func()
}

// All are the contenders, framework by framework, floors first.
func All() []Contender {
	var all []Contender
	for _, of := range [][]Contender{netHTTP, ginGonic, labstackEcho, goChi, fiberV2, fiberV3} {
		all = append(all, of...)
	}
	return all
}

// Find returns the contender of this framework and name.
func Find(framework, name string) (Contender, bool) {
	for _, c := range All() {
		if c.Framework == framework && c.Name == name {
			return c, true
		}
	}
	return Contender{}, false
}

// Version is that of a module in this program.
func Version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return ""
}

func cacheOf(s *Site) *cachex.Cache {
	return cachex.MustNew(cachex.Config{MemoryBytes: s.Room})
}

func closing(c *cachex.Cache) func() { return func() { _ = c.Close() } }

const (
	plainName = "plain"
	equalName = "equal"
	ours      = "Cachex"
	coreName  = "github.com/go-cachex/cachex/core"
)
