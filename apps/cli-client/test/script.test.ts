import { PassThrough } from 'node:stream'
import { connect } from '@chatroom/client'
import { type FakeCluster, startFakeCluster } from '@chatroom/client/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Conversation } from '../src/conversation.ts'
import type { Format } from '../src/format/format.ts'
import { jsonFormat } from '../src/format/json.ts'
import { plainFormat } from '../src/format/plain.ts'
import { ScriptInput } from '../src/input/script-input.ts'
import type { Output } from '../src/output.ts'
import { Presenter } from '../src/presenter.ts'

let cluster: FakeCluster

beforeEach(async () => {
  cluster = await startFakeCluster()
  for (const name of ['alice', 'bob']) cluster.chat.createAccount(name, name, 'secret')
})

afterEach(async () => {
  await cluster.stop()
})

interface Line {
  readonly type?: unknown
  readonly command?: unknown
  readonly ok?: unknown
  readonly code?: unknown
  readonly [key: string]: unknown
}

function lineOf(text: string): Line {
  const line: unknown = JSON.parse(text)
  return typeof line === 'object' && line !== null ? { ...line } : {}
}

/** A script that runs in this process. */
class Script {
  readonly stdout: string[] = []
  readonly stderr: string[] = []
  readonly conversation: Conversation
  readonly exitCode: Promise<number>
  readonly #stdin = new PassThrough()
  /** Set to keep what is written from leaving. */
  blocked = false

