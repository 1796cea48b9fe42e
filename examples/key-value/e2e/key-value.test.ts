import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const here = fileURLToPath(new URL('..', import.meta.url))
let data: string
let firstPort: number
let launcher: ChildProcess
let printed: string

/** Six consecutive ports that nobody uses now, outside the ranges that systems take for outgoing connections. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = 12_000 + Math.floor(Math.random() * 19_000)
    const free = await Promise.all(
      [0, 1, 2, 3, 4, 5].map(async (offset) => {
        const server = createServer()
        const listening = await Promise.race([
          once(server.listen(first + offset, '127.0.0.1'), 'listening').then(() => true),
          once(server, 'error').then(() => false),
        ])
        server.close()
        return listening
      }),
    )
    if (free.every(Boolean)) return first
  }
}

function start(): void {
  printed = ''
  launcher = spawn(process.execPath, [join(here, 'dist/main.js')], {
    env: { ...process.env, HTTP_PORT: `${firstPort}`, PEER_PORT: `${firstPort + 3}`, DATA: data },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  launcher.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
}

/** Pid of each replica that said that it serves. */
const pids = (): Map<number, number> =>
  new Map(
    [...printed.matchAll(/replica (\d) \(pid (\d+)\)/g)].map(([, id, pid]) => [Number(id), Number(pid)]),
  )

async function end(): Promise<void> {
  const ended = once(launcher, 'close')
  launcher.kill()
  for (const pid of pids().values()) kill(pid)
  await ended
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

/** What the replica answers, or the one it points to; again and again while nobody can. */
async function ask(replica: number, key: string, init: RequestInit = {}): Promise<[number, string]> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const answer = await fetch(
      `http://127.0.0.1:${firstPort + replica}/${encodeURIComponent(key)}`,
      init,
    ).then(
      async (response): Promise<[number, string]> => [response.status, await response.text()],
      (error: unknown): [number, string] => [503, String(error)],
    )
    if (answer[0] !== 503) return answer
    if (performance.now() > deadline) throw new Error(`no answer in a minute: ${answer[1]}\n${printed}`)
  }
}

const put = (replica: number, key: string, body: string): Promise<[number, string]> =>
  ask(replica, key, { method: 'PUT', body })

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'key-value-'))
  firstPort = await freePorts()
  start()
})

afterEach(async () => {
  await end()
  rmSync(data, { recursive: true })
})

describe('the key-value service', () => {
  it('loses nothing when two of three are killed at once, nor when all are, and answers meanwhile', async () => {
    const keys = Array.from({ length: 20 }, (_, i) => `key ${i}/ü`)
    for (const [i, key] of keys.entries()) expect(await put(i % 3, key, `value of ${key}`)).toEqual([201, ''])
    expect(await put(1, 'key 0/ü', 'another')).toEqual([204, ''])
    expect(await ask(2, 'key 1/ü', { method: 'DELETE' })).toEqual([204, ''])
    const expected = [[200, 'another'], [404, ''], ...keys.slice(2).map((key) => [200, `value of ${key}`])]
    await expect.poll(() => pids().size).toBe(3)
    const leader = Number(/replica (\d): leader/.exec(printed)?.[1])
    const survivor = leader === 2 ? 1 : 2
    for (const [id, pid] of pids()) if (id !== survivor) kill(pid)
    expect(await Promise.all(keys.map((key) => ask(survivor, key)))).toEqual(expected)
    expect(await put(survivor, 'after', 'two kills')).toEqual([201, ''])
    await end()
    start()
    expect(await Promise.all(keys.map((key) => ask(0, key)))).toEqual(expected)
    expect(await ask(1, 'after')).toEqual([200, 'two kills'])
  })

  it('is less than 100 lines, and nowhere tells the compiler what to believe', () => {
    const lines = ['main.ts', 'serve.ts', 'store.ts'].flatMap((file) =>
      readFileSync(join(here, 'src', file), 'utf8')
        .trimEnd()
        .split('\n'),
    )
    expect(lines.length).toBeLessThan(100)
    expect(lines.filter((line) => /\bany\b|\bas (?!const)|<unknown>|@ts-|![.;,)]/.test(line))).toEqual([])
  })
})
