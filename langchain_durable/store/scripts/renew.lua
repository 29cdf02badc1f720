-- Extend the lease of an attempt.
--
-- KEYS[1]  meta hash
-- ARGV     attempt, lease in ms
--
-- Gives 1 if a cancel was asked for, 0 if not, -1 if the attempt holds the run no more.

local head = redis.call('HMGET', KEYS[1], 'attempt', 'owner', 'cancel')
if head[1] ~= ARGV[1] or head[2] == '' then return -1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'lease', string.format('%.0f', now + ARGV[2]),
  'updated', string.format('%.0f', now))
return head[3] == '1' and 1 or 0
