package examples_test

import (
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// frameworks have an example each, all made with internal/demo.
var frameworks = []string{"gin", "echo", "fiber", "chi"}

// example starts an example on a free port and returns its URL, as its first
// curl line names it. The example is interrupted when the test ends, and must
// then end without an error.
func example(t *testing.T, program string, args ...string) (base string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, program), append([]string{"-addr", "127.0.0.1:0", "-work", "1ms"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		defer stuck.Stop()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("interrupt: %v", err)
		}
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
			t.Errorf("after an interrupt: %v, stderr: %s", err, &stderr)
		}
	})
	lines := bufio.NewScanner(stdout)
	curl := regexp.MustCompile(`curl -i (http://\S+)/\s`)
	for lines.Scan() {
		if m := curl.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, stdout)
			return m[1]
		}
	}
	t.Fatalf("no curl line on stdout; stderr: %s", &stderr)
	return ""
}

type answer struct {
	code         int
	status, body string
}

// send sends a request; a form makes it a POST, a user comes with a cookie.
func send(t *testing.T, target string, form url.Values, user string) answer {
	t.Helper()
	method, content := http.MethodGet, ""
	if form != nil {
		method, content = http.MethodPost, form.Encode()
	}
	req, err := http.NewRequest(method, target, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if user != "" {
		req.AddCookie(&http.Cookie{Name: "user", Value: user})
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("Cache-Status"), strings.TrimSpace(string(body))}
}

func TestExamples(t *testing.T) {
	// For the cache of go test: it takes note of what is looked at.
	if err := filepath.WalkDir(".", func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
		t.Fatal(err)
	}
	for _, program := range frameworks {
		t.Run(program, func(t *testing.T) {
			base := example(t, program)
			expect := func(a answer, status string) answer {
				t.Helper()
				if a.code != http.StatusOK || !strings.HasPrefix(a.status, "Cachex; "+status) {
					t.Errorf("got %d, Cache-Status: %s; want 200 and %s", a.code, a.status, status)
				}
				return a
			}
			for _, path := range []string{"/", "/report"} {
				made := expect(send(t, base+path, nil, ""), "fwd=uri-miss; stored; ttl=")
				kept := expect(send(t, base+path, nil, ""), "hit; ttl=")
				if made.body != kept.body {
					t.Errorf("%s: kept %q, was made as %q", path, kept.body, made.body)
				}
			}
			for range 2 {
				expect(send(t, base+"/no-cache", nil, ""), "fwd=uri-miss; detail=no-lifetime")
				expect(send(t, base+"/no-store", nil, ""), "fwd=uri-miss; detail=no-store")
			}

			for _, user := range []string{"ann", "bob"} {
				made := expect(send(t, base+"/me", nil, user), "fwd=uri-miss; stored; ttl=")
				kept := expect(send(t, base+"/me", nil, user), "hit; ttl=")
				if made.body != kept.body || !strings.Contains(kept.body, user) {
					t.Errorf("/me of %s: %q, then %q", user, made.body, kept.body)
				}
			}
			if a := send(t, base+"/me", nil, ""); a.code != http.StatusUnauthorized || a.status != "Cachex; fwd=bypass; detail=key" {
				t.Errorf("/me without a user: %+v", a)
			}

			expect(send(t, base+"/items", nil, ""), "fwd=uri-miss; stored")
			expect(send(t, base+"/items", nil, ""), "hit")
			expect(send(t, base+"/items", url.Values{"name": {"pear"}}, ""), "fwd=method")
			if a := expect(send(t, base+"/items", nil, ""), "fwd=uri-miss; stored"); a.body != `["pear"]` {
				t.Errorf("/items after a POST: %s", a.body)
			}

			purge := func(path string, form url.Values, code int) {
				t.Helper()
				if a := send(t, base+path, form, ""); a.code != code {
					t.Errorf("%s %v: %d %s, want %d", path, form, a.code, a.body, code)
				}
			}
			for _, c := range []struct {
				path string
				form url.Values
				gone []string
			}{
				{"/results", url.Values{}, []string{"/teams/red", "/teams/blue"}},
				{"/clear", url.Values{"pattern": {"/teams/*"}}, []string{"/teams/red", "/teams/blue"}},
				{"/clear", url.Values{"path": {"/report"}}, []string{"/report"}},
			} {
				for _, page := range []string{"/teams/red", "/teams/blue", "/report"} {
					send(t, base+page, nil, "")
				}
				purge(c.path, c.form, http.StatusOK)
				for _, page := range []string{"/teams/red", "/teams/blue", "/report"} {
					want := "hit; ttl="
					if slices.Contains(c.gone, page) {
						want = "fwd=uri-miss; stored; ttl="
					}
					expect(send(t, base+page, nil, ""), want)
				}
			}
			purge("/clear", url.Values{}, http.StatusBadRequest)
			purge("/clear", url.Values{"pattern": {"["}}, http.StatusBadRequest)
			expect(send(t, base+"/report", nil, ""), "hit")
		})
	}
}

// What is wrong with the command line takes one line, and no stack trace.
func TestExamplesCommandLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, program := range frameworks {
		for _, c := range []struct {
			args []string
			exit int
			says string
		}{
			{[]string{"-port", "80"}, 2, "-port"},
			{[]string{"-work", "long"}, 2, "-work"},
			{[]string{"8080"}, 2, `"8080"`},
			{[]string{"-addr", "localhost"}, 1, "missing port"},
			{[]string{"-addr", taken.Addr().String()}, 1, "address already in use"},
		} {
			var stderr bytes.Buffer
			cmd := exec.Command(filepath.Join(programs, program), c.args...)
			cmd.Stderr = &stderr
			_ = cmd.Run() // the exit code tells
			said := stderr.String()
			if cmd.ProcessState.ExitCode() != c.exit || !strings.HasPrefix(said, program+": ") ||
				!strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
				t.Errorf("%s %v: exit code %d, want %d; stderr: %q", program, c.args, cmd.ProcessState.ExitCode(), c.exit, said)
			}
		}
	}
}
