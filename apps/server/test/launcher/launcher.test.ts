import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  freePorts,
  gone,
  isAlive,
  type RunningProgram,
  startProgram,
  temporaryDirectory,
} from './running-program.ts'

// The launcher as a process, with replicas that are processes too but only look like replicas.

const loader = ['--conditions=@chatroom/source', '--import', 'tsx']
const program = (name: string): string => fileURLToPath(new URL(`${name}.ts`, import.meta.url))

interface Place {
  readonly flags: readonly string[]
  readonly clientPort: number
  readonly peerPort: number
  readonly dataDirectory: string
}

async function somewhere(): Promise<Place> {
  const clientPort = await freePorts(6)
  const peerPort = clientPort + 3
  const dataDirectory = temporaryDirectory()
  const flags = ['--client-port', clientPort, '--peer-port', peerPort, '--data-dir', dataDirectory].map(
    String,
  )
  return { flags, clientPort, peerPort, dataDirectory }
}

function startDev(
  place: Place,
  flags: readonly string[] = [],
  environment: Record<string, string> = {},
): RunningProgram {
  return startProgram(process.execPath, [...loader, program('dev-of-fakes'), ...place.flags, ...flags], {
    environment,
  })
}

/** Waits for the summary and returns the replicas' pids. */
async function pidsOf(dev: RunningProgram): Promise<number[]> {
  const pids: number[] = []
  for (const id of [0, 1, 2]) {
    const match = await dev.sees(new RegExp(`replica ${id} +(leads|follows) +pid (?<pid>\\d+) `))
    pids.push(Number(match.groups?.['pid']))
  }
  await dev.sees(/Ctrl-C stops all replicas/)
  return pids
}

/** Whether somebody listens there. */
function isTaken(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.on('error', () => done(false))
  })
}

async function pidsGone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) await gone(pid)
}

