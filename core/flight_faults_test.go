package cachex

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

// A thousand clients, whatever becomes of the first of them.
func TestAThousandClients(t *testing.T) {
	const second = time.Second
	whole := strings.Repeat("x", 10_000)
	write := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, whole) }
	for name, tt := range map[string]struct {
		first  func(w http.ResponseWriter, r *http.Request) // after a second
		runs   int64
		failed int // clients at most
	}{
		"all is well":        {write, 1, 0},
		"it panics":          {func(http.ResponseWriter, *http.Request) { panic("broken") }, 2, 1},
		"it aborts":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 2, 1},
		"it ends its thread": {func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, 2, 1},
		"it breaks off": {func(w http.ResponseWriter, r *http.Request) {
			write(w, r)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, 2, 1},
		"it writes too little": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10000")
			_, _ = io.WriteString(w, "half")
		}, 2, 1},
		"it fails": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, 2, 1},
		"it flushes": {func(w http.ResponseWriter, _ *http.Request) {
			for i := range 10 {
				_, _ = io.WriteString(w, whole[i*1000:(i+1)*1000])
				w.(http.Flusher).Flush()
			}
		}, 1, 0},
		"it leaves": {nil, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, []Option{TTL(time.Minute)}, func(b *bubble) {
				b.handler = func(run int64, w http.ResponseWriter, r *http.Request) {
					passes(second)
					if run == 1 && tt.first != nil {
						tt.first(w, r)
						return
					}
					if r.Context().Err() != nil {
						t.Error("a run that others wait for is cancelled")
					}
					write(w, r)
				}
				clients := b.crowd(1000)
				if name == "it leaves" {
					clients[0].leave()
				}
				failed := 0
				for _, c := range clients {
					r := <-c.done
					if r.status != 200 || r.body != whole || r.broken != nil {
						failed++
					}
					if r.took > 2*second {
						t.Errorf("a client has waited for %v", r.took)
					}
				}
				if failed > tt.failed {
					t.Errorf("%d clients failed", failed)
				}
				b.wantRuns(tt.runs)
			})
		})
	}
}

// Nobody waits for more than one run besides its own where what comes is not to
// be shared, and those who come later wait for none.
func TestWhatCannotBeShared(t *testing.T) {
	field := func(name, value string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.Header().Set(name, value) }
	}
	for name, unshareable := range map[string]func(http.ResponseWriter){
		"private":      field("Cache-Control", "private"),
		"no-store":     field("Cache-Control", "no-store"),
		"Set-Cookie":   field("Set-Cookie", "a=b"),
		"Vary: *":      field("Vary", "*"),
		"event stream": field("Content-Type", "text/event-stream"),
		"no lifetime":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) },
		"too large":    func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Repeat("x", 20_001)) },
		"announced":    field("Content-Length", "20001"),
		"trailers":     field(http.TrailerPrefix+"Sum", "1"),
		"no-cache": func(w http.ResponseWriter) {
			w.Header().Set("Cache-Control", "no-cache")
			w.Header().Set("ETag", `"1"`)
		},
		"no-cache, without a tag": func(w http.ResponseWriter) {
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = io.WriteString(w, strings.Repeat("x", 3000))
		},
		"no-cache, of a length, and flushed": func(w http.ResponseWriter) {
			w.Header().Set("Cache-Control", "no-cache")
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "all ")
			w.(http.Flusher).Flush()
		},
		"max-age=0": func(w http.ResponseWriter) {
			w.Header().Set("Cache-Control", "max-age=0")
			w.Header().Set("ETag", `"1"`)
		},
		"unwrapped": func(w http.ResponseWriter) { w.(interface{ Unwrap() http.ResponseWriter }).Unwrap() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, []Option{TTL(time.Minute)}, func(b *bubble) {
				b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) {
					passes(time.Second)
					unshareable(w)
					_, _ = io.WriteString(w, "yours")
				}
				for _, c := range b.crowd(100) {
					if r := <-c.done; r.status >= 400 || !strings.HasSuffix(r.body, "yours") || r.took > 2*time.Second || strings.Contains(r.cache, "collapsed") {
						t.Errorf("%q %s after %v", r.body[max(0, len(r.body)-20):], r.cache, r.took)
					}
				}
				b.wantRuns(100)
				for _, c := range b.crowd(10) {
					if r := <-c.done; r.took > time.Second {
						t.Errorf("who comes later has waited for %v", r.took)
					}
				}
			})
		})
	}
}

