import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fixture } from './fixture.ts'
import { stateHome } from './pseudo-terminal.ts'

let fixture: Fixture
let directory: string
let environment: Record<string, string>

beforeEach(async () => {
  fixture = await Fixture.open()
  directory = stateHome()
  environment = { XDG_STATE_HOME: directory }
})

afterEach(async () => {
  await fixture.close()
  rmSync(directory, { recursive: true, force: true })
})

const up = '\u001b[A'

function paste(text: string): string {
  return `\u001b[200~${text}\u001b[201~`
}

describe('the history', () => {
  it('goes on from run to run in a file of the user alone, without passwords', async () => {
    const first = await fixture.logIn([], { environment })
    for (const line of ['list zz', 'login alice hunter2', 'logn alice hunter3', 'hunter4']) {
      first.type(`${line}\r`)
      await expect(first).toShow(`alice> ${line}`, /\S/, 'alice>')
    }
    first.type('quit\r')
    await first.exit
    const file = join(directory, 'chatroom', 'history')
    expect(readFileSync(file, 'utf8')).toBe('login alice\nlist zz\nquit\n')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const second = await fixture.start([], { environment })
    second.type(up.repeat(2))
    await expect(second).toShow('> list zz')
  })
})

describe('Tab', () => {
  it('completes the names of accounts', async () => {
    for (const name of ['carla', 'carlo', 'Ann Lee']) fixture.cluster.chat.createAccount(name, name, 'x')
    const terminal = await fixture.start([], { environment })
    terminal.type('send bo')
    await expect(terminal).toShow('> send bo')
    terminal.type('\t')
    await expect.poll(() => terminal.column).toBe('> send bob '.length)
    terminal.type('\u0015list ca')
    await expect(terminal).toShow('> list ca')
    terminal.type('\t')
    await expect(terminal).toShow('> list carl')
    terminal.type('\t')
    await expect(terminal).toShow(/carla +carlo/, '> list carl')
    terminal.type('\u0015send An')
    await expect(terminal).toShow('> send An')
    terminal.type('\t')
    await expect(terminal).toShow('> send "Ann Lee"')
  })
})

describe('a paste', () => {
  it('of many lines is one message', async () => {
    const terminal = await fixture.logIn([], { environment })
    terminal.type(`send bob ${paste('one\r\ttwo\rquit\r')}`)
    await expect(terminal).toShow('alice> send bob one␤␉two␤quit')
    terminal.type('!\r')
    await expect(terminal).toShow('Sent to bob, who is online.', 'alice>')
    expect(fixture.cluster.chat.waiting('bob').map(({ text }) => text)).toEqual(['one\n\ttwo\nquit!'])
  })

  it('cannot drive the terminal', async () => {
    const terminal = await fixture.logIn([], { environment })
    terminal.type(`send bob ${paste('a\u001b[2Jb\u0003c')}`)
    await expect(terminal).toShow('Logged in as alice; no messages wait.', 'alice> send bob a[2Jbc')
  })

  it('may be as long as a message', async () => {
    const terminal = await fixture.logIn([], { environment })
    const text = 'x'.repeat(65_536)
    terminal.type('send bob ')
    terminal.type(paste(text))
    terminal.type('\r')
    await expect(terminal).toShow('Sent to bob, who is online.', 'alice>')
    expect(fixture.cluster.chat.waiting('bob').map((message) => message.text)).toEqual([text])
  })
})

describe('forty columns', () => {
  it('hold wide and combining characters and names from right to left', async () => {
    const chat = fixture.cluster.chat
    for (const name of ['日本語の名前', 'שלום']) chat.createAccount(name, name, 'secret')
    const terminal = await fixture.start([], { environment, columns: 40, rows: 12 })
    terminal.type('login 日本語の名前\r')
    await expect(terminal).toShow('Password:')
    terminal.type('secret\r')
    await expect(terminal).toShow('日本語の名前>')
    const line = `send bob ${'漢字'.repeat(9)} e\u0301e\u0301 end`
    terminal.type(line)
    await expect(terminal).toShow(`日本語の名前> ${line}`)
    const { token } = chat.login('r', 'שלום', 'secret', false)
    chat.send(token, 'r', '日本語の名前', 'hi')
    await expect(terminal).toShow('22:13 שלום\u200e: hi', `日本語の名前> ${line}`)
    terminal.type('\u007f\u007f\u007fstop')
    await expect(terminal).toShow(`日本語の名前> ${line.slice(0, -3)}stop`)
    terminal.resize(50, 12)
    chat.send(token, 's', '日本語の名前', 'again')
    await expect(terminal).toShow('22:13 שלום\u200e: again', `日本語の名前> ${line.slice(0, -3)}stop`)
    terminal.type('\r')
    await expect(terminal).toShow('Sent to bob, who is online.', '日本語の名前>')
    expect(chat.waiting('bob').map(({ text }) => text)).toEqual([`${line.slice('send bob '.length, -3)}stop`])
  })
})

describe('keys that come many at once, as over a slow line', () => {
  it('are taken as if they came one by one', async () => {
    const terminal = await fixture.logIn([], { environment, columns: 40, rows: 12 })
    const line = 'send bob 0123456789012345678901234567890123456789'
    terminal.type(line)
    await expect(terminal).toShow(`alice> ${line}`)
    terminal.type('\u0015send bob ac')
    await expect(terminal).toShow('Logged in as alice; no messages wait.', 'alice> send bob ac')
    terminal.type('\u001b[D123')
    await expect(terminal).toShow('Logged in as alice; no messages wait.', 'alice> send bob a123c')
  })
})

describe('the prompt', () => {
  it('tells what is waited for, once it takes longer than a blink, and how many messages', async () => {
    const terminal = await fixture.logIn([], { environment })
    await fixture.cluster.replica(0).kill()
    terminal.type('send bob one\r')
    await expect(terminal).toShow(
      'alice> send bob one',
      'Not sent to bob yet: no replica has acknowledged it.',
      /^alice \S 1 unsent>$/,
    )
    terminal.type('send bob tw')
    await expect(terminal).toShow(/^alice \S 1 unsent> send bob tw$/)
    fixture.cluster.lead(1)
    await expect(terminal).toShow('Sent to bob, who is online.', 'alice> send bob tw')
    terminal.type('o\r')
    await expect(terminal).toShow(
      'Sent to bob, who is online.',
      'alice> send bob two',
      'Sent to bob, who is online.',
      'alice>',
    )
    expect(fixture.cluster.chat.waiting('bob').map(({ text }) => text)).toEqual(['one', 'two'])
  })
})

describe('status', () => {
  it('is a small table', async () => {
    const terminal = await fixture.start([], { environment, columns: 40 })
    await fixture.cluster.replica(2).kill()
    terminal.type('status\r')
    await expect(terminal).toShow(
      /^ {2}id {2}address +state +in$/,
      /^ {2}0 {3}127\.0\.0\.1:\d+ +leads +\d+ ms$/,
      /^ {2}1 {3}127\.0\.0\.1:\d+ +follows +\d+ ms$/,
      /^ {2}2 {3}127\.0\.0\.1:\d+ +no answer +-$/,
      'Replica 0 leads.',
      '>',
    )
  })
})