describe('a cluster that runs', () => {
  test('is told with leader, pids, ports and the line to type next; Ctrl-C ends it', async () => {
    const place = await somewhere()
    const dev = startDev(place)
    const pids = await pidsOf(dev)
    const output = dev.output()
    expect(output).toContain('The chat runs: 3 replicas, mode fail-stop, 2 more may crash.')
    expect(output).toMatch(
      new RegExp(
        `replica 0 +leads +pid ${pids[0]} +clients 127.0.0.1:${place.clientPort} +peers 127.0.0.1:${place.peerPort}\n`,
      ),
    )
    expect(output).toContain(`Next, in another terminal: pnpm chat --client-port ${place.clientPort}\n`)
    expect(output).not.toContain('\u001b')
    dev.signal('SIGINT')
    await dev.sees(/stopping\./)
    expect(await dev.ended).toBe(0)
    await pidsGone(pids)
    expect(readFileSync(join(place.dataDirectory, 'replica-2.log'), 'utf8')).toContain('stopped')
  })

  test('a replica that dies stays dead, is told with what brings it back, and coming back by hand is noticed', async () => {
    const place = await somewhere()
    const dev = startDev(place)
    const pids = await pidsOf(dev)
    process.kill(pids[0] ?? 0, 'SIGKILL')
    const [, hint] = await dev.sees(
      /replica 0 \(pid \d+\) died: killed by SIGKILL\. Bring it back: (pnpm server .*)\n/,
    )
    expect(hint).toBe(
      `pnpm server --id 0 ${['--data-dir', place.dataDirectory, '--client-port', place.clientPort, '--peer-port', place.peerPort].join(' ')}`,
    )
    await dev.sees(/replica 1 leads, \d+ ms after replica 0 died \(term \d+\)\.\n/)
    await dev.sees(/replicas 1, 2 carry the chat; 1 more may crash\.\n/)

    const byHand = startProgram(process.execPath, [
      ...loader,
      program('fake-replica'),
      '--id',
      '0',
      ...place.flags,
    ])
    await dev.sees(new RegExp(`replica 0 is back \\(pid ${byHand.pid}, started by hand\\)\\.\n`))
    await dev.sees(/replica 0 counts again; replicas 0, 1, 2 carry the chat; 2 more may crash\.\n/)

    byHand.signal('SIGTERM')
    await dev.sees(new RegExp(`replica 0 \\(pid ${byHand.pid}, started by hand\\) ended\\.\n`))
    dev.signal('SIGTERM')
    expect(await dev.ended).toBe(0)
    await pidsGone(pids)
  })

  test('of another size is told with all its addresses', async () => {
    const place = await somewhere()
    const { clientPort, peerPort } = place
    const peers = [0, 1].map((id) => `127.0.0.1:${peerPort + id}`).join()
    const dev = startDev(place, ['--peers', peers])
    await dev.sees(/Ctrl-C stops all replicas/)
    expect(dev.output()).toContain('The chat runs: 2 replicas, mode fail-stop, 1 more may crash.')
    expect(dev.output()).toContain(
      `pnpm chat --servers 127.0.0.1:${clientPort},127.0.0.1:${clientPort + 1}\n`,
    )
  })

  test('--restart brings a replica back by itself', async () => {
    const dev = startDev(await somewhere(), ['--restart'])
    const pids = await pidsOf(dev)
    process.kill(pids[2] ?? 0, 'SIGKILL')
    await dev.sees(/replica 2 \(pid \d+\) died: killed by SIGKILL\. Starting it again in 0\.5 s\.\n/)
    await dev.sees(/replica 2 counts again; replicas 0, 1, 2 carry the chat; 2 more may crash\.\n/)
    dev.signal('SIGINT')
    expect(await dev.ended).toBe(0)
  })

  test('what replicas log at warn and above is shown after the start, the rest is in the files', async () => {
    const place = await somewhere()
    const dev = startDev(place, ['--restart', '--idle-timeout', '7'])
    const pids = await pidsOf(dev)
    process.kill(pids[1] ?? 0, 'SIGKILL')
    const [, flags] = await dev.sees(/replica 1: flags (.*)\n/)
    expect(flags).toBe(
      `${[...place.flags.slice(4), ...place.flags.slice(0, 4)].join(' ')} --idle-timeout 7 --log-format json --supervised --id 1`,
    )
    expect(dev.output()).not.toContain('quiet')
    expect(readFileSync(join(place.dataDirectory, 'replica-1.log'), 'utf8')).toContain('quiet')
  })
})

describe('nothing is left behind', () => {
  test('when the launcher is killed with -9', async () => {
    const dev = startDev(await somewhere())
    const pids = await pidsOf(dev)
    dev.signal('SIGKILL')
    expect(await dev.ended).toBe('SIGKILL')
    await pidsGone(pids)
  })

  const logged = ({ dataDirectory }: Place, id: number): boolean =>
    existsSync(join(dataDirectory, `replica-${id}.log`)) &&
    readFileSync(join(dataDirectory, `replica-${id}.log`), 'utf8').includes('quiet')
  const moments: readonly [string, (place: Place) => Promise<boolean> | boolean][] = [
    ['it looks whether it can start', () => true],
    ['its lock is on the data directory', ({ dataDirectory }) => readdirSync(dataDirectory).length > 0],
    ['the first log is made', ({ dataDirectory }) => existsSync(join(dataDirectory, 'replica-0.log'))],
    ['a replica writes', (place) => [0, 1, 2].some((id) => logged(place, id))],
    ['all write', (place) => [0, 1, 2].every((id) => logged(place, id))],
    ['a replica listens', ({ peerPort }) => isTaken(peerPort)],
    ['the last one listens', ({ peerPort }) => isTaken(peerPort + 2)],
  ]

  test.each(moments)('when Ctrl-C comes while %s', async (_, hasCome) => {
    const place = await somewhere()
    const dev = startDev(place)
    await dev.sees(/Starting 3 replicas/)
    while (!(await hasCome(place))) await new Promise((done) => setImmediate(done))
    dev.signal('SIGINT')
    expect(await dev.ended).toBe(0)
    expect(dev.output()).toMatch(/^Starting 3 replicas…\n(?:\S[\s\S]*\n)?\d\d:\d\d:\d\d stopping\.\n$/)
    for (let port = place.clientPort; port < place.clientPort + 6; port += 1) await canListen(port)
  })

  test('when the terminal closes, not even of a replica that was stopped with SIGSTOP', async () => {
    const dev = startDev(await somewhere())
    const pids = await pidsOf(dev)
    process.kill(pids[1] ?? 0, 'SIGSTOP')
    dev.signal('SIGHUP')
    expect(await dev.ended).toBe('SIGHUP')
    await pidsGone(pids)
  })
})