// An error that says that it is for its client alone, or for caches that know more of
// its status, is for nobody who waits.
func TestErrorsOfOneClient(t *testing.T) {
	for _, fields := range [][]string{
		{"Cache-Control", "must-understand"},
		{"Cache-Control", "must-understand, no-store"},
		{"Cache-Control", "must-understand, private"},
		{"Cache-Control", "must-understand, public, max-age=60", "Set-Cookie", "session=1"},
		{"Cache-Control", "private"},
		{"Cache-Control", "no-store"},
		{"Set-Cookie", "session=1"},
	} {
		t.Run(strings.Join(fields, " "), func(t *testing.T) {
			inBubble(t, []Option{TTL(time.Minute)}, func(b *bubble) {
				b.handler = func(run int64, w http.ResponseWriter, _ *http.Request) {
					passes(time.Second)
					for i := 0; i < len(fields); i += 2 {
						w.Header().Set(fields[i], fields[i+1])
					}
					w.WriteHeader(http.StatusServiceUnavailable)
					_, _ = fmt.Fprint(w, run)
				}
				got := map[string]bool{}
				for _, c := range b.crowd(10) {
					r := <-c.done
					if got[r.body] = true; strings.Contains(r.cache, "collapsed") {
						t.Errorf("%q of another client: %s", r.body, r.cache)
					}
				}
				if len(got) != 10 {
					t.Errorf("%d errors for 10 clients", len(got))
				}
			})
		})
	}
}

// Nobody waits for a response that its own Vary keeps out, because a field that it
// names is too long.
func TestNobodyWaitsBehindALongField(t *testing.T) {
	inBubble(t, []Option{TTL(time.Minute)}, func(b *bubble) {
		b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) {
			passes(time.Second)
			w.Header().Set("Vary", "Accept-Language")
			_, _ = io.WriteString(w, "page")
		}
		b.get()
		long := strings.Repeat("x", maxSelectingBytes+1)
		for _, c := range []*client{b.asks("Accept-Language", long), b.asks("Accept-Language", long)} {
			(<-c.done).want(t, 200, "page", "Cachex; fwd=vary-miss; detail=vary", time.Second)
		}
	})
}

// Whoever takes the connection may keep it for hours.
func TestTheLeaderHijacks(t *testing.T) {
	taken, end := make(chan bool), make(chan bool)
	c := newCrowd(t, func(run int64, w http.ResponseWriter, r *http.Request) {
		if run > 1 {
			_, _ = io.WriteString(w, "whole")
			return
		}
		var conn net.Conn
		var err error
		if conn, _, err = w.(http.Hijacker).Hijack(); err != nil {
			t.Error(err)
			return
		}
		close(taken)
		<-end
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine")
		_ = conn.Close()
	}, TTL(time.Minute))
	replies := c.gather(context.Background(), 20)
	close(c.gate)
	<-taken
	for range 19 {
		if r := <-replies; r.body != "whole" || r.err != nil {
			t.Errorf("a waiter: %q %v", r.body, r.err)
		}
	}
	close(end)
	if r := <-replies; r.body != "mine" {
		t.Errorf("who hijacked: %q %v", r.body, r.err)
	}
}

// slowReader is a client that reads nothing until its gate is open.
type slowReader struct {
	*httptest.ResponseRecorder
	gate *gate
}

func (s slowReader) Write(p []byte) (int, error) {
	s.gate.waitOpen()
	return s.ResponseRecorder.Write(p)
}

// A handler that takes its time in the middle of a response is one that is waited
// for, even where its client got the first part before anybody waited.
func TestASlowHandlerIsNoSlowReader(t *testing.T) {
	half := strings.Repeat("x", 5000)
	inBubble(t, []Option{TTL(time.Minute)}, func(b *bubble) {
		b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(half))
			w.(http.Flusher).Flush()
			passes(10 * maxStall)
			_, _ = w.Write([]byte(half))
		}
		for _, c := range b.crowd(10) {
			if r := <-c.done; r.body != half+half || r.took != 10*maxStall {
				t.Errorf("%d bytes after %v", len(r.body), r.took)
			}
		}
		b.wantRuns(1)
	})
}