  constructor(options: { format?: Format; idleTimeoutSeconds?: number; connectTimeoutMs?: number } = {}) {
    const { servers } = cluster
    const output: Output = {
      write: (to, text) => {
        if (this.blocked) return new Promise(() => undefined)
        this[to].push(...text.split('\n'))
        return Promise.resolve()
      },
    }
    this.conversation = new Conversation({
      input: new ScriptInput(this.#stdin),
      presenter: new Presenter(options.format ?? jsonFormat, output, () => undefined),
      inScript: true,
      idleTimeoutSeconds: options.idleTimeoutSeconds ?? 60,
      connect: (signal) => connect({ servers, signal, connectTimeoutMs: options.connectTimeoutMs ?? 60_000 }),
      replicaName: (address) => address,
      onPrompt: () => undefined,
    })
    this.exitCode = this.conversation.run()
  }

  type(...lines: string[]): this {
    for (const line of lines) this.#stdin.write(`${line}\n`)
    return this
  }

  typeBytes(bytes: Buffer): this {
    this.#stdin.write(bytes)
    return this
  }

  end(): Promise<number> {
    this.#stdin.end()
    return this.exitCode
  }

  get lines(): Line[] {
    return this.stdout.map(lineOf)
  }

  get results(): string[] {
    return this.lines
      .filter(({ type }) => type === 'result')
      .map(({ command, code }) => `${String(command)} ${String(code)}`)
  }
}

async function run(...lines: string[]): Promise<Script & { readonly code: number }> {
  const script = new Script().type(...lines)
  return Object.assign(script, { code: await script.end() })
}

/** A message to bob that is there before anybody logs in. */
function leave(...texts: string[]): void {
  const { token } = cluster.chat.login('from the test', 'alice', 'secret', true)
  for (const text of texts) cluster.chat.send(token, text, 'bob', text)
  cluster.chat.logout(token)
}

describe('a script', () => {
  it('does one command a line and reads from the next lines what would be asked for', async () => {
    const script = await run(
      'create carol',
      'pass word',
      '/login',
      'carol',
      'pass word',
      'send bob hello there',
      'delete',
      'carol',
    )
    expect(script.results).toEqual(['create OK', 'login OK', 'send OK', 'delete OK'])
    expect(script.code).toBe(0)
    expect(cluster.chat.waiting('bob').map(({ from, text }) => `${from}: ${text}`)).toEqual([
      'carol: hello there',
    ])
    expect(cluster.chat.list('', '', 9)).toEqual(['alice', 'bob'])
  })

  it('changes the password, goes on logged in, and the old one is of no use', async () => {
    const script = await run(
      'login alice',
      'secret',
      'passwd',
      'wrong',
      'new',
      'passwd',
      'secret',
      'new',
      'send bob hi',
    )
    expect(script.results).toEqual(['login OK', 'passwd UNAUTHENTICATED', 'passwd OK', 'send OK'])
    expect((await run('login alice', 'secret')).results).toEqual(['login UNAUTHENTICATED'])
    expect((await run('login alice', 'new')).results).toEqual(['login OK'])
    expect((await run('passwd', 'new', 'newer')).results).toEqual(['passwd UNAUTHENTICATED'])
  })

  it('prints results as objects with documented fields', async () => {
    const script = await run('login alice', 'secret', 'send bob hi', 'list b', 'check', 'logout', 'quit')
    expect(script.lines).toEqual([
      {
        type: 'result',
        command: 'login',
        ok: true,
        code: 'OK',
        message: 'Logged in as alice; no messages wait.',
        name: 'alice',
        waiting: 0,
        idleTimeoutSeconds: 60,
      },
      {
        type: 'result',
        command: 'send',
        ok: true,
        code: 'OK',
        message: 'Queued for bob, who is offline.',
        to: 'bob',
        id: '1',
        recipientOnline: false,
      },
      { type: 'result', command: 'list', ok: true, code: 'OK', message: '1 account.', names: ['bob'] },
      { type: 'result', command: 'check', ok: true, code: 'OK', message: 'No new messages.', messages: 0 },
      { type: 'result', command: 'logout', ok: true, code: 'OK', message: 'Logged out.' },
      { type: 'result', command: 'quit', ok: true, code: 'OK', message: 'Bye.' },
    ])
  })

  it('prints what waits right after the login, and acknowledges it', async () => {
    leave('one', 'two')
    const script = await run('login bob', 'secret', 'list')
    expect(
      script.lines.map(({ type, command, text }) => command ?? `${String(type)} ${String(text)}`),
    ).toEqual(['login', 'message one', 'message two', 'list'])
    expect(script.lines[1]).toEqual({ type: 'message', from: 'alice', text: 'one', id: '1' })
    expect(cluster.chat.waiting('bob')).toEqual([])
    expect((await run('login bob', 'secret')).lines.length).toBe(1)
  })

  it('prints all results and messages before it ends, with or without quit', async () => {
    for (const ending of [[], ['quit']]) {
      const script = new Script().type('login bob', 'secret')
      await expect.poll(() => script.results).toEqual(['login OK'])
      // The follower of the mailbox must not be what saves it.
      leave('late')
      script.type('send alice answer', ...ending)
      await script.end()
      const told = script.lines.map(({ command, text }) => String(command ?? text))
      expect(told.slice(0, 3).sort()).toEqual(['late', 'login', 'send'])
      expect(told.slice(3)).toEqual(ending)
    }
  })

  it('runs nothing after quit', async () => {
    expect((await run('quit', 'create carol', 'x')).results).toEqual(['quit OK'])
    expect(cluster.chat.list('carol', '', 9)).toEqual([])
  })

  it('sends without waiting for answers, and tells the results in order', async () => {
    const texts = Array.from({ length: 600 }, (_, at) => `text ${at}`)
    const script = await run(
      'login alice',
      'secret',
      ...texts.flatMap((text) => [`send bob ${text}`]),
      'send nobody x',
      'send bob end',
    )
    expect(cluster.chat.waiting('bob').map(({ text }) => text)).toEqual([...texts, 'end'])
    expect(script.results.slice(-2)).toEqual(['send NOT_FOUND', 'send OK'])
    expect(script.lines.flatMap(({ id }) => id ?? [])).toEqual(
      cluster.chat.waiting('bob').map(({ messageId }) => messageId),
    )
    expect(script.code).toBe(1)
  })

  it('skips blank lines, but not as answers', async () => {
    const script = await run('', '  ', 'login alice', '')
    expect(script.results).toEqual(['login UNAUTHENTICATED'])
  })

  it('takes the text of a message that cannot be sent for no command', async () => {
    const script = await run('send bob', 'quit', 'delete', 'list', 'list')
    expect(script.results).toEqual(['send UNAUTHENTICATED', 'delete UNAUTHENTICATED', 'list OK'])
  })

  it('wait stays and prints what arrives', async () => {
    const script = new Script().type('login bob', 'secret', 'wait 0.2')
    await expect.poll(() => script.results).toEqual(['login OK'])
    leave('while waiting')
    await expect.poll(() => script.lines.at(-1)?.['text']).toBe('while waiting')
    await script.end()
    expect(script.lines.at(-1)).toMatchObject({ command: 'wait', ok: true, seconds: 0.2 })
  })
})

describe('the exit code', () => {
  it.each([
    [['list'], 0],
    [['login alice', 'wrong', 'list'], 1],
    [['foo', 'login alice', 'wrong'], 2],
    [['wait soon'], 2],
    [['quit now'], 2],
    [['create carol'], 2],
    [['help', 'quit'], 0],
    [[], 0],
  ])('of %j is %d', async (lines, code) => {
    expect((await run(...lines)).code).toBe(code)
  })

  it('is 3 if no server can be reached, and the rest is not run', async () => {
    await Promise.all(cluster.replicas.map((replica) => replica.kill()))
    const script = new Script({ connectTimeoutMs: 50 }).type('help', 'list', 'foo')
    expect(await script.end()).toBe(3)
    expect(script.results).toEqual(['help OK', 'list UNAVAILABLE'])
  })
})

describe('refusals', () => {
  it('name their gRPC code and change nothing', async () => {
    const commands = [
      ['create alice', 'x'],
      ['create', '', 'x'],
      ['login nobody', 'x'],
      ['login alice', 'secret'],
      ['login bob', 'secret'],
      ['send alice me'],
      ['send nobody x'],
      ['delete bob'],
      ['snd bob x'],
      ['logout x'],
    ]
    const script = await run(...commands.flat())
    expect(script.results).toEqual([
      'create ALREADY_EXISTS',
      'create INVALID_ARGUMENT',
      'login UNAUTHENTICATED',
      'login OK',
      'login FAILED_PRECONDITION',
      'send INVALID_ARGUMENT',
      'send NOT_FOUND',
      'delete FAILED_PRECONDITION',
      'snd INVALID_ARGUMENT',
      'logout INVALID_ARGUMENT',
    ])
    expect(script.lines[8]).toMatchObject({ message: 'There is no command snd. Did you mean send?' })
    expect(cluster.chat.list('', '', 9)).toEqual(['alice', 'bob'])
  })

  it('meet a text that is too long, however long its line is', async () => {
    const script = await run(
      'login alice',
      'secret',
      `send bob ${'x'.repeat(65_537)}`,
      `send bob ${'x'.repeat(3_000_000)}`,
    )
    expect(script.results).toEqual(['login OK', 'send INVALID_ARGUMENT', 'send INVALID_ARGUMENT'])
    expect(cluster.chat.waiting('bob')).toEqual([])
  })

  it('of a second login can be overcome by --takeover, and the other one is told', async () => {
    const first = new Script().type('login alice', 'secret')
    await expect.poll(() => first.results).toEqual(['login OK'])
    const second = await run('login alice', 'secret', 'login alice --takeover', 'secret')
    expect(second.results).toEqual(['login FAILED_PRECONDITION', 'login OK'])
    await expect.poll(() => first.stderr).toEqual(['Logged out: alice has logged in elsewhere.'])
    await first.type('send bob hi').end()
    expect(first.results).toEqual(['login OK', 'send UNAUTHENTICATED'])
  })

  it('are told in plain words on stderr', async () => {
    const script = new Script({ format: plainFormat }).type('login alice', 'wrong', 'list a')
    await script.end()
    expect(script.stdout).toEqual(['alice'])
    expect(script.stderr).toEqual(['login: Unknown account or wrong password.'])
  })
})

describe('a line that is not UTF-8', () => {
  it('is refused by its number, as a command and as an answer; nothing of it is sent, and the rest goes on', async () => {
    const script = new Script()
    script.type('login alice', 'secret').typeBytes(Buffer.from('send bob caf\u00e9\n', 'latin1'))
    script.type('send bob').typeBytes(Buffer.from('caf\u00e9\n', 'latin1')).type('send bob hello')
    expect(await script.end()).toBe(2)
    expect(script.results).toEqual(['login OK', 'input INVALID_ARGUMENT', 'send INVALID_ARGUMENT', 'send OK'])
    expect(script.lines.map(({ message }) => message)).toContain(
      'Line 3 is not UTF-8: nothing was done with it. Convert the input, as with iconv.',
    )
    expect(cluster.chat.waiting('bob').map(({ text }) => text)).toEqual(['hello'])
  })
})

describe('the end of a login', () => {
  it('comes after the idle timeout, here and at the replicas', async () => {
    const script = new Script({ idleTimeoutSeconds: 1 }).type('login alice', 'secret')
    await expect.poll(() => script.stderr).toEqual(['Logged out: no command for 1 s.'])
    expect(cluster.chat.openSessions).toBe(0)
    expect(await script.end()).toBe(0)
  })

  it('does not come while a script waits', async () => {
    const script = await Promise.resolve(
      new Script({ idleTimeoutSeconds: 1 }).type('login alice', 'secret', 'wait 1.3', 'check'),
    )
    expect(await script.end()).toBe(0)
    expect(script.results).toEqual(['login OK', 'wait OK', 'check OK'])
  })

  it('is told when the account is deleted or the replicas expire it', async () => {
    const script = new Script().type('login alice', 'secret')
    await expect.poll(() => script.results).toEqual(['login OK'])
    cluster.chat.endSession('alice', 'ACCOUNT_DELETED')
    await expect.poll(() => script.stderr).toEqual(['Logged out: the account alice has been deleted.'])
    await script.end()
  })

  it('comes with the end of the input', async () => {
    await run('login alice', 'secret')
    expect(cluster.chat.openSessions).toBe(0)
  })

  it('comes with a signal, whatever is under way', async () => {
    const script = new Script().type('login alice', 'secret', 'wait 1000')
    await expect.poll(() => script.results).toEqual(['login OK'])
    script.conversation.stop('SIGTERM')
    expect(await script.exitCode).toBe(143)
    expect(cluster.chat.openSessions).toBe(0)
  })

  it('comes with a signal even if nobody reads what is written', async () => {
    const script = new Script().type('login alice', 'secret')
    await expect.poll(() => script.results).toEqual(['login OK'])
    script.blocked = true
    script.type('list')
    script.conversation.stop('SIGHUP')
    expect(await script.exitCode).toBe(129)
    expect(cluster.chat.openSessions).toBe(0)
  })
})

describe('failover', () => {
  it('is not noticed by a script', async () => {
    const texts = Array.from({ length: 400 }, (_, at) => `text ${at}`)
    const script = new Script().type('login alice', 'secret', ...texts.map((text) => `send bob ${text}`))
    await expect.poll(() => cluster.chat.waiting('bob').length).toBeGreaterThan(20)
    await cluster.replica(0).kill()
    cluster.lead(1)
    expect(await script.end()).toBe(0)
    expect(cluster.chat.waiting('bob').map(({ text }) => text)).toEqual(texts)
    expect(script.stderr).toEqual([])
  })
})

describe('acknowledgement', () => {
  it('waits until the message has been written out', async () => {
    leave('precious')
    const script = new Script().type('login bob', 'secret')
    script.blocked = false
    await expect.poll(() => script.results).toEqual(['login OK'])
    await expect.poll(() => cluster.chat.waiting('bob')).toEqual([])
    script.blocked = true
    leave('unwritten')
    await expect.poll(() => cluster.chat.waiting('bob').length).toBe(1)
    script.conversation.stop('SIGTERM')
    await script.exitCode
    expect(cluster.chat.waiting('bob').map(({ text }) => text)).toEqual(['unwritten'])
  })
})
