-- Append records to a run's journal; with them, close the attempt if asked to.
--
-- KEYS[1]  meta hash. The run's other keys share its hash tag and are named after it, so
--          that an append, the one command sent all the time, carries one key.
-- ARGV[1]  "<attempt> <seq of the first record>", then " c" if a close follows
-- close:   status, reason, ttl of events, journal and header in seconds (0: keep for good),
--          number of fields, then name and value of each
-- records, each: "<kind><mark><step>", meta, and by mark
--          "-" nothing   "+" payload   "#" digest, payload (goes to the blobs hash)
--
-- Gives one letter per record: O (ok), D (there already), F (fenced), G (gap). Only O
-- changes anything. A close gives {letters, now in ms} instead.

local meta = KEYS[1]
local run = string.sub(meta, 1, -5)
local attempt, seq, close = string.match(ARGV[1], '^(%d+) (%d+)( ?c?)$')
seq = tonumber(seq)

local head = redis.call('HMGET', meta, 'attempt', 'seq', 'owner')
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local last = tonumber(head[2])
local fenced = head[1] ~= attempt or not last
local given_back = head[3] == ''

local i = 2
local fields = {}
local status, reason, ttl
if close == ' c' then
  status, reason, ttl = ARGV[2], ARGV[3], {ARGV[4], ARGV[5], ARGV[6]}
  local count = tonumber(ARGV[7])
  for j = 8, 7 + 2 * count do fields[#fields + 1] = ARGV[j] end
  i = 8 + 2 * count
end

local answers, answer = '', given_back and 'D' or 'O'
if fenced then answer = 'F' end
local written = last
while i <= #ARGV do
  local mark = string.sub(ARGV[i], 2, 2)
  if fenced then
    answer = 'F'
  elseif seq <= written then
    answer = 'D'
  elseif given_back then
    answer = 'F'
  elseif seq > written + 1 then
    answer = 'G'
  else
    local kind, step = string.sub(ARGV[i], 1, 1), string.sub(ARGV[i], 3)
    local journal, id, added = run .. 'journal', seq .. '-0', nil
    if mark == '-' then
      added = redis.pcall('XADD', journal, 'NOMKSTREAM', id,
        'k', kind, 'a', attempt, 's', step, 'm', ARGV[i + 1])
    elseif mark == '+' then
      added = redis.pcall('XADD', journal, 'NOMKSTREAM', id,
        'k', kind, 'a', attempt, 's', step, 'm', ARGV[i + 1], 'p', ARGV[i + 2])
    else
      added = redis.pcall('HSET', run .. 'blobs', ARGV[i + 2], ARGV[i + 3])
      if type(added) ~= 'table' or not added.err then
        added = redis.pcall('XADD', journal, 'NOMKSTREAM', id,
          'k', kind, 'a', attempt, 's', step, 'm', ARGV[i + 1], 'b', ARGV[i + 2])
      end
    end
    if not added then
      answer = 'G'
    elseif type(added) == 'table' and added.err then
      if not string.find(added.err, 'equal or smaller', 1, true) then return added end
      answer = 'G'
    else
      answer, written = 'O', seq
    end
  end
  answers = answers .. answer
  i = i + (mark == '-' and 2 or mark == '+' and 3 or 4)
  seq = seq + 1
end

if written and written ~= last then
  redis.call('HSET', meta, 'seq', written, 'updated', now)
end
if close ~= ' c' then return answers end
if answers == '' then answers = fenced and 'F' or '' end
if answer == 'O' then
  redis.call('HSET', meta, 'status', status, 'reason', reason, 'owner', '', 'lease', '0',
    'updated', now)
  if #fields > 0 then redis.call('HSET', meta, unpack(fields)) end
  local ended = status == 'completed' or status == 'failed' or status == 'cancelled'
  local lives = {events = ttl[1], inbox = ttl[1], journal = ttl[2], blobs = ttl[2], meta = ttl[3]}
  for name, seconds in pairs(lives) do
    if ended and seconds ~= '0' then
      redis.call('EXPIRE', run .. name, seconds)
    else
      redis.call('PERSIST', run .. name)
    end
  end
end
return {answers, now}
