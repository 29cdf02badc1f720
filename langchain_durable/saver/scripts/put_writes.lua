-- Store the writes of one task.
-- KEYS: data, index
-- ARGV: ttl in seconds or 0, <namespace>\0<checkpoint id>, count of presumed fields, count of
--       pieces, presumed field ..., then piece's field, content, ..., then "replace" or
--       "keep", write's field, content, ...
-- Gives 1; or 0, and nothing is stored, if a presumed field is not there.
local presumed = 4 + tonumber(ARGV[3])
local last = presumed + 2 * tonumber(ARGV[4])
if not all_exist(5, presumed) then return 0 end
hset(ARGV, presumed + 1, last)
local added = {}
for i = last + 1, #ARGV, 3 do
  local field = ARGV[i + 1]
  if redis.call('HSETNX', DATA, field, ARGV[i + 2]) == 1 then
    added[#added + 1] = string.sub(field, 2)
  elseif ARGV[i] == 'replace' then
    redis.call('HSET', DATA, field, ARGV[i + 2])
  end
end
if #added > 0 then
  local tokens = 't' .. ARGV[2]
  redis.call('HSET', DATA, tokens, (redis.call('HGET', DATA, tokens) or '') .. table.concat(added))
end
live(ARGV[1])
return 1
