"""The Lua scripts. Every key they touch is declared, so that a managed Redis can run them side by side."""

from __future__ import annotations

ADMIT = """
-- KEYS: the list of wake-ups, then stream and set of queued conversations for each phone number
-- ARGV: the wake-up, how many may lie in the list, then pairs: index of the stream in KEYS, conversation
for i = 3, #ARGV, 2 do
    local stream, queued = KEYS[tonumber(ARGV[i])], KEYS[tonumber(ARGV[i]) + 1]
    if redis.call('EXISTS', stream) == 0 then
        -- An empty stream stays. One that is gone was lost, and what the set remembers of it stands nowhere.
        redis.call('DEL', queued)
        redis.call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM')
    end
    if redis.call('SADD', queued, ARGV[i + 1]) == 1 then
        redis.call('XADD', stream, '*', 'conversation', ARGV[i + 1])
    end
end
-- A wake-up is a hint. With nobody to hear them they must not pile up.
if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[2]) then
    redis.call('RPUSH', KEYS[1], ARGV[1])
end
"""

CLAIM = """
-- KEYS: stream, set of queued conversations
-- ARGV: consumer, how many, milliseconds after which an entry in other hands counts as left behind
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {}
end
local limit = tonumber(ARGV[2])
local claimed = {}
local function take(entries)
    for _, entry in ipairs(entries) do
        redis.call('SREM', KEYS[2], entry[2][2])
        claimed[#claimed + 1] = entry[1]
        claimed[#claimed + 1] = entry[2][2]
    end
end
take(redis.call('XAUTOCLAIM', KEYS[1], 'workers', ARGV[1], ARGV[3], '0-0', 'COUNT', limit)[2])
local left = limit - #claimed / 2
if left > 0 then
    local fresh = redis.call('XREADGROUP', 'GROUP', 'workers', ARGV[1], 'COUNT', left, 'STREAMS', KEYS[1], '>')
    if fresh then
        take(fresh[1][2])
    end
end
return claimed
"""

FINISH = """
-- KEYS: streams   ARGV: pairs: index of the stream in KEYS, entry
for i = 1, #ARGV, 2 do
    redis.call('XACK', KEYS[tonumber(ARGV[i])], 'workers', ARGV[i + 1])
    redis.call('XDEL', KEYS[tonumber(ARGV[i])], ARGV[i + 1])
end
"""
