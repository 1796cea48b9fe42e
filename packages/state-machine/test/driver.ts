import { expect } from 'vitest'
import {
  Chat,
  type ChatLimits,
  type Command,
  type Reply,
  type ReplyOf,
  StateMachineError,
} from '../src/index.ts'
import { isReplyTo } from '../src/reply.ts'

/** When the first entry of a test is taken. */
export const start = 1_700_000_000_000

/** 32 bytes that differ for each number. */
export function tokenHash(number: number): Uint8Array {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}

/** Applies commands as a replica does: through bytes, under rising indexes, at a time that the test sets. */
export class Driver {
  chat: Chat
  index = 0
  time: number = start
  #requests = 0
  /** Far from the numbers that tests give themselves. */
  #tokens = 1_000_000

  constructor(limits: Partial<ChatLimits> = {}) {
    this.chat = new Chat(limits)
  }

  apply<C extends Command>(command: C): ReplyOf<C> {
    const reply: Reply = this.chat.apply(this.chat.decode(this.chat.encode(command)), {
      index: ++this.index,
      term: 1,
      time: this.time,
    })
    if (!isReplyTo(command, reply))
      throw new Error(`${command.type} was answered as ${JSON.stringify(reply)}`)
    return reply
  }

  /** A request id that was not used before. */
  requestId(): string {
    return `request-${++this.#requests}`
  }

  newToken(): Uint8Array {
    return tokenHash(++this.#tokens)
  }

  /** Makes an account; returns its id. */
  create(name: string): number {
    const reply = this.apply({
      type: 'createAccount',
      requestId: this.requestId(),
      name,
      passwordHash: 'hash',
    })
    if (!reply.ok) throw new Error(reply.message)
    return reply.accountId
  }

  /** Makes an account if need be and logs in; returns the session's id. */
  login(
    name: string,
    options: { takeover?: boolean; idleTimeoutMs?: number; lifetimeMs?: number; token?: Uint8Array } = {},
  ): number {
    const { takeover = false, idleTimeoutMs = 60_000, lifetimeMs = 0, token = this.newToken() } = options
    const accountId = this.chat.account(name)?.accountId ?? this.create(name)
    const reply = this.apply({
      type: 'login',
      requestId: this.requestId(),
      name,
      accountId,
      tokenHash: token,
      takeover,
      idleTimeoutMs,
      lifetimeMs,
    })
    if (!reply.ok) throw new Error(reply.message)
    return reply.sessionId
  }

  send(
    sessionId: number,
    to: string,
    text = 'hello',
    requestId: string = this.requestId(),
  ): ReplyOf<Command & { type: 'send' }> {
    return this.apply({ type: 'send', sessionId, requestId, to, text })
  }

  /** The texts that wait for this account. */
  texts(name: string): string[] {
    return this.chat
      .mailbox(this.chat.account(name)?.accountId ?? 0)
      .read(0, Infinity, Infinity)
      .map(({ text }) => text)
  }

  /** Goes on with a chat restored from a snapshot of this one. */
  restart(): void {
    this.chat = restored([...this.chat.snapshot()], this.chat.limits)
  }
}

/** A chat made of a snapshot's chunks. */
export function restored(chunks: readonly Uint8Array[], limits: Partial<ChatLimits> = {}): Chat {
  const chat = new Chat(limits)
  const sink = chat.restore()
  for (const chunk of chunks) sink.write(chunk)
  sink.finish()
  return chat
}

/** Matches a text with this in it, anywhere. */
export function containing(part: string): unknown {
  return expect.stringContaining(part)
}

/** The code of what it throws; undefined if it throws nothing. Throws what has no code. */
export function codeThrown(task: () => unknown): string | undefined {
  try {
    task()
    return undefined
  } catch (error) {
    if (error instanceof StateMachineError) return error.code
    throw error
  }
}

/** Why it was refused, or 'ok'. */
export function verdict(reply: Reply): string {
  return reply.ok ? 'ok' : reply.reason
}
