package cachexmemcached

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/go-cachex/cachex/core/store"
)

// The log is a counter, with the epoch in its upper 32 bits and the Seq of the
// newest record in its lower ones, and an item for each Append. Who appends takes
// so many Seqs from the counter and writes all of its records into one item, under
// the last of them, so that all are there or none. The items' keys hold the epoch
// as well: a counter that was lost takes the records with it.

const (
	// keptRecords is how far back the log is read.
	keptRecords = 16_384

	// chunk is how many keys are asked for at once. Where none of so many is
	// there, older ones are not looked for: they have ended, or were evicted.
	chunk = 256

	// maxAppend is how large the records of one Append may be, below the limit
	// of an item.
	maxAppend = 1_000_000
)

// position is that of a counter, the zero one for what is none. A counter is below
// 1<<63: in a larger one Memcached 1.6 looks for a minus, beyond its end as well, where
// what was kept before in the same place may have one, and then it is no number.
func position(counter uint64) store.Position {
	if counter>>63 != 0 {
		return store.Position{}
	}
	return store.Position{Epoch: counter >> 32, Seq: counter & (1<<32 - 1)}
}

func (s *space) counterKey() string { return s.prefix + "log" }

func (s *space) recordKey(epoch, seq uint64) string {
	return fmt.Sprintf("%slog:%016x", s.prefix, epoch<<32|seq)
}

// Append returns ErrTooLarge for more than 1,000,000 bytes. If the item cannot be
// written, its Seqs stay empty, which readers see as records that were lost.
func (s *space) Append(ctx context.Context, ttl time.Duration, records ...[]byte) (store.Position, error) {
	data := encodeRecords(records)
	if len(data) > maxAppend {
		return store.Position{}, store.ErrTooLarge
	}
	p, err := s.take(ctx, uint64(len(records)))
	if err != nil || len(records) == 0 {
		return p, err
	}
	item := &memcache.Item{Key: s.recordKey(p.Epoch, p.Seq), Value: data, Expiration: expiration(time.Now(), seconds(ttl))}
	if err := tell(ctx, func() error { return s.client.Set(item) }); err != nil {
		return store.Position{}, err
	}
	return p, nil
}

// take takes n Seqs and returns the last one.
func (s *space) take(ctx context.Context, n uint64) (store.Position, error) {
	for range attempts {
		counter, err := ask(ctx, func() (uint64, error) { return s.client.Increment(s.counterKey(), n) })
		if p := position(counter); err == nil && p.Epoch != 0 {
			return p, nil
		}
		if err != nil && !errors.Is(err, memcache.ErrCacheMiss) && !strings.Contains(err.Error(), "client error") {
			return store.Position{}, err
		}
		if _, err := s.head(ctx, store.Position{}); err != nil { // begins a log
			return store.Position{}, err
		}
	}
	return store.Position{}, errContended
}

// head returns the position of the newest record. Where there is no log, or one
// that has not reached a position of its own epoch, it begins one. The counter
// does not expire: whoever forgets it forgets the log.
func (s *space) head(ctx context.Context, after store.Position) (store.Position, error) {
	key := s.counterKey()
	for range attempts {
		item, err := ask(ctx, func() (*memcache.Item, error) { return s.client.Get(key) })
		missing := errors.Is(err, memcache.ErrCacheMiss)
		if err != nil && !missing {
			return store.Position{}, err
		}
		if !missing {
			// incr may leave blanks behind a number.
			counter, err := strconv.ParseUint(strings.TrimRight(string(item.Value), " "), 10, 64)
			p := position(counter)
			if err == nil && p.Epoch != 0 && !(p.Epoch == after.Epoch && p.Seq < after.Seq) {
				return p, nil
			}
		}
		fresh := random() >> 33 // see position
		if fresh == 0 {
			continue
		}
		value := strconv.AppendUint(nil, fresh<<32, 10)
		if missing {
			err = tell(ctx, func() error { return s.client.Add(&memcache.Item{Key: key, Value: value}) })
		} else {
			item.Value, item.Expiration = value, 0
			err = tell(ctx, func() error { return s.client.CompareAndSwap(item) })
		}
		switch {
		case err == nil:
			return position(fresh << 32), nil
		case !errors.Is(err, memcache.ErrNotStored) && !errors.Is(err, memcache.ErrCASConflict) && !errors.Is(err, memcache.ErrCacheMiss):
			return store.Position{}, err
		}
		// Somebody else began one.
	}
	return store.Position{}, errContended
}

// Read costs one round trip where there is nothing new, and one more for each
// chunk where there is.
func (s *space) Read(ctx context.Context, _ time.Duration, after store.Position) (store.Log, error) {
	p, err := s.head(ctx, after)
	if err != nil {
		return store.Log{}, err
	}
	log := store.Log{Position: p}
	if p.Seq > keptRecords {
		log.Floor = p.Seq - keptRecords
	}
	from := log.Floor
	if after.Epoch == p.Epoch {
		from = max(from, after.Seq)
	}
	found := make([]*[]byte, p.Seq-from) // of the Seqs after from
	for to := p.Seq; to > from; {
		low := max(from, to-min(to, chunk))
		n, err := s.fetch(ctx, p.Epoch, from, low, to, found)
		if err != nil {
			return store.Log{}, err
		}
		if n == 0 && to-low == chunk {
			log.Floor = max(log.Floor, to)
			break
		}
		for to = low; to > from && found[to-from-1] != nil; {
			to-- // a large Append reaches below its chunk
		}
	}
	for i, data := range found {
		if data != nil {
			log.Records = append(log.Records, store.Record{Seq: from + uint64(i) + 1, Data: *data})
		}
	}
	return log, nil
}

// fetch looks for the items of the Seqs after low up to to, puts the records in
// them into found, which begins after from, and returns how many items there were.
func (s *space) fetch(ctx context.Context, epoch, from, low, to uint64, found []*[]byte) (int, error) {
	keys := make([]string, 0, to-low)
	for seq := to; seq > low; seq-- {
		keys = append(keys, s.recordKey(epoch, seq))
	}
	items, err := s.multi(ctx, keys)
	if err != nil {
		return 0, err
	}
	for i, key := range keys {
		item := items[key]
		if item == nil {
			continue
		}
		last := to - uint64(i)
		records := decodeRecords(item.Value)
		for j := range records {
			back := uint64(len(records) - 1 - j)
			if last > back && last-back > from {
				found[last-back-from-1] = &records[j]
			}
		}
	}
	return len(items), nil
}

// encodeRecords writes each record behind its length.
func encodeRecords(records [][]byte) []byte {
	var b []byte
	for _, r := range records {
		b = append(binary.AppendUvarint(b, uint64(len(r))), r...)
	}
	return b
}

// decodeRecords returns nothing for what encodeRecords has not written: the
// records are lost then.
func decodeRecords(b []byte) [][]byte {
	records := [][]byte{}
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil
		}
		b = b[n:]
		records = append(records, b[:size:size])
		b = b[size:]
	}
	return records
}
