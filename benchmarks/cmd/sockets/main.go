// Command sockets measures hits of 1 KiB over the loopback with wrk: the client
// has one processor and the server another. The contenders are asked in rounds,
// one after the other, and ratios are taken within a round. It is started in the
// folder of its module, by make bench-http.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/go-cachex/cachex/benchmarks"
	"github.com/go-cachex/cachex/benchmarks/internal/report"
)

var (
	rounds      = flag.Int("rounds", 6, "rounds; every other one goes backward")
	each        = flag.Duration("time", 3*time.Second, "for one measurement, in whole seconds")
	connections = flag.Int("connections", 32, "of the client")
	document    = flag.String("doc", "../docs/benchmarks.md", "document for the table, empty for none")
)

// sample is one measurement.
type sample struct {
	perSecond float64
	cpu       float64 // of the server, in microseconds a request
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("sockets: ")
	flag.Parse()
	if runtime.NumCPU() < 2 {
		log.Fatal("this takes two processors, one for the client and one for the server")
	}
	load := report.Load()
	table, err := measure()
	if err != nil {
		log.Fatal(err)
	}
	text := report.Machine(load) + "\n\n" + table
	fmt.Print(text)
	if *document != "" {
		if err := report.Replace(*document, "sockets", text); err != nil {
			log.Fatal(err)
		}
	}
}

func measure() (string, error) {
	dir, err := os.MkdirTemp("", "sockets")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	_ = os.Chmod(dir, 0o755) // nginx and Varnish give up their rights
	serve := filepath.Join(dir, "serve")
	build := exec.Command("go", "build", "-o", serve, "./cmd/serve")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", err
	}
	all, err := servers(serve, dir)
	if err != nil {
		return "", err
	}
	samples := map[string][]sample{}
	for i := range *rounds {
		for k := range all {
			s := all[k]
			if i%2 == 1 {
				s = all[len(all)-1-k]
			}
			m, err := s.sample()
			for tries := 1; err != nil; tries++ { // a busy machine lets connections time out
				if tries == 3 {
					return "", fmt.Errorf("%s: %w", s.name, err)
				}
				log.Printf("%s: %v; once more", s.name, err)
				m, err = s.sample()
			}
			log.Printf("round %d of %d: %-24s %8.0f requests/s, %5.1f µs of CPU", i+1, *rounds, s.name, m.perSecond, m.cpu)
			samples[s.name] = append(samples[s.name], m)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "One processor for wrk with %d connections and one for the server; medians of %d rounds of %v.\n\n", *connections, *rounds, *each)
	b.WriteString("| server | requests/s | of its plain floor | of its equal floor | of net/http's plain floor | of nginx | CPU µs/request | of net/http's plain floor |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range all {
		own := samples[s.name]
		fmt.Fprintf(&b, "| %s | %.0f | %s | %s | %s | %s | %.1f | %s |\n", s.name, report.Median(speeds(own)),
			ratio(speeds(own), speeds(samples[s.plain])), ratio(speeds(own), speeds(samples[s.equal])), ratio(speeds(own), speeds(samples["nethttp/plain"])), ratio(speeds(own), speeds(samples["nginx"])),
			report.Median(cpus(own)), ratio(cpus(own), cpus(samples["nethttp/plain"])))
	}
	fmt.Fprintf(&b, "\nnginx %s, Varnish %s, wrk %s; %s.\n", version("nginx", "-v"), version("varnishd", "-V"), version("wrk", "-v"), runtime.Version())
	return b.String(), nil
}

func ratio(values, floor []float64) string {
	if len(floor) == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", report.Median(report.Ratios(values, floor)))
}

func speeds(s []sample) (v []float64) {
	for _, m := range s {
		v = append(v, m.perSecond)
	}
	return v
}

func cpus(s []sample) (v []float64) {
	for _, m := range s {
		v = append(v, m.cpu)
	}
	return v
}

var digits = regexp.MustCompile(`\d+(\.\d+)+`)

// version is the first thing that looks like one in what a program says.
func version(name string, args ...string) string {
	out, _ := exec.Command(name, args...).CombinedOutput() // wrk -v ends with 1
	return digits.FindString(string(out))
}

// sample starts the server, has wrk ask it, and ends it.
func (s server) sample() (sample, error) {
	running, err := s.start()
	if err != nil {
		return sample{}, err
	}
	defer running.stop()
	url := "http://" + running.addr + benchmarks.Target(0)
	if err := check(url); err != nil {
		return sample{}, err
	}
	if _, err := wrk(url, time.Second); err != nil { // warm
		return sample{}, err
	}
	asked := origin.runs.Load()
	before, err := cpuTime(running.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	count, err := wrk(url, *each)
	if err != nil {
		return sample{}, err
	}
	after, err := cpuTime(running.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	if origin.runs.Load() != asked {
		return sample{}, fmt.Errorf("not all of its answers were hits")
	}
	return sample{count.perSecond, float64((after - before).Microseconds()) / count.requests}, nil
}

// check asks three times, so that a cache has it by then.
func check(url string) error {
	for range 3 {
		res, err := http.Get(url)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK || len(body) != benchmarks.Works[0].Size {
			return fmt.Errorf("%s with %d bytes", res.Status, len(body))
		}
	}
	return nil
}

type count struct{ requests, perSecond float64 }

var (
	wrkTotal = regexp.MustCompile(`(\d+) requests in`)
	wrkSpeed = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkError = regexp.MustCompile(`(?m)^\s*(Socket errors|Non-2xx).*$`)
)

func wrk(url string, d time.Duration) (count, error) {
	out, err := exec.Command("taskset", "-c", "1", "wrk", "-t1", "-c"+strconv.Itoa(*connections), "-d"+strconv.Itoa(int(d.Seconds()))+"s", url).CombinedOutput()
	if err != nil {
		return count{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if bad := wrkError.Find(out); bad != nil {
		return count{}, fmt.Errorf("wrk: %s", bad)
	}
	total, speed := wrkTotal.FindSubmatch(out), wrkSpeed.FindSubmatch(out)
	if total == nil || speed == nil {
		return count{}, fmt.Errorf("wrk said: %s", out)
	}
	var c count
	c.requests, _ = strconv.ParseFloat(string(total[1]), 64)
	c.perSecond, _ = strconv.ParseFloat(string(speed[1]), 64)
	return c, nil
}
