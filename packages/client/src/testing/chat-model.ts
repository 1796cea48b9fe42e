import { randomUUID } from 'node:crypto'
import type { ChatErrorReason, GrpcCodeName, Message } from '@chatroom/transport-grpc/chat'

/** Why the model says no. */
export class ModelRefusal extends Error {
  readonly code: Exclude<GrpcCodeName, 'OK'>
  readonly reason: ChatErrorReason

  constructor(code: Exclude<GrpcCodeName, 'OK'>, reason: ChatErrorReason, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

/** What a send tells. */
export interface ModelSent {
  readonly messageId: string
  readonly recipientOnline: boolean
}

interface Account {
  readonly name: string
  password: string
  lastSequence: number
  mailbox: Message[]
}

interface ModelSession {
  readonly token: string
  readonly account: Account
  readonly sends: Map<string, ModelSent | ModelRefusal>
  ended: ModelRefusal | null
}

/** How a session can end from outside. */
export type SessionEnd =
  | 'SESSION_TAKEN_OVER'
  | 'SESSION_EXPIRED'
  | 'ACCOUNT_DELETED'
  | 'LOGGED_OUT'
  | 'PASSWORD_CHANGED'

const endWords: Readonly<Record<SessionEnd, string>> = {
  SESSION_TAKEN_OVER: 'Another login took this session over.',
  SESSION_EXPIRED: 'The session expired.',
  ACCOUNT_DELETED: 'The account was deleted.',
  LOGGED_OUT: 'The session logged out.',
  PASSWORD_CHANGED: 'The password was changed.',
}

/** The chat's rules in memory, shared by all replicas of a fake cluster: small enough to be right by looking at it. */
export class ChatModel {
  readonly #accounts = new Map<string, Account>()
  readonly #sessions = new Map<string, ModelSession>()
  readonly #listeners = new Set<() => void>()
  readonly #created = new Map<string, string>()
  readonly #logins = new Map<string, string>()
  #messages = 0

  /** Sequence number and text of everything in a mailbox that is not acknowledged. */
  waiting(name: string): readonly Message[] {
    return this.#accounts.get(name)?.mailbox ?? []
  }

  /** How many sessions are open. */
  get openSessions(): number {
    return [...this.#sessions.values()].filter((session) => session.ended === null).length
  }

  /** Calls `listener` after everything that a subscriber may want to look at. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  createAccount(requestId: string, name: string, password: string): void {
    if (this.#created.get(requestId) === name) return
    if (name === '' || Array.from(name).length > 32) {
      throw new ModelRefusal('INVALID_ARGUMENT', 'INVALID_NAME', 'A name has 1 to 32 characters.')
    }
    if (this.#accounts.has(name))
      throw new ModelRefusal('ALREADY_EXISTS', 'NAME_TAKEN', `The name ${name} is taken.`)
    this.#accounts.set(name, { name, password, lastSequence: 0, mailbox: [] })
    this.#created.set(requestId, name)
  }

  login(
    requestId: string,
    name: string,
    password: string,
    takeover: boolean,
  ): { token: string; waiting: number } {
    const account = this.#accounts.get(name)
    if (account === undefined || account.password !== password) {
      throw new ModelRefusal('UNAUTHENTICATED', 'WRONG_CREDENTIALS', 'Unknown account or wrong password.')
    }
    const open = this.#openSessionOf(account)
    if (open !== undefined) {
      if (this.#logins.get(requestId) === open.token)
        return { token: open.token, waiting: account.mailbox.length }
      if (!takeover) {
        throw new ModelRefusal(
          'FAILED_PRECONDITION',
          'LOGGED_IN_ELSEWHERE',
          `${name} is logged in elsewhere.`,
        )
      }
      this.#end(open, 'SESSION_TAKEN_OVER')
    }
    const token = randomUUID()
    this.#sessions.set(token, { token, account, sends: new Map(), ended: null })
    this.#logins.set(requestId, token)
    return { token, waiting: account.mailbox.length }
  }

  logout(token: string | null): void {
    this.#end(this.#session(token), 'LOGGED_OUT')
  }

  deleteAccount(token: string | null, confirmName: string): void {
    const session = this.#session(token)
    if (confirmName !== session.account.name) {
      throw new ModelRefusal('FAILED_PRECONDITION', 'NOT_CONFIRMED', 'That is not the name of the account.')
    }
    this.#accounts.delete(session.account.name)
    this.#end(session, 'ACCOUNT_DELETED')
  }

  changePassword(token: string | null, oldPassword: string, newPassword: string): void {
    const session = this.#session(token)
    if (session.account.password !== oldPassword) {
      throw new ModelRefusal('UNAUTHENTICATED', 'WRONG_CREDENTIALS', 'Unknown account or wrong password.')
    }
    session.account.password = newPassword
    this.#end(session, 'PASSWORD_CHANGED')
  }

  list(prefix: string, after: string, limit: number): string[] {
    const names = [...this.#accounts.keys()].filter((name) => name.startsWith(prefix) && name > after)
    return names.sort().slice(0, limit)
  }

  send(token: string | null, requestId: string, to: string, text: string): ModelSent {
    const session = this.#session(token)
    return this.#once(session, requestId, () => {
      if (text === '') throw new ModelRefusal('INVALID_ARGUMENT', 'INVALID_TEXT', 'The text is empty.')
      if (to === session.account.name) {
        throw new ModelRefusal('INVALID_ARGUMENT', 'SEND_TO_SELF', 'Nobody sends to themselves.')
      }
      const recipient = this.#accounts.get(to)
      if (recipient === undefined) {
        throw new ModelRefusal('NOT_FOUND', 'UNKNOWN_RECIPIENT', `There is no account ${to}.`)
      }
      const messageId = String(++this.#messages)
      const sequence = ++recipient.lastSequence
      const from = session.account.name
      recipient.mailbox.push({
        sequence,
        messageId,
        from,
        text,
        sentAtMs: 1_700_000_000_000 + this.#messages,
      })
      this.#changed()
      return { messageId, recipientOnline: this.#openSessionOf(recipient) !== undefined }
    })
  }

  /** Messages of the caller's mailbox after a sequence number. */
  read(token: string | null, after: number): { messages: readonly Message[]; lastSequence: number } {
    const { mailbox, lastSequence } = this.#session(token).account
    return { messages: mailbox.filter((message) => message.sequence > after), lastSequence }
  }

  /** @returns how many messages still wait */
  acknowledge(token: string | null, upToSequence: number): number {
    const { account } = this.#session(token)
    account.mailbox = account.mailbox.filter((message) => message.sequence > upToSequence)
    return account.mailbox.length
  }

  /** Ends the session of an account from outside. */
  endSession(name: string, how: SessionEnd): void {
    const account = this.#accounts.get(name)
    const session = account === undefined ? undefined : this.#openSessionOf(account)
    if (session !== undefined) this.#end(session, how)
  }

  /** @throws ModelRefusal if there is no open session with that token */
  check(token: string | null): void {
    this.#session(token)
  }

  #openSessionOf(account: Account): ModelSession | undefined {
    return [...this.#sessions.values()].find(
      (session) => session.account === account && session.ended === null,
    )
  }

  #session(token: string | null): ModelSession {
    const session = this.#sessions.get(token ?? '')
    if (session === undefined) throw new ModelRefusal('UNAUTHENTICATED', 'NOT_LOGGED_IN', 'Log in first.')
    if (session.ended !== null) throw session.ended
    return session
  }

  /** Does nothing twice: a request id gets the reply that it got before. */
  #once(session: ModelSession, requestId: string, action: () => ModelSent): ModelSent {
    const before = session.sends.get(requestId)
    if (before instanceof ModelRefusal) throw before
    if (before !== undefined) return before
    try {
      const reply = action()
      session.sends.set(requestId, reply)
      return reply
    } catch (error) {
      if (error instanceof ModelRefusal) session.sends.set(requestId, error)
      throw error
    }
  }

  #end(session: ModelSession, how: SessionEnd): void {
    session.ended = new ModelRefusal('UNAUTHENTICATED', how, endWords[how])
    this.#changed()
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