test('a second Ctrl-C kills replicas that do not stop', async () => {
  const dev = startDev(await somewhere(), [], { FAKE_IS_STUBBORN: '0' })
  const pids = await pidsOf(dev)
  dev.signal('SIGINT')
  await pidsGone(pids.slice(1))
  expect(isAlive(pids[0] ?? 0)).toBe(true)
  const again = setInterval(() => dev.signal('SIGINT'), 100)
  onTestFinished(() => clearInterval(again))
  expect(await dev.ended).toBe(130)
  await pidsGone(pids)
})

describe('what keeps it from starting is one sentence and the exit code 1', () => {
  const refused = async (dev: RunningProgram): Promise<string> => {
    expect(await dev.ended).toBe(1)
    return dev.output().replace('Starting 3 replicas…\n', '').trimEnd()
  }

  test('a port that is taken by another program', async () => {
    const place = await somewhere()
    await canListen(place.clientPort + 1, true)
    expect(await refused(startDev(place))).toBe(
      `127.0.0.1:${place.clientPort + 1} (replica 1, for clients): the port is taken by another program; stop it first, or choose other ports with --client-port.`,
    )
  })

  test('a port that is taken by a replica', async () => {
    const place = await somewhere()
    const replica = startProgram(process.execPath, [
      ...loader,
      program('fake-replica'),
      '--id',
      '2',
      ...place.flags,
    ])
    await replica.sees(/listens/)
    expect(await refused(startDev(place))).toBe(
      `127.0.0.1:${place.clientPort + 2} (replica 2, for clients): the port is taken by a Chatroom replica (pid ${replica.pid}); stop it first, or choose other ports with --client-port.`,
    )
  })

  test('a data directory that is none', async () => {
    const place = await somewhere()
    const file = join(place.dataDirectory, 'file')
    writeFileSync(file, '')
    expect(await refused(startDev(place, ['--data-dir', join(file, 'data')]))).toBe(
      `${join(file, 'data')}: data cannot be kept there (it is not a directory); choose another directory with --data-dir.`,
    )
  })

  test('a second launcher on the same data', async () => {
    const place = await somewhere()
    const first = startDev(place)
    await pidsOf(first)
    const ports = await freePorts(6)
    const second = startDev(place, ['--client-port', String(ports), '--peer-port', String(ports + 3)])
    expect(await refused(second)).toBe(
      `${place.dataDirectory}: another "pnpm dev" (pid ${first.pid}) runs on this data; stop it first, or choose another --data-dir and other ports.`,
    )
    expect(isAlive(first.pid)).toBe(true)
  })

  test('a replica that cannot start says so itself; the others are stopped', async () => {
    const place = await somewhere()
    expect(await refused(startDev(place, [], { FAKE_FAILS: '1' }))).toBe('replica 1: its disk is on fire.')
    for (let port = place.clientPort; port < place.clientPort + 6; port += 1) await canListen(port)
  })

  test('a wrong option is the exit code 2', async () => {
    const dev = startDev(await somewhere(), ['--mode', 'raft'])
    expect(await dev.ended).toBe(2)
    expect(dev.output()).toBe("--mode: 'raft' is not one of fail-stop, majority.\n")
  })
})

/** Rejects if something listens on the port; with `keep`, this process listens there until the test ends. */
async function canListen(port: number, keep = false): Promise<void> {
  const server = createServer()
  await new Promise<void>((done, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', done)
  })
  if (keep) onTestFinished(() => void server.close())
  else await new Promise((done) => server.close(done))
}
