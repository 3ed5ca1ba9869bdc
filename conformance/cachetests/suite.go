package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// files are what the suite needs from us: a package.json and its lock, which
// pin it, and two small scripts. The lock names hashes and no registry, so that
// npm uses the one that is configured. The packages npm and liquidjs, which the
// suite names and its command line never loads, are overridden by nothing.
//
//go:embed suite
var files embed.FS

// A suite is an installed copy of http-cache-tests.
type suite struct {
	root string // where package.json, the lock and our scripts are
	dir  string // the package's own folder; its programs run in it
}

// installSuite installs the pinned suite in root, unless it is there already.
func installSuite(ctx context.Context, root string) (suite, error) {
	s := suite{root: root, dir: filepath.Join(root, "node_modules", "http-cache-tests")}
	lock, err := files.ReadFile("suite/package-lock.json")
	if err != nil {
		return s, err
	}
	installed, _ := os.ReadFile(filepath.Join(root, "installed")) // a copy of the lock, once npm is done
	if err := s.unpack(); err != nil {
		return s, err
	}
	if bytes.Equal(installed, lock) {
		return s, nil
	}

	fmt.Println("installing http-cache-tests with npm in", root)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = root
	if out, err := npm.CombinedOutput(); err != nil {
		return s, fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return s, os.WriteFile(filepath.Join(root, "installed"), lock, 0o644)
}

// unpack writes the embedded files.
func (s suite) unpack() error {
	return fs.WalkDir(files, "suite", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(s.root, filepath.FromSlash(strings.TrimPrefix(path, "suite")))
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}

// node returns a command that runs a script in the suite's folder. The suite
// reads its settings from npm's variables; those of a surrounding npm are left
// out.
func (s suite) node(ctx context.Context, script string, settings ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", "--no-warnings", script)
	cmd.Dir = s.dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "npm_config_") || strings.HasPrefix(v, "npm_package_")
	})
	cmd.Env = append(cmd.Env, settings...)
	endGently(cmd)
	return cmd
}

// catalog asks the suite for its tests.
func (s suite) catalog(ctx context.Context) (catalog, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := s.node(ctx, filepath.Join(s.root, "catalog.mjs")).Output()
	if err != nil {
		return nil, fmt.Errorf("reading the suite's tests: %w", withStderr(err))
	}
	var tests []test
	if err := json.Unmarshal(out, &tests); err != nil {
		return nil, fmt.Errorf("reading the suite's tests: %w", err)
	}
	c := make(catalog, len(tests))
	for _, t := range tests {
		c[t.ID] = t
	}
	return c, nil
}

// client returns the command that runs the test id, or all tests when id is
// empty, against the cache at base.
func (s suite) client(ctx context.Context, base, id string) *exec.Cmd {
	// Both variables must be there: the suite takes undefined for a test's name.
	return s.node(ctx, "cli.mjs", "npm_config_base="+base, "npm_config_id="+id, "npm_package_config_id="+id)
}

// run runs all tests against the cache at base.
func (s suite) run(ctx context.Context, base string) (results, []byte, error) {
	cmd := s.client(ctx, base, "")
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, out, fmt.Errorf("the suite did not end: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, out, fmt.Errorf("the suite: %w", withStderr(err))
	}
	res, err := parseResults(out)
	return res, out, err
}

// parseResults finds the JSON object among whatever else the suite printed.
func parseResults(out []byte) (results, error) {
	start := bytes.IndexByte(out, '{')
	if start > 0 {
		start = bytes.Index(out, []byte("\n{")) + 1
	}
	if start < 0 || start >= len(out) || out[start] != '{' {
		return nil, fmt.Errorf("the suite printed no results: %.500s", out)
	}
	var res results
	if err := json.NewDecoder(bytes.NewReader(out[start:])).Decode(&res); err != nil {
		return nil, fmt.Errorf("the suite's results: %w", err)
	}
	return res, nil
}

// withStderr adds what a failed command said.
func withStderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return err
}
