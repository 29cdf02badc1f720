-- Remove all keys of a run, unless an attempt holds it.
--
-- KEYS     meta, journal, blobs, events, inbox
--
-- Gives {ms left of the lease, owner} if it is held, else the number of keys removed.

local head = redis.call('HMGET', KEYS[1], 'lease', 'owner')
local lease = tonumber(head[1])
if lease and head[2] and head[2] ~= '' then
  local time = redis.call('TIME')
  local left = lease - (time[1] * 1000 + math.floor(time[2] / 1000))
  if left > 0 then return {string.format('%.0f', left), head[2]} end
end
return redis.call('DEL', unpack(KEYS))
