import { type ChatClient, connect } from '@chatroom/client'
import type { FakeCluster } from '@chatroom/client/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fixture } from './fixture.ts'
import type { PseudoTerminal } from './pseudo-terminal.ts'

let fixture: Fixture
let cluster: FakeCluster
let bob: ChatClient

beforeEach(async () => {
  fixture = await Fixture.open()
  ;({ cluster, bob } = fixture)
})

afterEach(async () => {
  await fixture.close()
})

type Options = Parameters<Fixture['start']>[1]

async function start(args: readonly string[] = [], options: Options = {}): Promise<PseudoTerminal> {
  return await fixture.start(args, options)
}

async function logIn(args: readonly string[] = [], options: Options = {}): Promise<PseudoTerminal> {
  return await fixture.logIn(args, options)
}

describe('a conversation', () => {
  it('asks for what is missing, and shows no password', async () => {
    const terminal = await start()
    terminal.type('create\r')
    await expect(terminal).toShow('Name:')
    terminal.type('carol\r')
    await expect(terminal).toShow('Name: carol', 'Password:')
    terminal.type('hunter2\r')
    await expect(terminal).toShow('Password:', 'The account carol has been made.', '>')
    terminal.type('/login carol\r')
    await expect(terminal).toShow('Password:')
    terminal.type('hunter2\r')
    await expect(terminal).toShow('Logged in as carol; no messages wait.', 'carol>')
    expect(terminal.raw).not.toContain('hunter2')
    terminal.type('send bob\r')
    await expect(terminal).toShow('Text:')
    terminal.type('hi there\r')
    await expect(terminal).toShow('Text: hi there', 'Sent to bob, who is online.', 'carol>')
    terminal.type('quit\r')
    expect((await terminal.exit).exitCode).toBe(0)
    expect(cluster.chat.openSessions).toBe(1)
  })

  it('keeps passwords and answers out of the history', async () => {
    const terminal = await start()
    terminal.type('list zz\r')
    await expect(terminal).toShow('No accounts.', '>')
    terminal.type('login alice wrong\r')
    await expect(terminal).toShow('Unknown account or wrong password.', '>')
    terminal.type('login alice\r')
    await expect(terminal).toShow('Password:')
    terminal.type('secret\r')
    await expect(terminal).toShow('alice>')
    terminal.type('\u001b[A')
    await expect(terminal).toShow('alice> login alice')
    terminal.type('\u001b[A')
    await expect(terminal).toShow('alice> list zz')
  })

  it('completes commands', async () => {
    const terminal = await start()
    // A Tab within pasted text is no wish to complete.
    terminal.type('logi')
    await expect(terminal).toShow('> logi')
    terminal.type('\t')
    await expect(terminal).toShow('> login')
    terminal.type('\u0015/che')
    await expect(terminal).toShow('> /che')
    terminal.type('\t')
    await expect(terminal).toShow('> /check')
  })

  it('says so and ends if no server can be reached', async () => {
    await Promise.all(cluster.replicas.map((replica) => replica.kill()))
    const terminal = fixture.spawn()
    expect((await terminal.exit).exitCode).toBe(3)
    await expect(terminal).toShow(/^No server answers at 127\.0\.0\.1:/)
  })
})

describe('messages', () => {
  it('appear above the line being typed, which stays as it is', async () => {
    const terminal = await logIn()
    terminal.type('send bob I am typ')
    await expect(terminal).toShow('alice> send bob I am typ')
    // The cursor is in the middle of the line.
    terminal.type('\u001b[D\u001b[D\u001b[D')
    await expect.poll(() => terminal.column).toBe('alice> send bob I am '.length)
    await bob.send('alice', 'hello')
    await bob.send('alice', 'two\nlines')
    await expect(terminal).toShow(
      '22:13 bob: hello',
      '22:13 bob: two',
      '    lines',
      'alice> send bob I am typ',
    )
    expect(terminal.column).toBe('alice> send bob I am '.length)
    terminal.type('\u001b[Fing\r')
    await expect(terminal).toShow('alice> send bob I am typing', 'Sent to bob, who is online.', 'alice>')
    expect(cluster.chat.waiting('bob').map(({ text }) => text)).toEqual(['I am typing'])
  })

  it('appear above a line that is longer than the terminal is wide', async () => {
    const terminal = await logIn([], { columns: 40, rows: 12 })
    const long = `send bob ${'0123456789'.repeat(8)}`
    terminal.type(long)
    await expect(terminal).toShow(`alice> ${long}`)
    for (const text of [
      'one',
      'a text that is itself longer than the forty columns of this terminal',
      'three',
    ]) {
      await bob.send('alice', text)
      await expect(terminal).toShow(`22:13 bob: ${text}`, `alice> ${long}`)
    }
    expect(terminal.lines.filter((line) => line.includes('0123456789'))).toEqual([`alice> ${long}`])
    terminal.type('\r')
    await expect(terminal).toShow(`alice> ${long}`, 'Sent to bob, who is online.', 'alice>')
  })

  it('appear while a password is typed, and the password is whole', async () => {
    const terminal = await logIn()
    terminal.type('create dora\r')
    await expect(terminal).toShow('Password:')
    terminal.type('sec')
    await bob.send('alice', 'hello')
    await expect(terminal).toShow(
      'alice> create dora',
      '── Tuesday 14 November 2023 ──',
      '22:13 bob: hello',
      'Password:',
    )
    terminal.type('ret\r')
    await expect(terminal).toShow('The account dora has been made.', 'alice>')
    expect(cluster.chat.login('x', 'dora', 'secret', false).waiting).toBe(0)
  })

  it('cannot drive the terminal', async () => {
    const terminal = await logIn()
    await bob.send('alice', '\u001b[2J\u001b]0;owned\u0007\u009b31m')
    await expect(terminal).toShow('22:13 bob: ␛[2J␛]0;owned␇⟨U+009B⟩31m', 'alice>')
  })

  it('are acknowledged once they are on the screen', async () => {
    const terminal = await logIn()
    await bob.send('alice', 'hello')
    await expect(terminal).toShow('22:13 bob: hello', 'alice>')
    await expect.poll(() => cluster.chat.waiting('alice')).toEqual([])
  })

  it('survive a resize', async () => {
    const terminal = await logIn()
    terminal.type('send bob half')
    await expect(terminal).toShow('alice> send bob half')
    terminal.resize(50, 20)
    await bob.send('alice', 'hello')
    await expect(terminal).toShow('22:13 bob: hello', 'alice> send bob half')
  })
})

