-- wrk's requests: one for each of 10,000 client addresses, built before the run and sent in turn.
--   wrk … -s load.lua URL -- DEPTH PATHS
-- DEPTH requests are pipelined. An "@" in the URL's path becomes a number below PATHS.

local clients = 10000
local batches = {}
local turn = 0

-- Spread over the world's unicast addresses, none of them private; the same in each run.
local function address(i)
  local mixed = (i * 2654435761) % 4294967296
  local first = 11 + math.floor(mixed / 16777216) % 100
  return string.format("%d.%d.%d.%d", first, math.floor(mixed / 65536) % 256, math.floor(mixed / 256) % 256, mixed % 256)
end

function init(args)
  local depth, paths = tonumber(args[1]), tonumber(args[2])
  local batch = {}
  for i = 1, clients do
    wrk.headers["X-Forwarded-For"] = address(i)
    batch[#batch + 1] = wrk.format(nil, (wrk.path:gsub("@", tostring((i * 7919) % paths))))
    if #batch == depth then
      batches[#batches + 1] = table.concat(batch)
      batch = {}
    end
  end
end

function request()
  turn = turn % #batches + 1
  return batches[turn]
end
