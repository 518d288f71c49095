"""The Lua scripts. Every key they touch is declared, so that a managed Redis can run them side by side.

A phone number has three keys: its stream of conversations, the set of those that stand in it, and a hash of the
conversations that are being worked on, each with its owner and the time its lock ends ("owner:milliseconds").
"""

from __future__ import annotations

ADMIT = """
-- KEYS: the list of wake-ups, then stream and set of queued conversations for each phone number
-- ARGV: the wake-up, how many may lie in the list, how many entries a stream may hold,
--       then pairs: index of the stream in KEYS, conversation
-- Returns the indexes of the streams that were full.
local full = {}
for i = 4, #ARGV, 2 do
    local stream, queued = KEYS[tonumber(ARGV[i])], KEYS[tonumber(ARGV[i]) + 1]
    if redis.call('EXISTS', stream) == 0 then
        -- An empty stream stays. One that is gone was lost, and what the set remembers of it stands nowhere.
        redis.call('DEL', queued)
        redis.call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM')
    end
    if redis.call('XLEN', stream) >= tonumber(ARGV[3]) then
        full[#full + 1] = ARGV[i]
    elseif redis.call('SADD', queued, ARGV[i + 1]) == 1 then
        redis.call('XADD', stream, '*', 'conversation', ARGV[i + 1])
    end
end
-- A wake-up is a hint. With nobody to hear them they must not pile up.
if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[2]) then
    redis.call('RPUSH', KEYS[1], ARGV[1])
end
return full
"""

LOCKING = """
local function now_milliseconds()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
-- Whether `owner` has the lock of `conversation` now. A lock that has run out belongs to nobody.
local function lock(locks, conversation, owner, milliseconds, now)
    local held = redis.call('HGET', locks, conversation)
    if held then
        local holder, ends = string.match(held, '^(.*):(%d+)$')
        if holder ~= owner and tonumber(ends) > now then
            return 0
        end
    end
    redis.call('HSET', locks, conversation, owner .. ':' .. string.format('%d', now + milliseconds))
    -- All locks last as long, so none outlives this one: what the dead left here is gone with it.
    redis.call('PEXPIRE', locks, milliseconds)
    return 1
end
local function unlock(locks, conversation, owner)
    local held = redis.call('HGET', locks, conversation)
    if held and string.match(held, '^(.*):%d+$') == owner then
        redis.call('HDEL', locks, conversation)
    end
end
"""

CLAIM = (
    LOCKING
    + """
-- KEYS: stream, set of queued conversations, locks
-- ARGV: owner, how many, how many may be in flight on this phone number,
--       milliseconds after which an entry in other hands counts as left behind, milliseconds a lock lasts
-- Returns triples: entry, conversation, whether its lock was free
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {}
end
local owner, limit = ARGV[1], tonumber(ARGV[2])
local now = now_milliseconds()
local claimed = {}
local function take(entries)
    for _, entry in ipairs(entries) do
        local conversation = entry[2][2]
        redis.call('SREM', KEYS[2], conversation)
        claimed[#claimed + 1] = entry[1]
        claimed[#claimed + 1] = conversation
        claimed[#claimed + 1] = lock(KEYS[3], conversation, owner, tonumber(ARGV[5]), now)
    end
end
take(redis.call('XAUTOCLAIM', KEYS[1], 'workers', owner, ARGV[4], '0-0', 'COUNT', limit)[2])
local in_flight = redis.call('XPENDING', KEYS[1], 'workers')[1]
local left = math.min(limit - #claimed / 3, tonumber(ARGV[3]) - in_flight)
if left > 0 then
    local fresh = redis.call('XREADGROUP', 'GROUP', 'workers', owner, 'COUNT', left, 'STREAMS', KEYS[1], '>')
    if fresh then
        take(fresh[1][2])
    end
end
return claimed
"""
)

FINISH = (
    LOCKING
    + """
-- KEYS: the list of wake-ups, then stream and locks for each phone number
-- ARGV: owner, how many may be in flight on a phone number, how many wake-ups may lie in the list,
--       then quadruples: index of the stream in KEYS, entry, conversation, the wake-up of that phone number
for i = 4, #ARGV, 4 do
    local stream, locks = KEYS[tonumber(ARGV[i])], KEYS[tonumber(ARGV[i]) + 1]
    unlock(locks, ARGV[i + 2], ARGV[1])
    if redis.call('EXISTS', stream) == 1 then
        local in_flight = redis.call('XPENDING', stream, 'workers')[1]
        redis.call('XACK', stream, 'workers', ARGV[i + 1])
        redis.call('XDEL', stream, ARGV[i + 1])
        -- While the number was full, wake-ups for it found no room: there is some now.
        local waits = redis.call('XLEN', stream) > in_flight - 1
        if in_flight >= tonumber(ARGV[2]) and waits and redis.call('LLEN', KEYS[1]) < tonumber(ARGV[3]) then
            redis.call('RPUSH', KEYS[1], ARGV[i + 3])
        end
    end
end
"""
)

LOCK = (
    LOCKING
    + """
-- KEYS: locks   ARGV: owner, milliseconds a lock lasts, then conversations
-- Takes or renews each. Returns for each whether the owner has it.
local had = {}
local now = now_milliseconds()
for i = 3, #ARGV do
    had[#had + 1] = lock(KEYS[1], ARGV[i], ARGV[1], tonumber(ARGV[2]), now)
end
return had
"""
)

STATE = (
    LOCKING
    + """
-- KEYS: stream, locks
-- Returns how many wait, how many are in flight, how many milliseconds the oldest has waited (-1: none), locks held
local now, locked = now_milliseconds(), 0
for _, held in ipairs(redis.call('HVALS', KEYS[2])) do
    if tonumber(string.match(held, ':(%d+)$')) > now then
        locked = locked + 1
    end
end
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {0, 0, -1, locked}
end
local in_flight = redis.call('XPENDING', KEYS[1], 'workers')[1]
local last = redis.call('XINFO', 'GROUPS', KEYS[1])[1]
local delivered = '0-0'
for i = 1, #last, 2 do
    if last[i] == 'last-delivered-id' then
        delivered = last[i + 1]
    end
end
local oldest = redis.call('XRANGE', KEYS[1], '(' .. delivered, '+', 'COUNT', 1)
local age = -1
if oldest[1] then
    age = now - tonumber(string.match(oldest[1][1], '^(%d+)'))
end
return {redis.call('XLEN', KEYS[1]) - in_flight, in_flight, age, locked}
"""
)

SEEN = """
-- KEYS: marks   Returns for each whether it is there.
local seen = {}
for i, key in ipairs(KEYS) do
    seen[i] = redis.call('EXISTS', key)
end
return seen
"""

MARK = """
-- KEYS: marks   ARGV: how many milliseconds they last
for _, key in ipairs(KEYS) do
    redis.call('SET', key, '', 'PX', ARGV[1])
end
"""
