package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-cachex/cachex/core/store"
)

// keptRecords is how many records a log keeps at least.
const keptRecords = 16_384

func storeLog() []storeCase {
	return []storeCase{
		{
			name: "begun",
			rule: "Where there is no log, Read and Append begin one, with a new epoch. Seq is counted from 1, and 0 where there is no record.",
			test: func(e *storeEnv) {
				log := e.read(store.Position{})
				if log.Seq != 0 || log.Floor != 0 || len(log.Records) != 0 {
					e.fatalf("a new log is %+v", log)
				}
				if again := e.read(log.Position); again.Position != log.Position {
					e.fatalf("the log was %v, and is %v", log.Position, again.Position)
				}
				if p := e.append("a"); p != (store.Position{Epoch: log.Epoch, Seq: 1}) {
					e.fatalf("the first record is at %v in the epoch %d", p, log.Epoch)
				}
				other := e.open(e.store.New(e.t), e.namespace+"-other")
				p, err := other.Append(e.ctx, time.Hour, []byte("a"), []byte("b"))
				e.ok(err)
				if p.Epoch == 0 || p.Epoch == log.Epoch || p.Seq != 2 {
					e.fatalf("a new log's first two records end at %v; the other log is at %v", p, log.Position)
				}
			},
		},
		{
			name: "read",
			rule: "Read returns the records after a position, in order, and each with its Seq.",
			test: func(e *storeEnv) {
				begun := e.read(store.Position{}).Position
				records := []string{"a", "", "a", "b\r\nEND\r\n", "\x00\xff:1", strings.Repeat("long ", 10_000), "1:2", "last"}
				var positions []store.Position
				positions = append(positions, e.append(records[0]), e.append(records[1:4]...), e.append(records[4:]...))
				for i, seq := range []uint64{1, 4, 8} {
					if positions[i] != (store.Position{Epoch: begun.Epoch, Seq: seq}) {
						e.fatalf("the positions are %v in the epoch %d", positions, begun.Epoch)
					}
				}
				for after := range uint64(9) {
					wantRecords(e, e.read(store.Position{Epoch: begun.Epoch, Seq: after}), after, 8, records)
				}
				e.space = e.process()
				wantRecords(e, e.read(begun), 0, 8, records)
			},
		},
		{
			name: "another-epoch",
			rule: "A position of another epoch has Read return all records that there are.",
			test: func(e *storeEnv) {
				p := e.append("a", "b", "c")
				for _, after := range []store.Position{{}, {Epoch: p.Epoch + 1, Seq: 2}, {Epoch: p.Epoch + 1, Seq: 100}, {Seq: 2}} {
					wantRecords(e, e.read(after), 0, 3, []string{"a", "b", "c"})
				}
			},
		},
		{
			name: "ahead",
			rule: "A position that the log has not reached yet proves that records were lost: Read begins a new log.",
			test: func(e *storeEnv) {
				p := e.append("a", "b")
				log := e.read(store.Position{Epoch: p.Epoch, Seq: 3})
				if log.Epoch == p.Epoch || log.Seq != 0 || len(log.Records) != 0 {
					e.fatalf("after a loss the log is %+v; it was at %v", log, p)
				}
				if next := e.append("c"); next != (store.Position{Epoch: log.Epoch, Seq: 1}) {
					e.fatalf("the log continues at %v in the epoch %d", next, log.Epoch)
				}
				wantRecords(e, e.read(p), 0, 1, []string{"c"})
			},
		},
		{
			name: "trimmed",
			rule: "A log keeps its 16,384 newest records at least; Floor is the Seq of the newest one that it no longer has.",
			test: func(e *storeEnv) {
				const total, batch = keptRecords + 700, 600
				var p store.Position
				for first := 1; first <= total; first += batch {
					var records []string
					for seq := first; seq < first+batch && seq <= total; seq++ {
						records = append(records, fmt.Sprint(seq))
					}
					p = e.append(records...)
				}
				want := make([]string, total)
				for i := range want {
					want[i] = fmt.Sprint(i + 1)
				}
				all := e.read(store.Position{})
				if all.Floor+keptRecords > total {
					e.fatalf("of %d records, those up to %d are gone", total, all.Floor)
				}
				wantRecords(e, all, all.Floor, total, want)
				if all.Floor > 0 { // no longer reached back to
					wantRecords(e, e.read(store.Position{Epoch: p.Epoch, Seq: all.Floor - 1}), all.Floor, total, want)
				}
				wantRecords(e, e.read(store.Position{Epoch: p.Epoch, Seq: all.Floor}), all.Floor, total, want)
				near := e.read(store.Position{Epoch: p.Epoch, Seq: total - 3})
				if near.Floor != all.Floor {
					e.fatalf("the floor is %d from afar and %d from near", all.Floor, near.Floor)
				}
				wantRecords(e, near, total-3, total, want)
			},
		},
		{
			name: "concurrent",
			rule: "Append adds its records together, and returns the position of the last one; nobody's are lost.",
			test: func(e *storeEnv) {
				spaces := []store.Space{e.space, e.process()}
				const writers, rounds = 8, 15
				errs := make([]error, writers)
				ends := make([]map[string]uint64, writers)
				side(writers, func(i int) {
					ends[i] = map[string]uint64{}
					for round := range rounds {
						var records [][]byte
						for n := range 1 + round%3 {
							records = append(records, fmt.Appendf(nil, "%d %d %d", i, round, n))
						}
						p, err := spaces[i%2].Append(e.ctx, time.Hour, records...)
						if err != nil {
							errs[i] = err
							return
						}
						for n, r := range records {
							ends[i][string(r)] = p.Seq - uint64(len(records)-1-n)
						}
					}
				})
				for _, err := range errs {
					e.ok(err)
				}
				const total = writers * rounds * 2 // 1, 2 and 3 in turn
				log := e.read(store.Position{})
				if log.Seq != total || len(log.Records) != total {
					e.fatalf("of %d records the log has %d up to %d", total, len(log.Records), log.Seq)
				}
				for i, r := range log.Records {
					var writer int
					_, _ = fmt.Sscan(string(r.Data), &writer)
					if r.Seq != uint64(i+1) || ends[writer][string(r.Data)] != r.Seq {
						e.fatalf("%q is at %d, after %d others; its writer was told %d", r.Data, r.Seq, i, ends[writer][string(r.Data)])
					}
				}
			},
		},
		{
			name: "wakes",
			rule: "Subscribe calls wake when it has begun to listen, and after each Append by any process; it returns when ctx is done.",
			test: func(e *storeEnv) {
				sub, ok := e.subscriber()
				if !ok {
					return
				}
				ctx, cancel := context.WithCancel(e.ctx)
				defer cancel()
				wakes, ended := make(chan struct{}, 100), make(chan error, 1)
				go func() { ended <- sub.Subscribe(ctx, func() { wakes <- struct{}{} }) }()
				wait := func(what string) {
					e.t.Helper()
					select {
					case <-wakes:
					case err := <-ended:
						e.fatalf("Subscribe ended: %v", err)
					case <-time.After(patience):
						e.fatalf("waited in vain for the wake %s", what)
					}
				}
				wait("at the beginning")
				e.append("mine")
				wait("after an Append")
				e.space = e.process()
				for range 3 {
					e.append("another one's")
					wait("after an Append by another process")
				}
				cancel()
				select {
				case err := <-ended:
					if !errors.Is(err, context.Canceled) {
						e.fatalf("Subscribe ended with %v", err)
					}
				case <-time.After(patience):
					e.fatalf("Subscribe goes on when ctx is done")
				}
			},
		},
	}
}

// subscriber returns the Subscriber of the space, which a store that says that it
// lacks none must have, and the other way round.
func (e *storeEnv) subscriber() (store.Subscriber, bool) {
	e.t.Helper()
	sub, ok := e.space.(store.Subscriber)
	reason, lacks := e.store.Lacks[Wakes]
	switch {
	case ok == lacks:
		e.fatalf("the store is a Subscriber: %t; it lacks %q: %t", ok, Wakes, lacks)
	case lacks:
		e.t.Logf("left out: the store lacks %s: %s", Wakes, reason)
	}
	return sub, ok
}

// wantRecords checks that a log has the records after a Seq up to the head; all
// are those of the log from its beginning.
func wantRecords(e *storeEnv, log store.Log, after, head uint64, all []string) {
	e.t.Helper()
	if log.Seq != head || len(log.Records) != int(head-after) {
		e.fatalf("after %d of %d, the log has %d records up to %d", after, head, len(log.Records), log.Seq)
	}
	for i, r := range log.Records {
		if want := after + uint64(i) + 1; r.Seq != want || string(r.Data) != all[want-1] {
			e.fatalf("record %d after %d is %d, %.60q; want %d, %.60q", i, after, r.Seq, r.Data, want, all[want-1])
		}
	}
}