// The leader's client does not read, and has begun to get its response before
// anybody waited: those who come soon see that it has stopped.
func TestASlowReaderBeforeAnybodyWaits(t *testing.T) {
	whole := strings.Repeat("x", 10_000)
	inBubble(t, []Option{TTL(time.Minute)}, func(b *bubble) {
		b.says(whole, 0)
		slow := slowReader{httptest.NewRecorder(), newGate()}
		leader := b.asksOn(slow)
		synctest.Wait()
		for _, c := range b.crowd(50) {
			if r := <-c.done; r.body != whole || r.took > 2*maxStall {
				t.Errorf("%d bytes after %v", len(r.body), r.took)
			}
		}
		b.wantRuns(2)
		slow.gate.open()
		if r := <-leader.done; r.body != whole {
			t.Errorf("the slow reader: %d bytes", len(r.body))
		}
	})
}

// The run of a client that has left, for which nobody waited, is called off: who
// comes before it has ended does not get its error.
func TestNobodyJoinsACancelledRun(t *testing.T) {
	inBubble(t, []Option{TTL(time.Minute)}, func(b *bubble) {
		b.handler = func(run int64, w http.ResponseWriter, r *http.Request) {
			if run < 3 {
				<-r.Context().Done()
				passes(time.Minute) // to clean up
				panic(http.ErrAbortHandler)
			}
			_, _ = io.WriteString(w, "whole")
		}
		for range 2 {
			c := b.asks()
			synctest.Wait()
			c.leave()
			synctest.Wait()
		}
		b.get().want(t, 200, "whole", "Cachex; fwd=uri-miss; stored; ttl=60", 0)
		b.wantRuns(3)
		passes(time.Minute)
	})
}

// Clients come and leave at random moments of runs that take a while: nobody who
// stays is failed, and no run is made for nobody.
func TestClientsComeAndLeaveAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		inBubble(t, []Option{TTL(time.Minute)}, func(b *bubble) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			random := func(d time.Duration) time.Duration { return time.Duration(rnd.Int64N(int64(d))) }
			var cancelled atomic.Int64
			b.handler = func(_ int64, w http.ResponseWriter, r *http.Request) {
				for range 10 {
					select {
					case <-r.Context().Done():
						cancelled.Add(1)
						panic(http.ErrAbortHandler)
					case <-time.After(100 * time.Millisecond):
					}
				}
				_, _ = io.WriteString(w, "whole")
			}
			var staying []*client
			for range 60 {
				c := b.asks()
				if rnd.IntN(3) == 0 {
					staying = append(staying, c)
				} else {
					time.AfterFunc(random(1500*time.Millisecond), c.leave)
				}
				passes(random(100 * time.Millisecond))
			}
			for _, c := range staying {
				if r := <-c.done; r.status != 200 || r.body != "whole" {
					t.Errorf("seed %d: who stayed got %d %q %v", seed, r.status, r.body, r.broken)
				}
			}
			if n := b.runs.Load() - cancelled.Load(); n != 1 {
				t.Errorf("seed %d: %d whole runs of %d", seed, n, b.runs.Load())
			}
			passes(2 * time.Second) // let all of them leave
		})
	}
}

// A handler that never returns hangs its own client and nobody else for ever.
func TestTheLeaderNeverReturns(t *testing.T) {
	inBubble(t, []Option{TTL(time.Hour)}, func(b *bubble) {
		end := newGate()
		b.handler = func(run int64, w http.ResponseWriter, _ *http.Request) {
			if run == 1 {
				end.waitOpen()
			}
			_, _ = io.WriteString(w, "whole")
		}
		clients := b.crowd(100)
		for _, c := range clients[1:] {
			if r := <-c.done; r.body != "whole" || r.took != maxWait {
				t.Errorf("%q after %v", r.body, r.took)
			}
		}
		b.wantRuns(2)
		end.open()
	})
}

// Those who wait when the cache is closed run by themselves.
func TestClosedWhileWaiting(t *testing.T) {
	inBubble(t, []Option{TTL(time.Minute)}, func(b *bubble) {
		b.says("whole", time.Second)
		clients := b.crowd(10)
		_ = b.cache.Close()
		for _, c := range clients {
			if r := <-c.done; r.status != 200 || r.body != "whole" {
				t.Errorf("%d %q", r.status, r.body)
			}
		}
	})
}

// A copy that only a waiter may have stands in for the failure of two leaders
// whose requests did not ask for it.
func TestAWaitersOwnStaleIfError(t *testing.T) {
	inBubble(t, []Option{TTL(time.Second)}, func(b *bubble) {
		b.stale("old")
		b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) {
			passes(time.Second)
			w.WriteHeader(http.StatusBadGateway)
		}
		first := b.asks()
		synctest.Wait()
		second := b.asks()
		synctest.Wait()
		third := b.asks("Cache-Control", "stale-if-error=3600")
		if r := <-first.done; r.status != http.StatusBadGateway {
			t.Errorf("%d %q", r.status, r.body)
		}
		if r := <-second.done; r.status != http.StatusBadGateway {
			t.Errorf("%d %q", r.status, r.body)
		}
		if r := <-third.done; r.body != "old" || !strings.Contains(r.cache, "detail=stale-if-error") {
			t.Errorf("%d %q %s", r.status, r.body, r.cache)
		}
	})
}

