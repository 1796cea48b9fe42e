import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Chat, type ChatLimits, type Command, defaultLimits, type Reply } from '../src/index.ts'
import { restored, start, tokenHash } from './driver.ts'
import { dueAt, type PlainReply, ReferenceChat } from './reference-chat.ts'

/** Small enough that random commands reach every bound. */
const limits: ChatLimits = {
  ...defaultLimits,
  idleTimeoutMs: 2_000,
  accounts: 4,
  sessions: 3,
  mailboxMessages: 4,
  mailboxBytes: 500,
  waitingMessages: 7,
  waitingBytes: 900,
  rememberReplyMs: 1_000,
  repliesPerSession: 3,
  sessionReplies: 5,
  endedSessionReplies: 4,
  accountReplies: 6,
  rememberEndMs: 5_000,
  endedSessions: 4,
  expirePerEntry: 2,
}

const names = ['alice', 'bob', 'çelik', 'Ωmega', '𝔸da', '\uffee']
const texts = ['hi', 'çok', '😀', 'x'.repeat(200), 'ü'.repeat(100)]

/** What may happen, in terms of what has happened: the nth session so far, the nth command so far. */
type CommandStep =
  | { readonly do: 'create'; readonly name: number; readonly request: number }
  | {
      readonly do: 'login'
      readonly name: number
      readonly request: number
      readonly token: number
      readonly takeover: boolean
      readonly idle: number
      readonly life: number
      readonly stale: boolean
    }
  | { readonly do: 'logout' | 'touch' | 'password'; readonly session: number; readonly request: number }
  | {
      readonly do: 'delete'
      readonly session: number
      readonly request: number
      readonly right: boolean
      readonly name: number
    }
  | {
      readonly do: 'send'
      readonly session: number
      readonly request: number
      readonly name: number
      readonly text: number
    }
  | { readonly do: 'acknowledge'; readonly session: number; readonly request: number; readonly upTo: number }
  | { readonly do: 'expire' }
  | { readonly do: 'again'; readonly back: number }

type Step =
  | CommandStep
  | { readonly do: 'restart' | 'snapshot' }
  | { readonly do: 'wait'; readonly milliseconds: number }

const small = fc.nat(5)
const request = fc.nat(60)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), name: small, request }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('login' as const),
      name: small,
      request,
      token: fc.nat(30),
      takeover: fc.boolean(),
      idle: fc.constantFrom(300, 900, 2_000, 2_000),
      life: fc.constantFrom(0, 0, 400, 2_500),
      stale: fc.constantFrom(false, false, false, false, true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('logout' as const, 'touch' as const, 'password' as const),
      session: small,
      request,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('delete' as const),
      session: small,
      request,
      right: fc.boolean(),
      name: small,
    }),
  },
  {
    weight: 24,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      session: small,
      request,
      name: small,
      text: fc.nat(texts.length - 1),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('acknowledge' as const),
      session: small,
      request,
      upTo: fc.nat(6),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('expire' as const, 'restart' as const, 'snapshot' as const, 'snapshot' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('again' as const), back: fc.nat(8) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      milliseconds: fc.constantFrom(1, 1, 50, 250, 250, 700, 1_000, 5_000),
    }),
  },
)

/** As `expect(found).toEqual(expected)`, which is too slow to be asked a million times. */
function same(found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected)
}

function plain(reply: Reply): PlainReply {
  return reply.ok ? reply : { ok: false, reason: reply.reason }
}

