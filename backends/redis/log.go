package cachexredis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-cachex/cachex/core/store"
	"github.com/redis/go-redis/v9"
)

// The log is one sorted set, so that nothing of it can be lost without all of it:
// the epoch, as 16 hexadecimal digits, has the score 0, and each record its Seq,
// which also stands in front of it, because members of a set differ.

// keptRecords is how many records the log keeps.
const keptRecords = 16_384

// openLog finds the epoch and the newest Seq, or begins a log with the epoch
// ARGV[1]. A log that has less than ARGV[2] milliseconds left gets ARGV[3], which is
// more, so that not every poll is a write.
const openLog = `
local log = KEYS[1]
local first = redis.call('ZRANGE', log, 0, 0, 'WITHSCORES')
local epoch, head = first[1], 0
local function begin()
	redis.call('DEL', log)
	epoch, head = ARGV[1], 0
	redis.call('ZADD', log, 0, epoch)
end
if epoch and tonumber(first[2]) == 0 and #epoch == 16 and not string.find(epoch, '%X') then
	head = tonumber(redis.call('ZREVRANGE', log, 0, 0, 'WITHSCORES')[2])
else
	begin()
end
local function keep()
	if redis.call('PTTL', log) < tonumber(ARGV[2]) then
		redis.call('PEXPIRE', log, ARGV[3])
	end
end
`

// appendLog adds ARGV[5] and what follows. That somebody may not publish must not
// fail a purge: the others poll.
var appendLog = redis.NewScript(openLog + `
for i = 5, #ARGV do
	head = head + 1
	redis.call('ZADD', log, head, string.format('%d:', head) .. ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', log, '(0', head - tonumber(ARGV[4]))
keep()
redis.pcall('PUBLISH', log, head)
return {epoch, head}`)

// readLog returns what is after ARGV[5] in the epoch ARGV[4]. The floor is what
// is missing before the oldest record.
var readLog = redis.NewScript(openLog + `
local after = 0
if epoch == ARGV[4] then
	after = tonumber(ARGV[5])
	if after > head then
		begin()
		after = 0
	end
end
keep()
local floor, oldest = 0, redis.call('ZRANGE', log, 1, 1, 'WITHSCORES')
if oldest[2] then
	floor = tonumber(oldest[2]) - 1
end
return {epoch, head, floor, redis.call('ZRANGEBYSCORE', log, string.format('(%d', after), '+inf')}`)

func (s *space) logKey() string { return s.prefix + "log" }

func (s *space) Append(ctx context.Context, ttl time.Duration, records ...[]byte) (store.Position, error) {
	args := append(logArgs(ttl), keptRecords)
	for _, r := range records {
		args = append(args, s.own(ctx, r))
	}
	answer, err := s.eval(ctx, appendLog, []string{s.logKey()}, args...)
	if err != nil {
		return store.Position{}, err
	}
	list, _ := answer.([]any)
	return decodePosition(list)
}

func (s *space) Read(ctx context.Context, ttl time.Duration, after store.Position) (store.Log, error) {
	args := append(logArgs(ttl), encodeEpoch(after.Epoch), after.Seq)
	answer, err := s.eval(ctx, readLog, []string{s.logKey()}, args...)
	if err != nil {
		return store.Log{}, err
	}
	return decodeLog(answer)
}

// logArgs are the arguments of openLog.
func logArgs(ttl time.Duration) []any {
	ms := millis(ttl)
	return []any{encodeEpoch(random()), ms, ms + ms/8 + 1}
}

func encodeEpoch(epoch uint64) string { return fmt.Sprintf("%016x", epoch) }

func decodePosition(list []any) (store.Position, error) {
	if len(list) < 2 {
		return store.Position{}, fmt.Errorf("cachexredis: no position: %v", list)
	}
	text, _ := list[0].(string)
	epoch, err := strconv.ParseUint(text, 16, 64)
	head, ok := list[1].(int64)
	if err != nil || epoch == 0 || !ok || head < 0 {
		return store.Position{}, fmt.Errorf("cachexredis: not a position: %v", list[:2])
	}
	return store.Position{Epoch: epoch, Seq: uint64(head)}, nil
}

func decodeLog(answer any) (store.Log, error) {
	list, _ := answer.([]any)
	position, err := decodePosition(list)
	if err != nil {
		return store.Log{}, err
	}
	if len(list) != 4 {
		return store.Log{}, fmt.Errorf("cachexredis: not a log: %d parts", len(list))
	}
	floor, _ := list[2].(int64)
	records, _ := list[3].([]any)
	log := store.Log{Position: position, Floor: uint64(floor), Records: make([]store.Record, 0, len(records))}
	for _, r := range records {
		text, _ := r.(string)
		number, data, _ := strings.Cut(text, ":")
		seq, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return store.Log{}, fmt.Errorf("cachexredis: not a record of the log: %w", err)
		}
		log.Records = append(log.Records, store.Record{Seq: seq, Data: []byte(data)})
	}
	return log, nil
}
