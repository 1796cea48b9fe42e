import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandDefinition, runProgram } from '@chatroom/configuration'
import { encodeView } from '@chatroom/election'
import type { Entry } from '@chatroom/replication-log'
import { openFileStorage } from '@chatroom/replication-log/file'
import { Chat, type Command } from '@chatroom/state-machine'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { logCommand } from '../src/commands/log.ts'
import { snapshotCommand as snapshotCommandWith } from '../src/commands/snapshot.ts'
import { verifyCommand } from '../src/commands/verify.ts'

let place = ''
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'chatctl-'))
})
afterEach(() => rmSync(place, { recursive: true }))

/** Offline, as everything here: nobody is asked. */
const snapshotCommand = snapshotCommandWith(() => {
  throw new Error('nobody is to be asked')
})

async function run(
  command: CommandDefinition,
  ...given: readonly string[]
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' }
  const exitCode = await runProgram(
    { name: 'chatctl', summary: '', commands: [command] },
    {
      arguments: [command.name, ...given],
      environment: {},
      workingDirectory: place,
      stdout: (text) => {
        written.stdout += text
      },
      stderr: (text) => {
        written.stderr += text
      },
      control: (sequence) => {
        written.stdout += sequence
      },
    },
  )
  return { exitCode, ...written }
}

const chat = new Chat()
const view = encodeView({ members: [{ id: 2, disk: 'd', incarnation: 1 }], learners: [], clusterId: 'old' })

function command(index: number, value: Command): Entry {
  return { index, term: 3, time: 1_764_000_000_000 + index, kind: 'command', payload: chat.encode(value) }
}

/** The data of replica 2: a view, ten accounts, one of them in a snapshot already. */
async function fill(): Promise<string> {
  const directory = join(place, 'replica-2')
  const storage = openFileStorage({ directory, replicaId: 2 })
  await storage.open({ tailBytes: 0 })
  const entries: Entry[] = [{ index: 1, term: 3, time: 1, kind: 'view', payload: view }]
  for (let n = 0; n < 10; n++)
    entries.push(
      command(2 + n, {
        type: 'createAccount',
        name: `person${n}`,
        passwordHash: `secret hash ${n}`,
        requestId: `r${n}`,
      }),
    )
  await storage.persist({
    hardState: { term: 3, votedFor: 2, clusterId: 'old' },
    entries: entries.slice(0, 6),
  })
  await storage.persist({ entries: entries.slice(6) })
  const state = new Chat()
  const [, first] = entries
  if (first !== undefined) state.apply(state.decode(first.payload), first)
  const writer = await storage.createSnapshot({
    index: 2,
    term: 3,
    time: 2,
    view,
    viewPosition: { index: 1, term: 3 },
  })
  for (const chunk of state.snapshot()) await writer.write(chunk)
  await writer.commit()
  await storage.close()
  return directory
}

function flip(directory: string, pattern: RegExp, text: string): void {
  const path = join(directory, readdirSync(directory).find((name) => pattern.test(name)) ?? '')
  const content = readFileSync(path)
  const at = content.indexOf(text)
  content.writeUInt8(content.readUInt8(at) ^ 1, at)
  writeFileSync(path, content)
}

describe('verify', () => {
  test('a whole directory', async () => {
    await fill()
    const { exitCode, stdout } = await run(verifyCommand, 'replica-2')
    expect(stdout).toMatch(/^Replica 2 of cluster old: entries 1 to 11; 4 files.*\nEverything is whole.\n$/)
    expect(exitCode).toBe(0)
  })

  test('the directory of a replica that was killed, and what cannot be told of it', async () => {
    const directory = await fill()
    const storage = openFileStorage({ directory, replicaId: 2 })
    await storage.open({ tailBytes: 0 })
    cpSync(directory, join(place, 'killed'), { recursive: true, filter: (path) => !path.includes('lock-') })
    await storage.close()
    const { exitCode, stdout } = await run(verifyCommand, 'killed')
    expect(stdout).toContain('All that is there is whole.')
    expect(stdout).toContain('whether more followed entry 11, and is gone, cannot be told')
    expect(exitCode).toBe(0)
    expect((await run(verifyCommand, directory)).stdout).toContain('Everything is whole.')
  })

  test('all that is damaged, with the indices', async () => {
    const directory = await fill()
    flip(directory, /seg$/, 'secret hash 3')
    flip(directory, /seg$/, 'secret hash 7')
    flip(directory, /snap$/, 'secret hash 0')
    const { exitCode, stdout } = await run(verifyCommand, directory, '--json')
    const report: unknown = JSON.parse(stdout)
    expect(report).toMatchObject({ damaged: [{ from: 1, to: 6 }, { from: 7, to: 11 }, { from: null }] })
    expect(exitCode).toBe(1)
    expect((await run(verifyCommand, directory)).stdout).toContain('entries 7 to 11 cannot be read')
  })

  test('a directory that is none', async () => {
    const { exitCode, stderr } = await run(verifyCommand, 'nowhere')
    expect([exitCode, stderr]).toEqual([
      1,
      `Not verified: there is no directory ${join(place, 'nowhere')}.\n`,
    ])
    expect((await run(verifyCommand)).exitCode).toBe(2)
  })
})

