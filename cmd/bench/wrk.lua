-- The load of `bench`: one ping of a check drawn by lot per request. Arguments: how many checks there are, the bytes
-- of the body (0 = GET), "close" for a new connection each time or "keep", the host, and a ping key to name checks by
-- their slugs, "" for codes. It must name them as instance.go does.
local bit = require("bit")
local bxor, lshift, rshift, tohex = bit.bxor, bit.lshift, bit.rshift, bit.tohex
local random = math.random
local threads = 0
local checks, before, after, slugs

function setup(thread)
  threads = threads + 1
  thread:set("seed", threads)
end

function init(args)
  math.randomseed(seed)
  checks = tonumber(args[1])
  local size = tonumber(args[2])
  before = (size > 0 and "POST" or "GET") .. " /ping/"
  after = " HTTP/1.1\r\nHost: " .. args[4] .. "\r\nUser-Agent: bench\r\n"
  slugs = args[5] ~= ""
  if slugs then before = before .. args[5] .. "/job-" end
  if args[3] == "close" then after = after .. "Connection: close\r\n" end
  if size > 0 then after = after .. "Content-Length: " .. size .. "\r\n" end
  after = after .. "\r\n" .. string.rep("x", size)
end

local function shift(x)
  x = bxor(x, lshift(x, 13))
  x = bxor(x, rshift(x, 17))
  return bxor(x, lshift(x, 5))
end

function request()
  if slugs then return before .. random(checks) .. after end
  local a = shift(shift(random(checks)))
  local b = shift(a)
  local c = shift(b)
  return before .. tohex(a) .. "-" .. tohex(rshift(b, 16), 4) .. "-" .. tohex(b, 4) .. "-" .. tohex(rshift(c, 16), 4)
    .. "-" .. tohex(c, 4) .. tohex(shift(c)) .. after
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\nBENCH {"requests":%d,"micros":%d,"status":%d,"socket":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
