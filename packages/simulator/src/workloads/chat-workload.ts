import { Chat, type Command, type Reply } from '@chatroom/state-machine'
import type { ClientIo } from '../clients/client-io.ts'
import { History, type Operation } from '../history/history.ts'
import { checkMailbox, type MailboxInput, type MailboxOutput, type SeenMessage } from './mailbox-model.ts'
import type { Judge, Workload } from './workload.ts'

/**
 * People who chat: they make accounts, log in on one device and take over on another, send (sometimes several at once), read, acknowledge, fall idle, log out.
 * Whatever they were told has to fit one chat in one place.
 */
export const chatWorkload: Workload<Command, Reply, Chat> = {
  name: 'chat',
  // Small bounds, so that they are reached.
  machine: () => new Chat({ repliesPerSession: 16, expirePerEntry: 3, accountReplies: 64 }),
  begin: () => new ChatJudge(),
}

type Io = ClientIo<Command, Reply, Chat>
type MailboxOperation = Operation<MailboxInput, MailboxOutput>

interface Session {
  readonly id: number
  readonly accountId: number
  readonly tokenHash: Uint8Array
  /** It may end by itself. */
  readonly shortLived: boolean
  /** What it sent, in order; null: something else that counts as activity. */
  readonly activity: (string | null)[]
}

const PATIENCE_MS = 4_000
/** A session that may end by itself does so when it was idle for so long, and when it has lasted for so long. */
const SHORT_IDLE_MS = 1_000
const SHORT_LIFE_MS = 3_000
const LONG_MS = 24 * 3_600_000

class ChatJudge implements Judge<Command, Reply, Chat> {
  /** By the reader's number. */
  readonly #mailboxes = new Map<number, History<MailboxInput, MailboxOutput>>()
  readonly #people = new Set<number>()
  readonly #requests = new Map<number, number>()
  readonly #accounts = new Map<number, number>()
  readonly #shortLived: Session[] = []
  /** When messages were sent by logged time, as readers saw it. */
  readonly #sentAt = new Map<string, number>()
  #problem: string | null = null

