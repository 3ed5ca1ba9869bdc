package servers_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-cachex/cachex/conformance/servers"
)

func TestRedis(t *testing.T) {
	s := servers.Redis(t)
	do := func(command ...string) any {
		t.Helper()
		answer, err := servers.RedisDo(s.Addr, command...)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	do("SET", "k", "a\r\nb")
	if got := do("GET", "k"); got != "a\r\nb" {
		t.Errorf("GET: %q", got)
	}
	if got := do("MGET", "k", "none").([]any); len(got) != 2 || got[1] != nil {
		t.Errorf("MGET: %q", got)
	}
	if _, err := servers.RedisDo(s.Addr, "NONSENSE"); err == nil || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("an unknown command: %v", err)
	}

	addr := s.Addr
	s.Kill()
	if conn, err := net.Dial("tcp", addr); err == nil {
		t.Error("a killed server accepts connections")
		_ = conn.Close()
	}
	s.Restart()
	if s.Addr != addr || do("GET", "k") != nil {
		t.Errorf("after a restart: %s (was %s), %v", s.Addr, addr, do("GET", "k"))
	}
}

// A frozen server still has the kernel accept connections, and answers once it
// goes on.
func TestFreeze(t *testing.T) {
	s := servers.Memcached(t)
	s.Freeze()
	answered := make(chan error, 1)
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("version\r\n")); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := conn.Read(make([]byte, 1))
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("a frozen server answered (%v)", err)
	default:
	}
	s.Thaw()
	select {
	case err := <-answered:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a server does not answer after Thaw")
	}
}

func TestRedisCluster(t *testing.T) {
	c := servers.RedisCluster(t, 1)
	if len(c.Primaries) != 3 || len(c.Replicas) != 3 || len(c.Addrs()) != 6 {
		t.Fatalf("%d primaries, %d replicas", len(c.Primaries), len(c.Replicas))
	}
	stored := 0
	for _, s := range c.Primaries {
		if _, err := servers.RedisDo(s.Addr, "SET", "k", "v"); err == nil {
			stored++
		} else if !strings.HasPrefix(err.Error(), "MOVED") {
			t.Error(err)
		}
	}
	if stored != 1 {
		t.Errorf("%d nodes took the key", stored)
	}
}

func TestSentinel(t *testing.T) {
	s := servers.Sentinel(t, 500*time.Millisecond)
	s.Primary.Kill()
	_, want, _ := net.SplitHostPort(s.Replica.Addr)
	for deadline := time.Now().Add(30 * time.Second); ; {
		answer, err := servers.RedisDo(s.Sentinel.Addr, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", s.Name)
		if err != nil {
			t.Fatal(err)
		}
		if addr := answer.([]any); addr[1] == want {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the replica does not become the primary")
		}
	}
}
