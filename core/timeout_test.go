package cachex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-cachex/cachex/core/adapter"
)

func copyAll(to *strings.Builder, res *http.Response) (int64, error) {
	defer res.Body.Close()
	return io.Copy(to, res.Body)
}

const soft, hard = 100 * time.Millisecond, 2 * time.Second

func renewable(more ...Option) []Option {
	return append([]Option{TTL(time.Second), StaleIfError(time.Hour)}, more...)
}

// The stale copy is sent when the time is over, and at once to whoever comes
// later; the run goes on, alone, and what it brings is stored.
func TestSoftTimeout(t *testing.T) {
	inBubble(t, renewable(SoftTimeout(soft)), func(b *bubble) {
		b.stale("old")
		b.handler = func(_ int64, w http.ResponseWriter, r *http.Request) {
			if !IsBackground(r.Context()) {
				t.Error("the run is some client's")
			}
			passes(10 * time.Second)
			_, _ = io.WriteString(w, "new")
		}
		b.get().want(t, 200, "old", "Cachex; fwd=stale; ttl=-59; detail=soft-timeout", soft)
		passes(time.Second)
		for range 3 {
			b.get().want(t, 200, "old", "Cachex; fwd=stale; collapsed; ttl=-60; detail=soft-timeout", 0)
		}
		passes(9 * time.Second)
		b.get().want(t, 200, "new", "Cachex; hit; ttl=1", 0)
		b.wantRuns(1)
		if s := b.cache.Stats(); s.Late != 4 || s.Refreshes != 1 || s.Stores != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestInTime(t *testing.T) {
	inBubble(t, renewable(SoftTimeout(soft)), func(b *bubble) {
		b.stale("old")
		b.says("new", soft/2)
		first := b.asks()
		synctest.Wait()
		second := b.asks()
		(<-first.done).want(t, 200, "new", "Cachex; fwd=stale; stored; ttl=1", soft/2)
		(<-second.done).want(t, 200, "new", "Cachex; fwd=stale; collapsed; ttl=1", soft/2)
		b.wantRuns(1)
	})
}

// A run that fails in time is a failure like any other.
func TestFailureInTime(t *testing.T) {
	for name, fail := range failures {
		inBubble(t, renewable(SoftTimeout(soft)), func(b *bubble) {
			b.stale("old")
			b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) {
				passes(soft / 2)
				fail(w)
			}
			clients := b.crowd(20)
			for _, c := range clients {
				if r := <-c.done; r.body != "old" || r.took != soft/2 || !strings.HasSuffix(r.cache, "detail=stale-if-error") {
					t.Errorf("%s: %q %s after %v", name, r.body, r.cache, r.took)
				}
			}
			passes(time.Second)
			b.get().want(t, 200, "old", "Cachex; hit; ttl=-60; detail=stale-if-error", 0)
			b.wantRuns(1)
			if s := b.cache.Stats(); s.Failures == 0 || s.Refreshes != 0 {
				t.Errorf("%s: %+v", name, s)
			}
		})
	}
}

var failures = map[string]func(http.ResponseWriter){
	"status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
	"panic":  func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	"half a response": func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	},
}

// What is stale is never sent where it must not be, or is not wanted.
func TestSoftTimeoutOfWhatMustNotBeStale(t *testing.T) {
	stored := map[string]string{"s-maxage=1": "", "max-age=1, must-revalidate": "", "max-age=1, no-cache": "", "max-age=1": "", "public, max-age=1, stale-if-error=3600": "no-cache", "public, max-age=1, stale-if-error=3601": "max-age=0"}
	for control, wish := range stored {
		inBubble(t, []Option{SoftTimeout(soft)}, func(b *bubble) {
			b.handler = func(run int64, w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", control)
				w.Header().Set("ETag", fmt.Sprintf(`"%d"`, run))
				if run > 1 {
					passes(10 * soft)
				}
				_, _ = fmt.Fprint(w, run)
			}
			b.get()
			passes(time.Minute)
			var fields []string
			if wish != "" {
				fields = []string{"Cache-Control", wish}
			}
			if r := b.get(fields...); r.body != "2" || r.took != 10*soft {
				t.Errorf("%s, request %q: %q after %v", control, wish, r.body, r.took)
			}
		})
	}
}

// A handler that never returns costs its copy a second or two of nobody's time,
// and one goroutine, however often it is asked for.
func TestSoftTimeoutAndAHandlerThatNeverReturns(t *testing.T) {
	inBubble(t, renewable(SoftTimeout(soft)), func(b *bubble) {
		b.stale("old")
		end := newGate()
		b.handler = func(int64, http.ResponseWriter, *http.Request) { end.waitOpen() }
		for range 60 {
			if r := b.get(); r.body != "old" || r.took > soft {
				t.Fatalf("%q %s after %v", r.body, r.cache, r.took)
			}
			passes(10 * time.Second)
		}
		b.wantRuns(1)
		if s := b.cache.Stats(); s.Background != 1 || s.Pending == 0 {
			t.Errorf("%+v", s)
		}
		end.open()
	})
}

// Beyond Config.MaxRefreshes a client waits for its run, as without SoftTimeout.
func TestSoftTimeoutBeyondTheBound(t *testing.T) {
	inBubble(t, renewable(SoftTimeout(soft)), func(b *bubble) {
		b.stale("old")
		for range b.cache.cfg.MaxRefreshes {
			b.cache.background.begin(b.cache.cfg.MaxRefreshes)
		}
		b.says("new", time.Second)
		leader := b.asks()
		synctest.Wait()
		b.get().want(t, 200, "old", "Cachex; fwd=stale; collapsed; ttl=-59; detail=soft-timeout", soft)
		(<-leader.done).want(t, 200, "new", "Cachex; fwd=stale; stored; ttl=1", time.Second)
		if s := b.cache.Stats(); s.Refused != 1 || s.Background != 64 {
			t.Errorf("%+v", s)
		}
		for range b.cache.cfg.MaxRefreshes {
			b.cache.background.end()
		}
	})
}

// A framework that has no way back in, and outer middleware that refuses what
// comes back: the run is the client's, and the others still need not wait.
func TestSoftTimeoutWithoutAWayBack(t *testing.T) {
	for _, way := range []string{"none", "refused"} {
		inBubble(t, renewable(SoftTimeout(soft)), func(b *bubble) {
			h, err := b.cache.Bind(NetHTTP, renewable(SoftTimeout(soft))...)
			if err != nil {
				t.Fatal(err)
			}
			entered := 0
			b.served = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				x := &oneWay{b: b}
				x.Reset(w, w, r, x)
				if way == "refused" {
					x.enter = func(context.Context) { entered++ }
				}
				h.Handle(x)
			})
			b.stale("old")
			b.says("new", time.Second)
			leader := b.asks()
			synctest.Wait()
			b.get().want(t, 200, "old", "Cachex; fwd=stale; collapsed; ttl=-59; detail=soft-timeout", soft)
			(<-leader.done).want(t, 200, "new", "Cachex; fwd=stale; stored; ttl=1", time.Second)
			b.wantRuns(1)
			if want := map[string]int{"none": 0, "refused": 1}[way]; entered != want {
				t.Errorf("%s: tried %d times, want %d", way, entered, want)
			}
		})
	}
}