/** Runs one history on three: the chat through bytes and restarts, a twin that gets the commands as they are, and the reference. */
class History {
  chat: Chat = new Chat(limits)
  readonly #twin = new Chat(limits)
  readonly #reference = new ReferenceChat(limits)
  readonly #commands: Command[] = []
  readonly #sessions: number[] = []
  readonly reached: Set<string> = new Set()
  #index = 0
  #time = start
  #snapshot: {
    readonly taker: IterableIterator<Uint8Array>
    readonly chunks: Uint8Array[]
    readonly hash: string
  } | null = null

  run(step: Step): void {
    switch (step.do) {
      case 'wait':
        this.#time += step.milliseconds
        return
      case 'restart':
        this.#snapshot?.taker.return?.()
        this.#snapshot = null
        this.chat = restored([...this.chat.snapshot()], limits)
        return
      case 'snapshot':
        this.#takeChunk()
        return
      default:
        this.#apply(this.#commandOf(step))
    }
  }

  finish(): void {
    while (this.#snapshot !== null) this.#takeChunk()
  }

  /** Begins a snapshot, or takes one more chunk of it; a whole one must be the state as it was at its beginning. */
  #takeChunk(): void {
    if (this.#snapshot === null) {
      this.#snapshot = { taker: this.chat.snapshot(), chunks: [], hash: this.chat.hash() }
      return
    }
    const { taker, chunks, hash } = this.#snapshot
    const next = taker.next()
    if (next.done !== true) {
      chunks.push(next.value)
      return
    }
    same(restored(chunks, limits).hash(), hash)
    this.#snapshot = null
  }

  #commandOf(step: CommandStep): Command {
    // Sessions are looked for among the newest, so that most are alive.
    const sessionId = 'session' in step ? (this.#sessions.at(-1 - step.session) ?? 999_999) : 0
    const requestId = 'request' in step ? `request-${step.request}` : ''
    const name = ('name' in step ? names[step.name] : undefined) ?? ''
    switch (step.do) {
      case 'create':
        return { type: 'createAccount', requestId, name, passwordHash: `hash ${this.#index}` }
      case 'login': {
        const accountId = step.stale ? 1 : (this.chat.account(name)?.accountId ?? 1)
        const { takeover, idle: idleTimeoutMs, life: lifetimeMs } = step
        const session = { takeover, idleTimeoutMs, lifetimeMs }
        // Mostly a new token; now and then one that was used.
        const token = tokenHash(step.token === 0 ? 1_000 : 2_000 + this.#index)
        return { type: 'login', requestId, name, accountId, tokenHash: token, ...session }
      }
      case 'logout':
        return { type: 'logout', sessionId, requestId }
      case 'touch':
        return { type: 'touch', sessionId }
      case 'password':
        return {
          type: 'changePassword',
          sessionId,
          requestId,
          passwordHash: `changed ${this.#index}`.repeat(1 + (step.request % 9)),
        }
      case 'delete': {
        const session = this.#reference.live.find(({ id }) => id === sessionId)
        const own = this.#reference.accounts.find(({ id }) => id === session?.accountId)?.name
        return {
          type: 'deleteAccount',
          sessionId,
          requestId,
          confirmName: step.right && own !== undefined ? own : name,
        }
      }
      case 'send':
        return { type: 'send', sessionId, requestId, to: name, text: texts[step.text] ?? '' }
      case 'acknowledge':
        return { type: 'acknowledge', sessionId, requestId, upToSequence: step.upTo }
      case 'expire':
        return { type: 'expire' }
      case 'again':
        return this.#commands.at(-1 - step.back) ?? { type: 'expire' }
    }
  }

  #apply(command: Command): void {
    this.#commands.push(command)
    const at = { index: ++this.#index, term: 1, time: this.#time }
    const expected = this.#reference.apply(command, at.index, at.time)
    const reply = this.chat.apply(this.chat.decode(this.chat.encode(command)), at)
    same(plain(reply), expected)
    same(this.#twin.apply(command, at), reply)
    same(this.#twin.hash(), this.chat.hash())
    if (reply.ok && reply.type === 'login' && !this.#sessions.includes(reply.sessionId)) {
      this.#sessions.push(reply.sessionId)
    }
    this.reached.add(`${command.type}: ${reply.ok ? 'ok' : reply.reason}`)
    this.#compare(command)
  }

  #compare(command: Command): void {
    const { accounts, live } = this.#reference
    const sorted = accounts
      .map(({ name }) => name)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    same(this.chat.list('', '', 100), sorted)
    for (const { id, name, passwordHash, messages, last } of accounts) {
      same(this.chat.account(name), { accountId: id, name, passwordHash, locked: false })
      const mailbox = this.chat.mailbox(id)
      same(mailbox.read(0, 100, Infinity), messages)
      same(mailbox.lastSequence, last)
    }
    const waiting = accounts.reduce((sum, { messages }) => sum + messages.length, 0)
    const counts = this.chat.counts()
    same([counts.accounts, counts.sessions, counts.waitingMessages], [accounts.length, live.length, waiting])
    // The next expiry is never later than the end of a session.
    const ends = live.map(dueAt)
    same((this.chat.nextExpiry() ?? Infinity) <= Math.min(...ends), true)
    if (command.type !== 'login') return
    const session = this.#reference.session(String(command.tokenHash))
    const found = this.chat.session(command.tokenHash)
    same(found?.sessionId, session?.id)
    same(found !== undefined && 'ended' in found ? found.ended : undefined, session?.end?.reason)
  }
}

/** What the histories must get to: they are worth something only if they get everywhere. */
const outcomes = [
  'acknowledge: account deleted',
  'acknowledge: invalid argument',
  'acknowledge: logged out',
  'acknowledge: not logged in',
  'acknowledge: ok',
  'acknowledge: request id reused',
  'acknowledge: session expired',
  'acknowledge: session taken over',
  'createAccount: limit reached',
  'createAccount: name taken',
  'createAccount: ok',
  'createAccount: request id reused',
  'deleteAccount: account deleted',
  'deleteAccount: logged out',
  'deleteAccount: not confirmed',
  'deleteAccount: not logged in',
  'deleteAccount: ok',
  'deleteAccount: request id reused',
  'deleteAccount: session expired',
  'deleteAccount: session taken over',
  'expire: ok',
  'login: invalid argument',
  'login: limit reached',
  'login: logged in elsewhere',
  'login: ok',
  'login: request id reused',
  'login: session taken over',
  'login: wrong credentials',
  'logout: account deleted',
  'logout: logged out',
  'logout: not logged in',
  'logout: ok',
  'logout: request id reused',
  'logout: session expired',
  'logout: session taken over',
  'send: account deleted',
  'send: limit reached',
  'send: logged out',
  'send: mailbox full',
  'send: not logged in',
  'send: ok',
  'send: request id reused',
  'send: send to self',
  'send: session expired',
  'send: session taken over',
  'send: unknown recipient',
  'touch: account deleted',
  'touch: logged out',
  'touch: not logged in',
  'touch: ok',
  'touch: session expired',
  'touch: session taken over',
]

describe('the chat and the reference', () => {
  it('answer any history alike, through restarts, and every snapshot is the state at its beginning', () => {
    const reached = new Set<string>()
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
        const history = new History()
        for (const name of [0, 1, 2, 3]) history.run({ do: 'create', name, request: name })
        for (const name of [0, 1, 2]) {
          history.run({
            do: 'login',
            name,
            request: 100,
            token: 1,
            takeover: false,
            idle: 2_000,
            life: 0,
            stale: false,
          })
        }
        for (const step of steps) history.run(step)
        history.finish()
        for (const what of history.reached) reached.add(what)
      }),
      { numRuns: 250, seed: 7 },
    )
    expect(outcomes.filter((outcome) => !reached.has(outcome))).toEqual([])
  }, 120_000)
})
