import { loadCrypto } from '../../foundation/node-crypto.ts';
import type { RedisConnection } from './redis-client.ts';

/**
 * What the scripts share. KEYS[1] is the hash of the stamps: `i` is the incarnation of the counts; every other field is a slot.
 *
 * An incarnation begins with the history of the server, which has another name behind each start and each time that another
 * server takes over, whatever connections have lived through that. So what a restart, a failover or an eviction may have taken
 * back gets another incarnation, and nothing that was kept before is valid any more. A replica is refused, since it may lack what
 * was changed last. A hash that cannot be right is thrown away for the same reason.
 */
const shared = `
local history = string.match(redis.call('INFO', 'replication'), 'role:master.*master_replid:(%x+)')
if not history then error({err = 'READONLY not the primary'}) end
local function isOfNow(found)
  return type(found) == 'string' and #found <= 100 and string.sub(found, 1, #history) == history
end
local function incarnation(seed)
  local found = redis.pcall('HGET', KEYS[1], 'i')
  if isOfNow(found) then return found end
  redis.call('UNLINK', KEYS[1])
  local made = redis.pcall('HSET', KEYS[1], 'i', history .. seed)
  if type(made) == 'table' then return false end
  return history .. seed
end
local function sumOf(slots)
  local fields = {}
  for slot in string.gmatch(slots, '%d+') do fields[#fields + 1] = slot end
  local counts = redis.pcall('HMGET', KEYS[1], unpack(fields))
  local sum = counts.err == nil and 0 or nil
  for _, count in ipairs(counts) do
    local number = count == false and 0 or tonumber(count)
    if sum == nil or number == nil or number ~= number or number < 0 then sum = nil break end
    sum = sum + number
    -- From there on a count more or less is the same number.
    if sum > 9e15 then sum = nil break end
  end
  if sum == nil then redis.call('UNLINK', KEYS[1]) return false end
  return string.format('%.0f', sum)
end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/** Reads an entry: KEYS stamps, entry, lock; ARGV seed, slots, most bytes, token, ms of the lock. Tells the time as well. */
const read = `${shared}
local seed, slots, most, token, time = unpack(ARGV)
local found = incarnation(seed)
local sum = found and sumOf(slots)
if not sum then return {0, '', '', 'none', 0, now()} end
local head = 'liminal1 ' .. found .. ' ' .. slots .. ' ' .. sum .. '\\n'
local poison = 0
local size = redis.pcall('STRLEN', KEYS[2])
if type(size) == 'table' or size > #head + tonumber(most) then
  poison = 1
elseif size > 0 then
  local value = redis.call('GET', KEYS[2])
  if string.sub(value, 1, #head) == head then
    local left = redis.call('PTTL', KEYS[2])
    if left > 0 then return {1, found, sum, string.sub(value, #head + 1), left, now()} end
    -- In the last millisecond 0 is left; -1 is one that would never end.
    if left < 0 then poison = 1 end
  elseif string.sub(value, 1, 9) ~= 'liminal1 ' then
    poison = 1
  end
end
if poison == 1 then redis.call('UNLINK', KEYS[2]) end
if token == '' then return {0, found, sum, 'none', poison, now()} end
local taken = redis.pcall('SET', KEYS[3], token, 'NX', 'PX', time)
if taken == false then
  return {0, found, sum, redis.pcall('GET', KEYS[3]) == token and 'own' or 'other', poison, now()}
end
return {0, found, sum, taken.err and 'none' or 'own', poison, now()}
`;

/**
 * Keeps an entry where the stamps are current: KEYS stamps, entry, lock; ARGV incarnation, slots, sum, payload, for how many ms, until
 * when, token. A server that stood still may come to it late, hence until when.
 */
const store = `${shared}
local held, slots, sum, payload, time, last, token = unpack(ARGV)
local result = 0
local found = redis.pcall('HGET', KEYS[1], 'i')
local left = math.min(time, last - now())
if left >= 1 and found == held and isOfNow(found) and sumOf(slots) == sum then
  local kept = redis.pcall('SET', KEYS[2], 'liminal1 ' .. held .. ' ' .. slots .. ' ' .. sum .. '\\n' .. payload, 'PX', string.format('%.0f', left))
  result = kept.ok and 1 or 2
end
if token ~= '' and redis.pcall('GET', KEYS[3]) == token then redis.call('UNLINK', KEYS[3]) end
return result
`;

/** Makes slots invalid and tells of it: KEYS stamps; ARGV channel, message, slots. Where no memory is left, all is invalid. */
const move = `${shared}
local channel, message, slots = unpack(ARGV)
for slot in string.gmatch(slots, '%d+') do
  local moved = redis.pcall('HINCRBY', KEYS[1], slot, 1)
  if type(moved) == 'table' then redis.call('UNLINK', KEYS[1]) break end
end
redis.call('PUBLISH', channel, message)
return 1
`;

/** Gives up a lock: KEYS lock; ARGV token. */
const release = `
if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end
return 0
`;

/** The scripts. Their texts are fixed: what differs is handed in as keys and arguments. */
export const redisScripts = { read, store, move, release } as const;

const hashes = new Map<string, string>();

/** Runs a script by its hash; by its text where the server does not know it yet. */
export async function runScript(
  connection: RedisConnection,
  script: keyof typeof redisScripts,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const text = redisScripts[script];
  let hash = hashes.get(script);
  if (hash === undefined)
    hashes.set(script, (hash = loadCrypto().createHash('sha1').update(text).digest('hex')));
  const rest = [`${keys.length}`, ...keys, ...args];
  try {
    return await connection.call('EVALSHA', [hash, ...rest]);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return connection.call('EVAL', [text, ...rest]);
  }
}
