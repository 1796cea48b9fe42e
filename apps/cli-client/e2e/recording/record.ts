// `pnpm record`: plays a conversation with three real replicas, kills the one that leads, and makes docs/session.svg of what was on the screen.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '@chatroom/client'
import { PseudoTerminal } from '../pseudo-terminal.ts'
import { type Frame, film } from './film.ts'

const [columns, rows] = [76, 18]
/** Between two keys, milliseconds: a person who types well. */
const keyMs = 55

const directory = mkdtempSync(join(tmpdir(), 'chatroom-recording-'))
const [clientPort, peerPort] = await freePorts()
const dev = spawn(
  process.execPath,
  [
    fileURLToPath(new URL('../../../server/dist/dev.js', import.meta.url)),
    ...['--data-dir', join(directory, 'data')],
    ...['--client-port', `${clientPort}`, '--peer-port', `${peerPort}`],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
try {
  let told = ''
  dev.stdout.on('data', (bytes: Buffer) => {
    told += bytes.toString()
  })
  await until(() => /replica 2 .*\n/u.test(told))
  await record(() => told)
} finally {
  dev.kill('SIGINT')
  await once(dev, 'exit')
  rmSync(directory, { recursive: true, force: true })
}

async function record(devOutput: () => string): Promise<void> {
  const servers = [0, 1, 2].map((id) => `127.0.0.1:${clientPort + id}`)
  await using bob = await connect({ servers })
  for (const name of ['alice', 'bob']) await bob.createAccount(name, 'secret')
  await bob.login('bob', 'secret')

  const frames: Frame[] = []
  const startedAt = performance.now()
  let caption = ''
  const terminal = new PseudoTerminal(['--servers', servers.join(',')], {
    columns,
    rows,
    environment: { XDG_STATE_HOME: directory, COLORTERM: '' },
  })
  const shoot = (): void => {
    const { screen } = terminal
    const atMs = performance.now() - startedAt
    const last = frames.at(-1)
    // What follows within a frame of a film is one picture.
    if (last !== undefined && atMs - last.atMs < 40) frames.pop()
    const since = last !== undefined && atMs - last.atMs < 40 ? last.atMs : atMs
    frames.push({ atMs: since, screen, caption })
  }
  terminal.onScreen = shoot
  const type = async (text: string): Promise<void> => {
    for (const key of text) {
      terminal.type(key)
      await pause(keyMs)
    }
  }
  const show = async (words: string): Promise<void> => {
    caption = words
    shoot()
    await pause(300)
  }

  await terminal.mustShow('>')
  await pause(700)
  await type('login alice\r')
  await terminal.mustShow('Password:')
  await type('secret\r')
  await terminal.mustShow('alice>')
  await pause(500)
  await type('send bob are the figures ready?\r')
  await terminal.mustShow('Sent to bob, who is online.', 'alice>')
  await type('send bob I would')
  await show('bob answers, while alice types')
  await bob.send('alice', 'almost: the last two\nare being checked')
  await type(' like to see them tod')
  await pause(400)
  const leader = /replica (?<id>\d) +leads +pid (?<pid>\d+)/u.exec(devOutput())?.groups
  await show(`kill -9 ${leader?.['pid']}: replica ${leader?.['id']}, which leads, is dead`)
  process.kill(Number(leader?.['pid']), 'SIGKILL')
  await terminal.mustShow(/^switched to replica/, /^alice>/)
  await pause(900)
  await type('ay\r')
  await terminal.mustShow('Sent to bob, who is online.', 'alice>')
  await pause(500)
  await show('nobody logs in again, nothing is lost')
  await bob.send('alice', 'here they are')
  await pause(900)
  await type('status\r')
  await terminal.mustShow(/leads\.$/, 'alice>')
  await pause(900)
  await type('quit\r')
  await terminal.exit
  shoot()
  const title = 'A conversation in a terminal that goes on while the replica that leads is killed'
  const file = fileURLToPath(new URL('../../../../docs/session.svg', import.meta.url))
  writeFileSync(file, film(frames, { columns, rows, title }))
  process.stdout.write(`${file}: ${frames.length} pictures\n`)
}

/** Two ranges of three ports that are free now. */
async function freePorts(): Promise<[number, number]> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 10_000)
    const ports = [first, first + 1, first + 2, first + 100, first + 101, first + 102]
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return [first, first + 100]
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(50)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
