package examples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	// The programs are built by the go command. That go test runs these tests
	// anew where the cache has changed takes an import of it.
	_ "github.com/go-cachex/cachex/adapters/chi"
	_ "github.com/go-cachex/cachex/adapters/echo"
	_ "github.com/go-cachex/cachex/adapters/fiber"
	_ "github.com/go-cachex/cachex/adapters/gin"
	_ "github.com/go-cachex/cachex/backends/memcached"
	_ "github.com/go-cachex/cachex/backends/redis"
	_ "github.com/go-cachex/cachex/core"
)

// The Go code in README.md and in the package comments compiles, and is formatted
// as gofmt does it. A snippet is one of three things:
//
//   - a program, which starts with package;
//   - declarations, which start with func, type or var;
//   - statements, which stand in a function. They may use cache, hello (a
//     handler), auth (middleware) and the router of their framework by the name
//     that its own documentation gives it: r for gin and chi, e for echo, app
//     for fiber and mux for net/http. The framework is the one that they name;
//     net/http otherwise.
//
// Only programs name their imports.
type snippet struct {
	file string
	line int // of the first line of code
	code string
}

// imports are the packages that snippets may use without naming them.
var imports = map[string]string{
	"cachex":          `cachex "github.com/go-cachex/cachex/core"`,
	"cachexgin":       `cachexgin "github.com/go-cachex/cachex/adapters/gin"`,
	"cachexecho":      `cachexecho "github.com/go-cachex/cachex/adapters/echo"`,
	"cachexfiber":     `cachexfiber "github.com/go-cachex/cachex/adapters/fiber"`,
	"cachexchi":       `cachexchi "github.com/go-cachex/cachex/adapters/chi"`,
	"cachexredis":     `cachexredis "github.com/go-cachex/cachex/backends/redis"`,
	"cachexmemcached": `cachexmemcached "github.com/go-cachex/cachex/backends/memcached"`,
	"redis":           `"github.com/redis/go-redis/v9"`,
	"memcache":        `"github.com/bradfitz/gomemcache/memcache"`,
	"gin":             `"github.com/gin-gonic/gin"`,
	"echo":            `"github.com/labstack/echo/v4"`,
	"fiber":           `"github.com/gofiber/fiber/v2"`,
	"chi":             `"github.com/go-chi/chi/v5"`,
	"compress":        `"github.com/gofiber/fiber/v2/middleware/compress"`,
	"cors":            `"github.com/gofiber/fiber/v2/middleware/cors"`,
	"recover":         `"github.com/gofiber/fiber/v2/middleware/recover"`,
	"requestid":       `"github.com/gofiber/fiber/v2/middleware/requestid"`,
	"middleware":      "", // of echo or chi
	"context":         `"context"`,
	"fmt":             `"fmt"`,
	"http":            `"net/http"`,
	"io":              `"io"`,
	"log":             `"log"`,
	"netip":           `"net/netip"`,
	"os":              `"os"`,
	"time":            `"time"`,
}

// given is what statements find around them, by framework.
var given = map[string]string{
	"gin":      "cache *cachex.Cache, r *gin.Engine, hello, auth gin.HandlerFunc",
	"echo":     "cache *cachex.Cache, e *echo.Echo, hello echo.HandlerFunc, auth echo.MiddlewareFunc",
	"fiber":    "cache *cachex.Cache, app *fiber.App, hello, auth fiber.Handler",
	"chi":      "cache *cachex.Cache, r chi.Router, hello http.HandlerFunc, auth func(http.Handler) http.Handler",
	"net/http": "cache *cachex.Cache, mux *http.ServeMux, hello http.HandlerFunc, auth func(http.Handler) http.Handler",
}

var lineComment = regexp.MustCompile(`(?m)//.*$`)

var qualifier = regexp.MustCompile(`(^|[^.\w"/])([a-z]\w*)\.[A-Z]`)

// source is a file that a compiler takes. Errors name the place of the snippet.
func (s snippet) source() string {
	place := fmt.Sprintf("//line %s:%d\n", s.file, s.line)
	if strings.HasPrefix(s.code, "package ") {
		// Not as main: a program would be linked, which takes longer.
		return place + strings.Replace(s.code, "package main", "package snippet", 1)
	}
	body, text := place+s.code, s.code
	if !regexp.MustCompile(`^(//.*\n)*(func|type|var) `).MatchString(s.code) {
		params := given[s.framework()]
		// A block of its own: a snippet may make what others are given.
		body, text = "func _("+params+") {{\n"+body+"\n}}\n", params+s.code
	}
	var b strings.Builder
	b.WriteString("package snippet\n")
	named := map[string]bool{}
	for _, m := range qualifier.FindAllStringSubmatch(lineComment.ReplaceAllString(text, ""), -1) {
		path, known := imports[m[2]]
		switch {
		case !known || named[m[2]]:
			continue
		case m[2] == "middleware" && s.framework() == "echo":
			path = `"github.com/labstack/echo/v4/middleware"`
		case m[2] == "middleware":
			path = `"github.com/go-chi/chi/v5/middleware"`
		}
		named[m[2]] = true
		b.WriteString("import " + path + "\n")
	}
	return b.String() + body
}

func (s snippet) framework() string {
	for _, name := range [...]string{"gin", "echo", "fiber", "chi"} {
		if regexp.MustCompile(`\b(cachex)?` + name + `\.[A-Z]`).MatchString(s.code) {
			return name
		}
	}
	return "net/http"
}

