-- Append records to a run's journal; with them, close the attempt if asked to.
--
-- KEYS[1]  meta hash. The run's other keys share its hash tag and are named after it, so
--          that an append, the one command sent all the time, carries one key.
-- ARGV[1]  "<fence><seq of the first record>", then " c" if a close follows; the fence as
--          acquire.lua gives it
-- close:   status, reason, ttl of events, journal and header in seconds (0: keep for good),
--          number of fields, then name and value of each
-- records, each: "<kind><mark><step>", meta, and by mark
--          "-" nothing   "+" payload   "#" digest, payload (goes to the blobs hash)
--
-- Gives one letter per record: O (ok), D (there already), or why not: F (fenced), G (gap),
-- L (the stream is gone), X (it ends with an entry that is not ours), H (the header is
-- gone), N (header and stream are). Only O changes anything. A close gives {letters, now in
-- ms} instead. The clock is read by a close only: it would be a tenth of what an append costs.

local meta = KEYS[1]
local run = string.sub(meta, 1, -5)
local journal = run .. 'journal'
local fence, first, close = string.match(ARGV[1], '^(%D+)(%d+)(.*)$')
local head = redis.call('HMGET', meta, 'fence', 'seq', 'owner', 'attempt')
local attempt = head[4]
local seq, last = tonumber(first), tonumber(head[2])
local refusal
if head[1] ~= fence or not attempt or not last then
  refusal = 'F'
  if not attempt and redis.call('EXISTS', meta) == 0 then
    refusal = redis.call('EXISTS', journal) == 1 and 'H' or 'N'
  end
end
local given_back = head[3] == ''
local written = last
local i = 2
if close ~= '' then i = 8 + 2 * tonumber(ARGV[7]) end

-- A stream that is ahead: because its header is an older one, or of a foreign entry?
local function ahead()
  local newest = redis.call('XREVRANGE', journal, '+', '-', 'COUNT', 1)[1]
  if not newest then return 'G' end
  local entry = {}
  for j = 1, #newest[2], 2 do entry[newest[2][j]] = newest[2][j + 1] end
  local ours = string.find(newest[1], '^%d+%-0$') and entry.h and entry.m and tonumber(entry.a)
  return ours and 'G' or 'X'
end

local answers, answer = '', 'O'
if refusal then answer = refusal elseif given_back then answer = 'D' end
while ARGV[i] do
  local mark = string.sub(ARGV[i], 2, 2)
  if refusal then
    answer = refusal
  elseif seq <= written then
    answer = 'D'
  elseif given_back then
    answer = 'F'
  elseif seq > written + 1 then
    answer = 'G'
  else
    local added
    if mark == '-' then
      added = redis.pcall('XADD', journal, 'NOMKSTREAM', seq .. '-0',
        'h', ARGV[i], 'a', attempt, 'm', ARGV[i + 1])
    elseif mark == '+' then
      added = redis.pcall('XADD', journal, 'NOMKSTREAM', seq .. '-0',
        'h', ARGV[i], 'a', attempt, 'm', ARGV[i + 1], 'p', ARGV[i + 2])
    else
      added = redis.pcall('HSET', run .. 'blobs', ARGV[i + 2], ARGV[i + 3])
      if type(added) == 'number' then
        added = redis.pcall('XADD', journal, 'NOMKSTREAM', seq .. '-0',
          'h', ARGV[i], 'a', attempt, 'm', ARGV[i + 1], 'b', ARGV[i + 2])
      end
    end
    if type(added) == 'string' then
      answer, written = 'O', seq
    elseif not added then
      answer = 'L'
    elseif string.find(added.err, 'equal or smaller', 1, true) then
      answer = ahead()
    else
      return added
    end
  end
  answers = answers .. answer
  i = i + (mark == '-' and 2 or mark == '+' and 3 or 4)
  seq = seq + 1
end

if written ~= last then redis.call('HSET', meta, 'seq', written) end
if close == '' then return answers end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
if answer == 'O' then
  local status = ARGV[2]
  redis.call('HSET', meta, 'status', status, 'reason', ARGV[3], 'owner', '', 'lease', '0',
    'updated', now)
  for j = 8, 7 + 2 * tonumber(ARGV[7]), 2 do redis.call('HSET', meta, ARGV[j], ARGV[j + 1]) end
  local ended = status == 'completed' or status == 'failed' or status == 'cancelled'
  local lives = {events = ARGV[4], inbox = ARGV[4], journal = ARGV[5], blobs = ARGV[5],
    meta = ARGV[6]}
  for name, seconds in pairs(lives) do
    if ended and seconds ~= '0' then
      redis.call('EXPIRE', run .. name, seconds)
    else
      redis.call('PERSIST', run .. name)
    end
  end
end
return {answers == '' and refusal or answers, now}
