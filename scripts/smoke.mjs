// The README's first promise, kept: in a fresh clone `pnpm dev` starts three replicas; two people talk; the leader is killed, then the next one; nothing is
// lost, and Ctrl-C leaves nothing behind. Everything goes through the commands a user types. Needs Node and npm alone, nothing installed:
//
//   node scripts/smoke.mjs
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const pnpm = ['-y', 'pnpm@12.21.0', '--silent']
/** Milliseconds: for what may install first, and for what only runs. */
const patience = { install: 600_000, run: 90_000 }

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/**
 * A command of pnpm as a process group of its own, read along.
 * @param {readonly string[]} words
 * @param {string} [input] what is typed; nothing, and no end, if left out
 */
function start(words, input) {
  const child = spawn('npx', [...pnpm, ...words], { cwd: root, detached: true, stdio: 'pipe' })
  running.add(child)
  let stdout = ''
  let all = ''
  /** @type {Set<() => void>} */
  const readers = new Set()
  /** @type {(chunk: Buffer) => void} */
  const keep = (chunk) => {
    all += chunk.toString()
    for (const reader of readers) reader()
  }
  child.stdout.on('data', (chunk) => {
    stdout += chunk.toString()
    keep(chunk)
  })
  child.stderr.on('data', keep)
  if (input !== undefined) child.stdin.end(input)
  /** @type {Promise<number | NodeJS.Signals | null>} */
  const ended = new Promise((done) => child.once('close', (code, signal) => done(signal ?? code)))
  void ended.then(() => running.delete(child))
  const name = `pnpm ${words.join(' ')}`
  return {
    name,
    pid: child.pid ?? 0,
    ended,
    stdout: () => stdout,
    all: () => all,
    /**
     * The first match in what it printed; fails if it ends or the time is over before.
     * @param {RegExp} pattern
     * @param {number} limit
     * @returns {Promise<RegExpExecArray>}
     */
    sees: (pattern, limit = patience.run) =>
      within(
        limit,
        `${name}: ${pattern}`,
        () => all,
        (done, failed) => {
          const look = () => {
            const match = pattern.exec(all)
            if (match !== null) done(match)
          }
          readers.add(look)
          void ended.then((how) =>
            failed(new Error(`${name} ended (${how}) before it printed ${pattern}:\n${all}`)),
          )
          look()
        },
      ),
  }
}

/**
 * @template T
 * @param {number} limit
 * @param {string} what
 * @param {() => string} soFar
 * @param {(done: (value: T) => void, failed: (error: Error) => void) => void} wait
 * @returns {Promise<T>}
 */
function within(limit, what, soFar, wait) {
  return new Promise((done, failed) => {
    const timer = setTimeout(
      () => failed(new Error(`waited ${limit / 1000} s in vain for ${what}\n${soFar()}`)),
      limit,
    )
    wait(
      (value) => {
        clearTimeout(timer)
        done(value)
      },
      (error) => {
        clearTimeout(timer)
        failed(error)
      },
    )
  })
}

/**
 * Runs a command to its end.
 * @param {readonly string[]} words
 * @param {string} input
 */
async function run(words, input = '') {
  const program = start(words, input)
  const how = await within(
    patience.run,
    `the end of ${program.name}`,
    program.all,
    (done) => void program.ended.then(done),
  )
  return { how, stdout: program.stdout(), all: program.all() }
}

/**
 * @param {boolean} holds
 * @param {string} what
 * @param {string} shown
 */
function check(holds, what, shown = '') {
  if (!holds) throw new Error(`${what}\n${shown}`)
  process.stdout.write(`ok   ${what}\n`)
}

/**
 * A script for the client; returns the objects it printed.
 * @param {string} what
 * @param {readonly string[]} lines
 */