// A renewal that outer middleware refuses is not tried again for the response
// that is there: it is validated by its clients' requests.
func TestRefusedRenewalsBackOff(t *testing.T) {
	opts := []Option{TTL(time.Second), StaleWhileRevalidate(time.Hour)}
	inBubble(t, opts, func(b *bubble) {
		h, err := b.cache.Bind(NetHTTP, opts...)
		if err != nil {
			t.Fatal(err)
		}
		entered := 0
		b.served = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x := &oneWay{b: b, enter: func(context.Context) { entered++ }}
			x.Reset(w, w, r, x)
			h.Handle(x)
		})
		b.stale("old")
		b.handler = func(run int64, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		b.get().want(t, 200, "old", "Cachex; hit; ttl=-59; detail=stale-while-revalidate", 0)
		synctest.Wait()
		for range 3 {
			if r := b.get(); r.status != http.StatusServiceUnavailable {
				t.Errorf("%d %s", r.status, r.cache)
			}
		}
		if entered != 1 {
			t.Errorf("%d renewals were sent into a closed door", entered)
		}
		b.wantRuns(3)
	})
}

// oneWay is an exchange whose way back into the application ends somewhere else.
type oneWay struct {
	adapter.HTTP
	b     *bubble
	enter func(context.Context)
}

