import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { chainHolds, packageManagerChain, readProcess } from '../src/dev/ancestry.ts'
import { nextPause } from '../src/dev/backoff.ts'
import { siblingCommand } from '../src/dev/child-command.ts'
import { complaintOf, limitComplaints } from '../src/dev/complaints.ts'
import { lockForLauncher } from '../src/dev/launcher-lock.ts'
import { openReplicaLog } from '../src/dev/replica-log.ts'
import { createScreen } from '../src/dev/screen.ts'
import { hintsFor } from '../src/dev/words.ts'
import { temporaryDirectory } from './launcher/running-program.ts'

test('a replica is started the way the launcher was, without its debugger', () => {
  const flags = ['--conditions=x', '--inspect-brk=9229', '--import', 'tsx', '--inspect']
  expect(siblingCommand('file:///a/src/dev.ts', './main', 'node', flags)).toEqual({
    executable: 'node',
    arguments: ['--conditions=x', '--import', 'tsx', '/a/src/main.ts'],
  })
  expect(siblingCommand('file:///a/dist/dev.js', './main', 'node', [])).toEqual({
    executable: 'node',
    arguments: ['/a/dist/main.js'],
  })
})

test('pauses between restarts double up to a bound and begin anew after a healthy run', () => {
  const limits = { first: 500, longest: 3_000, healthyAfter: 60_000 }
  const pauses = [0, 0, 0, 0, 0].reduce<number[]>(
    (all) => [...all, nextPause(all.at(-1) ?? 0, 10, limits)],
    [],
  )
  expect(pauses).toEqual([500, 1_000, 2_000, 3_000, 3_000])
  expect(nextPause(3_000, 60_000, limits)).toBe(500)
})

describe('complaints', () => {
  test.each([
    ['{"level":30,"msg":"fine"}', null],
    ['{"level":40,"msg":"slow disk"}', 'slow disk'],
    ['{"level":60,"msg":"halted","err":{"message":"disk is gone"}}', 'halted: disk is gone'],
    ['{"level":50,"msg":"disk is gone","err":{"message":"disk is gone"}}', 'disk is gone'],
    ['{"level":50,"err":{"message":"disk is gone"}}', 'disk is gone'],
    ['{"level":50}', '{"level":50}'],
    ['{"half', '{"half'],
    ['{}', '{}'],
    ['a sentence\u001b[31m of its own\t', 'a sentence [31m of its own'],
    ['   ', null],
    ['x'.repeat(500), `${'x'.repeat(399)}…`],
  ])('%s', (line, complaint) => {
    expect(complaintOf(line)).toBe(complaint)
  })

  test('are bounded for each replica and period', () => {
    const limit = limitComplaints(3, 1_000)
    expect([0, 1, 2, 999].map((at) => limit(0, at))).toEqual(['show', 'show', 'last', 'hide'])
    expect(limit(1, 999)).toBe('show')
    expect(limit(0, 1_000)).toBe('show')
  })
})

describe('the log of a replica', () => {
  test('is read line by line, as far as lines are whole', () => {
    const path = join(temporaryDirectory(), 'replica-0.log')
    writeFileSync(path, 'of an earlier run\n')
    const log = openReplicaLog(path)
    expect(log.readLines()).toEqual([])
    appendFileSync(path, 'one\n\ntwo\nthr')
    expect(log.readLines()).toEqual(['one', 'two'])
    appendFileSync(path, 'ee\n')
    expect(log.readLines()).toEqual(['three'])
    log.close()
  })

  test('is bounded: the file is moved beside at the start, and emptied while it is written', () => {
    const path = join(temporaryDirectory(), 'replica-0.log')
    writeFileSync(path, 'x'.repeat(101))
    const log = openReplicaLog(path, 100)
    expect(readFileSync(`${path}.1`, 'utf8')).toHaveLength(101)
    appendFileSync(path, `${'y'.repeat(101)}\n`)
    expect(log.readLines()).toHaveLength(1)
    expect(readFileSync(`${path}.1`, 'utf8')).toBe(`${'y'.repeat(101)}\n`)
    appendFileSync(path, 'after\n')
    expect(log.readLines()).toEqual(['after'])
    expect(readFileSync(path, 'utf8')).toBe('after\n')
    log.close()
  })

  test('a line without an end does not fill the memory', () => {
    const path = join(temporaryDirectory(), 'replica-0.log')
    const log = openReplicaLog(path)
    appendFileSync(path, `${'z'.repeat(1024 * 1024)}\nnext\n`)
    const lines = log.readLines()
    expect(lines.map((line) => line.length)).toEqual([16 * 1024, 4])
    log.close()
  })
})