  async client(io: Io): Promise<void> {
    this.#people.add(io.id)
    while (!io.over) {
      if (!this.#accounts.has(io.id)) await this.#signUp(io)
      const session = this.#accounts.has(io.id)
        ? await this.#login(io, PATIENCE_MS, io.random.chance(0.1))
        : undefined
      if (session === undefined) await io.sleep(100)
      else await this.#chat(io, session)
    }
  }

  async confirm(io: Io): Promise<string | null> {
    if (!this.#accounts.has(io.id)) await this.#signUp(io)
    const session = await this.#login(io, 10_000, false)
    if (session === undefined) return `client ${io.id} cannot log in`
    if (!(await this.#send(io, session, this.#anotherThan(io), 10_000))) return `client ${io.id} cannot send`
    // What others sent before has to be seen by all that come after.
    const seen = await this.#read(io, io.id, 0, 1_000, 10_000)
    return seen === undefined ? `client ${io.id} cannot read` : null
  }

  judge(): string | null {
    if (this.#problem !== null) return this.#problem
    for (const session of this.#shortLived) {
      const outlived = this.#outlived(session)
      if (outlived !== null) return outlived
    }
    for (const [reader, { operations }] of this.#mailboxes) {
      const verdict = checkMailbox(operations)
      if (!verdict.linearizable)
        return `mailbox of client ${reader}: no order explains it; after ${verdict.explained} of ${operations.length} operations: ${verdict.stuckAt}`
    }
    return null
  }

  /** What a session sent is proof that it lived then. */
  #outlived({ id, activity }: Session): string | null {
    let first: number | undefined
    let before: number | undefined
    for (const text of activity) {
      const at = text === null ? undefined : this.#sentAt.get(text)
      if (at !== undefined && before !== undefined && at - before >= SHORT_IDLE_MS)
        return `session ${id} ends when it is idle for ${SHORT_IDLE_MS} ms, and sent ${text} ${at - before} ms after its last activity`
      if (at !== undefined && first !== undefined && at - first >= SHORT_LIFE_MS)
        return `session ${id} lasts ${SHORT_LIFE_MS} ms at the most, and sent ${text} ${at - first} ms after its first message`
      first ??= at
      before = at
    }
    return null
  }

  async #chat(io: Io, session: Session): Promise<void> {
    const things = 1 + io.random.below(60)
    for (let done = 0; done < things && !io.over; done++) {
      await io.think()
      if (!(await this.#something(io, session))) return
    }
    if (session.shortLived && !io.over) await io.sleep(1_500)
  }

  /** False: the session has ended, or nobody knows. */
  async #something(io: Io, session: Session): Promise<boolean> {
    const what = io.random.next()
    if (what < 0.35) return this.#send(io, session, this.#anotherThan(io), PATIENCE_MS)
    if (what < 0.45) return this.#burst(io, session)
    // Anybody may look anywhere here: what counts is that the look is up to date.
    const reader = io.random.pick([...this.#accounts.keys()]) ?? io.id
    if (what < 0.65) return (await this.#read(io, reader, 0, 1_000, PATIENCE_MS)) !== undefined
    if (what < 0.9) return this.#readAndAcknowledge(io, session)
    if (what < 0.94) return this.#ask(io, session, { type: 'touch', sessionId: session.id })
    if (what < 0.97) return this.#ask(io, session, { type: 'expire' })
    await this.#ask(io, session, { type: 'logout', sessionId: session.id, requestId: this.#request(io) })
    return false
  }

  async #signUp(io: Io): Promise<void> {
    const command = {
      type: 'createAccount',
      requestId: 'sign up',
      name: nameOf(io.id),
      passwordHash: 'x',
    } as const
    const reply = await io.persist((to) => io.propose(to, command), PATIENCE_MS)
    if (reply === undefined) return
    if (reply.ok && reply.type === 'createAccount') this.#accounts.set(io.id, reply.accountId)
    else this.#blame(io, command, reply)
  }

  async #login(io: Io, patienceMs: number, shortLived: boolean): Promise<Session | undefined> {
    const accountId = this.#accounts.get(io.id)
    if (accountId === undefined) return undefined
    const tokenHash = new Uint8Array(32).map(() => io.random.below(256))
    const command = {
      type: 'login',
      requestId: this.#request(io),
      name: nameOf(io.id),
      accountId,
      tokenHash,
      takeover: true,
      idleTimeoutMs: shortLived ? SHORT_IDLE_MS : LONG_MS,
      lifetimeMs: shortLived ? SHORT_LIFE_MS : 0,
    } as const
    const reply = await io.persist((to) => io.propose(to, command), patienceMs)
    if (reply === undefined) return undefined
    if (reply.ok && reply.type === 'login') {
      const session = { id: reply.sessionId, accountId, tokenHash, shortLived, activity: [] }
      if (shortLived) this.#shortLived.push(session)
      return session
    }
    if (reply.ok || reply.reason !== 'session expired' || !shortLived) this.#blame(io, command, reply)
    return undefined
  }

  async #send(io: Io, session: Session, to: number, patienceMs: number): Promise<boolean> {
    const { operation, command } = this.#sending(io, session, to)
    const reply = await io.persist((replica) => io.propose(replica, command), patienceMs)
    return this.#sent(io, session, to, operation, command, reply)
  }

  /** Several at once over one connection: if all are answered at the first try they stand in the order in which they were sent. */
  async #burst(io: Io, session: Session): Promise<boolean> {
    const to = this.#anotherThan(io)
    const sends = [0, 1, 2].map(() => this.#sending(io, session, to))
    const replica = io.leader
    const answers = await Promise.all(sends.map(({ command }) => io.propose(replica, command)))
    let last = 0
    let alive = true
    for (const [at, answer] of answers.entries()) {
      const sending = sends[at]
      if (sending === undefined) continue
      if (answer.type === 'refused') this.#mailbox(to).forget(sending.operation)
      if (answer.type !== 'answer') {
        alive = false
        continue
      }
      const reply = answer.value
      alive = this.#sent(io, session, to, sending.operation, sending.command, reply) && alive
      if (!reply.ok || reply.type !== 'send') continue
      if (Number(reply.messageId) < last)
        this.#problem ??= `session order: client ${io.id} sent ${sending.command.text} after others that stand behind it`
      last = Number(reply.messageId)
    }
    return alive
  }

  #sending(
    io: Io,
    session: Session,
    to: number,
  ): { operation: MailboxOperation; command: Extract<Command, { type: 'send' }> } {
    const requestId = this.#request(io)
    const text = `${io.id}.${requestId}`
    const operation = this.#mailbox(to).begin(io.id, { type: 'send', text })
    return { operation, command: { type: 'send', sessionId: session.id, requestId, to: nameOf(to), text } }
  }

  #sent(
    io: Io,
    session: Session,
    to: number,
    operation: MailboxOperation,
    command: Extract<Command, { type: 'send' }>,
    reply: Reply | undefined,
  ): boolean {
    if (reply === undefined) return false
    if (reply.ok && reply.type === 'send') {
      this.#mailbox(to).end(operation, Number(reply.messageId))
      session.activity.push(command.text)
      return true
    }
    if (reply.ok) {
      this.#blame(io, command, reply)
      return false
    }
    // A refusal is a promise too: it had no effect.
    this.#mailbox(to).forget(operation)
    session.activity.push(null)
    if (reply.reason === 'unknown recipient') return true
    if (!mayEnd(session, reply.reason)) this.#blame(io, command, reply)
    return false
  }

  async #readAndAcknowledge(io: Io, session: Session): Promise<boolean> {
    const seen = await this.#read(io, io.id, 0, 1 + io.random.below(20), PATIENCE_MS)
    const last = seen?.at(-1)?.sequence
    if (seen === undefined || last === undefined) return seen !== undefined
    const mailbox = this.#mailbox(io.id)
    const operation = mailbox.begin(io.id, { type: 'acknowledge', upTo: last })
    const command = {
      type: 'acknowledge',
      sessionId: session.id,
      requestId: this.#request(io),
      upToSequence: last,
    } as const
    const reply = await io.persist((to) => io.propose(to, command), PATIENCE_MS)
    if (reply === undefined) return false
    if (reply.ok && reply.type === 'acknowledge') {
      mailbox.end(operation, reply.waiting)
      return true
    }
    mailbox.forget(operation)
    if (reply.ok || !mayEnd(session, reply.reason)) this.#blame(io, command, reply)
    return false
  }

  async #read(
    io: Io,
    reader: number,
    after: number,
    limit: number,
    patienceMs: number,
  ): Promise<SeenMessage[] | undefined> {
    const mailbox = this.#mailbox(reader)
    const accountId = this.#accounts.get(reader) ?? 0
    const operation = mailbox.begin(io.id, { type: 'read', after, limit })
    const look = (chat: Chat): SeenMessage[] =>
      chat
        .mailbox(accountId)
        .read(after, limit, 1_000_000)
        .map(({ sequence, messageId, text, sentAtMs }) => {
          this.#sentAt.set(text, sentAtMs)
          return { sequence, id: Number(messageId), text }
        })
    const seen = await io.persist((to) => io.read(to, look), patienceMs)
    if (seen === undefined) mailbox.forget(operation)
    else mailbox.end(operation, seen)
    return seen
  }

