"""The Lua scripts. Every key they touch is declared, so that a managed Redis can run them side by side.

A phone number has three keys: its stream of conversations, the set of those that stand in it, and a hash of the
conversations that are being worked on, each with its owner and the time its lock ends ("owner:milliseconds").

Every entry that was taken is under a lease: the time since its worker last took or renewed it, which the stream keeps.
The hash of workers says until when each is alive. Whoever does not stand there holds no entry and no lock.
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

LEASES = """
local function now_milliseconds()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
-- All leases last as long, so none outlives the last one: what the dead left in the hash is gone with it.
local function live(workers, worker, milliseconds, now)
    redis.call('HSET', workers, worker, string.format('%d', now + milliseconds))
    redis.call('PEXPIRE', workers, milliseconds)
end
local function is_alive(workers, worker, now)
    local ends = redis.call('HGET', workers, worker)
    return ends and tonumber(ends) > now
end
-- Whether `owner` has the lock of `conversation` now. One that has run out, or whose owner is dead, is nobody's.
local function lock(locks, workers, conversation, owner, milliseconds, now)
    local held = redis.call('HGET', locks, conversation)
    if held then
        local holder, ends = string.match(held, '^(.*):(%d+)$')
        if holder ~= owner and tonumber(ends) > now and is_alive(workers, holder, now) then
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
    LEASES
    + """
-- KEYS: stream, set of queued conversations, locks, workers, the cached context of the phone number
-- ARGV: owner, how many, how many may be in flight on this phone number, milliseconds a lease lasts, and a context
-- Returns triples (entry, conversation, whether its lock was free), and the context when anything was taken
local owner, limit, milliseconds = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
local now = now_milliseconds()
live(KEYS[4], owner, milliseconds, now)
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {{}, false}
end
local claimed = {}
local function take(entries)
    for _, entry in ipairs(entries) do
        local conversation = entry[2][2]
        redis.call('SREM', KEYS[2], conversation)
        claimed[#claimed + 1] = entry[1]
        claimed[#claimed + 1] = conversation
        claimed[#claimed + 1] = lock(KEYS[3], KEYS[4], conversation, owner, milliseconds, now)
    end
end
-- The consumers whose worker is dead and who left something behind. Those who left nothing are taken off the list.
local function dead_with_entries()
    local dead, are_some = {}, false
    for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], 'workers')) do
        local told = {}
        for i = 1, #consumer, 2 do
            told[consumer[i]] = consumer[i + 1]
        end
        if told.name ~= owner and not is_alive(KEYS[4], told.name, now) then
            redis.call('HDEL', KEYS[4], told.name)
            if told.pending == 0 then
                redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'workers', told.name)
            else
                dead[told.name], are_some = true, true
            end
        end
    end
    return dead, are_some
end
local function left_behind_by(dead)
    local found = {}
    local in_flight = redis.call('XPENDING', KEYS[1], 'workers')[1]
    for _, entry in ipairs(redis.call('XPENDING', KEYS[1], 'workers', '-', '+', in_flight)) do
        if dead[entry[2]] and #found < limit then
            found[#found + 1] = entry[1]
        end
    end
    return found
end
local dead, are_some = dead_with_entries()
if are_some then
    take(redis.call('XCLAIM', KEYS[1], 'workers', owner, 0, unpack(left_behind_by(dead))))
end
-- What a living worker dropped on the way: it says so by not renewing the lease.
if #claimed / 3 < limit then
    local room = limit - #claimed / 3
    take(redis.call('XAUTOCLAIM', KEYS[1], 'workers', owner, milliseconds, '0-0', 'COUNT', room)[2])
end
local in_flight = redis.call('XPENDING', KEYS[1], 'workers')[1]
local left = math.min(limit - #claimed / 3, tonumber(ARGV[3]) - in_flight)
if left > 0 then
    local fresh = redis.call('XREADGROUP', 'GROUP', 'workers', owner, 'COUNT', left, 'STREAMS', KEYS[1], '>')
    if fresh then
        take(fresh[1][2])
    end
end
-- Whoever takes something needs it in a moment: asked for by itself it would be a command more for a lone message.
return {claimed, #claimed > 0 and redis.call('GETEX', KEYS[5], 'PX', ARGV[5])}
"""
)

FINISH = (
    LEASES
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
    LEASES
    + """
-- KEYS: stream, locks, workers   ARGV: owner, milliseconds a lease lasts, then pairs: entry, conversation
-- Renews the owner's lease and those of its entries, takes or renews each lock. Returns for each whether it has that.
local had = {}
local owner, milliseconds = ARGV[1], tonumber(ARGV[2])
local now = now_milliseconds()
live(KEYS[3], owner, milliseconds, now)
local is_there = redis.call('EXISTS', KEYS[1]) == 1
for i = 3, #ARGV, 2 do
    -- Only what is still in its own hands: an entry that was taken over is another's.
    if is_there and redis.call('XPENDING', KEYS[1], 'workers', ARGV[i], ARGV[i], 1, owner)[1] then
        redis.call('XCLAIM', KEYS[1], 'workers', owner, 0, ARGV[i], 'JUSTID')
    end
    had[#had + 1] = lock(KEYS[2], KEYS[3], ARGV[i + 1], owner, milliseconds, now)
end
return had
"""
)

LEAVE = """
-- KEYS: workers   ARGV: workers that have stopped. What they held counts as left behind from now on.
redis.call('HDEL', KEYS[1], unpack(ARGV))
"""

WAITED = """
-- KEYS: waits for locks   ARGV: milliseconds
redis.call('HINCRBY', KEYS[1], 'times', 1)
redis.call('HINCRBY', KEYS[1], 'milliseconds', ARGV[1])
"""

STATE = (
    LEASES
    + """
-- KEYS: stream, locks, workers, waits for locks
-- Returns how many wait, how many are in flight, how many milliseconds the oldest has waited (-1: none), locks held,
-- how often a lock was waited for and for how many milliseconds in all
local now, locked = now_milliseconds(), 0
local waits = redis.call('HMGET', KEYS[4], 'times', 'milliseconds')
local times, milliseconds = tonumber(waits[1] or 0), tonumber(waits[2] or 0)
for _, held in ipairs(redis.call('HVALS', KEYS[2])) do
    local holder, ends = string.match(held, '^(.*):(%d+)$')
    if tonumber(ends) > now and is_alive(KEYS[3], holder, now) then
        locked = locked + 1
    end
end
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {0, 0, -1, locked, times, milliseconds}
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
return {redis.call('XLEN', KEYS[1]) - in_flight, in_flight, age, locked, times, milliseconds}
"""
)

SEEN = """
-- KEYS: marks to set, then marks to look for
-- ARGV: how many are to be set, then for each of these how many milliseconds it lasts
-- Returns for each of the others whether it is there.
local seen, set = {}, tonumber(ARGV[1])
for i = 1, set do
    redis.call('SET', KEYS[i], '', 'PX', ARGV[i + 1])
end
for i = set + 1, #KEYS do
    seen[i - set] = redis.call('EXISTS', KEYS[i])
end
return seen
"""