describe('a window that changes its width', () => {
  it('loses no message, and the line being typed stays whole', async () => {
    const terminal = await logIn()
    await bob.send('alice', 'first')
    await expect(terminal).toShow('22:13 bob: first', 'alice>')
    const line = `send bob ${'0123456789'.repeat(7)}`
    terminal.type(line)
    await expect(terminal).toShow(`alice> ${line}`)
    for (const [at, columns] of [40, 100, 61, 40].entries()) {
      terminal.resize(columns, 24)
      await bob.send('alice', `at ${columns}, ${at}`)
      // Terminals differ in what they do with the rows of a line: a row of it may be left above.
      await expect.poll(() => terminal.lines).toContain(`22:13 bob: at ${columns}, ${at}`)
      await expect(terminal).toShow(`alice> ${line}`)
    }
    expect(terminal.lines.filter((shown) => shown.startsWith('22:13'))).toEqual([
      '22:13 bob: first',
      '22:13 bob: at 40, 0',
      '22:13 bob: at 100, 1',
      '22:13 bob: at 61, 2',
      '22:13 bob: at 40, 3',
    ])
    terminal.type('!\r')
    await expect(terminal).toShow('Sent to bob, who is online.', 'alice>')
    expect(cluster.chat.waiting('bob').map(({ text }) => text)).toEqual([`${'0123456789'.repeat(7)}!`])
  })
})

describe('the end of a login', () => {
  it('by another login keeps what is being typed and says why', async () => {
    const terminal = await logIn()
    terminal.type('send bob half a')
    await expect(terminal).toShow('alice> send bob half a')
    await using other = await connect({ servers: cluster.servers })
    await other.login('alice', 'secret', { takeover: true })
    await expect(terminal).toShow('Logged out: alice has logged in elsewhere.', '> send bob half a')
    terminal.type(' word\r')
    await expect(terminal).toShow('> send bob half a word', 'Log in first.', '>')
  })

  it('by lack of commands keeps what is being typed and says why', async () => {
    const terminal = await logIn(['--idle-timeout', '3'])
    terminal.type('send bob half')
    await expect(terminal).toShow('Logged out: no command for 3 s.', '> send bob half')
    expect(cluster.chat.openSessions).toBe(1)
  })

  it('by the deletion of the account keeps what is being typed and says why', async () => {
    const terminal = await logIn()
    terminal.type('send bob half')
    await expect(terminal).toShow('alice> send bob half')
    cluster.chat.endSession('alice', 'ACCOUNT_DELETED')
    await expect(terminal).toShow('Logged out: the account alice has been deleted.', '> send bob half')
  })

  it.each([
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-D', '\u0004', 0],
  ])('by %s leaves nobody logged in', async (_name, key, exitCode) => {
    const terminal = await logIn()
    terminal.type(key)
    expect((await terminal.exit).exitCode).toBe(exitCode)
    expect(cluster.chat.openSessions).toBe(1)
  })

  it('by Ctrl-C at a hidden question gives the terminal back', async () => {
    const terminal = await start()
    terminal.type('login alice\r')
    await expect(terminal).toShow('Password:')
    terminal.type('sec\u0003')
    expect((await terminal.exit).exitCode).toBe(130)
    expect(terminal.raw).not.toContain('sec')
  })

  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ])('by %s leaves nobody logged in', async (signal, exitCode) => {
    const terminal = await logIn()
    terminal.kill(signal)
    expect((await terminal.exit).exitCode).toBe(exitCode)
    expect(cluster.chat.openSessions).toBe(1)
  })
})

describe('failover', () => {
  it('is one quiet line above the line being typed', async () => {
    const terminal = await logIn()
    terminal.type('send bob half')
    await expect(terminal).toShow('alice> send bob half')
    await cluster.replica(0).kill()
    cluster.lead(1)
    await expect(terminal).toShow(/^switched to replica 1 after \d+ ms$/, 'alice> send bob half')
    await bob.send('alice', 'still here')
    await expect(terminal).toShow('22:13 bob: still here', 'alice> send bob half')
  })
})
