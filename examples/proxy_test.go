package examples_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestProxyMistakes: a broken flag and a taken port are one line, not a stack trace.
func TestProxyMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	for _, c := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{"-nonsense"}, 2, "-nonsense"},
		{[]string{"-origin", "nonsense"}, 2, `"nonsense"`},
		{[]string{"-origin", "http://127.0.0.1:9", "-framework", "rails"}, 2, `"rails"`},
		{[]string{"-origin", "http://127.0.0.1:9", "-addr", addr}, 1, addr},
		{[]string{"-origin", "http://127.0.0.1:9", "-admin", addr}, 2, "-admin-token"},
		{[]string{"-origin", "http://127.0.0.1:9", "-admin-token", "t"}, 2, "-admin"},
		{[]string{"-origin", "http://127.0.0.1:9", "-admin", addr, "-admin-token", "t"}, 1, addr},
		{[]string{"-origin", "http://127.0.0.1:9", "-admin", "127.0.0.1:0", "-admin-token", "a b"}, 1, "token"},
	} {
		cmd := exec.Command(filepath.Join(programs, "proxy"), c.args...)
		out, _ := cmd.CombinedOutput() // the exit code tells
		if code := cmd.ProcessState.ExitCode(); code != c.exit {
			t.Errorf("proxy %v: exit code %d, want %d", c.args, code, c.exit)
		}
		if s := strings.TrimSpace(string(out)); strings.Contains(s, "\n") || !strings.Contains(s, c.want) {
			t.Errorf("proxy %v: want one line that names %s:\n%s", c.args, c.want, s)
		}
	}
}

// TestProxy: a cached answer, and a 502 where there is no origin.
func TestProxy(t *testing.T) {
	program := filepath.Join(programs, "proxy")
	origin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "from the origin")
	})}
	go func() { _ = server.Serve(origin) }()
	for _, framework := range []string{"nethttp", "chi", "gin", "echo", "fiber"} {
		base := start(t, program, "-addr", "127.0.0.1:0", "-origin", "http://"+origin.Addr().String(), "-framework", framework)
		status(t, base+"/page")
		if s := status(t, base+"/page"); !strings.Contains(s, "; hit") {
			t.Errorf("%s: second answer: Cache-Status: %s", framework, s)
		}
	}
	_ = server.Close()
	base := start(t, program, "-addr", "127.0.0.1:0", "-origin", "http://"+origin.Addr().String())
	resp, err := http.Get(base + "/other")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("without an origin: %s, want 502", resp.Status)
	}
}

// TestProxyPurge: with an admin address operators purge by the tags of the
// origin, which clients do not get to see; on the public address nobody purges.
func TestProxyPurge(t *testing.T) {
	origin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Surrogate-Key", "pages "+strings.Trim(r.URL.Path, "/"))
		_, _ = io.WriteString(w, "from the origin")
	})}
	go func() { _ = server.Serve(origin) }()
	defer server.Close()
	for _, framework := range []string{"nethttp", "chi", "gin", "echo", "fiber"} {
		base, admin := startBoth(t, "-origin", "http://"+origin.Addr().String(), "-framework", framework)
		send := func(method, url, token, body string) (int, string) {
			t.Helper()
			req, err := http.NewRequest(method, url, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			if resp.Header["Surrogate-Key"] != nil {
				t.Errorf("%s: a client gets Surrogate-Key", framework)
			}
			return resp.StatusCode, strings.TrimSpace(string(b))
		}
		hit := func(path string, want bool) {
			t.Helper()
			if s := status(t, base+path); strings.Contains(s, "; hit") != want {
				t.Errorf("%s: %s: Cache-Status: %s, want a hit: %v", framework, path, s, want)
			}
		}
		hit("/a", false)
		hit("/b", false)
		send("PURGE", base+"/a", "secret", "")
		send("POST", base+"/purge", "secret", `{"by":"all"}`)
		if code, _ := send("POST", admin+"/purge", "wrong", `{"by":"all"}`); code != http.StatusUnauthorized {
			t.Errorf("%s: with a wrong token: %d", framework, code)
		}
		hit("/a", true)
		if code, said := send("POST", admin+"/purge", "secret", `{"by":"tag","value":"a"}`); code != http.StatusOK || said != `{"ok":true}` {
			t.Errorf("%s: by tag: %d %s", framework, code, said)
		}
		hit("/a", false)
		hit("/b", true)
	}
}

// startBoth is start with an admin address, which is printed first.
func startBoth(t *testing.T, args ...string) (base, admin string) {
	t.Helper()
	args = append(args, "-addr", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-admin-token", "secret")
	all := address.FindAllString(startPrinting(t, filepath.Join(programs, "proxy"), args...), -1)
	return all[1], all[0]
}

// programs is the folder of the built examples.
var programs string

// TestMain builds all examples in one go.
func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "cachex-examples"); err != nil {
		log.Fatal(err)
	}
	out, err := exec.Command("go", "build", "-o", programs, "./gin", "./echo", "./fiber", "./chi", "./proxy").CombinedOutput()
	if err != nil {
		log.Fatalf("go build: %v\n%s", err, out)
	}
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start runs a program until the test ends, and returns the URL that it prints.
func start(t *testing.T, program string, args ...string) (base string) {
	t.Helper()
	return address.FindString(startPrinting(t, program, args...))
}

// startPrinting is start that returns all that is printed.
func startPrinting(t *testing.T, program string, args ...string) (output string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = 10 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		output += lines.Text() + "\n"
		if strings.Contains(output, " for http") {
			return output
		}
	}
	t.Fatalf("%s %v ended: %s", program, args, output)
	return ""
}

func status(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return strings.Join(resp.Header["Cache-Status"], ", ")
}
