-- Store a checkpoint.
-- KEYS: data, index
-- ARGV: ttl in seconds or 0, <namespace>\0<checkpoint id>, count of presumed fields,
--       presumed field ..., then field, content, ...
-- Gives 1; or 0, and nothing is stored, if a presumed field is not there.
local last = 3 + tonumber(ARGV[3])
if not all_exist(4, last) then return 0 end
hset(ARGV, last + 1, #ARGV)
redis.call('ZADD', INDEX, 0, ARGV[2])
live(ARGV[1])
return 1
