import type {
  ChatLimits,
  Command,
  CreateAccount,
  EndReason,
  Login,
  MailboxMessage,
  Reason,
  Send,
  Success,
} from '../src/index.ts'

type SessionRequest = Extract<Command, { readonly sessionId: number; readonly requestId: string }>

/** A reply without the words for people. */
export type PlainReply = Success | { readonly ok: false; readonly reason: Reason }

interface Remembered {
  readonly requestId: string
  readonly content: string
  readonly reply: PlainReply
  readonly at: number
  readonly index: number
}

interface ReferenceAccount {
  readonly id: number
  readonly name: string
  passwordHash: string
  messages: MailboxMessage[]
  last: number
}

interface ReferenceSession {
  readonly id: number
  readonly accountId: number
  token: string
  lastActive: number
  readonly idleTimeoutMs: number
  readonly endsAt: number
  end: { readonly reason: EndReason; readonly at: number } | null
  replies: Remembered[]
}

/**
 * What the chat should do, written to be read and not to be fast: arrays, scans, and the rules one after the other. Sessions are kept for ever, in the order of their
 * ends; what must be forgotten is looked up and found forgotten.
 */
export class ReferenceChat {
  readonly #limits: ChatLimits
  accounts: ReferenceAccount[] = []
  live: ReferenceSession[] = []
  /** In the order in which they ended. */
  ended: ReferenceSession[] = []
  accountReplies: (Remembered & { readonly name: string })[] = []
  #now = 0
  #index = 0

  constructor(limits: ChatLimits) {
    this.#limits = limits
  }

  apply(command: Command, index: number, time: number): PlainReply {
    this.#now = time
    this.#index = index
    switch (command.type) {
      case 'createAccount':
        return this.#once(command, JSON.stringify([command.type]), () => this.#createAccount(command))
      case 'login':
        return this.#login(command)
      case 'touch': {
        const session = this.#find(command.sessionId)
        if (session === undefined) return this.#gone(command.sessionId)
        session.lastActive = time
        return { ok: true, type: 'touch' }
      }
      case 'expire':
        return this.#expire()
      case 'administer':
        throw new Error('an operator is no part of this model')
      default:
        return this.#sessionRequest(command)
    }
  }

  session(token: string): ReferenceSession | undefined {
    return [...this.live, ...this.ended].find((session) => session.token === token)
  }

