-- Single values of channels.
-- KEYS: data, index
-- ARGV: value's field ...
-- Gives {value or nil, ...}, {piece's field, content, ...}
local chunks, items = {}, {}
local values = fetch(ARGV)
refer_all(values, {}, chunks, items)
return {values, pieces(chunks, items)}