describe('log inspect', () => {
  test('shows kinds and sizes, and neither names nor hashes', async () => {
    await fill()
    const { exitCode, stdout } = await run(logCommand, 'inspect', 'replica-2', '--from', '1', '--to', '3')
    expect(stdout.split('\n').map((line) => line.replace(/\d+ bytes/, 'N bytes'))).toEqual([
      '1  term 3  1970-01-01T00:00:00.001Z  view  N bytes',
      '2  term 3  2025-11-24T16:00:00.002Z  createAccount  N bytes',
      '3  term 3  2025-11-24T16:00:00.003Z  createAccount  N bytes',
      '',
    ])
    expect(exitCode).toBe(0)
  })

  test('says so where there is nothing to show', async () => {
    await fill()
    expect(await run(logCommand, 'inspect', 'replica-2', '--from', '9', '--to', '3')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: '--from 9 is behind --to 3: nothing lies between them.\n',
    })
    expect(await run(logCommand, 'inspect', 'replica-2', '--from', '20', '--to', '30')).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'There is no entry from 20 to 30: the log ends at 11.\n',
    })
  })

  test('shows contents to who asks for them, and JSON', async () => {
    await fill()
    const { stdout } = await run(logCommand, 'inspect', 'replica-2', '--from', '11', '--json', '--contents')
    const entry: unknown = JSON.parse(stdout)
    expect(entry).toMatchObject({ index: 11, kind: 'createAccount', contents: { name: 'person9' } })
  })

  test('shows a text that would drive the terminal without obeying it', async () => {
    const text = '\u001b[2J\u009b2J\u202etxt'
    const storage = openFileStorage({ directory: await fill(), replicaId: 2 })
    await storage.open({ tailBytes: 0 })
    const entry = command(12, { type: 'send', sessionId: 1, requestId: 'r', to: 'person1', text })
    await storage.persist({ entries: [entry] })
    await storage.close()
    const { stdout } = await run(logCommand, 'inspect', 'replica-2', '--from', '12', '--json', '--contents')
    expect(stdout).toMatch(/^[\x20-\x7e]+\n$/)
    const shown: unknown = JSON.parse(stdout)
    expect(shown).toMatchObject({ kind: 'send', contents: { text } })
  })

  test('of a damaged directory says so', async () => {
    flip(await fill(), /seg$/, 'secret hash 3')
    const { exitCode, stderr } = await run(logCommand, 'inspect', 'replica-2')
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^Not shown: .*entries 1 to 6 cannot be read.\n$/)
    expect((await run(logCommand, 'show', 'replica-2')).exitCode).toBe(2)
  })
})

describe('snapshot', () => {
  test('save, inspect and restore: everything is there, in a cluster of another name', async () => {
    const before = await fill()
    expect(await run(snapshotCommand, 'save', 'replica-2', 'all.snap')).toMatchObject({
      exitCode: 0,
      stdout: 'Saved everything up to entry 11 of term 3.\n',
    })
    const saved: unknown = JSON.parse((await run(snapshotCommand, 'inspect', 'all.snap', '--json')).stdout)
    expect(saved).toMatchObject({ index: 11, clusterId: 'old', members: [2], accounts: 10 })
    const shown = (await run(snapshotCommand, 'inspect', 'all.snap')).stdout
    expect(shown).not.toMatch(/person|secret/)
    const columns = shown
      .trimEnd()
      .split('\n')
      .map((line) => /^\w+ +/.exec(line)?.[0].length)
    expect(new Set(columns).size).toBe(1)

    const restored = await run(snapshotCommand, 'restore', 'all.snap', 'new/replica-1', '--as', '1', '--json')
    expect(restored.exitCode).toBe(0)
    const made: unknown = JSON.parse(restored.stdout)
    const storage = openFileStorage({ directory: join(place, 'new/replica-1'), replicaId: 1 })
    const state = await storage.open({ tailBytes: 0 })
    expect(made).toEqual({ clusterId: state.hardState.clusterId, disk: state.identity.disk, replicaId: 1 })
    expect(state.hardState.clusterId).not.toBe('old')
    expect([state.last, state.before]).toEqual([
      { index: 12, term: 4 },
      { index: 12, term: 4 },
    ])
    const copy = new Chat()
    const sink = copy.restore()
    for await (const chunk of storage.readSnapshot(0)) sink.write(chunk)
    sink.finish()
    await storage.close()
    expect(copy.list('', '', 100)).toHaveLength(10)
    expect((await run(verifyCommand, before)).exitCode).toBe(0)
  })

  test('overwrites nothing', async () => {
    await fill()
    await run(snapshotCommand, 'save', 'replica-2', 'all.snap')
    const again = await run(snapshotCommand, 'save', 'replica-2', 'all.snap')
    expect([again.exitCode, again.stderr]).toEqual([
      1,
      expect.stringContaining('there is such a file already'),
    ])
    const onto = await run(snapshotCommand, 'restore', 'all.snap', 'replica-2')
    expect([onto.exitCode, onto.stderr]).toEqual([1, expect.stringContaining('is not empty')])
  })

  test('of damaged data is refused', async () => {
    const directory = await fill()
    await run(snapshotCommand, 'save', 'replica-2', 'all.snap')
    const path = join(place, 'all.snap')
    const content = readFileSync(path)
    content.writeUInt8(content.readUInt8(content.length - 50) ^ 4, content.length - 50)
    writeFileSync(path, content)
    for (const call of [
      ['inspect', 'all.snap'],
      ['restore', 'all.snap', 'new'],
    ]) {
      const { exitCode, stderr } = await run(snapshotCommand, ...call)
      expect([exitCode, stderr]).toEqual([1, `Not done: ${path} is damaged, or not a snapshot.\n`])
    }
    expect(readdirSync(place).sort()).toEqual(['all.snap', 'replica-2'])
    flip(directory, /seg$/, 'secret hash 7')
    expect((await run(snapshotCommand, 'save', 'replica-2', 'more.snap')).exitCode).toBe(1)
  })
})
