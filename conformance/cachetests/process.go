package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// endGently makes the end of a command's context a SIGTERM, and a SIGKILL five
// seconds later.
func endGently(cmd *exec.Cmd) {
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
}

// A process is a child that runs until it is stopped.
type process struct {
	cancel context.CancelFunc
	ended  chan struct{} // closed when the child is gone; err is set before
	err    error
	output *transcript
}

// start starts a program, whose output goes to w as well.
func start(ctx context.Context, command func(context.Context) *exec.Cmd, w io.Writer) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{cancel: cancel, ended: make(chan struct{}), output: &transcript{}}
	cmd := command(ctx)
	endGently(cmd)
	cmd.Stdout = io.MultiWriter(p.output, w)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop ends the child and waits until it is gone.
func (p *process) stop() {
	p.cancel()
	<-p.ended
}

// await polls ready until it says yes, the child ends, or 30 seconds are over.
func (p *process) await(name string, ready func() bool) error {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended early: %w\n%s", name, p.err, p.output)
		case <-deadline:
			return fmt.Errorf("%s is not ready after 30 seconds\n%s", name, p.output)
		case <-tick.C:
		}
	}
	return nil
}

// accepts reports whether something listens on addr.
func accepts(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// freeAddr returns a loopback address on which nothing listens now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// startOrigin starts the suite's origin and returns its base URL. The kernel
// chooses the port and the origin prints it.
func startOrigin(ctx context.Context, s suite, w io.Writer) (*process, string, error) {
	pidfile := s.root + "/origin.pid"
	p, err := start(ctx, func(ctx context.Context) *exec.Cmd {
		return s.node(ctx, s.root+"/origin.mjs", "npm_config_protocol=http", "npm_config_port=0", "npm_config_pidfile="+pidfile)
	}, w)
	if err != nil {
		return nil, "", err
	}
	var url string
	err = p.await("the origin", func() bool {
		url = listening(p.output.String())
		return url != ""
	})
	_ = os.Remove(pidfile)
	if err != nil {
		p.stop()
	}
	return p, url, err
}

// listening finds the URL in the line that the origin prints when it is ready.
func listening(output string) string {
	lines := bufio.NewScanner(strings.NewReader(output))
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "Listening on "); ok && strings.HasSuffix(url, "/") {
			return strings.TrimSuffix(url, "/")
		}
	}
	return ""
}

// startProxy starts the program under test in front of origin, and returns its
// base URL.
func startProxy(ctx context.Context, program, framework, origin string, w io.Writer) (*process, string, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, "", err
	}
	p, err := start(ctx, func(ctx context.Context) *exec.Cmd {
		return exec.CommandContext(ctx, program, "-addr", addr, "-origin", origin, "-framework", framework, "-store", "memory")
	}, w)
	if err != nil {
		return nil, "", err
	}
	if err := p.await("the proxy", func() bool { return accepts(addr) }); err != nil {
		p.stop()
		return nil, "", err
	}
	return p, "http://" + addr, nil
}

// A transcript keeps the first 64 KiB that a child prints.
type transcript struct {
	mu   sync.Mutex
	text []byte
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), 64<<10-len(t.text))]...)
	return len(p), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
