import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fixture } from './fixture.ts'
import { cleanEnvironment, PseudoTerminal, programFile, stateHome } from './pseudo-terminal.ts'

let fixture: Fixture
let directory: string
let environment: Record<string, string>

beforeEach(async () => {
  fixture = await Fixture.open()
  directory = stateHome()
  writeFileSync(join(directory, 'password'), 'secret\n', { mode: 0o600 })
  environment = {
    ...cleanEnvironment(),
    XDG_STATE_HOME: directory,
    CHATROOM_SERVERS: fixture.cluster.servers.join(','),
    CHATROOM_PASSWORD_FILE: join(directory, 'password'),
  }
})

afterEach(async () => {
  await fixture.close()
  rmSync(directory, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(args: readonly string[], more: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [programFile, ...args], { env: { ...environment, ...more } })
}

async function run(
  args: readonly string[],
  stdin: string | Buffer = '',
  more: Record<string, string> = {},
): Promise<Ended> {
  const child = start(args, more)
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, stdout, stderr }
}

function said(stdout: string): Ended {
  return { code: 0, stdout, stderr: '' }
}

function textsFor(name: string): string[] {
  return fixture.cluster.chat.waiting(name).map((message) => message.text)
}

describe('one command of the shell', () => {
  it('logs in once for those that follow', async () => {
    expect(await run(['login', 'alice'])).toEqual(said('Logged in as alice; no messages wait.\n'))
    const state = join(directory, 'chatroom')
    const [file = '', ...others] = readdirSync(state).filter((name) => name.startsWith('session-'))
    expect(others).toEqual([])
    expect(statSync(join(state, file)).mode & 0o777).toBe(0o600)
    expect(statSync(state).mode & 0o777).toBe(0o700)
    expect(await run(['send', 'bob', 'see you', 'at eight'])).toEqual(said('Sent to bob, who is online.\n'))
    expect(await run(['send', 'bob', '-'], 'one\ntwo\n')).toEqual(said('Sent to bob, who is online.\n'))
    expect(await run(['send', 'bob', '--quiet'], 'three')).toEqual(said(''))
    expect(await run(['send', 'bob', '-'], Buffer.from('caf\u00e9', 'latin1'))).toEqual({
      code: 2,
      stdout: '',
      stderr: 'send: Standard input is not UTF-8: nothing was sent. Convert it, as with iconv.\n',
    })
    expect(textsFor('bob')).toEqual(['see you at eight', 'one\ntwo', 'three'])
    expect(await run(['logout'])).toEqual(said('Logged out.\n'))
    expect(fixture.cluster.chat.openSessions).toBe(1)
    expect(await run(['send', 'bob', 'late'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'send: Log in first: chatroom login NAME.\n',
    })
  })

  it('is not refused its own login, and says who has another', async () => {
    await run(['login', 'alice'])
    expect(await run(['login'])).toEqual(said('Logged in as alice; no messages wait.\n'))
    expect(await run(['login', 'bob'])).toMatchObject({
      code: 1,
      stderr: 'login: bob is logged in elsewhere.\n',
    })
    expect(await run(['login', 'bob', '--takeover'])).toMatchObject({ code: 0 })
    // The login of alice has ended with that.
    expect(fixture.cluster.chat.openSessions).toBe(1)
  })

  it('says that its login is over, and forgets it', async () => {
    await run(['login', 'alice'])
    fixture.cluster.chat.endSession('alice', 'SESSION_EXPIRED')
    expect(await run(['inbox'])).toMatchObject({ code: 1, stderr: 'inbox: The session expired.\n' })
    expect(await run(['inbox'])).toMatchObject({ stderr: 'inbox: Log in first: chatroom login NAME.\n' })
  })

  it('logs nobody in if it cannot keep the login', async () => {
    writeFileSync(join(directory, 'chatroom'), 'no directory')
    const { code, stderr } = await run(['login', 'alice'])
    expect(code).toBe(2)
    expect(stderr).toContain('set XDG_STATE_HOME')
    expect(fixture.cluster.chat.openSessions).toBe(1)
  })

  it('changes the password, and stays logged in', async () => {
    await run(['login', 'alice'])
    const { CHATROOM_PASSWORD_FILE: old = '' } = environment
    const next = join(directory, 'next')
    writeFileSync(next, 'sesame\n')
    expect(await run(['passwd'])).toMatchObject({
      code: 2,
      stderr: 'passwd: There is nobody to ask for the new password: give --new-password-file FILE.\n',
    })
    expect(await run(['passwd', '--password-file', next, '--new-password-file', next])).toMatchObject({
      code: 1,
      stderr: 'passwd: Unknown account or wrong password.\n',
    })
    expect(await run(['passwd', '--new-password-file', next])).toEqual(
      said('The password has been changed.\n'),
    )
    expect(await run(['send', 'bob', 'still here'])).toMatchObject({ code: 0 })
    // Both from standard input, a line each.
    const both = ['passwd', '--password-file', '-', '--new-password-file', '-']
    expect(await run(both, 'sesame\n')).toMatchObject({
      code: 2,
      stderr: 'passwd: Standard input ended before the new password.\n',
    })
    expect(await run(both, 'sesame\nsecret\n')).toMatchObject({ code: 0 })
    await run(['logout'])
    expect(await run(['login', 'alice', '--password-file', next])).toMatchObject({ code: 1 })
    expect(await run(['login', 'alice', '--password-file', old])).toMatchObject({ code: 0 })
    expect(await run(['logout'])).toMatchObject({ code: 0 })
    expect(await run(['passwd'])).toMatchObject({
      code: 1,
      stderr: 'passwd: Log in first: chatroom login NAME.\n',
    })
  })

  it('asks for the new password twice, and shows none', async () => {
    await run(['login', 'alice'])
    const ask = async (...passwords: string[]): Promise<PseudoTerminal> => {
      const more = { ...environment, CHATROOM_PASSWORD_FILE: '' }
      const terminal = fixture.spawn(['passwd'], { environment: more })
      for (const [at, prompt] of ['Old password:', 'New password:', 'New password again:'].entries()) {
        await expect(terminal).toShow(prompt)
        terminal.type(`${passwords[at] ?? ''}\r`)
      }
      return terminal
    }
    const slip = await ask('secret', 'sesame', 'seasme')
    await expect(slip).toShow(/These were two different new passwords: nothing was changed\.$/)
    expect((await slip.exit).exitCode).toBe(2)
    const changed = await ask('secret', 'sesame', 'sesame')
    await expect(changed).toShow('New password again:', 'The password has been changed.')
    expect((await changed.exit).exitCode).toBe(0)
    expect(changed.raw).not.toMatch(/secret|sesame/u)
    expect(await run(['send', 'bob', 'still here'])).toMatchObject({ code: 0 })
  })

  it('lists, makes and removes accounts, and shows the cluster', async () => {
    expect(await run(['create', 'alma'])).toEqual(said('The account alma has been made.\n'))
    expect(await run(['list', 'al'])).toEqual(said('alice\nalma\n'))
    await run(['login', 'alma'])
    expect(await run(['delete', 'alice'])).toMatchObject({ code: 1 })
    expect(await run(['delete', 'alma'])).toEqual(said('The account alma has been removed.\n'))
    const { stdout } = await run(['status', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'result',
      command: 'status',
      ok: true,
      leader: 0,
      replicas: [{ state: 'leads' }, { state: 'follows' }, { state: 'follows' }],
    })
  })

  it('prints the messages that wait, and then has them no more', async () => {
    await fixture.bob.send('alice', 'one')
    await fixture.bob.send('alice', 'two\nlines')
    await run(['login', 'alice'])
    expect(await run(['inbox'])).toEqual(said('bob: one\nbob: two␊lines\n'))
    expect(await run(['inbox'])).toEqual(said('No messages.\n'))
    expect(textsFor('alice')).toEqual([])
  })

  it('follows the mailbox until it is told to stop, and stays logged in', async () => {
    await run(['login', 'alice'])
    const child = start(['inbox', '--follow', '--json'])
    let stdout = ''
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes.toString()
    })
    await fixture.bob.send('alice', 'one')
    await expect.poll(() => stdout).toMatch(/"text":"one"/)
    await fixture.cluster.replica(0).kill()
    fixture.cluster.lead(1)
    await fixture.bob.send('alice', 'two')
    await expect.poll(() => stdout).toMatch(/"text":"two"/)
    const code = new Promise((resolve) => child.on('close', resolve))
    child.kill('SIGINT')
    expect(await code).toBe(130)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(lines).toEqual([
      { type: 'message', from: 'bob', text: 'one', id: '1' },
      { type: 'message', from: 'bob', text: 'two', id: '2' },
    ])
    expect(textsFor('alice')).toEqual([])
    expect(fixture.cluster.chat.openSessions).toBe(2)
  })

  it('answers a misspelt command with the nearest, and wrong use with 2', async () => {
    expect(await run(['sned', 'bob'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'sned: there is no such command. Did you mean send?\n',
    })
    expect(await run(['--servers', fixture.cluster.servers.join(','), 'list', 'b'])).toEqual(said('bob\n'))
    expect((await run(['send'])).code).toBe(2)
    expect((await run(['list', '--nonsense'])).code).toBe(2)
  })
})

describe('the password', () => {
  it('comes from a file, standard input or a terminal, and is asked for nowhere else', async () => {
    const none = { CHATROOM_PASSWORD_FILE: '' }
    const asked = await run(['login', 'alice'], 'secret\n', none)
    expect(asked).toMatchObject({ code: 2, stdout: '' })
    expect(asked.stderr).toContain('--password-file')
    const fromInput = await run(['login', 'alice', '--password-file', '-'], 'secret\n', none)
    expect(fromInput).toMatchObject({ code: 0 })
    const terminal = new PseudoTerminal(['login', 'alice'], { environment: { ...environment, ...none } })
    await expect(terminal).toShow('Password:')
    terminal.type('secret\r')
    expect((await terminal.exit).exitCode).toBe(0)
    await expect(terminal).toShow('Password:', 'Logged in as alice; no messages wait.')
    expect(terminal.raw).not.toContain('secret')
  })
})

describe('colour', () => {
  it.each([
    ['with colour', [], {}, true],
    ['without, by NO_COLOR', [], { NO_COLOR: '1' }, false],
    ['without, by --no-color', ['--no-color'], {}, false],
  ] as const)('%s', async (_name, args, more, isThere) => {
    const terminal = await fixture.logIn(args, { environment: more })
    await fixture.bob.send('alice', 'hello')
    await expect(terminal).toShow('22:13 bob: hello', 'alice>')
    // SGR, as in ESC [ 1 m.
    expect(terminal.raw.split('\u001b[').some((part) => /^[\d;]+m/u.test(part))).toBe(isThere)
  })
})
