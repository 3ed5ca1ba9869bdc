package servers

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Memcached starts a Memcached server; args are added to its command line.
func Memcached(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(&Server{
		t: t, program: "memcached", pid: memcachedPID,
		args: func(port string) []string {
			// -U 0: no UDP.
			all := []string{"-l", "127.0.0.1", "-p", port, "-U", "0"}
			if os.Geteuid() == 0 {
				all = append(all, "-u", "root") // it refuses to run as root otherwise
			}
			return append(all, args...)
		},
	})
}

// MemcachedDo sends a command of one line to a Memcached server, such as stats or
// flush_all, and returns the lines of the answer.
func MemcachedDo(addr, command string) ([]string, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err = fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return nil, err
	}
	var lines []string
	for r := bufio.NewReader(conn); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		lines = append(lines, strings.TrimRight(line, "\r\n"))
		if !strings.HasPrefix(line, "STAT ") {
			return lines, nil
		}
	}
}

func memcachedPID(addr string) (int, error) {
	lines, err := MemcachedDo(addr, "stats")
	if err != nil {
		return 0, err
	}
	for _, line := range lines {
		if pid, ok := strings.CutPrefix(line, "STAT pid "); ok {
			return strconv.Atoi(pid)
		}
	}
	return 0, fmt.Errorf("stats has no pid: %q", lines)
}