func (x *oneWay) Next(w http.ResponseWriter, r *http.Request)         { x.b.run(w, r) }
func (x *oneWay) Pattern() string                                     { return "" }
func (x *oneWay) Native() any                                         { return nil }
func (x *oneWay) Reopen() http.ResponseWriter                         { return nil }
func (x *oneWay) Reenter(*http.Request) (enter func(context.Context)) { return x.enter }

// With nothing stored the answer is 504, for all who wait at the same moment.
func TestHardTimeout(t *testing.T) {
	inBubble(t, []Option{TTL(time.Minute), HardTimeout(hard)}, func(b *bubble) {
		b.handler = func(_ int64, w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			if cause := context.Cause(r.Context()); !errors.Is(cause, context.DeadlineExceeded) {
				t.Errorf("the handler is told of %v", cause)
			}
			w.WriteHeader(http.StatusInternalServerError)
		}
		for _, c := range b.crowd(100) {
			(<-c.done).want(t, http.StatusGatewayTimeout, tookTooLong, "", hard)
		}
		b.wantRuns(1)
		if s := b.cache.Stats(); s.Timeouts != 1 || s.Stores != 0 {
			t.Errorf("%+v", s)
		}
		b.says("well", 0)
		b.get().want(t, 200, "well", "Cachex; fwd=uri-miss; stored; ttl=60", 0)
	})
}

// A handler that does not heed its context holds up its own client alone, and
// what it writes in the end may be half of what it should be.
func TestHardTimeoutIsNotHeeded(t *testing.T) {
	inBubble(t, []Option{TTL(time.Minute), HardTimeout(hard)}, func(b *bubble) {
		b.says("too late", time.Hour)
		clients := b.crowd(10)
		for _, c := range clients[1:] {
			(<-c.done).want(t, http.StatusGatewayTimeout, tookTooLong, "", hard)
		}
		(<-clients[0].done).want(t, http.StatusGatewayTimeout, tookTooLong, "", time.Hour)
		b.says("new", 0)
		b.get().want(t, 200, "new", "Cachex; fwd=uri-miss; stored; ttl=60", 0)
	})
}

// A response that has begun in time is whole, however long it takes.
func TestHardTimeoutOfALongResponse(t *testing.T) {
	inBubble(t, []Option{TTL(time.Minute), HardTimeout(hard)}, func(b *bubble) {
		b.handler = func(_ int64, w http.ResponseWriter, r *http.Request) {
			for range 10 {
				_, _ = io.WriteString(w, "x")
				passes(hard / 4)
			}
			if r.Context().Err() != nil {
				t.Error("the handler's context has ended")
			}
		}
		for _, c := range b.crowd(2) {
			if r := <-c.done; r.body != "xxxxxxxxxx" || r.took != 10*hard/4 {
				t.Errorf("%q after %v", r.body, r.took)
			}
		}
		b.wantRuns(1)
	})
}

