// What a snapshot costs the sends that go on meanwhile, how long a restart takes, and how fast a log of sends is replayed.
//
//   pnpm build && node --max-semi-space-size=16 --v8-pool-size=1 --no-allocation-site-pretenuring apps/server/bench/snapshots.mjs [accounts] [messages] [sends to replay] [directory]
//
// One replica with a real disk and no network: what is measured is the event loop. By default a million accounts, a million waiting messages, a
// million sends to replay. Measures built code; on a busy machine the pauses are those of the machine: the row "without a snapshot" tells.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { createReplica } from '@chatroom/replica'
import { MemoryNetwork } from '@chatroom/replica/testing'
import { openFileStorage } from '@chatroom/replication-log/file'
import { Chat } from '@chatroom/state-machine'

const accounts = Number(process.argv[2] ?? 1_000_000)
const messages = Number(process.argv[3] ?? 1_000_000)
const replayed = Number(process.argv[4] ?? 1_000_000)
const parent = process.argv[5] ?? tmpdir()
const mailboxes = 20
const inFlight = 64
const text = 'x'.repeat(100)
const passwordHash =
  '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'
const day = 24 * 60 * 60 * 1_000

const directory = fs.mkdtempSync(join(parent, 'snapshots-bench-'))
try {
  await stalls()
  await replay()
} finally {
  fs.rmSync(directory, { recursive: true })
}

async function stalls() {
  const place = join(directory, 'stalls')
  const first = await start(place, 2 ** 40)
  const sender = await fill(first.replica)
  await first.replica.stop()

  let taken = null
  // No snapshot but those that are asked for here, each of the whole state and measured from its beginning to its end.
  const { replica, tookMs } = await start(place, 2 ** 40, {
    snapshotTaken: (ms, bytes) => {
      taken = { ms, bytes }
    },
  })
  print(`restart by replay of ${accounts + messages} entries`, tookMs, 'ms')
  await measure(replica, sender, 'without a snapshot', async () => {
    await new Promise((done) => setTimeout(done, 5_000))
    return null
  })
  for (let n = 1; n <= 4; n++)
    await measure(replica, sender, `a snapshot of everything, number ${n}`, async () => {
      await replica.snapshot()
      return taken
    })
  await replica.stop()
  const again = await start(place, 2 ** 40)
  print('restart by snapshot and the log after it', again.tookMs, 'ms')
  await again.replica.stop()
}

/** Sends while `work` is done, and shows the longest pause of the event loop. */
async function measure(replica, sender, name, work) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const latencies = []
  let over = false
  const loop = async () => {
    while (!over) {
      const begun = performance.now()
      await sender(replica)
      latencies.push(performance.now() - begun)
    }
  }
  delay.enable()
  const begun = performance.now()
  const loops = Array.from({ length: inFlight }, loop)
  const snapshot = await work()
  const seconds = (performance.now() - begun) / 1000
  delay.disable()
  over = true
  await Promise.all(loops)
  latencies.sort((a, b) => a - b)
  const took = snapshot ? `, ${(snapshot.bytes / 1e6).toFixed(0)} MB in ${snapshot.ms.toFixed(0)} ms` : ''
  process.stdout.write(
    `${name.padEnd(48)} longest pause ${milliseconds(delay.max)} ms; ` +
      `${(latencies.length / seconds).toFixed(0)} sends/s acknowledged, slowest ${(latencies.at(-1) ?? 0).toFixed(1)} ms${took}\n` +
      `${''.padEnd(48)} ${histogram(delay)}\n`,
  )
}

/** The delays of the event loop beyond the millisecond between two looks. */
function histogram(delay) {
  const parts = [50, 90, 99, 99.9, 100].map(
    (percent) => `p${percent} ${milliseconds(delay.percentile(percent))}`,
  )
  return `loop delay, ms: ${parts.join(', ')}; ${delay.count} looks`
}

function milliseconds(nanoseconds) {
  return (nanoseconds / 1e6).toFixed(1)
}

