import { execFile } from 'node:child_process'
import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newCluster, startCluster, type TestCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { Program, type ProgramOptions, programs } from './harness/program.ts'

// A data directory that this process must not use, or cannot: one sentence, exit code 1, and nothing in it is touched.

const run = promisify(execFile)
const superuser = process.getuid?.() === 0

/** Replicas that ran and stopped, with something in their logs. */
async function stopped(): Promise<TestCluster> {
  const cluster = await startCluster()
  await cluster.loggedIn('alice')
  for (const id of [0, 1, 2]) await cluster.replica(id).kill()
  return cluster
}

/** Names, times and contents, but for the locks of ended processes. */
async function contentOf(directory: string): Promise<unknown> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith('lock-')).sort()
  return await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name)
      const { mtimeMs } = await stat(path)
      return [name, mtimeMs, (await readFile(path)).toString('base64')]
    }),
  )
}

/** What it says when it gives up. */
async function refused(cluster: TestCluster, options: ProgramOptions = {}): Promise<string> {
  const flags = ['--id', '1', ...cluster.places, '--log-format', 'json', '--repair-wait', '1']
  const server = new Program(programs.server, flags, options)
  onTestFinished(() => server.kill())
  expect(await server.exited).toMatchObject({ code: 1 })
  const words = server.stderr.trimEnd()
  expect(words).toMatch(/^\S[^\n]*\.$/)
  return words
}

/** CRC32C, bit by bit. */
function crc32c(bytes: Uint8Array): number {
  let sum = ~0
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0)
  }
  return ~sum >>> 0
}

describe('a replica does not start, says why, and touches nothing', () => {
  it('when a newer version of this software wrote its data', async () => {
    const cluster = await stopped()
    const directory = join(cluster.dataDirectory, 'replica-1')
    for (const name of ['state-a', 'state-b']) {
      const content = await readFile(join(directory, name))
      content.writeUInt32LE(2, 8)
      content.writeUInt32LE(crc32c(content.subarray(0, 60)), 60)
      await writeFile(join(directory, name), content)
    }
    const before = await contentOf(directory)
    expect(await refused(cluster)).toMatch(/has format 2, this software knows format 1: start the version/)
    expect(await contentOf(directory)).toEqual(before)
  })

  it.runIf(superuser)('when it may not read its files', async () => {
    const cluster = await stopped()
    const directory = join(cluster.dataDirectory, 'replica-1')
    await run('chmod', ['-R', 'a+rwX', cluster.dataDirectory])
    await run('chmod', ['600', join(directory, 'state-a')])
    const before = await contentOf(directory)
    expect(await refused(cluster, { uid: 65_534 })).toMatch(/state-a: not permitted/)
    expect(await contentOf(directory)).toEqual(before)
  })

  it.runIf(superuser)('when its disk is mounted for reading only', async () => {
    const cluster = await stopped()
    const directory = join(cluster.dataDirectory, 'replica-1')
    const copy = `${directory}.copy`
    await cp(directory, copy, { recursive: true })
    await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', directory])
    onTestFinished(async () => void (await run('umount', ['-l', directory])))
    await cp(copy, directory, { recursive: true })
    await run('mount', ['-o', 'remount,ro', directory])
    const before = await contentOf(directory)
    expect(await refused(cluster)).toMatch(/read-only; mount it for writing/)
    expect(await contentOf(directory)).toEqual(before)
  })

  it('when its state is gone, and its log is not', async () => {
    const cluster = await stopped()
    const directory = join(cluster.dataDirectory, 'replica-1')
    for (const name of ['state-a', 'state-b']) await rm(join(directory, name))
    const before = await contentOf(directory)
    expect(await refused(cluster)).toMatch(/neither state-a nor state-b: its term and vote are lost/)
    expect(await contentOf(directory)).toEqual(before)
  })

  it('when its log is gone, and its state is not', async () => {
    const cluster = await stopped()
    const directory = join(cluster.dataDirectory, 'replica-1')
    for (const name of await readdir(directory)) if (name.endsWith('.seg')) await rm(join(directory, name))
    const before = await contentOf(directory)
    expect(await refused(cluster)).toMatch(/log/)
    expect(await contentOf(directory)).toEqual(before)
  })
})

it('a replica whose cluster is another is kept out, and says so', async () => {
  const [one, other] = [await stopped(), await newCluster()]
  for (const id of [0, 2])
    await cp(join(one.dataDirectory, `replica-${id}`), join(other.dataDirectory, `replica-${id}`), {
      recursive: true,
    })
  const foreign = await stopped()
  await cp(join(foreign.dataDirectory, 'replica-1'), join(other.dataDirectory, 'replica-1'), {
    recursive: true,
  })
  for (const id of [0, 1, 2]) other.start(id)
  // At both ends, and nobody is told to start what runs already.
  const told = (status: { readonly waiting: readonly { for: string; words: string }[] }): boolean =>
    status.waiting.some(
      ({ for: what, words }) => what === 'a replica that is turned away' && /cluster/.test(words),
    )
  for (const id of [0, 1]) {
    const { waiting } = await other.untilStatus(id, 'tells who is turned away', told)
    expect(waiting.filter(({ replicas, words }) => replicas.includes(1 - id) && /start/.test(words))).toEqual(
      [],
    )
  }
  const words = await eventually(
    'it says so',
    () => other.replica(1).json.find(({ event }) => event === 'replica.peer-rejected') ?? null,
  )
  expect(String(words['reason'])).toMatch(/cluster/)
})
