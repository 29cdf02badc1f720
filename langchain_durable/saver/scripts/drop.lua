-- Remove checkpoints with their writes, and then all that nothing refers to any more.
-- KEYS: data, index
-- ARGV: <namespace>\0<checkpoint id> ...
-- Gives the number of checkpoints that were there.
local dropped = 0
for _, id in ipairs(ARGV) do
  dropped = dropped + redis.call('HDEL', DATA, 'c' .. id)
  redis.call('ZREM', INDEX, id)
  redis.call('HDEL', DATA, 't' .. id)
end
local kept, chunks, items, fields = {}, {}, {}, redis.call('HKEYS', DATA)
for _, field in ipairs(fields) do
  local kind, id = string.sub(field, 1, 1), string.sub(field, 2)
  if kind == 'c' then
    local values = value_fields(redis.call('HGET', DATA, field))
    refer_all(fetch(values), {}, chunks, items)
    for _, value in ipairs(values) do kept[value] = true end
  elseif kind == 't' then
    local writes = write_fields(id)
    refer_all({}, fetch(writes), chunks, items)
    for _, write in ipairs(writes) do kept[write] = true end
  end
end
open_chunks(chunks, items)
for _, field in ipairs(fields) do
  local kind = string.sub(field, 1, 1)
  local used = kind == 'c' or kind == 't' or kept[field] or chunks[field] or items[field]
  if not used then redis.call('HDEL', DATA, field) end
end
return dropped
