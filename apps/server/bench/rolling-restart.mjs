// What a rolling restart of all three replicas costs those who send meanwhile: sends that failed, and how long nobody got an answer.
//
//   pnpm build && node apps/server/bench/rolling-restart.mjs [--rounds 3] [--rate 2000] [--port 19700] [--trace]
//
// Three replicas as processes, on real disks, in fail-stop mode. `--rate`: messages a second, 0 for as many as there are answers for, 96 at a time. `--trace`: what happened
// around every pause of more than 50 ms, from the logs of the replicas. Measures built code; on a busy machine the pauses are those of the machine:
// the line "undisturbed" tells.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connect } from '@chatroom/client'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '2000' },
    port: { type: 'string', default: '19700' },
    trace: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const rate = Number(values.rate)
const port = Number(values.port)
const ids = [0, 1, 2]
const noticed = 50

const server = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'rolling-bench-'))
const replicas = new Map()
const happened = []
const note = (at, who, what) => happened.push({ at, who, what })

function start(id) {
  const child = spawn(
    process.execPath,
    [
      server,
      ...['--id', `${id}`, '--data-dir', directory, '--log-format', 'json', '--supervised'],
      // The reader gives no command, however many rounds there are.
      ...['--idle-timeout', '3600'],
      ...['--client-port', `${port}`, '--peer-port', `${port + 3}`, '--metrics-port', `${port + 6}`],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const { time, event, msg } = JSON.parse(line)
      note(new Date(time).getTime(), `replica ${id}`, `${event}: ${msg}`)
    }
  })
  replicas.set(id, child)
}

async function untilReady(id) {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port + 6 + id}/readyz`).catch(() => null)
    if (response?.status === 200) return
    await new Promise((done) => setTimeout(done, 20))
  }
}

/** Sends, and keeps when answers came. */
class Load {
  failed = []
  answered = 0
  pauses = []
  slowest = 0
  #last = Date.now()
  #over = false
  #work

  constructor(senders) {
    this.#work = rate === 0 ? this.#closed(senders) : this.#open(senders)
  }

  reset() {
    this.pauses = []
    this.slowest = 0
    this.answered = 0
    this.#last = Date.now()
  }

  async end() {
    this.#over = true
    await this.#work
  }

  async #send(sender) {
    const begun = Date.now()
    try {
      await sender.send('reader', 'x'.repeat(100))
    } catch (error) {
      this.failed.push(error)
      return
    }
    const now = Date.now()
    this.answered++
    this.slowest = Math.max(this.slowest, now - begun)
    if (now - this.#last > 0) this.pauses.push({ from: this.#last, ms: now - this.#last })
    this.#last = now
  }

  async #closed(senders) {
    const loop = async (sender) => {
      while (!this.#over) await this.#send(sender)
    }
    await Promise.all(senders.flatMap((sender) => Array.from({ length: 32 }, () => loop(sender))))
  }

  async #open(senders) {
    const begun = performance.now()
    const under = new Set()
    let sent = 0
    while (!this.#over) {
      const due = Math.floor(((performance.now() - begun) / 1000) * rate)
      for (; sent < due; sent++) {
        const one = this.#send(senders[sent % senders.length]).finally(() => under.delete(one))
        under.add(one)
      }
      await new Promise((done) => setTimeout(done, 2))
    }
    await Promise.all(under)
  }
}

/** Takes what arrives, until the client is closed. */
async function read(reader) {
  try {
    for await (const message of reader.inbox()) message.acknowledge().catch(() => undefined)
  } catch (error) {
    if (error.code !== 'logged out') throw error
  }
}

function report(name, load, seconds) {
  const longest = load.pauses.toSorted((a, b) => b.ms - a.ms)
  process.stdout.write(
    `${name.padEnd(32)} ${Math.round(load.answered / seconds)} sends/s, ${load.failed.length} failed; ` +
      `longest pause ${longest[0]?.ms ?? 0} ms, next ${longest
        .slice(1, 4)
        .map(({ ms }) => ms)
        .join(', ')}; slowest send ${load.slowest} ms\n`,
  )
}

function trace(load) {
  for (const { from, ms } of load.pauses.filter((pause) => pause.ms > noticed)) {
    note(from, '', `-- no answer for ${ms} ms`)
    note(from + ms, '', '-- answers again')
  }
  happened.sort((a, b) => a.at - b.at)
  const first = happened[0]?.at ?? 0
  for (const { at, who, what } of happened)
    process.stdout.write(`${String(at - first).padStart(7)} ${who.padEnd(10)} ${what}\n`)
}

try {
  for (const id of ids) start(id)
  for (const id of ids) await untilReady(id)
  const servers = ids.map((id) => `127.0.0.1:${port + id}`)
  const clients = []
  for (const name of ['reader', 'a', 'b', 'c']) {
    const client = await connect({ servers })
    await client.createAccount(name, 'a password of theirs')
    await client.login(name, 'a password of theirs')
    client.onSwitch(({ from, to, ms }) =>
      note(Date.now(), name, `client: ${from} -> ${to} in ${Math.round(ms)} ms`),
    )
    clients.push(client)
  }
  const [reader, ...senders] = clients
  const reading = read(reader)
  const load = new Load(senders)
  await new Promise((done) => setTimeout(done, 3_000))
  load.reset()
  await new Promise((done) => setTimeout(done, 5_000))
  report('undisturbed', load, 5)
  for (let round = 1; round <= rounds; round++) {
    load.reset()
    happened.length = 0
    const begun = Date.now()
    for (const id of ids) {
      const child = replicas.get(id)
      note(Date.now(), 'bench', `SIGTERM to replica ${id}`)
      child.kill('SIGTERM')
      const [code] = await once(child, 'exit')
      note(Date.now(), 'bench', `replica ${id} ended with code ${code}`)
      start(id)
      await untilReady(id)
      note(Date.now(), 'bench', `replica ${id} is ready`)
    }
    const seconds = (Date.now() - begun) / 1000
    await new Promise((done) => setTimeout(done, 500))
    report(`rolling restart ${round}, ${seconds.toFixed(1)} s`, load, seconds + 0.5)
    if (values.trace) trace(load)
  }
  await load.end()
  for (const client of senders) await client.close()
  await reader.close()
  await reading
} finally {
  for (const child of replicas.values()) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
}
