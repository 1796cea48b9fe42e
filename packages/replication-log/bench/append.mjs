// What the file storage costs: acknowledged entries per second beside what the disk itself does, and how fast a log opens and is read.
//
//   pnpm build && node packages/replication-log/bench/append.mjs [directory] [payload bytes] [entries to open]
//
// Measures built code. The directory decides which disk; default: where temporary files go.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { openFileStorage } from '../dist/file/index.js'

const parent = process.argv[2] ?? tmpdir()
const payload = new Uint8Array(Number(process.argv[3] ?? 150)).fill(0x78)
const replayed = Number(process.argv[4] ?? 1_000_000)
const secondsPerRow = 2
const sync = promisify(fs.fdatasync)

const directory = fs.mkdtempSync(join(parent, 'append-bench-'))
try {
  await raw('append', false)
  await raw('overwrite', true)
  for (const inFlight of [1, 64, 256]) await appended(inFlight, 1)
  await appended(4, 64)
  await appended(4, 1024)
  await opened()
} finally {
  fs.rmSync(directory, { recursive: true })
}

/** Writes of one record and fdatasync, by way of the thread pool, and nothing else. */
async function raw(what, preallocated) {
  const path = join(directory, 'raw')
  const bytes = Buffer.alloc(payload.length + 92, 0x78)
  const file = fs.openSync(path, 'w+')
  if (preallocated) {
    for (let at = 0; at < 64; at++)
      fs.writeSync(file, Buffer.alloc(1024 * 1024), 0, 1024 * 1024, at * 1024 * 1024)
    fs.fsyncSync(file)
  }
  await row(`raw ${what} + fdatasync`, bytes.length, async (until) => {
    let count = 0
    while (performance.now() < until) {
      fs.writeSync(file, bytes, 0, bytes.length, count * bytes.length)
      await sync(file)
      count++
    }
    return count
  })
  fs.closeSync(file)
  fs.unlinkSync(path)
}

async function appended(inFlight, perBatch) {
  const storage = openFileStorage({ directory: join(directory, `log-${inFlight}-${perBatch}`), replicaId: 0 })
  await storage.open({ tailBytes: 0 })
  let last = 0
  await row(`storage, ${inFlight} x ${perBatch} in flight`, payload.length, async (until) => {
    const loop = async () => {
      while (performance.now() < until) {
        const entries = entriesAfter(last, perBatch)
        last += perBatch
        await storage.persist({ entries })
      }
    }
    await Promise.all(Array.from({ length: inFlight }, loop))
    return last
  })
  await storage.close()
}

async function opened() {
  const path = join(directory, 'large')
  let storage = openFileStorage({ directory: path, replicaId: 0 })
  await storage.open({ tailBytes: 0 })
  for (let last = 0; last < replayed; last += 5000)
    await storage.persist({ entries: entriesAfter(last, 5000) })
  await storage.close()
  storage = openFileStorage({ directory: path, replicaId: 0 })
  const files = fs.readdirSync(path).map((name) => join(path, name))
  await once('plain read of the same files', () =>
    Promise.resolve(files.reduce((sum, file) => sum + fs.readFileSync(file).length, 0)),
  )
  await once(`open ${replayed} entries`, async () => {
    await storage.open({ tailBytes: 1024 * 1024 })
    return storage.size()
  })
  await once(`read ${replayed} entries`, () => readAll(storage))
  await storage.close()
}

async function readAll(storage) {
  for (let next = 1; next <= replayed; ) next += (await storage.read(next, 1024 * 1024)).length
  return storage.size()
}

function entriesAfter(last, count) {
  return Array.from({ length: count }, (_, at) => ({
    index: last + 1 + at,
    term: 1,
    time: 0,
    kind: 'command',
    payload,
  }))
}

async function row(name, bytes, run) {
  const processor = process.cpuUsage()
  const start = performance.now()
  const count = await run(start + secondsPerRow * 1000)
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(processor)
  const rate = count / seconds
  console.log(
    `${name.padEnd(32)} ${rate.toFixed(0).padStart(8)} entries/s ${((rate * bytes) / 1e6).toFixed(1).padStart(7)} MB/s ` +
      `${((user + system) / count).toFixed(1).padStart(7)} us of CPU per entry`,
  )
}

async function once(name, run) {
  const start = performance.now()
  const bytes = await run()
  const seconds = (performance.now() - start) / 1000
  console.log(
    `${name.padEnd(32)} ${(replayed / seconds).toFixed(0).padStart(8)} entries/s ${(bytes / seconds / 1e6).toFixed(1).padStart(7)} MB/s ${(seconds * 1000).toFixed(0).padStart(7)} ms`,
  )
}