describe('the lock of the launcher', () => {
  test('is held by one, and free again when given back', async () => {
    const directory = temporaryDirectory()
    const first = await lockForLauncher(directory)
    expect(first).toMatchObject({ taken: true, leftBehind: false })
    expect(await lockForLauncher(directory)).toEqual({ taken: false, pid: process.pid })
    if (first.taken) first.release()
    expect(existsSync(join(directory, 'launcher.json'))).toBe(false)
    expect(await lockForLauncher(directory)).toMatchObject({ taken: true, leftBehind: false })
  })

  test.each([
    ['a process that has ended', JSON.stringify({ pid: 2 ** 22 + 1, start: 'x' })],
    ['another process with the same pid', JSON.stringify({ pid: process.pid, start: 'x' })],
    ['a torn write', '{"pid":'],
    ['something else', '[]'],
  ])('is taken over from %s', async (_, content) => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'launcher.json'), content)
    expect(await lockForLauncher(directory)).toMatchObject({ taken: true, leftBehind: true })
    expect(await lockForLauncher(directory)).toEqual({ taken: false, pid: process.pid })
  })

  test('is not given back after another has taken it over', async () => {
    const directory = temporaryDirectory()
    const lock = await lockForLauncher(directory)
    writeFileSync(join(directory, 'launcher.json'), 'of another')
    if (lock.taken) lock.release()
    expect(readFileSync(join(directory, 'launcher.json'), 'utf8')).toBe('of another')
  })
})

describe('the chain of processes up to the package manager', () => {
  const processes = new Map(
    [
      { pid: 50, parent: 40, command: 'sh -c node dev.js' },
      { pid: 40, parent: 30, command: 'pnpm dev' },
      { pid: 30, parent: 20, command: "sh -c 'pnpm' dev" },
      { pid: 20, parent: 10, command: 'npm exec pnpm@12.21.0 dev' },
      { pid: 10, parent: 1, command: 'bash -c npx -y pnpm@12.21.0 dev > log & sleep 9' },
    ].map((p) => [p.pid, p]),
  )
  const read = (changes: Record<number, { parent: number; command?: string } | null> = {}) => {
    return async (pid: number) => {
      const change = changes[pid]
      if (change === null) return null
      const found = processes.get(pid)
      return found === undefined ? null : { ...found, ...change }
    }
  }

  test('reaches up to the uppermost package manager, and no script around it', async () => {
    const chain = await packageManagerChain(50, read())
    expect(chain.map(({ pid }) => pid)).toEqual([50, 40, 30, 20])
    expect(await chainHolds(chain, 50, read())).toBe(true)
    expect(await chainHolds(chain, 50, read({ 20: { parent: 1 } }))).toBe(true)
  })

  test.each([
    ['npm has ended', { 30: { parent: 1 } }],
    ['npm has ended and its pid is not reused', { 20: null }],
    ['pnpm has ended', { 50: { parent: 1 } }],
    ['the shell has ended', { 50: null }],
  ])('does not hold when %s', async (_, changes) => {
    const chain = await packageManagerChain(50, read())
    expect(await chainHolds(chain, 50, read(changes))).toBe(false)
  })

  test('does not hold when this process has another parent', async () => {
    expect(await chainHolds(await packageManagerChain(50, read()), 1, read())).toBe(false)
  })

  test('without a package manager there is nothing to watch', async () => {
    const chain = await packageManagerChain(10, read())
    expect(chain).toEqual([])
    expect(await chainHolds(chain, 1, read())).toBe(true)
  })

  test.each([
    ['node /usr/lib/node_modules/npm/bin/npx-cli.js -y pnpm dev', 1],
    ['/usr/bin/node /x/node_modules/pnpm/bin/pnpm.cjs dev', 1],
    ['/usr/local/bin/pnpm dev', 1],
    ['node build.mjs', 0],
    ['/work/pnpm-tools/run dev', 0],
  ])('%s', async (command, found) => {
    expect(await packageManagerChain(20, read({ 20: { parent: 1, command } }))).toHaveLength(found)
  })

  test('reads a real process', async () => {
    expect(await readProcess(process.pid)).toMatchObject({ pid: process.pid, parent: process.ppid })
    expect(await readProcess(2 ** 22 + 1)).toBe(null)
  })
})

test('what a person may type is quoted where a shell needs it', () => {
  const hints = hintsFor(['--data-dir', "/tmp/it's here", '--peers', '[::1]:1,a:2'], [])
  expect(hints.server(1)).toBe(`pnpm server --id 1 --data-dir '/tmp/it'\\''s here' --peers '[::1]:1,a:2'`)
  expect(hints.chat).toBe('pnpm chat')
})

test('the screen shows the time of events, dim where there is colour', () => {
  const written: string[] = []
  const at = new Date(2020, 1, 2, 3, 4, 5)
  const print = (colour: boolean): void => {
    createScreen(
      (s) => written.push(s),
      () => undefined,
      { colour, now: () => at },
    ).event('replica 0 died.')
  }
  print(false)
  print(true)
  expect(written[0]).toBe('03:04:05 replica 0 died.\n')
  expect(written[1]).toBe('\u001b[2m03:04:05\u001b[22m replica 0 died.\n')
})

test('the screen shows what would drive a terminal and does not obey it', () => {
  const written: string[] = []
  const write = (text: string): void => void written.push(text)
  const screen = createScreen(write, write, { colour: false, now: () => new Date(2020, 1, 2, 3, 4, 5) })
  for (const way of ['line', 'event', 'error'] as const) screen[way]('waits: \u001b]0;owned\u0007 \u202eold')
  expect(written).toEqual(['', '03:04:05 ', ''].map((time) => `${time}waits: ␛]0;owned␇ ⟨U+202E⟩old\n`))
})