  #createAccount({ name, passwordHash }: CreateAccount): PlainReply {
    if (this.accounts.some((account) => account.name === name)) return no('name taken')
    if (this.accounts.length >= this.#limits.accounts) return no('limit reached')
    this.accounts.push({ id: this.#index, name, passwordHash, messages: [], last: 0 })
    return { ok: true, type: 'createAccount', accountId: this.#index, name }
  }

  #login(command: Login): PlainReply {
    const token = String(command.tokenHash)
    const content = JSON.stringify([command.type, command.takeover, command.idleTimeoutMs])
    const earlier = this.#earlier(command)
    if (earlier !== undefined && earlier.content !== content) return no('request id reused')
    const opened = earlier?.reply.ok === true && earlier.reply.type === 'login' ? earlier.reply.sessionId : 0
    const holder = this.session(token)
    if (holder !== undefined && holder.id !== opened) return no('invalid argument')
    if (earlier === undefined) return this.#once(command, content, () => this.#open(command, token))
    if (opened === 0) return earlier.reply
    const session = this.#find(opened)
    if (session === undefined) return this.#gone(opened)
    session.token = token
    return this.#loggedIn(session)
  }

  #open({ name, accountId, takeover, idleTimeoutMs, lifetimeMs }: Login, token: string): PlainReply {
    const account = this.accounts.find((other) => other.name === name)
    if (account === undefined || account.id !== accountId) return no('wrong credentials')
    const other = this.live.find((session) => session.accountId === account.id)
    const online = other !== undefined && this.#find(other.id) !== undefined
    if (online && !takeover) return no('logged in elsewhere')
    if (!online && this.live.length >= this.#limits.sessions) return no('limit reached')
    if (online) this.#end(other, 'session taken over')
    const session = {
      id: this.#index,
      accountId,
      token,
      lastActive: this.#now,
      idleTimeoutMs,
      endsAt: lifetimeMs === 0 ? Infinity : this.#now + lifetimeMs,
      end: null,
      replies: [],
    }
    this.live.push(session)
    return this.#loggedIn(session)
  }

  #loggedIn({ id, accountId, idleTimeoutMs }: ReferenceSession): PlainReply {
    const account = this.accounts.find((other) => other.id === accountId)
    if (account === undefined) throw new Error('a session without an account')
    const waiting = account.messages.length
    return { ok: true, type: 'login', sessionId: id, accountId, name: account.name, idleTimeoutMs, waiting }
  }

  #sessionRequest(command: SessionRequest): PlainReply {
    const live = this.#find(command.sessionId)
    const session = live ?? this.ended.find((other) => other.id === command.sessionId)
    const { requestId, ...rest } = command
    const content = command.type === 'changePassword' ? command.type : JSON.stringify(rest)
    const earlier = session?.replies.find((reply) => reply.requestId === requestId)
    if (earlier !== undefined && this.#fresh(earlier.at)) {
      return earlier.content === content ? earlier.reply : no('request id reused')
    }
    if (live === undefined) return this.#gone(command.sessionId)
    if (command.type !== 'acknowledge') live.lastActive = this.#now
    const account = this.accounts.find((other) => other.id === live.accountId)
    if (account === undefined) throw new Error('a session without an account')
    const reply = this.#perform(command, account)
    live.replies = live.replies.filter(({ at }) => this.#fresh(at))
    live.replies.push({ requestId, content, reply, at: this.#now, index: this.#index })
    live.replies = live.replies.slice(-this.#limits.repliesPerSession)
    this.#boundReplies()
    if (reply.ok && command.type === 'logout') this.#end(live, 'logged out')
    if (reply.ok && command.type === 'changePassword') this.#end(live, 'password changed')
    if (reply.ok && command.type === 'deleteAccount') {
      this.#end(live, 'account deleted')
      this.accounts = this.accounts.filter((other) => other !== account)
    }
    return reply
  }

  #perform(command: SessionRequest, account: ReferenceAccount): PlainReply {
    switch (command.type) {
      case 'logout':
        return { ok: true, type: 'logout' }
      case 'deleteAccount':
        return command.confirmName === account.name
          ? { ok: true, type: 'deleteAccount' }
          : no('not confirmed')
      case 'changePassword':
        account.passwordHash = command.passwordHash
        return { ok: true, type: 'changePassword' }
      case 'send':
        return this.#send(command, account)
      case 'acknowledge':
        if (command.upToSequence > account.last) return no('invalid argument')
        account.messages = account.messages.filter(({ sequence }) => sequence > command.upToSequence)
        return { ok: true, type: 'acknowledge', waiting: account.messages.length }
    }
  }

  #send({ to, text }: Send, sender: ReferenceAccount): PlainReply {
    const recipient = this.accounts.find((account) => account.name === to)
    if (recipient === undefined) return no('unknown recipient')
    if (recipient === sender) return no('send to self')
    if (recipient.messages.length >= this.#limits.mailboxMessages) return no('mailbox full')
    if (bytesOf([...recipient.messages, { text }]) > this.#limits.mailboxBytes) return no('mailbox full')
    const all = this.accounts.flatMap(({ messages }) => messages)
    if (all.length >= this.#limits.waitingMessages) return no('limit reached')
    if (bytesOf([...all, { text }]) > this.#limits.waitingBytes) return no('limit reached')
    recipient.messages.push({
      sequence: ++recipient.last,
      messageId: String(this.#index),
      from: sender.name,
      text,
      sentAtMs: this.#now,
    })
    const session = this.live.find(({ accountId }) => accountId === recipient.id)
    const recipientOnline = session !== undefined && this.#find(session.id) !== undefined
    return { ok: true, type: 'send', messageId: this.#index, recipientOnline }
  }

  #expire(): PlainReply {
    const due = this.live
      .filter((session) => this.#due(session))
      .sort((a, b) => dueAt(a) - dueAt(b) || a.id - b.id)
      .slice(0, this.#limits.expirePerEntry)
    for (const session of due) this.#end(session, 'session expired')
    for (let n = 0; n < this.#limits.expirePerEntry; n++) {
      const oldest = this.ended[0]?.end
      if (oldest && oldest.at + this.#limits.rememberEndMs <= this.#now) this.ended.shift()
    }
    return { ok: true, type: 'expire', ended: due.length }
  }

  /** The live session; one that is due is ended. */
  #find(id: number): ReferenceSession | undefined {
    const session = this.live.find((other) => other.id === id)
    if (session === undefined || !this.#due(session)) return session
    this.#end(session, 'session expired')
    return undefined
  }

  #due(session: ReferenceSession): boolean {
    return dueAt(session) <= this.#now
  }

  #end(session: ReferenceSession, reason: EndReason): void {
    session.end = { reason, at: this.#now }
    session.replies = session.replies.filter(({ at }) => this.#fresh(at))
    this.live = this.live.filter((other) => other !== session)
    this.ended.push(session)
    this.ended = this.ended.slice(-this.#limits.endedSessions)
    const answered = (): ReferenceSession[] => this.ended.filter(({ replies }) => replies.length > 0)
    while (
      answered().reduce((sum, { replies }) => sum + replies.length, 0) > this.#limits.endedSessionReplies
    ) {
      const [oldest] = answered()
      if (oldest !== undefined) oldest.replies = []
    }
  }

  #gone(id: number): PlainReply {
    return no(this.ended.find((session) => session.id === id)?.end?.reason ?? 'not logged in')
  }

  /** Of all live sessions, those whose newest reply is the oldest give up their oldest replies first. */
  #boundReplies(): void {
    while (this.live.reduce((sum, { replies }) => sum + replies.length, 0) > this.#limits.sessionReplies) {
      const [oldest] = this.live
        .filter(({ replies }) => replies.length > 0)
        .sort((a, b) => (a.replies.at(-1)?.index ?? 0) - (b.replies.at(-1)?.index ?? 0))
      oldest?.replies.shift()
    }
  }

  #earlier({ requestId, name }: CreateAccount | Login): Remembered | undefined {
    return this.accountReplies.find(
      (reply) => reply.requestId === requestId && reply.name === name && this.#fresh(reply.at),
    )
  }

  #once(command: CreateAccount | Login, content: string, perform: () => PlainReply): PlainReply {
    const { requestId, name } = command
    const earlier = this.#earlier(command)
    if (earlier !== undefined) return earlier.content === content ? earlier.reply : no('request id reused')
    const reply = perform()
    this.accountReplies = this.accountReplies.filter(({ at }) => this.#fresh(at))
    this.accountReplies.push({ requestId, name, content, reply, at: this.#now, index: this.#index })
    this.accountReplies = this.accountReplies.slice(-this.#limits.accountReplies)
    return reply
  }

  #fresh(at: number): boolean {
    return this.#now - at < this.#limits.rememberReplyMs
  }
}

/** Idle for too long, or too old. */
export function dueAt({ lastActive, idleTimeoutMs, endsAt }: ReferenceSession): number {
  return Math.min(lastActive + idleTimeoutMs, endsAt)
}

function no(reason: Reason): PlainReply {
  return { ok: false, reason }
}

function bytesOf(messages: readonly { readonly text: string }[]): number {
  return messages.reduce((sum, { text }) => sum + new TextEncoder().encode(text).length, 0)
}
