package servers

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
)

// Cluster is a Redis Cluster.
type Cluster struct {
	Primaries []*Server // three, each with a third of the slots
	Replicas  []*Server // in turn of the first, second and third primary
}

// RedisCluster starts a Redis Cluster of three primaries and so many replicas of
// each of them. A primary that is gone for a second is replaced by its replica.
func RedisCluster(t testing.TB, replicas int) *Cluster {
	t.Helper()
	c := &Cluster{}
	for i := range 3 * (1 + replicas) {
		s := redisServer(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
		s.bus = true
		start(s)
		if i < 3 {
			c.Primaries = append(c.Primaries, s)
		} else {
			c.Replicas = append(c.Replicas, s)
		}
	}
	for i, s := range c.Primaries {
		must(t, s.Addr, append([]string{"CLUSTER", "ADDSLOTS"}, slots(i)...)...)
		must(t, s.Addr, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	all := append(append([]*Server(nil), c.Primaries...), c.Replicas...)
	for _, s := range all[1:] {
		host, port, _ := net.SplitHostPort(s.Addr)
		must(t, all[0].Addr, "CLUSTER", "MEET", host, port)
	}
	for _, s := range all {
		wait(t, "the nodes of the Cluster to know each other", func() (bool, error) {
			text, err := RedisDo(s.Addr, "CLUSTER", "INFO")
			info, _ := text.(string)
			known := fmt.Sprintf("cluster_known_nodes:%d\r\n", len(all))
			return strings.Contains(info, known) && strings.Contains(info, "cluster_state:ok"), err
		})
	}
	for i, s := range c.Replicas {
		id, _ := must(t, c.Primaries[i%3].Addr, "CLUSTER", "MYID").(string)
		must(t, s.Addr, "CLUSTER", "REPLICATE", id)
	}
	for _, s := range c.Replicas {
		waitReplica(t, s)
	}
	return c
}

// Addrs are the addresses of all nodes.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, s := range append(append([]*Server(nil), c.Primaries...), c.Replicas...) {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// slots are those of a third of the Cluster.
func slots(third int) []string {
	const all = 16384
	var list []string
	for slot := third * all / 3; slot < (third+1)*all/3; slot++ {
		list = append(list, strconv.Itoa(slot))
	}
	return list
}

func waitReplica(t testing.TB, s *Server) {
	t.Helper()
	wait(t, "a replica to follow its primary", func() (bool, error) {
		link, err := redisInfo(s.Addr, "replication", "master_link_status")
		return link == "up", err
	})
}
