package cachex

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxPurgeBytes bounds the content of a request to a PurgeHandler.
const maxPurgeBytes = 64 << 10

// PurgeHandler is a handler by which others purge: operators with curl, a content
// management system on saving. It takes a POST with "Authorization: Bearer" and
// the token, whose content is
//
//	{"by": "url", "value": "https://example.com/a", "soft": false}
//
// by is url, path, pattern, tag, host or all, and stands for the Selector of that
// name; value is left out for all; soft makes it Expire instead of Purge. The answer is
// {"ok":true}, or {"ok":false,"error":"..."} with status 400 for bad input, 401
// without the token, 405 for other methods, and 503 where the purge could not be
// confirmed (ErrPurgeIncomplete) or the cache is closed. Each purge, and each
// refusal, is a line of the log at Info.
//
// It belongs on a listener that the public does not reach. An empty token is an
// error, and so is one that no field can carry, such as a line with its end.
func (c *Cache) PurgeHandler(token string) (http.Handler, error) {
	if strings.TrimSpace(token) == "" {
		return nil, errors.New("cachex: PurgeHandler with an empty token")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, errors.New("cachex: PurgeHandler with a blank or control character in its token")
	}
	return &purgeHandler{c, sha256.Sum256([]byte(token))}, nil
}

type purgeHandler struct {
	cache *Cache
	token [sha256.Size]byte
}

// purgeRequest is the content of a request.
type purgeRequest struct {
	By    string `json:"by"`
	Value string `json:"value"`
	Soft  bool   `json:"soft"`
}

func (p *purgeHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked purgeRequest
	status, err := p.serve(r, &asked)
	said := struct {
		OK    bool   `json:"ok"`
		Error string `json:"error,omitempty"`
	}{OK: err == nil}
	if err != nil {
		said.Error = strings.TrimPrefix(err.Error(), "cachex: ")
	}
	p.cache.cfg.Logger.Info("cachex: purge", "by", asked.By, "value", asked.Value, "soft", asked.Soft,
		"status", status, "error", said.Error, "from", r.RemoteAddr)
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="cachex"`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(said) // to a client that has left: it has been done all the same
}

func (p *purgeHandler) serve(r *http.Request, asked *purgeRequest) (status int, err error) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, fmt.Errorf("the method is %s, want POST", r.Method)
	}
	if !p.authorized(r.Header.Get("Authorization")) {
		return http.StatusUnauthorized, errors.New("want Authorization: Bearer with the token")
	}
	if err := decodePurge(http.MaxBytesReader(nil, r.Body, maxPurgeBytes), asked); err != nil {
		return http.StatusBadRequest, err
	}
	s, err := asked.selector()
	if err != nil {
		return http.StatusBadRequest, err
	}
	if err := check([]Selector{s}); err != nil {
		return http.StatusBadRequest, err
	}
	if asked.Soft {
		err = p.cache.Expire(r.Context(), s)
	} else {
		err = p.cache.Purge(r.Context(), s)
	}
	if err != nil {
		return http.StatusServiceUnavailable, err
	}
	return http.StatusOK, nil
}

// authorized compares in constant time, whatever the length.
func (p *purgeHandler) authorized(field string) bool {
	scheme, token, _ := strings.Cut(field, " ")
	given := sha256.Sum256([]byte(strings.TrimLeft(token, " ")))
	return subtle.ConstantTimeCompare(given[:], p.token[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

func decodePurge(body io.Reader, asked *purgeRequest) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(asked); err != nil {
		return fmt.Errorf(`want {"by":"...","value":"...","soft":false}: %w`, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON object")
	}
	return nil
}

func (a *purgeRequest) selector() (s Selector, err error) {
	switch a.By {
	case "url":
		return ByURL(a.Value), nil
	case "path":
		return ByPath(a.Value), nil
	case "pattern":
		return ByPattern(a.Value), nil
	case "tag":
		return ByTag(a.Value), nil
	case "host":
		return ByHost(a.Value), nil
	case "all":
		if a.Value != "" {
			return s, fmt.Errorf("by all takes no value, and got %q", a.Value)
		}
		return All(), nil
	}
	return s, fmt.Errorf("by is %q, want url, path, pattern, tag, host or all", a.By)
}
