import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import {
  freePorts,
  gone,
  isAlive,
  type RunningProgram,
  startProgram,
  temporaryDirectory,
} from '../test/launcher/running-program.ts'
import { programs } from './harness/program.ts'

// `pnpm dev` and `chatctl` as they are built, with real replicas.

const devProgram = fileURLToPath(new URL('../dist/dev.js', import.meta.url))

interface Place {
  readonly flags: readonly string[]
  readonly peerPort: string
  readonly dataDirectory: string
}

async function somewhere(): Promise<Place> {
  const first = await freePorts(6)
  const dataDirectory = temporaryDirectory()
  const peerPort = String(first + 3)
  const flags = ['--data-dir', dataDirectory, '--client-port', String(first), '--peer-port', peerPort]
  return { flags, peerPort, dataDirectory }
}

const node = (file: string, ...flags: readonly string[]): RunningProgram =>
  startProgram(process.execPath, [file, ...flags])
const startDev = (place: Place, ...flags: readonly string[]): RunningProgram =>
  node(devProgram, ...place.flags, ...flags)

/** Waits for the summary of a cluster that serves and returns the replicas' pids. */
async function pidsOf(dev: RunningProgram): Promise<number[]> {
  await dev.sees(/The chat runs: 3 replicas, mode fail-stop, 2 more may crash\./)
  const pids: number[] = []
  for (const id of [0, 1, 2])
    pids.push(Number((await dev.sees(new RegExp(`replica ${id} .* pid (\\d+) `)))[1]))
  await dev.sees(/Ctrl-C stops all replicas/)
  return pids
}

/** Runs `chatctl` to its end. */
async function chatctl(
  place: Place,
  ...words: readonly string[]
): Promise<{ code: number | string; output: string }> {
  const program = node(programs.chatctl, ...words, '--peer-port', place.peerPort)
  return { code: await program.ended, output: program.output() }
}

test('the leader is killed, comes back by hand, and the others are killed', async () => {
  const place = await somewhere()
  const dev = startDev(place)
  const pids = await pidsOf(dev)
  const { output } = await chatctl(place, 'status', '--json')
  const status: unknown = JSON.parse(output)
  expect(status).toMatchObject({
    serves: true,
    crashesTolerated: 2,
    replicas: pids.map((pid, id) => ({ id, pid })),
  })
  const leader = Number(/"leader":(\d)/.exec(output)?.[1])
  const others = [0, 1, 2].filter((id) => id !== leader)

  process.kill(pids[leader] ?? 0, 'SIGKILL')
  const [, hint] = await dev.sees(/died: killed by SIGKILL\. Bring it back: (pnpm server .*)\n/)
  expect(hint).toBe(`pnpm server --id ${leader} ${place.flags.join(' ')}`)
  await dev.sees(new RegExp(`replica \\d leads, \\d+ ms after replica ${leader} died`))
  await dev.sees(new RegExp(`replicas ${others.join(', ')} carry the chat; 1 more may crash\\.`))

  const back = node(programs.server, '--id', String(leader), ...place.flags)
  await dev.sees(new RegExp(`replica ${leader} is back \\(pid ${back.pid}, started by hand\\)\\.`))
  await dev.sees(
    new RegExp(`replica ${leader} counts again; replicas 0, 1, 2 carry the chat; 2 more may crash\\.`),
  )

  for (const id of others) process.kill(pids[id] ?? 0, 'SIGKILL')
  await dev.sees(new RegExp(`replica ${leader} carries the chat alone; no more may crash\\.`))
  const alone = await chatctl(place, 'status')
  expect(alone.output).toContain(`Replica ${leader} serves the chat`)
  expect(alone.code).toBe(0)

  dev.signal('SIGINT')
  await dev.sees(new RegExp(`replica ${leader} \\(pid ${back.pid}\\) was started by hand and goes on`))
  expect(await dev.ended).toBe(0)
  expect(isAlive(back.pid)).toBe(true)
  back.signal('SIGTERM')
  expect(await back.ended).toBe(0)
})

test('a stop and a second start; leadership is handed over in between', async () => {
  const place = await somewhere()
  const first = startDev(place)
  const pids = await pidsOf(first)
  const before = /"leader":(\d)/.exec((await chatctl(place, 'status', '--json')).output)?.[1]
  const target = before === '2' ? '1' : '2'
  const transfer = await chatctl(place, 'transfer-leadership', '--to', target)
  expect(transfer.output).toMatch(new RegExp(`^Replica ${target} leads now`))
  expect(transfer.code).toBe(0)
  await first.sees(new RegExp(`replica ${target} leads`))
  first.signal('SIGTERM')
  expect(await first.ended).toBe(0)
  for (const pid of pids) await gone(pid)
  expect(existsSync(join(place.dataDirectory, 'launcher.json'))).toBe(false)
  expect(await chatctl(place, 'status')).toMatchObject({ code: 1 })

  const second = startDev(place)
  await pidsOf(second)
  second.signal('SIGTERM')
  expect(await second.ended).toBe(0)
})

test('replicas end with a launcher that is killed, and the next one waits for that', async () => {
  const place = await somewhere()
  const first = startDev(place)
  const pids = await pidsOf(first)
  first.signal('SIGKILL')
  await first.ended
  const second = startDev(place)
  await pidsOf(second)
  // Their ports and directories are free, or the second could not run. A pid lasts until somebody has taken note of the end: of orphans, the system's first process.
  for (const pid of pids) await gone(pid)
  second.signal('SIGTERM')
  expect(await second.ended).toBe(0)
})

test('--restart brings back a replica that was killed', async () => {
  const dev = startDev(await somewhere(), '--restart')
  const pids = await pidsOf(dev)
  process.kill(pids[1] ?? 0, 'SIGKILL')
  await dev.sees(/replica 1 \(pid \d+\) died: killed by SIGKILL\. Starting it again in 0\.5 s\./)
  await dev.sees(/replica 1 counts again; replicas 0, 1, 2 carry the chat; 2 more may crash\./)
  dev.signal('SIGINT')
  expect(await dev.ended).toBe(0)
})

test('a replica that runs already keeps the launcher from starting', async () => {
  const place = await somewhere()
  const replica = node(programs.server, '--id', '1', ...place.flags, '--log-format', 'json')
  await replica.sees(/replica\.started/)
  const dev = startDev(place)
  expect(await dev.ended).toBe(1)
  expect(dev.output()).toContain(
    `the port is taken by a Chatroom replica (pid ${replica.pid}); stop it first, or choose other ports with --client-port.`,
  )
})

test('a replica whose data directory is in use elsewhere says so and ends the start', async () => {
  const place = await somewhere()
  const ports = await freePorts(6)
  const elsewhere = ['--client-port', String(ports), '--peer-port', String(ports + 3)]
  const replica = node(programs.server, '--id', '1', ...place.flags, ...elsewhere, '--log-format', 'json')
  await replica.sees(/replica\.started/)
  const dev = startDev(place)
  expect(await dev.ended).toBe(1)
  const [starting, sentence, ...more] = dev.output().trimEnd().split('\n')
  expect(starting).toBe('Starting 3 replicas…')
  expect(sentence).toMatch(new RegExp(`replica-1 is in use by process ${replica.pid}\\b`))
  expect(more).toEqual([])
})
