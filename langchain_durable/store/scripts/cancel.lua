-- Ask the attempt that holds a run to stop; cancel a run that nobody holds.
--
-- KEYS     meta, journal, blobs, events, inbox
-- ARGV     1 format we know   2-4 ttl of events, journal and header in seconds (0: keep)
--
-- Gives {now in ms, journal there?, status before, header as name, value, ...}; an empty
-- header if there is no such run. A run that has ended stays as it is.

local meta = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local head = redis.call('HMGET', meta, 'format', 'status', 'lease', 'owner')
local alive = redis.call('EXISTS', KEYS[2])
local format, lease = tonumber(head[1]), tonumber(head[3])
local ours = format and format <= tonumber(ARGV[1]) and lease
local stamp = string.format('%.0f', now)

if ours and (head[2] == 'running' or head[2] == 'paused' or head[2] == 'queued') then
  if head[4] ~= '' and lease > now then
    redis.call('HSET', meta, 'cancel', '1')
  else
    redis.call('HSET', meta, 'status', 'cancelled', 'reason', 'cancel', 'cancel', '1',
      'owner', '', 'lease', '0', 'updated', stamp)
    local lives = {[KEYS[1]] = ARGV[4], [KEYS[2]] = ARGV[3], [KEYS[3]] = ARGV[3],
      [KEYS[4]] = ARGV[2], [KEYS[5]] = ARGV[2]}
    for key, seconds in pairs(lives) do
      if seconds ~= '0' then redis.call('EXPIRE', key, seconds) end
    end
  end
end
return {stamp, alive, head[2] or '', redis.call('HGETALL', meta)}