// Where there is something stale nobody waits longer than the limit, whatever the
// handler does, and it is left alone afterwards.
func TestHardTimeoutWithAStaleCopy(t *testing.T) {
	inBubble(t, renewable(HardTimeout(hard)), func(b *bubble) {
		b.stale("old")
		end := newGate()
		b.handler = func(int64, http.ResponseWriter, *http.Request) { end.waitOpen() }
		for i, c := range b.crowd(10) {
			cache := "Cachex; fwd=stale; fwd-status=504; ttl=-61; detail=stale-if-error"
			if i > 0 {
				cache = strings.Replace(cache, "; ttl", "; collapsed; ttl", 1)
			}
			(<-c.done).want(t, 200, "old", cache, hard)
		}
		synctest.Wait() // the clients' own clocks may be the first to strike
		b.get().want(t, 200, "old", "Cachex; hit; ttl=-61; detail=stale-if-error", 0)
		b.wantRuns(1)
		end.open()
	})
}

// HEAD and ranges do not share runs: the limit holds for them as well.
func TestHardTimeoutOfARange(t *testing.T) {
	for _, windows := range [][]Option{renewable(HardTimeout(hard)), {TTL(time.Second), HardTimeout(hard)}} {
		inBubble(t, windows, func(b *bubble) {
			b.stale("old")
			b.handler = func(_ int64, w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
			r := b.get("Range", "bytes=0-1")
			if len(windows) == 3 {
				r.want(t, http.StatusPartialContent, "ol", "Cachex; fwd=stale; fwd-status=504; ttl=-61; detail=stale-if-error", hard)
			} else {
				r.want(t, http.StatusGatewayTimeout, tookTooLong, "", hard)
			}
		})
	}
}

// A run in the background has the same limit, which its entry outlives.
func TestHardTimeoutOfARenewal(t *testing.T) {
	inBubble(t, []Option{TTL(time.Second), StaleWhileRevalidate(time.Hour), HardTimeout(hard)}, func(b *bubble) {
		b.stale("old")
		b.handler = func(_ int64, w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			_, _ = io.WriteString(w, "half of it")
		}
		b.get()
		passes(hard)
		synctest.Wait()
		b.get().want(t, 200, "old", "Cachex; hit; ttl=-61; detail=stale-while-revalidate", 0)
		b.wantRuns(1)
		if s := b.cache.Stats(); s.Timeouts != 1 || s.Failures != 1 || s.Background != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// The innermost New answers, with the limits of the outer one where it has none.
func TestTimeoutsOfLevels(t *testing.T) {
	for _, tt := range []struct {
		outer, inner []Option
		want         time.Duration
	}{
		{[]Option{HardTimeout(hard)}, nil, hard},
		{[]Option{HardTimeout(time.Hour)}, []Option{HardTimeout(hard)}, hard},
		{[]Option{HardTimeout(time.Second)}, []Option{HardTimeout(hard)}, hard},
		{[]Option{HardTimeout(hard)}, []Option{HardTimeout(0)}, time.Minute},
	} {
		inBubble(t, nil, func(b *bubble) {
			inner := b.cache.Middleware(append(tt.inner, TTL(time.Minute))...)(http.HandlerFunc(b.run))
			b.served = b.cache.Middleware(tt.outer...)(inner)
			b.handler = func(_ int64, w http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
				case <-time.After(time.Minute):
				}
			}
			if r := b.get(); r.took != tt.want || (r.status == http.StatusGatewayTimeout) != (tt.want == hard) {
				t.Errorf("%d after %v, want %v", r.status, r.took, tt.want)
			}
		})
	}
}

// Unsafe methods are not cut short: their work may be half done.
func TestHardTimeoutIsForGet(t *testing.T) {
	inBubble(t, []Option{HardTimeout(hard)}, func(b *bubble) {
		b.says("done", time.Hour)
		w := httptest.NewRecorder()
		b.served.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		if w.Code != 200 || w.Body.String() != "done" {
			t.Errorf("%d %q", w.Code, w.Body)
		}
	})
}

func TestTimeoutOptionsAreChecked(t *testing.T) {
	for name, opts := range map[string][]Option{
		"SoftTimeout(-1s)": {SoftTimeout(-time.Second)},
		"HardTimeout(-2s)": {HardTimeout(-2 * time.Second)},
		"HardTimeout(1s)":  {SoftTimeout(time.Second), HardTimeout(time.Second)},
		"SoftTimeout(3s)":  {SoftTimeout(3 * time.Second), HardTimeout(2 * time.Second)},
		"must-revalidate":  {CacheControl("max-age=1, must-revalidate"), SoftTimeout(time.Second)},
		"1s and 2s":        {HardTimeout(time.Second), HardTimeout(2 * time.Second)},
	} {
		if err := Validate(opts...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error that names %s: %v", name, err)
		}
	}
	for _, opts := range [][]Option{
		{SoftTimeout(time.Second), HardTimeout(2 * time.Second)},
		{SoftTimeout(time.Second), HardTimeout(0)},
		{CacheControl("no-store"), HardTimeout(time.Second)},
	} {
		if err := Validate(opts...); err != nil {
			t.Error(err)
		}
	}
}

// An origin that is dead for a minute, behind a lifetime of a second and a window
// of an hour, is no error to any user, and is probed, not hammered, whatever it
// dies of.
func TestADeadOriginForAMinute(t *testing.T) {
	end := newGate()
	deaths := map[string]func(http.ResponseWriter){
		"it hangs": func(http.ResponseWriter) { end.waitOpen() },
	}
	for name, fail := range failures {
		deaths[name] = fail
	}
	for name, die := range deaths {
		for limits, opts := range map[string][]Option{
			"": nil, "soft": {SoftTimeout(soft)}, "hard": {HardTimeout(hard)}, "both": {SoftTimeout(soft), HardTimeout(hard)},
		} {
			if name == "it hangs" && limits == "" {
				continue // what limits are for
			}
			inBubble(t, renewable(opts...), func(b *bubble) {
				end = newGate()
				b.says("good", 0)
				b.get()
				b.runs.Store(0)
				b.handler = func(_ int64, w http.ResponseWriter, _ *http.Request) { die(w) }
				for range 600 {
					passes(100 * time.Millisecond)
					if r := b.get(); r.status != 200 || r.body != "good" || r.took > hard {
						t.Fatalf("%s, %q: %d %q %s after %v", name, limits, r.status, r.body, r.cache, r.took)
					}
				}
				if n := b.runs.Load(); n < 1 || n > 13 {
					t.Errorf("%s, %q: %d probes in a minute", name, limits, n)
				}
				end.open()
				b.says("well again", 0)
				passes(2 * retryAfter)
				if r := b.get(); r.body != "well again" {
					t.Errorf("%s, %q: %q %s", name, limits, r.body, r.cache)
				}
			})
		}
	}
}

// A run whose handler has left the answer to a deadline of outer middleware is a
// failure to those who wait, who have time left: one of them runs for all.
func TestDeadlineOfTheLeader(t *testing.T) {
	inBubble(t, []Option{TTL(time.Hour)}, func(b *bubble) {
		cached := b.served
		b.served = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
			defer cancel()
			cached.ServeHTTP(w, r.WithContext(ctx))
			if ctx.Err() != nil {
				w.WriteHeader(http.StatusGatewayTimeout)
			}
		})
		b.handler = func(run int64, w http.ResponseWriter, r *http.Request) {
			if run == 1 {
				<-r.Context().Done()
				return
			}
			_, _ = w.Write([]byte("content"))
		}
		first := b.asks()
		passes(4 * time.Second)
		others := b.crowd(3)
		(<-first.done).want(t, http.StatusGatewayTimeout, "", "", 10*time.Second)
		for _, c := range others {
			if r := <-c.done; r.status != http.StatusOK || r.body != "content" || r.took != 6*time.Second {
				t.Errorf("%d %q after %v", r.status, r.body, r.took)
			}
		}
		b.wantRuns(2)
	})
}