  async #ask(io: Io, session: Session, command: Command): Promise<boolean> {
    session.activity.push(null)
    const reply = await io.persist((to) => io.propose(to, command), PATIENCE_MS)
    if (reply === undefined) return false
    if (!reply.ok && !mayEnd(session, reply.reason)) this.#blame(io, command, reply)
    return reply.ok
  }

  #blame(io: Io, command: Command, reply: Reply): void {
    this.#problem ??= `client ${io.id}: ${JSON.stringify(command)} was answered ${JSON.stringify(reply)}`
  }

  #mailbox(reader: number): History<MailboxInput, MailboxOutput> {
    let mailbox = this.#mailboxes.get(reader)
    if (mailbox === undefined) {
      mailbox = new History()
      this.#mailboxes.set(reader, mailbox)
    }
    return mailbox
  }

  #anotherThan(io: Io): number {
    return io.random.pick([...this.#people].filter((id) => id !== io.id)) ?? io.id + 1
  }

  #request(io: Io): string {
    const number = (this.#requests.get(io.id) ?? 0) + 1
    this.#requests.set(io.id, number)
    return String(number)
  }
}

function nameOf(id: number): string {
  return `user${id}`
}

/** A session may end by itself if it is short-lived; each person has one at a time, so nobody else takes it over. */
function mayEnd(session: Session, reason: string): boolean {
  return session.shortLived && reason === 'session expired'
}
