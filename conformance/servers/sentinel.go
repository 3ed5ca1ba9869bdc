package servers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// SentinelSetup is a Redis server, its replica, and a Sentinel that makes the
// replica the primary when the primary is gone for a while.
type SentinelSetup struct {
	Name                       string // of the primary, for clients
	Sentinel, Primary, Replica *Server
}

// Sentinel starts a Redis server with a replica and a Sentinel, which takes the
// server for gone when it has not answered for so long.
func Sentinel(t testing.TB, gone time.Duration) *SentinelSetup {
	t.Helper()
	s := &SentinelSetup{Name: "cachex", Primary: Redis(t, "--repl-diskless-sync-delay", "0")}
	host, port, _ := net.SplitHostPort(s.Primary.Addr)
	s.Replica = Redis(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")
	waitReplica(t, s.Replica)

	// A Sentinel writes what it learns into its configuration file.
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	config := fmt.Sprintf("sentinel monitor %[1]s %[2]s %[3]s 1\nsentinel down-after-milliseconds %[1]s %[4]d\nsentinel failover-timeout %[1]s 5000\n",
		s.Name, host, port, gone.Milliseconds())
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Sentinel = start(&Server{
		t: t, program: "redis-server", pid: redisPID,
		args: func(port string) []string {
			return []string{file, "--sentinel", "--bind", "127.0.0.1", "--port", port}
		},
	})
	wait(t, "the Sentinel to know the replica", func() (bool, error) {
		list, err := RedisDo(s.Sentinel.Addr, "SENTINEL", "REPLICAS", s.Name)
		replicas, _ := list.([]any)
		return len(replicas) == 1, err
	})
	return s
}