async function replay() {
  const place = join(directory, 'replay')
  const { replica } = await start(place, 2 ** 40)
  const sender = await fill(replica, mailboxes, 0)
  await many(replayed, () => sender(replica))
  await replica.stop()
  const files = fs.readdirSync(place).filter((name) => name.endsWith('.seg'))
  let begun = performance.now()
  const bytes = files.reduce((sum, name) => sum + fs.readFileSync(join(place, name)).length, 0)
  rate(`plain read of the same files`, performance.now() - begun, bytes)
  begun = performance.now()
  const storage = openFileStorage({ directory: place, replicaId: 0 })
  const { last } = await storage.open({ tailBytes: 0 })
  rate(`open: read and check`, performance.now() - begun, bytes)
  const chat = new Chat()
  begun = performance.now()
  for (let next = 1; next <= last.index; ) {
    for (const entry of await storage.read(next, 1024 * 1024)) {
      if (entry.kind === 'command') chat.apply(chat.decode(entry.payload), entry)
      next = entry.index + 1
    }
  }
  rate(`replay: read, check, decode and apply`, performance.now() - begun, bytes)
  await storage.close()
}

/** Accounts, and messages that wait in the mailboxes of some of them. Returns what sends one more and takes one out. */
async function fill(replica, people = accounts, waiting = messages) {
  await many(people, (n) =>
    replica.propose({ type: 'createAccount', requestId: `c${n}`, name: `person${n}`, passwordHash }),
  )
  const tokenHash = new Uint8Array(32).fill(1)
  const { accountId } = replica.stateMachine.account('person0')
  const reply = await replica.propose({
    type: 'login',
    requestId: 'login',
    name: 'person0',
    accountId,
    tokenHash,
    takeover: true,
    idleTimeoutMs: day,
    lifetimeMs: 0,
  })
  const { sessionId } = replica.stateMachine.session(tokenHash)
  if (sessionId === undefined) throw new Error(JSON.stringify(reply))
  let sent = 0
  const send = async (to) => {
    const number = sent++
    const answer = await to.propose({
      type: 'send',
      sessionId,
      requestId: `s${number}`,
      to: `person${number % people}`,
      text,
    })
    if (answer.type === 'refused' || answer.refused) throw new Error(JSON.stringify(answer))
  }
  let filled = 0
  await many(waiting, () =>
    replica.propose({
      type: 'send',
      sessionId,
      requestId: `f${filled++}`,
      to: `person${filled % mailboxes}`,
      text,
    }),
  )
  return send
}

async function many(count, run) {
  let next = 0
  const loop = async () => {
    while (next < count) await run(next++)
  }
  await Promise.all(Array.from({ length: 2_000 }, loop))
}

/** A cluster of one. `tookMs`: until it serves. */
async function start(place, snapshotEveryBytes, observed = {}) {
  const nothing = () => {}
  const observer = new Proxy(observed, { get: (target, name) => target[name] ?? nothing })
  const replica = createReplica({
    id: 0,
    members: [0],
    mode: 'fail-stop',
    stateMachine: new Chat(),
    storage: openFileStorage({ directory: place, replicaId: 0 }),
    transport: new MemoryNetwork().transport({ id: 0, address: 'r0', peers: new Map() }),
    snapshotEveryBytes,
    observer,
  })
  const begun = performance.now()
  await replica.start()
  for (;;) {
    const { serving, commitIndex, appliedIndex } = replica.status()
    if (serving && appliedIndex === commitIndex) break
    await new Promise((done) => setTimeout(done, 5))
  }
  return { replica, tookMs: performance.now() - begun }
}

function print(what, value, unit) {
  process.stdout.write(`${what.padEnd(48)} ${value.toFixed(0).padStart(8)} ${unit}\n`)
}

function rate(what, ms, bytes) {
  const perSecond = 1000 / ms
  process.stdout.write(
    `${what.padEnd(48)} ${(replayed * perSecond).toFixed(0).padStart(9)} entries/s ${((bytes * perSecond) / 1e6).toFixed(1).padStart(8)} MB/s ${ms.toFixed(0).padStart(7)} ms\n`,
  )
}