async function chat(what, lines) {
  const { how, stdout, all } = await run(['chat', '--json', ...chatFlags], `${lines.join('\n')}\n`)
  /** @type {{ type: string, ok?: boolean, from?: string, text?: string }[]} */
  const objects = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
  const results = objects.filter(({ type }) => type === 'result')
  check(how === 0 && results.length > 0 && results.every(({ ok }) => ok), what, `exit ${how}\n${all}`)
  return objects.filter(({ type }) => type === 'message').map(({ from, text }) => `${from}: ${text}`)
}

/** @returns {Promise<{ leader: number, pid: number }>} */
async function leader() {
  const { how, stdout, all } = await run(['chatctl', 'status', '--json', '--peer-port', String(peerPort)])
  if (how !== 0) throw new Error(`chatctl status: exit ${how}\n${all}`)
  const status = JSON.parse(stdout)
  return { leader: status.leader, pid: status.replicas[status.leader].pid }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => done(true)))
  })
}

/** Six consecutive ports below those that systems hand out by themselves. */
async function freePorts() {
  for (;;) {
    const first = randomInt(10_000, 32_000)
    const free = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => isFree(first + i)))
    if (free.every(Boolean)) return first
  }
}

const clientPort = await freePorts()
const peerPort = clientPort + 3
const data = mkdtempSync(join(tmpdir(), 'chatroom-smoke-'))
const ports = ['--client-port', String(clientPort), '--peer-port', String(peerPort)]
const chatFlags = ['--client-port', String(clientPort)]
const began = performance.now()
let code = 0
/** @type {number[]} */
let pids = []
try {
  const dev = start(['dev', ...ports, '--data-dir', data])
  await dev.sees(/Ctrl-C stops all replicas/, patience.install)
  pids = [...dev.all().matchAll(/^ +replica \d .*\bpid (\d+) /gm)].map((match) => Number(match[1]))
  check(pids.length === 3 && pids.every(isAlive), 'pnpm dev starts three replicas', dev.all())
  check(dev.all().includes(`pnpm chat --client-port ${clientPort}`), 'and says what to type next', dev.all())

  await chat('two accounts are made and a message is sent', [
    ...['create alice', 'secret of alice', 'create bob', 'secret of bob'],
    ...['login alice', 'secret of alice', 'send bob before', 'quit'],
  ])

  const first = await leader()
  check(pids[first.leader] === first.pid, `chatctl and dev agree that replica ${first.leader} leads`)
  process.kill(first.pid, 'SIGKILL')
  const [, after] = await dev.sees(/leads, (\d+) ms after replica \d died/)
  process.stdout.write(`     another one leads after ${after} ms\n`)
  const one = await chat('bob reads it after the leader was killed', [
    'login bob',
    'secret of bob',
    'check',
    'quit',
  ])
  check(one.join() === 'alice: before', 'he gets it, once', one.join('\n'))

  const second = await leader()
  check(second.leader !== first.leader, `replica ${second.leader} leads`)
  process.kill(second.pid, 'SIGKILL')
  await dev.sees(/carries the chat alone/)
  await chat('alice sends after the second leader was killed', [
    'login alice',
    'secret of alice',
    'send bob after',
    'quit',
  ])
  const two = await chat('bob reads', ['login bob', 'secret of bob', 'check', 'quit'])
  check(two.join() === 'alice: after', 'he gets only what he had not read', two.join('\n'))

  process.kill(-dev.pid, 'SIGINT')
  await within(patience.run, 'the end of pnpm dev', dev.all, (done) => void dev.ended.then(done))
  check(!pids.some(isAlive), 'Ctrl-C ends all replicas', dev.all())
  const free = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => isFree(clientPort + i)))
  check(free.every(Boolean), 'and their ports are free')
  process.stdout.write(`smoke: all held, ${((performance.now() - began) / 1000).toFixed(0)} s\n`)
} catch (error) {
  process.stdout.write(`FAIL ${error instanceof Error ? error.message : String(error)}\n`)
  code = 1
} finally {
  for (const { pid } of running) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    } catch {
      // It has just ended.
    }
  }
  // Replicas are in groups of their own; without their launcher they end by themselves.
  rmSync(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}
process.exitCode = code
