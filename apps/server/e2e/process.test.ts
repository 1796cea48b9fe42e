import { chmod, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newCluster, startCluster, type TestCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { Program, type ProgramOptions, programs } from './harness/program.ts'
import { Traffic } from './harness/traffic.ts'

const all = [0, 1, 2]

/** The superuser may write everywhere; whoever else runs the tests may not. */
const nobody: ProgramOptions = process.getuid?.() === 0 ? { uid: 65_534 } : {}

/** Starts replica 0 and waits for it to give up. */
async function failToStart(
  flags: readonly string[],
  options: ProgramOptions = {},
): Promise<{ code: number | null; words: string }> {
  const server = new Program(programs.server, ['--id', '0', '--log-format', 'json', ...flags], options)
  onTestFinished(() => server.kill())
  const { code } = await server.exited
  return { code, words: server.stderr.trimEnd() }
}

async function occupy(port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
}

function oneSentence(words: string): boolean {
  return /^\S[^\n]*\.$/.test(words)
}

describe('a replica that cannot start says why in one sentence and exits with 1', () => {
  it.each(['client', 'peer'] as const)('when its %s port is taken', async (which) => {
    const cluster = await newCluster()
    const port = which === 'client' ? cluster.clientPort : cluster.peerPort
    await occupy(port)
    const { code, words } = await failToStart(cluster.places)
    expect(words).toContain(`127.0.0.1:${port}`)
    expect(words).toSatisfy(oneSentence)
    expect(code).toBe(1)
  })

  it('when another process has its data directory', async () => {
    const cluster = await newCluster()
    const first = cluster.start(0)
    await cluster.untilStatus(0, 'answers', () => true)
    const elsewhere = await newCluster()
    const ports = ['--client-port', String(elsewhere.clientPort), '--peer-port', String(elsewhere.peerPort)]
    const { code, words } = await failToStart(['--data-dir', cluster.dataDirectory, ...ports])
    expect(words).toContain(join(cluster.dataDirectory, 'replica-0'))
    expect(words).toContain(String(first.pid))
    expect(words).toSatisfy(oneSentence)
    expect(code).toBe(1)
  })

  it('when it may not write there', async () => {
    const cluster = await newCluster()
    await chmod(cluster.dataDirectory, 0o555)
    const { code, words } = await failToStart(cluster.places, nobody)
    await chmod(cluster.dataDirectory, 0o755)
    expect(words).toContain(cluster.dataDirectory)
    expect(words).toSatisfy(oneSentence)
    expect(code).toBe(1)
  })

  it('when the data directory is no directory', async () => {
    const cluster = await newCluster()
    await writeFile(join(cluster.dataDirectory, 'replica-0'), 'a file')
    const { code, words } = await failToStart(cluster.places)
    expect(words).toContain(join(cluster.dataDirectory, 'replica-0'))
    expect(words).toSatisfy(oneSentence)
    expect(code).toBe(1)
  })

  it('when the data belongs to another replica', async () => {
    const cluster = await newCluster()
    cluster.start(1)
    await cluster.untilStatus(1, 'answers', () => true)
    await cluster.replica(1).kill()
    await rename(join(cluster.dataDirectory, 'replica-1'), join(cluster.dataDirectory, 'replica-0'))
    const { code, words } = await failToStart(cluster.places)
    expect(words).toMatch(/replica 1/)
    expect(words).toSatisfy(oneSentence)
    expect(code).toBe(1)
  })
})

describe('a replica that is asked to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s exits with 0, and the others go on', async (signal) => {
    const cluster = await startCluster()
    const traffic = await Traffic.begin(cluster)
    await traffic.more(300)
    const { id: leader } = await cluster.untilView(all)
    cluster.replica(leader).signal(signal)
    expect(await cluster.replica(leader).exited).toEqual({ code: 0, signal: null })
    await traffic.more(300)
    await cluster.untilView(all.filter((id) => id !== leader))
    await traffic.end()
    expect(traffic.check()).toEqual([])
    expect(await traffic.leftOver()).toEqual([])
  })

  it('together with all others exits with 0', async () => {
    const cluster = await startCluster()
    for (const id of all) cluster.replica(id).signal('SIGTERM')
    const endings = await Promise.all(all.map((id) => cluster.replica(id).exited))
    expect(endings).toEqual(all.map(() => ({ code: 0, signal: null })))
  })

  it('by the end of its supervisor exits with 0', async () => {
    const cluster = await startCluster()
    cluster.replica(1).endInput()
    expect(await cluster.replica(1).exited).toEqual({ code: 0, signal: null })
  })

  it('before it has started does not start', async () => {
    const cluster = await newCluster()
    const server = cluster.start(0)
    server.endInput()
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })

  it('twice exits at once', async () => {
    const cluster = await startCluster()
    const { id: leader } = await cluster.untilView(all)
    // The others do not answer, so a clean stop would have to wait for them.
    for (const id of all) if (id !== leader) cluster.replica(id).signal('SIGSTOP')
    const server = cluster.replica(leader)
    server.signal('SIGTERM')
    await eventually(
      'the beginning of the stop',
      () => server.json.find(({ event }) => event === 'replica.stopping') ?? null,
    )
    server.signal('SIGTERM')
    expect((await server.exited).code).toBe(1)
  })

  it('that is not supervised does not care about its input', async () => {
    const cluster = await newCluster()
    const server = new Program(programs.server, ['--id', '0', '--log-format', 'json', ...cluster.places])
    onTestFinished(() => server.kill())
    server.endInput()
    await cluster.untilStatus(0, 'answers', () => true)
    server.signal('SIGTERM')
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })
})

describe('what a replica writes', () => {
  it('are log lines with an event name each, in JSON, and neither passwords nor texts', async () => {
    const cluster: TestCluster = await startCluster(['--log-level', 'trace'])
    const alice = await cluster.connect()
    await alice.createAccount('alice', 'canary-password')
    await expect(alice.login('alice', 'canary-wrong')).rejects.toMatchObject({ code: 'wrong credentials' })
    await alice.login('alice', 'canary-password')
    await cluster.loggedIn('bob')
    await alice.send('bob', 'canary-text')
    const { id: leader } = await cluster.untilView(all)
    await cluster.replica(leader).kill()
    await alice.send('bob', 'canary-text again')
    for (const id of all) {
      const replica = cluster.replica(id)
      expect(replica.stderr).toBe('')
      expect(replica.stdout).not.toContain('canary')
      expect(replica.json.length).toBe(replica.stdout.split('\n').length - 1)
      const unlike = replica.json.filter(
        ({ event, replica: of, pid }) =>
          !/^[a-z]+\.[a-z-]+$/.test(String(event)) || of !== id || pid !== replica.pid,
      )
      expect(unlike).toEqual([])
      expect(replica.json.map(({ event }) => event)).toContain('replica.started')
    }
  })

  it('on disk contains no password', async () => {
    const cluster = await startCluster()
    const alice = await cluster.connect()
    await alice.createAccount('alice', 'canary-password')
    await alice.login('alice', 'canary-password')
    await cluster.loggedIn('bob')
    await alice.send('bob', 'canary-text')
    const entries = await readdir(cluster.dataDirectory, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    const contents = await Promise.all(files.map((file) => readFile(file, 'latin1')))
    expect(contents.filter((content) => content.includes('canary-password'))).toEqual([])
    // The search would have found it: the text of the message is there, on every replica.
    expect(contents.filter((content) => content.includes('canary-text'))).toHaveLength(all.length)
  })
})
