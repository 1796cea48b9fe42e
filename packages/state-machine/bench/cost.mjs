// What the chat costs in memory and time, without a network or a disk.
//
//   pnpm build && node --expose-gc packages/state-machine/bench/cost.mjs [accounts] [messages] [mailboxes]
//
// By default a million accounts and a million messages in 20 mailboxes. Measures built code. Bytes are of the whole process (RSS), after a collection.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { Chat } from '../dist/index.js'

const accounts = Number(process.argv[2] ?? 1_000_000)
const messages = Number(process.argv[3] ?? 1_000_000)
const mailboxes = Number(process.argv[4] ?? 20)
const text = 'x'.repeat(100)
const passwordHash =
  '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'
const day = 24 * 60 * 60 * 1_000

/** Gives the collector time for memory outside the heap, too. */
async function residentBytes() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.()
    await new Promise((done) => setTimeout(done, 50))
  }
  return process.memoryUsage().rss
}

/** Processor time so far, milliseconds: what a busy machine does not distort. Includes the collector's threads. */
function processorTime() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

let index = 0
/**
 * As a follower does: through bytes.
 * @param {Chat} chat
 * @param {import('../dist/index.js').Command} command
 */
function apply(chat, command) {
  index++
  return chat.apply(chat.decode(chat.encode(command)), { index, term: 1, time: 1_800_000_000_000 + index })
}

/**
 * @param {string} what
 * @param {number} value
 * @param {string} unit
 */
function print(what, value, unit) {
  process.stdout.write(`${what.padEnd(58)} ${value.toFixed(1).padStart(10)} ${unit}\n`)
}

/**
 * @param {Chat} chat
 * @param {string} name
 */
function login(chat, name) {
  const tokenHash = new Uint8Array(32)
  new DataView(tokenHash.buffer).setUint32(0, index)
  const accountId = chat.account(name)?.accountId ?? 0
  const reply = apply(chat, {
    type: 'login',
    requestId: `login ${index}`,
    name,
    accountId,
    tokenHash,
    takeover: true,
    idleTimeoutMs: day,
    lifetimeMs: 0,
  })
  return reply.ok && reply.type === 'login' ? reply.sessionId : 0
}

const empty = await residentBytes()
const chat = new Chat()
let began = processorTime()
let slowest = 0
for (let i = 0; i < accounts; i++) {
  const at = performance.now()
  apply(chat, {
    type: 'createAccount',
    requestId: `request ${i}`,
    name: `account-${i}`,
    passwordHash: passwordHash.slice(0, -7) + String(i).padStart(7, '0'),
  })
  slowest = Math.max(slowest, performance.now() - at)
}
print('createAccount', ((processorTime() - began) / accounts) * 1_000, 'µs of processor each')
print('createAccount, slowest', slowest, 'ms')
const filled = await residentBytes()
print('account', (filled - empty) / accounts, 'bytes each')

const sender = login(chat, 'account-0')
const before = await residentBytes()
began = processorTime()
slowest = 0
for (let i = 0; i < messages; i++) {
  const at = performance.now()
  const to = `account-${1 + (i % mailboxes)}`
  const requestId = `0f8fad5b-d9cb-469f-a165-${String(i).padStart(12, '0')}`
  apply(chat, { type: 'send', sessionId: sender, requestId, to, text })
  slowest = Math.max(slowest, performance.now() - at)
}
print('send: encode, decode, apply', ((processorTime() - began) / messages) * 1_000, 'µs of processor each')
print('send, slowest', slowest, 'ms')
print('message of 100 bytes', ((await residentBytes()) - before) / messages, 'bytes each')

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
began = processorTime()
const beginning = performance.now()
const snapshot = chat.snapshot()
print('snapshot, to begin', performance.now() - beginning, 'ms')
/** @type {Uint8Array[]} */
const chunks = []
let bytes = 0
slowest = 0
for (;;) {
  const at = performance.now()
  const { done, value } = snapshot.next()
  slowest = Math.max(slowest, performance.now() - at)
  if (done === true) break
  chunks.push(value)
  bytes += value.length
  apply(chat, {
    type: 'send',
    sessionId: sender,
    requestId: `meanwhile ${chunks.length}`,
    to: 'account-1',
    text,
  })
  await new Promise((next) => setImmediate(next))
}
delay.disable()
print('snapshot, with a send after each chunk', processorTime() - began, 'ms of processor')
print('snapshot, slowest chunk', slowest, 'ms')
print('snapshot, longest pause of the event loop', delay.max / 1e6, 'ms')
print('snapshot', bytes / 1e6, 'MB')

began = processorTime()
const copy = new Chat()
const sink = copy.restore()
slowest = 0
for (const chunk of chunks) {
  const at = performance.now()
  sink.write(chunk)
  slowest = Math.max(slowest, performance.now() - at)
}
sink.finish()
print('restore', processorTime() - began, 'ms of processor')
print('restore, slowest chunk', slowest, 'ms')
began = processorTime()
copy.hash()
print('hash', processorTime() - began, 'ms of processor')
