import { randomUUID } from 'node:crypto'
import { ChatServiceService } from '@chatroom/transport-grpc/chat'
import { Acknowledger } from './acknowledger.ts'
import { ChatError } from './error.ts'
import { type InboxMessage, type InboxOptions, readInbox } from './inbox.ts'
import type { Method } from './replica-channel.ts'
import { type RequestParts, request } from './request.ts'
import { Sender } from './sender.ts'

export interface SessionParts extends RequestParts {
  /** Secret. */
  readonly token: string
  readonly maximumInFlight: number
  readonly maximumQueued: number
  /** The session is over, and not because this client wanted it. */
  readonly onEnded: (error: ChatError) => void
}

/** One login: everything that needs its token. */
export class Session {
  readonly sender: Sender
  readonly #parts: SessionParts
  readonly #acknowledger: Acknowledger
  readonly #end = new AbortController()
  #leaving = false

  constructor(parts: SessionParts) {
    this.#parts = parts
    const own = {
      ...parts,
      ended: this.#end.signal,
      onSessionEnded: (error: ChatError) => this.#endedByServer(error),
    }
    this.sender = new Sender(own)
    this.#acknowledger = new Acknowledger(own)
  }

  /** Secret. */
  get token(): string {
    return this.#parts.token
  }

  get isOver(): boolean {
    return this.#end.signal.aborted
  }

  inbox(options: InboxOptions): AsyncGenerator<InboxMessage, void, void> {
    return readInbox(
      {
        ...this.#parts,
        ended: this.#end.signal,
        onSessionEnded: (error) => this.#endedByServer(error),
        acknowledger: this.#acknowledger,
      },
      options,
    )
  }

  /** A request with the session's token. */
  async request<Request, Response>(
    method: Method<Request, Response>,
    message: Request,
    requestId: string | null,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    try {
      return await request(this.#parts, method, message, {
        token: this.#parts.token,
        ...(requestId === null ? {} : { requestId }),
        signals: [signal, this.#end.signal],
      })
    } catch (error) {
      if (error instanceof ChatError && error.endsSession) this.#endedByServer(error)
      throw error
    }
  }

  /** Waits for the answers to what was sent and acknowledged, then ends the session at the replicas. */
  async logout(signal: AbortSignal | undefined): Promise<void> {
    await this.sender.settled([signal])
    // An acknowledgement that fails leaves messages in the mailbox, which is no reason to stay.
    await this.#acknowledger.settled().catch(() => undefined)
    await this.#leave(ChatServiceService.logout, { requestId: randomUUID() }, signal)
    this.end(new ChatError('logged out', 'The session has logged out.'))
  }

  /** Removes the account. */
  async deleteAccount(confirmName: string, signal: AbortSignal | undefined): Promise<void> {
    await this.#leave(ChatServiceService.deleteAccount, { requestId: randomUUID(), confirmName }, signal)
    this.end(new ChatError('account deleted', 'The account has been deleted.'))
  }

  /** Changes the account's password, which ends the session. */
  async changePassword(
    oldPassword: string,
    newPassword: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.sender.settled([signal])
    await this.#acknowledger.settled().catch(() => undefined)
    const change = { requestId: randomUUID(), oldPassword, newPassword }
    await this.#leave(ChatServiceService.changePassword, change, signal)
    this.end(new ChatError('password changed', 'The password has been changed: log in with the new one.'))
  }

  /** Ends everything here, without a word to the replicas. */
  end(error: ChatError): void {
    this.#end.abort(error)
  }

  /** A subscription may hear of the end sooner than the request that makes it: that is then no news. */
  async #leave<Request extends { readonly requestId: string }, Response>(
    method: Method<Request, Response>,
    message: Request,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    this.#leaving = true
    try {
      await request(this.#parts, method, message, {
        token: this.#parts.token,
        requestId: message.requestId,
        signals: [signal],
      })
    } catch (error) {
      this.#leaving = false
      if (error instanceof ChatError && error.endsSession) this.#endedByServer(error)
      throw error
    }
  }

  #endedByServer(error: ChatError): void {
    if (this.isOver || this.#leaving) return
    this.end(error)
    this.#parts.onEnded(error)
  }
}