// Who waits for a renewal that began while the stale response could still be
// served does not start another run.
func TestWaitingForARenewal(t *testing.T) {
	inBubble(t, []Option{TTL(time.Second), StaleWhileRevalidate(time.Minute)}, func(b *bubble) {
		b.says("old", 0)
		b.get()
		passes(time.Minute)
		b.says("new", 10*time.Second)
		b.get().want(t, 200, "old", "Cachex; hit; ttl=-59; detail=stale-while-revalidate", 0)
		passes(5 * time.Second) // and the window is over
		b.get().want(t, 200, "new", "Cachex; fwd=stale; collapsed; ttl=1", 5*time.Second)
		b.wantRuns(2)
	})
}

// One renewal for each response at a time, and no more than the bound for all.
func TestRenewalsAreBounded(t *testing.T) {
	inBubble(t, []Option{TTL(time.Second), StaleWhileRevalidate(time.Hour)}, func(b *bubble) {
		b.cache.cfg.MaxRefreshes = 3
		b.says("old", 0)
		for i := range 10 {
			b.served.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, fmt.Sprintf("/%d", i), nil))
		}
		passes(time.Minute)
		b.runs.Store(0)
		b.says("new", time.Second)
		for range 5 {
			for i := range 10 {
				b.served.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, fmt.Sprintf("/%d", i), nil))
			}
		}
		synctest.Wait()
		b.wantRuns(3)
		if s := b.cache.Stats(); s.Background != 3 || s.Pending != 3*4 || s.Refused != 7*5 {
			t.Errorf("%d run, %d pending, %d refused", s.Background, s.Pending, s.Refused)
		}
		passes(2 * time.Second)
		if s := b.cache.Stats(); s.Background != 0 || s.Refreshes != 3 {
			t.Errorf("%+v", s)
		}
	})
}

// A failed renewal leaves what is there, whatever the failure says of itself.
func TestAFailedRenewalIsNotStored(t *testing.T) {
	inBubble(t, []Option{TTL(time.Second), StaleWhileRevalidate(time.Hour)}, func(b *bubble) {
		b.stale("old")
		b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			w.WriteHeader(http.StatusInternalServerError)
		}
		b.get()
		synctest.Wait()
		b.get().want(t, 200, "old", "Cachex; hit; ttl=-59; detail=stale-while-revalidate", 0)
		b.wantRuns(1) // and it rests
	})
}

// An error that is written past the recorder is not followed by a stale copy.
func TestNothingBehindWhatIsWrittenPastUs(t *testing.T) {
	inBubble(t, []Option{TTL(time.Second), StaleIfError(time.Hour)}, func(b *bubble) {
		b.stale("old")
		b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) {
			w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "broken")
		}
		if r := b.get(); r.status != http.StatusServiceUnavailable || r.body != "broken" {
			t.Errorf("%d %q", r.status, r.body)
		}
	})
}

// Between a request's look at what is stored and its joining a flight, another
// one may land: what it has brought is the answer, without a run.
func TestAFlightLandsBeforeTheJoin(t *testing.T) {
	inBubble(t, nil, func(b *bubble) {
		b.says("whole", 0)
		h, err := b.cache.Bind(NetHTTP, TTL(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		nested := false
		b.served = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x := &overtaken{oneWay: oneWay{b: b}}
			x.Reset(w, w, r, x)
			if !nested {
				nested = true
				x.overtake = func() { b.get() }
			}
			h.Handle(x)
		})
		b.get().want(t, 200, "whole", "Cachex; hit; ttl=60", 0)
		b.wantRuns(1)
	})
}

// overtaken is an exchange during whose first question about outer middleware,
// which comes when nothing was found, another request is answered.
type overtaken struct {
	oneWay
	overtake func()
}

// Read says nothing about outer middleware, so that the question is asked.
func (x *overtaken) Read(h *adapter.Head) {
	x.oneWay.Read(h)
	h.Untouched = false
}

func (x *overtaken) Sent(name string) []string {
	if f := x.overtake; f != nil && name == "Cache-Control" {
		x.overtake = nil
		f()
	}
	return x.oneWay.Sent(name)
}
