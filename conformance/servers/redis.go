package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Redis starts a Redis server that keeps nothing on disk; args are added to its
// command line.
func Redis(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(redisServer(t, args...))
}

func redisServer(t testing.TB, args ...string) *Server {
	dir := t.TempDir()
	return &Server{
		t: t, program: "redis-server", pid: redisPID,
		args: func(port string) []string {
			return append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no"}, args...)
		},
	}
}

// RedisDo sends a command to a Redis server and returns its answer: a string, an
// int64, nil, or a []any of these. What the server answers with an error is one.
func RedisDo(addr string, command ...string) (any, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(command))
	for _, word := range command {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return nil, err
	}
	return readReply(bufio.NewReader(conn))
}

func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return nil, errors.New("an empty reply")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return nil, errors.New(rest)
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		data := make([]byte, n+2)
		if _, err := io.ReadFull(r, data); err != nil {
			return nil, err
		}
		return string(data[:n]), nil
	case kind == '*':
		list := make([]any, n)
		for i := range list {
			if list[i], err = readReply(r); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("an unknown reply: %q", line)
}

// redisInfo returns a field of INFO.
func redisInfo(addr, section, field string) (string, error) {
	answer, err := RedisDo(addr, "INFO", section)
	if err != nil {
		return "", err
	}
	text, _ := answer.(string)
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("INFO %s has no %s", section, field)
}

func redisPID(addr string) (int, error) {
	value, err := redisInfo(addr, "server", "process_id")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(value)
}

// must sends a command that has to succeed.
func must(t testing.TB, addr string, command ...string) any {
	t.Helper()
	answer, err := RedisDo(addr, command...)
	if err != nil {
		t.Fatalf("%s of %s: %v", strings.Join(command, " "), addr, err)
	}
	return answer
}
