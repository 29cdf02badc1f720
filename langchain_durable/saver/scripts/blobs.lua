-- Put before every other script: how records and blobs refer to other fields.
--
-- Fields of the hash "data" (D = a digest of 16 bytes, id = "<namespace>\0<checkpoint id>"):
--   c<id>  checkpoint record: format byte, u16 n, n digests of values, u16 length and parent id, rest
--   v<D>   a channel's value: a blob
--   t<id>  the writes of a checkpoint: their digests, one after the other
--   w<D>   a write: u16 length and header, then a blob
--   k<D>   a chunk: digests of messages
--   i<D>   a message
-- A blob is a kind byte; unless that is "V", u32 count of chunks, u32 count of messages, and
-- their digests; then what only the client reads.

local DATA, INDEX = KEYS[1], KEYS[2]
local SLICE = 1000  -- Lua's unpack() has a limit

local function u16(s, at)
  local a, b = string.byte(s, at, at + 1)
  return a * 256 + b
end

local function u32(s, at)
  return u16(s, at) * 65536 + u16(s, at + 2)
end

local function digests(prefix, s, at, count, into)
  for i = 0, count - 1 do
    into[#into + 1] = prefix .. string.sub(s, at + i * 16, at + i * 16 + 15)
  end
  return into
end

local function fetch(fields)
  local found = {}
  for from = 1, #fields, SLICE do
    local upto = math.min(from + SLICE - 1, #fields)
    local part = redis.call('HMGET', DATA, unpack(fields, from, upto))
    for i = 1, #part do found[from + i - 1] = part[i] end
  end
  return found
end

local function value_fields(record)
  return digests('v', record, 4, u16(record, 2), {})
end

local function parent_of(record)
  local at = 4 + 16 * u16(record, 2)
  return string.sub(record, at + 2, at + 1 + u16(record, at))
end

local function write_fields(id)
  local tokens = redis.call('HGET', DATA, 't' .. id)
  if not tokens then return {} end
  return digests('w', tokens, 1, #tokens / 16, {})
end

-- The id of a namespace's newest checkpoint, or "". No byte of UTF-8 is 255.
local function newest_of(ns)
  local newest = redis.call('ZREVRANGEBYLEX', INDEX, '[' .. ns .. '\255', '[' .. ns, 'LIMIT', 0, 1)
  return newest[1] and string.sub(newest[1], #ns + 1) or ''
end

-- The chunks and messages that a blob refers to, as two sets of fields.
local function refer(blob, at, chunks, items)
  if string.sub(blob, at, at) == 'V' then return end
  local n, m = u32(blob, at + 1), u32(blob, at + 5)
  for _, field in ipairs(digests('k', blob, at + 9, n, {})) do chunks[field] = true end
  for _, field in ipairs(digests('i', blob, at + 9 + 16 * n, m, {})) do items[field] = true end
end

local function refer_all(values, writes, chunks, items)
  for _, blob in ipairs(values) do
    if blob then refer(blob, 1, chunks, items) end
  end
  for _, write in ipairs(writes) do
    if write then refer(write, 3 + u16(write, 1), chunks, items) end
  end
end

local function list(set)
  local fields = {}
  for field in pairs(set) do fields[#fields + 1] = field end
  return fields
end

-- The messages inside the chunks, added to the set; gives the chunks' fields and contents.
local function open_chunks(chunks, items)
  local fields = list(chunks)
  local bodies = fetch(fields)
  for _, body in ipairs(bodies) do
    if body then
      for _, field in ipairs(digests('i', body, 1, #body / 16, {})) do items[field] = true end
    end
  end
  return fields, bodies
end

-- Everything that blobs refer to: field, content, field, content, ...
local function pieces(chunks, items)
  local flat = {}
  local function add(fields, bodies)
    for i, field in ipairs(fields) do
      flat[#flat + 1] = field
      flat[#flat + 1] = bodies[i]
    end
  end
  add(open_chunks(chunks, items))
  local fields = list(items)
  add(fields, fetch(fields))
  return flat
end

local function hset(pairs_, from, upto)
  for at = from, upto, SLICE do
    redis.call('HSET', DATA, unpack(pairs_, at, math.min(at + SLICE - 1, upto)))
  end
end

-- True if every field exists; SLICE is even, so pairs stay together in hset.
local function all_exist(from, upto)
  for i = from, upto do
    if redis.call('HEXISTS', DATA, ARGV[i]) == 0 then return false end
  end
  return true
end

-- The whole thread lives as long as its last write: never a part of it.
local function live(ttl)
  if tonumber(ttl) > 0 then
    redis.call('EXPIRE', DATA, ttl)
    redis.call('EXPIRE', INDEX, ttl)
  end
end
