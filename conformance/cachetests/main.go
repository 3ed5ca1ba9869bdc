// Cachetests runs the public suite http-cache-tests against the caching reverse
// proxy of examples/proxy, once for each framework, and compares the outcome
// with baseline.txt, the list of expected failures:
//
//	go run ./conformance/cachetests                              # all frameworks
//	go run ./conformance/cachetests -frameworks gin,fiber -v
//	go run ./conformance/cachetests -frameworks chi -run vary-match
//
// It needs node and npm. The suite is installed at a pinned version in
// .cache-tests, which git ignores; the results stay there as JSON. It ends with
// 0 when all went as the baseline says, with 1 when a test failed or passed
// against it, and with 2 when the tests could not be run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// frameworks are the values of examples/proxy's flag -framework.
var frameworks = []string{"nethttp", "chi", "gin", "echo", "fiber"}

// A framework's run takes about half a minute.
const timeLimit = 5 * time.Minute

var errUnexpected = errors.New("the outcome differs from the baseline")

// options are the command line's.
type options struct {
	frameworks []string
	test       string
	verbose    bool
	proxy      string
}

func main() {
	opts, err := parseFlags()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cachetests:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, opts)
	stop()
	switch {
	case errors.Is(err, errUnexpected):
		fmt.Fprintln(os.Stderr, "cachetests:", err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "cachetests:", err)
		os.Exit(2)
	}
}

func parseFlags() (options, error) {
	var o options
	list := flag.String("frameworks", strings.Join(frameworks, ","), "the frameworks to test, separated by commas")
	flag.StringVar(&o.test, "run", "", "run this test alone and dump its requests and responses; no baseline")
	flag.BoolVar(&o.verbose, "v", false, "list expected failures and their reasons too, and show what the proxy prints")
	flag.StringVar(&o.proxy, "proxy", "", "test this `program`, which takes the flags of examples/proxy, in its place")
	flag.Parse()
	if flag.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	o.frameworks = strings.Split(*list, ",")
	for _, f := range o.frameworks {
		if !slices.Contains(frameworks, f) {
			return o, fmt.Errorf("unknown framework %q; there are %s", f, strings.Join(frameworks, ", "))
		}
	}
	return o, nil
}

// run is the life of a run: install the suite, build the proxy, start the
// origin, test each framework.
func run(ctx context.Context, opts options) error {
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	work := filepath.Join(root, ".cache-tests")
	s, err := installSuite(ctx, work)
	if err != nil {
		return err
	}
	tests, err := s.catalog(ctx)
	if err != nil {
		return err
	}
	expected, err := loadBaseline(root, tests)
	if err != nil {
		return err
	}
	if _, ok := tests[opts.test]; opts.test != "" && !ok {
		return fmt.Errorf("the suite has no test %q", opts.test)
	}
	if opts.proxy == "" {
		if opts.proxy, err = buildProxy(ctx, root, work); err != nil {
			return err
		}
	}
	r := runner{options: opts, suite: s, tests: tests, expected: expected, logs: io.Discard}
	if opts.test != "" || opts.verbose {
		r.logs = os.Stdout
	}
	return r.all(ctx)
}

// repository returns the folder of go.work.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOWORK").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	if file := strings.TrimSpace(string(out)); filepath.Base(file) == "go.work" {
		return filepath.Dir(file), nil
	}
	return "", errors.New("run it inside the repository, without GOWORK=off")
}

func loadBaseline(root string, tests catalog) (baseline, error) {
	path := filepath.Join(root, "conformance", "cachetests", "baseline.txt")
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := readBaseline(f, tests, frameworks)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", path, err)
	}
	return b, nil
}

// buildProxy builds examples/proxy. The program itself is started, not go run,
// which would leave it behind when it is ended.
func buildProxy(ctx context.Context, root, work string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	program := filepath.Join(work, "proxy")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./examples/proxy")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building examples/proxy: %w\n%s", err, out)
	}
	return program, nil
}

// A runner tests frameworks one after the other: the tests measure time, and two
// at once on a small machine disturb each other.
type runner struct {
	options
	suite    suite
	tests    catalog
	expected baseline
	logs     io.Writer
}

func (r runner) all(ctx context.Context) error {
	origin, originURL, err := startOrigin(ctx, r.suite, r.dump())
	if err != nil {
		return err
	}
	defer origin.stop()

	ok := true
	for _, framework := range r.frameworks {
		agrees, err := r.one(ctx, framework, originURL)
		if err != nil {
			return fmt.Errorf("%s: %w", framework, err)
		}
		ok = ok && agrees
	}
	if !ok {
		return errUnexpected
	}
	return nil
}

// dump is where the origin's output goes: it is of use with a single test only.
func (r runner) dump() io.Writer {
	if r.test != "" {
		return os.Stdout
	}
	return io.Discard
}

// one tests a framework, and reports whether all went as expected.
func (r runner) one(ctx context.Context, framework, origin string) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeLimit, fmt.Errorf("not done after %s", timeLimit))
	defer cancel()
	proxy, base, err := startProxy(ctx, r.proxy, framework, origin, r.logs)
	if err != nil {
		return false, err
	}
	defer proxy.stop()

	if r.test != "" {
		fmt.Println("====", framework)
		cmd := r.suite.client(ctx, base, r.test)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		return true, cmd.Run()
	}
	var res results
	var rep report
	for attempt := range attempts {
		began := time.Now()
		again, raw, err := r.suite.run(ctx, base)
		if err != nil {
			return false, fmt.Errorf("%w\n%s", err, proxy.output)
		}
		select {
		case <-proxy.ended:
			return false, fmt.Errorf("the proxy ended during the tests: %w\n%s", proxy.err, proxy.output)
		default:
		}
		if err := os.WriteFile(filepath.Join(r.suite.root, framework+".json"), raw, 0o644); err != nil {
			return false, err
		}
		res = res.better(again)
		rep = newReport(framework, r.tests, res, r.expected)
		rep.took = time.Since(began)
		if len(rep.unexpected) == 0 {
			break
		}
		if attempt < attempts-1 {
			fmt.Printf("%s: %d unexpected failures; once more, for those that a busy machine has failed\n", framework, len(rep.unexpected))
		}
	}
	rep.write(os.Stdout, r.verbose)
	return rep.ok(), nil
}

// attempts: the suite measures real time and fails tests whose answers come
// late, on one run or another. What fails each time is no accident.
const attempts = 3
