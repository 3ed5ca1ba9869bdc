package main

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestGoRefusesTransferEncoding proves what the baseline says of Go's client:
// no proxy that is built on it can pass on such a response.
func TestGoRefusesTransferEncoding(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: value\r\nConnection: close\r\n\r\nbody"))
	}()
	resp, err := http.Get("http://" + l.Addr().String())
	if err == nil {
		resp.Body.Close()
		t.Fatal("net/http took a Transfer-Encoding that it does not know: the test headers-store-Transfer-Encoding may pass now")
	}
	if !strings.Contains(err.Error(), "unsupported transfer encoding") {
		t.Fatalf("refused for another reason: %v", err)
	}
}

func TestBetterKeepsEveryPass(t *testing.T) {
	first := results{"a": {passed: true}, "b": {failure: "Setup"}, "c": {failure: "Assertion", message: "first"}}
	second := results{"a": {failure: "Setup"}, "b": {passed: true}, "c": {failure: "Assertion", message: "second"}, "d": {passed: true}}
	both := first.better(second)
	for id, want := range map[string]bool{"a": true, "b": true, "c": false, "d": true} {
		if both[id].passed != want {
			t.Errorf("%s: passed %v, want %v", id, both[id].passed, want)
		}
	}
	if len(results(nil).better(second)) != len(second) {
		t.Error("a first run is compared with nothing")
	}
}
