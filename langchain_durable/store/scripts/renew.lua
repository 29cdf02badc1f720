-- Extend the lease of an attempt.
--
-- KEYS[1]  meta hash
-- ARGV     fence, lease in ms
--
-- Gives 1 if a cancel was asked for, 0 if not; or why the lease is not extended, as a
-- letter of append.lua: F, H or N.

local meta = KEYS[1]
local head = redis.call('HMGET', meta, 'fence', 'owner', 'cancel')
if not head[1] and redis.call('EXISTS', meta) == 0 then
  return redis.call('EXISTS', string.sub(meta, 1, -5) .. 'journal') == 1 and 'H' or 'N'
end
if head[1] ~= ARGV[1] or head[2] == '' then return 'F' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', meta, 'lease', string.format('%.0f', now + ARGV[2]),
  'updated', string.format('%.0f', now))
return head[3] == '1' and 1 or 0
