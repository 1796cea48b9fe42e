import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { type FakeCluster, startFakeCluster } from '@chatroom/client/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cleanEnvironment, programFile } from './pseudo-terminal.ts'

let cluster: FakeCluster

beforeEach(async () => {
  cluster = await startFakeCluster()
  for (const name of ['alice', 'bob']) cluster.chat.createAccount(name, name, 'secret')
})

afterEach(async () => {
  await cluster.stop()
})

function start(
  args: readonly string[],
  environment: Record<string, string> = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [programFile, ...args], { env: { ...cleanEnvironment(), ...environment } })
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, stdout, stderr }
}

async function run(lines: readonly string[], ...args: string[]): Promise<Ended> {
  const child = start(['--servers', cluster.servers.join(','), ...args])
  child.stdin.end(lines.map((line) => `${line}\n`).join(''))
  return await ended(child)
}

/** Resolves when the program has printed this. */
async function printed(child: ChildProcessWithoutNullStreams, part: string): Promise<void> {
  await new Promise<void>((resolve) => {
    let all = ''
    child.stdout.on('data', (bytes: Buffer) => {
      all += bytes.toString()
      if (all.includes(part)) resolve()
    })
  })
}

describe('the program as a script', () => {
  it('talks to the servers it is told', async () => {
    const { code, stdout, stderr } = await run(['login alice', 'secret', 'send bob hi', 'list', 'quit'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      'Logged in as alice; no messages wait.',
      'Queued for bob, who is offline.',
      'alice',
      'bob',
      'Bye.',
      '',
    ])
    expect(cluster.chat.openSessions).toBe(0)
  })

  it('prints JSON and nothing else on stdout', async () => {
    const { code, stdout, stderr } = await run(['login alice', 'wrong', 'foo'], '--json')
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([
      expect.objectContaining({ type: 'result', command: 'login', ok: false, code: 'UNAUTHENTICATED' }),
      expect.objectContaining({ type: 'result', command: 'foo', ok: false, code: 'INVALID_ARGUMENT' }),
    ])
  })

  it('takes its servers from the environment too', async () => {
    const child = start([], { CHATROOM_SERVERS: cluster.servers.join(',') })
    child.stdin.end('list b\n')
    expect(await ended(child)).toEqual({ code: 0, stdout: 'bob\n', stderr: '' })
  })

  it('ends with 3 if no server can be reached', async () => {
    await Promise.all(cluster.replicas.map((replica) => replica.kill()))
    const { code, stdout, stderr } = await run(['list'])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^list: No server answers at /)
  })

  it.each([
    [['--nonsense'], 2],
    [['--servers', 'nowhere'], 2],
    [['--help'], 0],
    [['--version'], 0],
  ])('ends at once with %j', async (args, expected) => {
    const child = start(args)
    child.stdin.on('error', () => undefined)
    const { code, stdout, stderr } = await ended(child)
    expect(code).toBe(expected)
    expect(expected === 0 ? stdout : stderr).not.toBe('')
  })

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('logs out and ends on %s', async (signal, expected) => {
    const child = start(['--servers', cluster.servers.join(',')])
    child.stdin.write('login alice\nsecret\nwait 1000\n')
    await printed(child, 'Logged in')
    const rest: string[] = []
    child.stdout.on('data', (text: Buffer) => rest.push(text.toString()))
    child.kill(signal)
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code).toBe(expected)
    expect(cluster.chat.openSessions).toBe(0)
    // The wait that it ended is not told as if it had been waited.
    expect(rest.filter((line) => line.includes('Waited'))).toEqual([])
  })

  it('logs out when nobody reads its output any more, and acknowledges nothing that nobody read', async () => {
    const child = start(['--servers', cluster.servers.join(',')])
    child.stdin.write('login bob\nsecret\nwait 1000\n')
    await printed(child, 'Logged in')
    child.stdout.destroy()
    const { token } = cluster.chat.login('from the test', 'alice', 'secret', false)
    cluster.chat.send(token, 'one', 'bob', 'unread')
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code).toBe(141)
    expect(cluster.chat.waiting('bob').map((message) => message.text)).toEqual(['unread'])
    expect(cluster.chat.openSessions).toBe(1)
  })

  it('leaves messages in the mailbox if it is killed before they are written', async () => {
    const { token } = cluster.chat.login('from the test', 'alice', 'secret', false)
    // More than a pipe holds, and nobody reads.
    for (let at = 0; at < 50; at++) cluster.chat.send(token, `${at}`, 'bob', `${at} ${'x'.repeat(8_000)}`)
    const child = start(['--servers', cluster.servers.join(','), '--json'])
    child.stdin.write('login bob\nsecret\nwait 1000\n')
    await expect.poll(() => cluster.chat.waiting('bob').length).toBeLessThan(50)
    child.kill('SIGKILL')
    const seen = await text(child.stdout)
    cluster.chat.endSession('bob', 'SESSION_EXPIRED')
    const again = await run(['login bob', 'secret'], '--json')
    // What has no line break at its end was not printed.
    const ids = (stdout: string): string[] =>
      [...stdout.matchAll(/"id":"(\d+)"\}\n/gu)].map(([, id]) => id ?? '')
    const all = new Set([...ids(seen), ...ids(again.stdout)])
    expect(all.size).toBe(50)
  })
})
