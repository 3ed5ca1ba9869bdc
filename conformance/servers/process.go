package servers

import (
	"bytes"
	"fmt"
	"os/exec"
	"sync"
	"testing"
)

// process is a running program.
type process struct {
	cmd    *exec.Cmd
	output syncBuffer
	ended  chan struct{} // closed when it has ended

	// guard is a shell that kills the program when its own input ends, which the
	// system sees to when this process dies without running any Cleanup: a panic
	// of a test, the timeout of go test.
	guard *exec.Cmd
}

func run(program string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.guard = exec.Command("/bin/sh", "-c", fmt.Sprintf("cat >/dev/null; kill -9 %d", p.cmd.Process.Pid))
	input, err := p.guard.StdinPipe()
	if err == nil {
		err = p.guard.Start()
	}
	if err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		_ = p.guard.Process.Kill()
		_ = p.guard.Wait()
		_ = input.Close()
		close(p.ended)
	}()
	return p, nil
}

// kill ends the process and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// need returns the path of a program, or fails the test.
func need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is not installed; make setup installs it (%v)", program, err)
	}
	return path
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
