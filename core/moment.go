package cachex

import (
	"math"
	"sync/atomic"
	"time"
)

// moment is a reading of the clock: nanoseconds since 1970. It takes a third of a
// time.Time and is one subtraction away from another. It is the time of the wall,
// so that the sleep of a machine makes what is stored older, and so that other
// processes understand it.
type moment int64

// momentOf is that of a clock. Far from 1970 it wraps around, which does no harm to
// what lies between two readings.
func momentOf(t time.Time) moment { return moment(t.UnixNano()) }

// momentOfDate is that of a field. There any year may stand; those that cannot be
// told in nanoseconds are the first or the last moment.
func momentOfDate(t time.Time) moment {
	switch s := t.Unix(); {
	case s <= math.MinInt64/int64(time.Second):
		return math.MinInt64
	case s >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return momentOf(t)
}

func (m moment) time() time.Time { return time.Unix(0, int64(m)) }

// since is the time from o to m.
func (m moment) since(o moment) time.Duration { return time.Duration(m - o) }

// fieldDate is a date of a field, which has whole seconds: those since the year 1,
// so that 0 stands for none as it does in a time.Time. Files of 1970 are served.
type fieldDate int64

const year1 = 62135596800 // seconds before 1970

func fieldDateOf(t time.Time) fieldDate { return fieldDate(t.Unix() + year1) }

func (d fieldDate) time() time.Time { return time.Unix(int64(d)-year1, 0) }

// wallClock is time.Now, which reads two clocks, at the price of one: what has passed
// since it was last read is told by the monotonic clock alone. That one stands still
// while the machine sleeps, and does not hear of it when the other is set, so that
// both are read again after a second.
type wallClock struct {
	last atomic.Pointer[reading]
}

// reading is one of both clocks.
type reading struct {
	at     time.Time
	moment moment // the same
}

func (w *wallClock) now() time.Time {
	r, passed := w.read()
	return r.at.Add(passed)
}

func (w *wallClock) moment() moment {
	r, passed := w.read()
	return r.moment + moment(passed)
}

// read returns the last reading of both clocks, and what has passed since.
func (w *wallClock) read() (*reading, time.Duration) {
	if last := w.last.Load(); last != nil {
		if passed := time.Since(last.at); passed >= 0 && passed < time.Second {
			return last, passed
		}
	}
	now := time.Now()
	r := &reading{now, momentOf(now)}
	w.last.Store(r)
	return r, 0
}
