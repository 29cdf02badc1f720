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
-- Gives one letter per record: O (ok), D (this record is there already), or why not: F (fenced,
-- or another record is there), G (gap), L (the stream is gone), X (it ends with an entry that is
-- not ours), H (the header is gone), N (header and stream are). Only O changes anything. A close
-- gives {letters, now in ms} instead. The clock is read by a close only: it would be a tenth of what an append costs.

local meta, argv, pcall = KEYS[1], ARGV, redis.pcall
local run = string.sub(meta, 1, -5)
local journal = run .. 'journal'
local fence, first, close = string.match(argv[1], '^(%D+)(%d+)(.*)$')
local head = redis.call('HMGET', meta, 'fence', 'seq', 'owner', 'attempt')
local attempt = head[4]

-- What is asked all the time, without what only the rest needs: to add one record after the
-- last one. If the stream refuses it, the rest finds out why.
if head[1] == fence and head[3] ~= '' and close == '' and not argv[5]
    and tonumber(head[2]) == first - 1 then
  local added
  if argv[4] then
    added = pcall('XADD', journal, 'NOMKSTREAM', first .. '-0', 'h', argv[2], 'a', attempt,
      'm', argv[3], 'p', argv[4])
  else
    added = pcall('XADD', journal, 'NOMKSTREAM', first .. '-0', 'h', argv[2], 'a', attempt,
      'm', argv[3])
  end
  if type(added) == 'string' then
    redis.call('HSET', meta, 'seq', first)
    return 'O'
  end
end

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
if close ~= '' then i = 8 + 2 * tonumber(argv[7]) end

-- A stream that is ahead: because its header is an older one, or of a foreign entry?
local function ahead()
  local newest = redis.call('XREVRANGE', journal, '+', '-', 'COUNT', 1)[1]
  if not newest then return 'G' end
  local entry = {}
  for j = 1, #newest[2], 2 do entry[newest[2][j]] = newest[2][j + 1] end
  local ours = string.find(newest[1], '^%d+%-0$') and entry.h and entry.m and tonumber(entry.a)
  return ours and 'G' or 'X'
end

-- Is it this record that was written there before, and not one of a fork of the holder?
local function there(id, head, body)
  local entry = redis.call('XRANGE', journal, id, id)[1]
  if not entry then return true end
  local found = {}
  for j = 1, #entry[2], 2 do found[entry[2][j]] = entry[2][j + 1] end
  return found.h == head and found.m == body
end

local answers, answer = '', 'O'
if refusal then answer = refusal elseif given_back then answer = 'D' end
while argv[i] do
  local mark = string.sub(argv[i], 2, 2)
  if refusal then
    answer = refusal
  elseif seq <= written then
    answer = there(seq .. '-0', argv[i], argv[i + 1]) and 'D' or 'F'
  elseif given_back then
    answer = 'F'
  elseif seq > written + 1 then
    answer = 'G'
  else
    local added
    if mark == '-' then
      added = pcall('XADD', journal, 'NOMKSTREAM', seq .. '-0',
        'h', argv[i], 'a', attempt, 'm', argv[i + 1])
    elseif mark == '+' then
      added = pcall('XADD', journal, 'NOMKSTREAM', seq .. '-0',
        'h', argv[i], 'a', attempt, 'm', argv[i + 1], 'p', argv[i + 2])
    else
      added = pcall('HSET', run .. 'blobs', argv[i + 2], argv[i + 3])
      if type(added) == 'number' then
        added = pcall('XADD', journal, 'NOMKSTREAM', seq .. '-0',
          'h', argv[i], 'a', attempt, 'm', argv[i + 1], 'b', argv[i + 2])
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
  local status = argv[2]
  redis.call('HSET', meta, 'status', status, 'reason', argv[3], 'owner', '', 'lease', '0',
    'updated', now)
  for j = 8, 7 + 2 * tonumber(argv[7]), 2 do redis.call('HSET', meta, argv[j], argv[j + 1]) end
  local ended = status == 'completed' or status == 'failed' or status == 'cancelled'
  local lives = {events = argv[4], inbox = argv[4], journal = argv[5], blobs = argv[5],
    meta = argv[6]}
  for name, seconds in pairs(lives) do
    if ended and seconds ~= '0' then
      redis.call('EXPIRE', run .. name, seconds)
    else
      redis.call('PERSIST', run .. name)
    end
  end
end
return {answers == '' and refusal or answers, now}
