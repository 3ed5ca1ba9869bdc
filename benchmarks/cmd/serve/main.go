// Command serve runs one contender on a port of the loopback, for cmd/sockets,
// and prints its address.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/go-cachex/cachex/benchmarks"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("serve: ")
	contender := flag.String("contender", "nethttp/plain", "framework/name")
	flag.Parse()
	framework, name, _ := strings.Cut(*contender, "/")
	c, ok := benchmarks.Find(framework, name)
	if !ok {
		log.Fatalf("there is no %s", *contender)
	}
	work := benchmarks.Works[0]
	srv, _, err := c.Start(work, benchmarks.NewSite(work.Size))
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr())
	if srv.Fast != nil {
		log.Fatal((&fasthttp.Server{Handler: srv.Fast}).Serve(l))
	}
	log.Fatal(http.Serve(l, srv.HTTP)) // on loopback, until it is killed
}
