package field_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-cachex/cachex/core/internal/field"
)

func TestValidName(t *testing.T) { // RFC 9110, section 5.6.2
	const tchar = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for c := range 256 {
		s := string([]byte{byte(c)})
		if got := field.ValidName("a" + s); got != strings.Contains(tchar, s) {
			t.Errorf("%q: %v", s, got)
		}
	}
	if field.ValidName("") {
		t.Error("the empty name is valid")
	}
}

func TestValidValue(t *testing.T) { // RFC 9112, section 11.1; RFC 9110, section 5.5
	for c := range 256 {
		want := c != '\r' && c != '\n' && c != 0
		if got := field.ValidValue("a" + string([]byte{byte(c)}) + "b"); got != want {
			t.Errorf("%#x: %v", c, got)
		}
	}
	if !field.ValidValue("") {
		t.Error("the empty value is not valid")
	}
}

func TestHopByHop(t *testing.T) { // RFC 9111, section 3.1
	for _, n := range []string{
		"connection", "proxy-connection", "keep-alive", "te", "transfer-encoding", "upgrade",
		"proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
	} {
		if !field.HopByHop(http.CanonicalHeaderKey(n)) {
			t.Errorf("%s is stored", n)
		}
	}
	for _, n := range []string{"", "Trailer", "Content-Length", "Set-Cookie", "Www-Authenticate", "Authorization"} {
		if field.HopByHop(n) {
			t.Errorf("%s is not stored", n)
		}
	}
}
