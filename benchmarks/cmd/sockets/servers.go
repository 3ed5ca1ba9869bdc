package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-cachex/cachex/benchmarks"
)

// server is one row of the table.
type server struct {
	name         string
	plain, equal string // its floors, "" where it is one itself, or has none
	start        func() (*process, error)
}

// process is a server that runs, on the first processor.
type process struct {
	cmd  *exec.Cmd
	addr string
}

// origin is what nginx and Varnish ask on a miss. It counts.
var origin struct {
	url  string
	runs atomic.Int64
}

func servers(serve, dir string) ([]server, error) {
	page := benchmarks.NewSite(benchmarks.Works[0].Size)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		origin.runs.Add(1)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(page.Body)
	})) // until this program ends
	origin.url = strings.TrimPrefix(backend.URL, "http://")
	var all []server
	for _, c := range benchmarks.All() {
		name := c.Framework + "/" + c.Name
		s := server{name: name, start: func() (*process, error) { return startGo(serve, name) }}
		if c.Role != benchmarks.PlainFloor {
			s.plain = c.Framework + "/plain"
		}
		if c.Role == benchmarks.Cachex || c.Role == benchmarks.Peer {
			s.equal = c.Framework + "/equal"
		}
		all = append(all, s)
	}
	all = append(all, server{name: "nginx", start: func() (*process, error) { return startNginx(dir) }},
		server{name: "Varnish", start: func() (*process, error) { return startVarnish(dir) }})
	return all, nil
}

// run starts a program on the first processor, in a process group of its own.
func run(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("taskset", append([]string{"-c", "0", name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = new(bytes.Buffer)
	return cmd
}

func (p *process) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // with the signal, which is what was wanted
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
}

func startGo(serve, contender string) (*process, error) {
	cmd := run(serve, "-contender", contender)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%w: %s", err, cmd.Stderr)
	}
	p.addr = strings.TrimSpace(addr)
	return p, nil
}

const nginxConfig = `daemon off; worker_processes 1; pid %[1]s/nginx.pid; error_log stderr error; %[4]s
events { worker_connections 256; }
http {
  access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  proxy_cache_path %[1]s/cache levels=1:2 keys_zone=pages:10m max_size=64m;
  open_file_cache max=1000 inactive=1h;
  server {
    listen %[2]s;
    location / { proxy_pass http://%[3]s; proxy_cache pages; proxy_cache_valid 200 1h; }
  }
}
`

func startNginx(dir string) (*process, error) {
	home, err := os.MkdirTemp(dir, "nginx")
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	addr := free()
	conf := filepath.Join(home, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConfig, home, addr, origin.url, user), 0o644); err != nil {
		return nil, err
	}
	return launch(run("nginx", "-p", home, "-c", conf), addr)
}

func startVarnish(dir string) (*process, error) {
	home, err := os.MkdirTemp(dir, "varnish")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(home, 0o777); err != nil { // it gives up its rights
		return nil, err
	}
	addr := free()
	return launch(run("varnishd", "-F", "-n", home, "-a", addr, "-b", origin.url, "-s", "malloc,64m", "-t", "3600"), addr)
}

// launch starts a server and waits until it accepts connections.
func launch(cmd *exec.Cmd, addr string) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd, addr}
	for range 100 {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = c.Close()
			return p, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.stop()
	return nil, fmt.Errorf("nothing listens on %s: %s", addr, cmd.Stderr)
}

// free is an address that nothing listens on, for a server that takes no socket.
func free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// cpuTime is what a process and its descendants have used. taskset becomes the
// server, so that its children are those of the server.
func cpuTime(pid int) (time.Duration, error) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	parents, used := map[int]int{}, map[int]time.Duration{}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		own, rest, _ := strings.Cut(string(b), " (")
		f := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
		id, _ := strconv.Atoi(own)
		parents[id], _ = strconv.Atoi(f[1])
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		used[id] = time.Duration(user+system) * tick
	}
	if _, ok := used[pid]; !ok {
		return 0, fmt.Errorf("process %d has ended", pid)
	}
	var total time.Duration
	for id := range used {
		for p := id; p > 1; p = parents[p] {
			if p == pid {
				total += used[id]
				break
			}
		}
	}
	return total, nil
}
