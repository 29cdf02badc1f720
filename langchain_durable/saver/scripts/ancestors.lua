-- A checkpoint and its ancestors, nearest first, with their writes but without their values.
-- KEYS: data, index
-- ARGV: <namespace>\0, checkpoint id to start with ("": the newest), at most so many
-- Gives {{id, record, {1 or 0 for each value: is it stored?}, {write, ...}}, ...}, {pieces}
local found, chunks, items = {}, {}, {}
local ns, current = ARGV[1], ARGV[2]
if current == '' then current = newest_of(ns) end
for _ = 1, tonumber(ARGV[3]) do
  local id = ns .. current
  local record = current ~= '' and redis.call('HGET', DATA, 'c' .. id)
  if not record then break end
  local stored = {}
  for i, field in ipairs(value_fields(record)) do
    stored[i] = redis.call('HEXISTS', DATA, field)
  end
  local writes = fetch(write_fields(id))
  refer_all({}, writes, chunks, items)
  found[#found + 1] = {id, record, stored, writes}
  current = parent_of(record)
end
return {found, pieces(chunks, items)}