const readmeFile = "../README.md"

// reads has go test run a test anew where the files that it reads have changed. For
// the files of the module it knows by itself; these stand outside of it, and make
// sets the variable to their checksum.
func reads() { _ = os.Getenv("CACHEX_DOCS") }

// readmeSnippets are the blocks between ```go and ```.
func readmeSnippets(t *testing.T, file string) (found []snippet) {
	t.Helper()
	open := -1
	lines := strings.Split(read(t, file), "\n")
	for i, line := range lines {
		switch {
		case open < 0 && strings.HasPrefix(line, "```go"):
			open = i + 1
		case open >= 0 && line == "```":
			found = append(found, snippet{resolved(t, file), open + 1, strings.Join(lines[open:i], "\n") + "\n"})
			open = -1
		}
	}
	return found
}

// commentSnippets are the code blocks of a package comment.
func commentSnippets(t *testing.T, file string) (found []snippet) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range new(comment.Parser).Parse(f.Doc.Text()).Content {
		code, ok := block.(*comment.Code)
		if ok && !regexp.MustCompile(`^(GET |go |cachex:)`).MatchString(code.Text) { // keys and commands
			found = append(found, snippet{absolute(t, file), set.Position(f.Doc.Pos()).Line, code.Text})
		}
	}
	return found
}

func TestSnippets(t *testing.T) {
	reads()
	snippets := readmeSnippets(t, readmeFile)
	if len(snippets) < 10 {
		t.Errorf("only %d Go snippets found in README.md", len(snippets))
	}
	for _, file := range [...]string{"../core/doc.go", "../adapters/gin/doc.go", "../adapters/echo/doc.go", "../adapters/fiber/doc.go", "../adapters/chi/doc.go", "../backends/redis/doc.go", "../backends/memcached/doc.go"} {
		snippets = append(snippets, commentSnippets(t, file)...)
	}
	for _, s := range snippets {
		if formatted, err := format.Source([]byte(s.code)); err != nil || string(formatted) != s.code {
			t.Errorf("%s:%d: not as gofmt has it (%v):\n%s", s.file, s.line, err, formatted)
		}
	}
	if out, err := compile(t, snippets); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The test itself notices a snippet that does not compile, and says where it is.
func TestSnippetsThatDoNotCompile(t *testing.T) {
	for _, code := range []string{
		"package main\n\nfunc main() { undefined() }\n",
		"func f() int { return cachex.TTL(time.Minute) }\n",
		"cache := cachex.MustNew(cachex.Config{NoSuchField: 1})\n_ = cache\n",
		"r.GET(\"/\", cachexgin.New(cache, cachex.TTL(\"a minute\")), hello)\n",
	} {
		out, err := compile(t, []snippet{{"/README.md", 7, code}})
		if err == nil || !strings.Contains(out, "README.md:") {
			t.Errorf("%q: %v %s", code, err, out)
		}
	}
}

// compile compiles all snippets at once, each as a package of this
// module that stands in a temporary folder.
func compile(t *testing.T, snippets []snippet) (out string, err error) {
	t.Helper()
	dir, replace := t.TempDir(), map[string]string{}
	args := []string{"build", "-overlay", filepath.Join(dir, "overlay.json")}
	for i, s := range snippets {
		file := filepath.Join(dir, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(file, []byte(s.source()), 0o600); err != nil {
			t.Fatal(err)
		}
		pkg := fmt.Sprintf("snippet%d", i)
		replace[absolute(t, filepath.Join(pkg, "snippet.go"))] = file
		args = append(args, "./"+pkg)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := exec.Command("go", args...).CombinedOutput()
	return string(b), err
}

// README.md names every option, field of Config, function for handlers, and
// everything that Cache-Status can say.
func TestReadmeIsComplete(t *testing.T) {
	reads()
	readme := read(t, readmeFile)
	names := publicNames(t)
	if len(names) < 60 {
		t.Errorf("only %d names found in core: %v", len(names), names)
	}
	for _, name := range names {
		if !regexp.MustCompile("`" + regexp.QuoteMeta(name) + "[`(]").MatchString(readme) {
			t.Errorf("README.md does not name `%s`", name)
		}
	}
}

// publicNames are the names in core that a reader of README.md looks for.
func publicNames(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../core/*.go")
	if err != nil {
		t.Fatal(err)
	}
	// Both kinds of words that Cache-Status gets are plain in the source.
	fwd := regexp.MustCompile(`fwd: "([a-z-]+)"`)
	detail := regexp.MustCompile(`(?:detail: |\breason = |\bnot[A-Z]\w+ += )"([a-z-]+)"|return "([a-z-]+)", false`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source := read(t, file)
		for _, m := range fwd.FindAllStringSubmatch(source, -1) {
			names = append(names, "fwd="+m[1])
		}
		for _, m := range detail.FindAllStringSubmatch(source, -1) {
			names = append(names, "detail="+m[1]+m[2])
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			names = append(names, declared(d)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func declared(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil && d.Name.IsExported() && d.Name.Name != "FrameworkOption" {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			s, ok := s.(*ast.TypeSpec)
			if !ok || s.Name.Name != "Config" {
				continue
			}
			for _, field := range s.Type.(*ast.StructType).Fields.List {
				for _, n := range field.Names {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
}

// resolved is the path that a reader knows.
func resolved(t *testing.T, file string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(absolute(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func absolute(t *testing.T, file string) string {
	t.Helper()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
