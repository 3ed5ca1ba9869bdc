package servers

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to do what it must. It is no measure of
// time: who waits in vain has failed.
const patience = 30 * time.Second

// Server is a server that runs for a test. Its methods fail the test where they
// cannot do what they say; they belong to the test's goroutine.
type Server struct {
	Addr string // host:port

	t       testing.TB
	program string
	args    func(port string) []string
	pid     func(addr string) (int, error) // asks the server for its process
	bus     bool                           // a node of a Redis Cluster, which takes a second port
	process *process
}

// start runs the server on a free port. Between the look for one and the start
// somebody else may take it: then the server ends at once, and another is tried.
func start(s *Server) *Server {
	s.t.Helper()
	s.program = need(s.t, s.program)
	var err error
	for range 20 {
		s.Addr = freeAddr(s.t, s.bus)
		if err = s.run(); err == nil {
			s.t.Cleanup(func() {
				if s.process != nil {
					s.process.kill()
				}
			})
			return s
		}
	}
	s.t.Fatalf("%s does not start: %v", s.program, err)
	return nil
}

// run starts the process, and waits until it answers.
func (s *Server) run() error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	p, err := run(s.program, s.args(port)...)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); ; {
		// Whoever answers could be somebody else's server on the same port.
		pid, err := s.pid(s.Addr)
		if err == nil && pid == p.pid() {
			s.process = p
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it ended: %s", p.output.String())
		case <-time.After(2 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.kill()
			return errors.Join(errors.New("it does not answer: "+p.output.String()), err)
		}
	}
}

// Kill ends the server as a power cut would (SIGKILL). What it held is lost.
func (s *Server) Kill() {
	s.t.Helper()
	if s.process == nil {
		s.t.Fatalf("the server at %s has been killed already", s.Addr)
	}
	s.process.kill()
	s.process = nil
}

// Restart starts a server that was killed again, empty, on the same port.
func (s *Server) Restart() {
	s.t.Helper()
	if s.process != nil {
		s.t.Fatalf("the server at %s runs", s.Addr)
	}
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err = s.run(); err == nil {
			return
		}
	}
	s.t.Fatalf("%s does not start again: %v", s.program, err)
}

// Freeze stops the server without ending it (SIGSTOP): connections stay, and are
// even accepted, but nothing answers. Thaw has it go on.
func (s *Server) Freeze() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	for deadline := time.Now().Add(patience); !stopped(s.process.pid()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the server at %s does not stop", s.Addr)
		}
	}
}

// stopped tells whether all threads of a process have stopped, each of which does so
// when it next has the processor. Where the system has no /proc, it is assumed.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range threads {
		stat, err := os.ReadFile(name) //nolint:gosec // below /proc
		if err != nil {
			return false // it has ended meanwhile
		}
		// pid (name) state ...
		if after := stat[bytes.LastIndexByte(stat, ')')+1:]; len(after) < 2 || after[1] != 'T' {
			return false
		}
	}
	return true
}

// Thaw ends Freeze.
func (s *Server) Thaw() { s.t.Helper(); s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if s.process == nil {
		s.t.Fatalf("the server at %s does not run", s.Addr)
	}
	if err := s.process.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("signal %v: %v", sig, err)
	}
}

// Output is what the server has written to its standard output and error.
func (s *Server) Output() string {
	if s.process == nil {
		return ""
	}
	return s.process.output.String()
}

// freeAddr finds a free loopback port below those that the system gives to
// outgoing connections: one of them could sit on it while a killed server waits
// for its restart. A Cluster's node needs the port 10,000 above its own as well.
func freeAddr(t testing.TB, bus bool) string {
	t.Helper()
	for range 1000 {
		port := 10_000 + rand.IntN(10_000)
		if free(port) && (!bus || free(port+10_000)) {
			return address(port)
		}
	}
	t.Fatal("there is no free port")
	return ""
}

func free(port int) bool {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// wait polls a server until something is true.
func wait(t testing.TB, what string, done func() (bool, error)) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		var ok bool
		if ok, err = done(); ok && err == nil {
			return
		}
	}
	t.Fatalf("waited in vain for %s (%v)", what, err)
}
