-- Checkpoints with all that belongs to them.
-- KEYS: data, index
-- ARGV: "newest" <namespace>\0            the newest checkpoint of a namespace
--       "these"  <id> ...                 these checkpoints
-- Gives {{id, record, {value or nil, ...}, {write, ...}}, ...}, {piece's field, content, ...}
local ids = {}
if ARGV[1] == 'newest' then
  ids[1] = ARGV[2] .. newest_of(ARGV[2])
else
  for i = 2, #ARGV do ids[i - 1] = ARGV[i] end
end
local found, chunks, items = {}, {}, {}
for _, id in ipairs(ids) do
  local record = redis.call('HGET', DATA, 'c' .. id)
  if record then
    local values, writes = fetch(value_fields(record)), fetch(write_fields(id))
    refer_all(values, writes, chunks, items)
    found[#found + 1] = {id, record, values, writes}
  end
end
return {found, pieces(chunks, items)}
