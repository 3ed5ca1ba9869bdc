package cachex

import (
	"encoding/binary"
	"errors"
	"time"
)

// A record of the log is its version, whether it only expires, when it was
// written, and what it is about: scopes as they were before they were hashed,
// because each process hashes with a seed of its own.
const recordVersion = 1

var errRecord = errors.New("cachex: not a record of this version")

func encodeRecord(soft bool, at time.Time, selectors []Selector) []byte {
	b := binary.AppendVarint([]byte{recordVersion, bits(soft)}, at.UnixNano())
	for _, s := range selectors {
		b = append(b, byte(s.by))
		b = appendStrings(b, s.values)
	}
	return b
}

func decodeRecord(data []byte) (soft bool, at time.Time, selectors []Selector, err error) {
	d := decoder{rest: string(data)}
	if d.byte() != recordVersion {
		return false, at, nil, errRecord
	}
	set(d.byte(), &soft)
	at = time.Unix(0, d.varint())
	for len(d.rest) > 0 {
		s := Selector{by: by(d.byte()), values: d.strings(nil)}
		if d.failed || !s.readable() {
			return false, at, nil, errRecord
		}
		selectors = append(selectors, s)
	}
	return soft, at, selectors, d.end()
}
