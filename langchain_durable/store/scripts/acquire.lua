-- Give a run's lease to an owner; open the run if it is new.
--
-- KEYS     meta, journal, blobs, events, inbox
-- ARGV     1 format we write   2 owner   3 lease in ms   4 intent   5 fingerprint
--          6 version   7 owner known to be dead   8 most stalls   9-11 ttl of events,
--          journal and header in seconds (0: keep for good)
--          12 "<kind><mark><step>", 13 meta, 14 payload of the attempt's record
--          ("-": no payload), then name and value of the fields of a new run
--
-- Gives {verdict, attempt, seq, ms left of another's lease, now in ms, journal there?,
-- header as name, value, ..., fence}. The verdict "corrupt" comes with what is wrong in place of
-- the attempt. The header is as it was before, with "crash_loop" as it is afterwards.

local meta, journal = KEYS[1], KEYS[2]
local owner, intent, fingerprint = ARGV[2], ARGV[4], ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local born = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end

local flat = redis.call('HGETALL', meta)
local alive = redis.call('EXISTS', journal)
local head = {}
for i = 1, #flat, 2 do head[flat[i]] = flat[i + 1] end

local function answer(verdict, attempt, seq, held)
  return {verdict, attempt or '', seq or '', held or '0', text(now), alive, flat,
    head.fence or ''}
end

-- What an append shows of its attempt, and all that it has room for: three bytes, none of
-- them a digit or a blank. They count from the moment in which the run was made, so that an
-- attempt of a run that was deleted does not pass for one of its successor under the id.
local function fence(born, attempt)
  local number = born + attempt
  return string.char(58 + math.floor(number / 39204) % 198, 58 + math.floor(number / 198) % 198,
    58 + number % 198)
end

local function add(attempt, seq)
  local entry = {'XADD', journal, seq .. '-0', 'h', ARGV[12], 'a', attempt, 'm', ARGV[13]}
  if string.sub(ARGV[12], 2, 2) == '+' then
    entry[#entry + 1] = 'p'
    entry[#entry + 1] = ARGV[14]
  end
  redis.call(unpack(entry))
end

if #flat == 0 then
  if alive == 1 then return answer('corrupt', 'a journal without its header') end
  if intent == 'continue' then return answer('missing') end
  add('1', '1')
  head.fence = fence(born, 1)
  redis.call('HSET', meta, 'format', ARGV[1], 'status', 'running', 'reason', '',
    'attempt', '1', 'seq', '1', 'owner', owner, 'lease', text(now + ARGV[3]), 'base', '1',
    'stalls', '0', 'born', text(born), 'fence', head.fence, 'created', text(now), 'updated', text(now), 'cancel', '0',
    'fingerprint', fingerprint, 'version', ARGV[6], 'was', '', 'was_reason', '')
  for i = 15, #ARGV, 2 do redis.call('HSET', meta, ARGV[i], ARGV[i + 1]) end
  return answer('new', '1', '1')
end

if not string.find(head.format or '', '^%d+$') then return answer('corrupt', 'field format') end
if tonumber(head.format) > tonumber(ARGV[1]) then return answer('too_new') end
-- All that a reader refuses is refused here too: what follows would write over it.
for _, name in ipairs({'attempt', 'seq', 'lease', 'base', 'stalls', 'created', 'updated'}) do
  local sound = string.find(head[name] or '', '^%d+$') and tonumber(head[name]) < 253402214400000
  if not sound then return answer('corrupt', 'field ' .. name) end
end
for _, name in ipairs({'reason', 'owner', 'fingerprint', 'version', 'was', 'was_reason'}) do
  if not head[name] then return answer('corrupt', 'field ' .. name) end
end
local statuses = {queued = 1, running = 1, paused = 1, completed = 1, failed = 1, cancelled = 1}
if not statuses[head.status] then return answer('corrupt', 'field status') end
if alive == 0 then return answer('expired') end
if intent == 'call' and fingerprint ~= '' and head.fingerprint ~= ''
    and fingerprint ~= head.fingerprint then
  return answer('mismatch')
end
if head.status == 'completed' then return answer('completed') end

local newest = redis.call('XREVRANGE', journal, '+', '-', 'COUNT', 1)[1]
local tail, tail_seq, tail_attempt = {}, 0, 0
if newest then
  for i = 1, #newest[2], 2 do tail[newest[2][i]] = newest[2][i + 1] end
  tail_seq = tonumber(string.match(newest[1], '^(%d+)%-0$'))
  tail_attempt = tonumber(tail.a)
  if not tail_seq or not tail_attempt then return answer('corrupt', 'entry ' .. newest[1]) end
end

-- The same request once more: its reply was lost. Its record is told by its meta, which
-- holds a span id and a time; another request of the same owner is a second caller.
if head.owner == owner and tail_attempt == tonumber(head.attempt)
    and tail_seq == tonumber(head.seq) and tail.h == ARGV[12] and tail.m == ARGV[13] then
  redis.call('HSET', meta, 'lease', text(now + ARGV[3]))
  local verdict = head.was == '' and 'new' or 'acquired'
  for i = 1, #flat, 2 do
    if flat[i] == 'status' then flat[i + 1] = head.was
    elseif flat[i] == 'reason' then flat[i + 1] = head.was_reason end
  end
  return answer(verdict, head.attempt, head.seq)
end

-- The same, of a request that was told of a crash loop; another one opens the run again.
if head.reason == 'crash_loop' and head.looped == ARGV[13] then return answer('crash_loop') end

local left = tonumber(head.lease) - now
if left > 0 and head.owner ~= '' and head.owner ~= ARGV[7] then
  return answer('held', nil, nil, text(left))
end

local stalls = 0
if head.status ~= 'failed' and head.status ~= 'cancelled'
    and tonumber(head.seq) <= tonumber(head.base) then
  stalls = tonumber(head.stalls) + 1
end
local run = {[KEYS[1]] = ARGV[11], [KEYS[2]] = ARGV[10], [KEYS[3]] = ARGV[10],
  [KEYS[4]] = ARGV[9], [KEYS[5]] = ARGV[9]}
if stalls >= tonumber(ARGV[8]) then
  redis.call('HSET', meta, 'status', 'failed', 'reason', 'crash_loop', 'owner', '',
    'lease', '0', 'stalls', stalls, 'updated', text(now), 'looped', ARGV[13])
  for key, seconds in pairs(run) do
    if seconds ~= '0' then redis.call('EXPIRE', key, seconds) end
  end
  flat = redis.call('HGETALL', meta)
  return answer('crash_loop')
end

-- After a failover the header may be older than the journal, or the other way round.
local attempt = text(math.max(tonumber(head.attempt), tail_attempt) + 1)
local seq = text(math.max(tonumber(head.seq), tail_seq) + 1)
add(attempt, seq)
born = tonumber(head.born) or born
head.fence = fence(born, attempt)
redis.call('HSET', meta, 'status', 'running', 'reason', '', 'attempt', attempt, 'seq', seq,
  'born', text(born), 'fence', head.fence,
  'owner', owner, 'lease', text(now + ARGV[3]), 'base', seq, 'stalls', stalls,
  'updated', text(now), 'cancel', '0', 'was', head.status, 'was_reason', head.reason or '')
for key in pairs(run) do redis.call('PERSIST', key) end
return answer('acquired', attempt, seq)
