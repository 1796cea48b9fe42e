import { randomUUID } from 'node:crypto'
import {
  ChatServiceService,
  type ListAccountsRequest,
  type ListAccountsResponse,
} from '@chatroom/transport-grpc/chat'
import { trustOf } from './credentials.ts'
import { ChatError } from './error.ts'
import type { InboxMessage, InboxOptions } from './inbox.ts'
import { LeaderFinder } from './leader-finder.ts'
import type { Probe } from './leader-search.ts'
import { lookAt, type ReplicaLook } from './look.ts'
import { type ConnectOptions, type Settings, type Switch, settingsOf } from './options.ts'
import { probeLeader } from './probe.ts'
import { ReplicaChannel } from './replica-channel.ts'
import { type RequestParts, request } from './request.ts'
import type { SendOptions, Sent } from './sender.ts'
import { Session } from './session.ts'

/** What every request takes. */
export interface CallOptions {
  /** Ends the request with a `ChatError`, code `aborted`; what was under way may still be done. */
  readonly signal?: AbortSignal
}

export interface LoginOptions extends CallOptions {
  /** End another session of this account instead of being refused. Default false. */
  readonly takeover?: boolean
  /** Seconds without a command after which the replicas end the session. Default: the server's, 60. */
  readonly idleTimeoutSeconds?: number
}

/** What a login gave. */
export interface LoginResult {
  /** The account's name as stored (Unicode form NFC). */
  readonly name: string
  /** As granted. */
  readonly idleTimeoutSeconds: number
  /** Messages that wait in the mailbox. */
  readonly waiting: number
}

export interface CloseOptions {
  /** End the session, if there is one, at the replicas too. Default true. */
  readonly logout?: boolean
  /** Milliseconds for that. Default 2,000. */
  readonly timeoutMs?: number
}

/** A session to go on with, as another process left it. */
export interface KeptSession {
  /** Secret: whoever has it is logged in. */
  readonly token: string
}

/** True while the client looks for the leader: it was lost, or has been silent for longer than `tryTimeoutMs`. */
export type SearchListener = (searching: boolean) => void

/** How long a page of `list` is. The most that the servers give. */
const pageSize = 1_000

/**
 * A chat program's connection to all replicas: finds the leader, follows it, tries again without doing anything twice. One session at a time.
 * What goes wrong is a `ChatError`: methods reject with it, iterations and `inbox` throw it.
 */
export class ChatClient implements AsyncDisposable {
  readonly #settings: Settings
  readonly #probe: Probe
  readonly #finder: LeaderFinder
  readonly #closed = new AbortController()
  readonly #switchListeners = new Set<(event: Switch) => void>()
  readonly #searchListeners = new Set<SearchListener>()
  readonly #endListeners = new Set<(reason: ChatError) => void>()
  #session: Session | null = null
  #loggingIn = false

  /** Use `connect`. */
  constructor(options: ConnectOptions) {
    this.#settings = settingsOf(options)
    const { servers, tryTimeoutMs } = this.#settings
    this.#probe = probeLeader(Math.max(1_000, tryTimeoutMs))
    this.#finder = new LeaderFinder({
      servers,
      open: (address) => new ReplicaChannel(address, trustOf(address, options)),
      probe: this.#probe,
      onSwitch: (event) => {
        for (const listener of [...this.#switchListeners]) listener(event)
      },
      onSearch: (searching) => {
        for (const listener of [...this.#searchListeners]) listener(searching)
      },
      // Whoever doubts says so again after `tryTimeoutMs`.
      doubtMs: 2 * tryTimeoutMs,
      now: () => performance.now(),
    })
  }

  /** Calls `listener` whenever another replica, or the same one again, leads. @returns a function that stops that */
  onSwitch(listener: (event: Switch) => void): () => void {
    this.#switchListeners.add(listener)
    return () => void this.#switchListeners.delete(listener)
  }

  /**
   * Calls `listener` when the session ends and this client did not ask for it: `session expired`, `session taken over`, `account deleted`,
   * `logged out` or `not logged in`. @returns a function that stops that
   */
  onSessionEnded(listener: (reason: ChatError) => void): () => void {
    this.#endListeners.add(listener)
    return () => void this.#endListeners.delete(listener)
  }

  /** Calls `listener` when a search for the leader begins and when it is over. @returns a function that stops that */
  onSearch(listener: SearchListener): () => void {
    this.#searchListeners.add(listener)
    return () => void this.#searchListeners.delete(listener)
  }

  /** The token of the session that is open, for `resume` in another process; null without one. Secret. */
  get keptSession(): KeptSession | null {
    return this.#session === null || this.#session.isOver ? null : { token: this.#session.token }
  }

  /**
   * Goes on with a session that another client opened and closed without logging out. Asks nobody: the first request tells if the session is over.
   * @throws ChatError `already logged in`
   */
  resume({ token }: KeptSession): void {
    if (this.#loggingIn || (this.#session !== null && !this.#session.isOver)) {
      throw new ChatError('already logged in', 'This client has a session already: log out first.')
    }
    this.#session = this.#open(token)
  }

  /** Asks every replica at once whether it leads. In the order of `servers`, then those that servers told of. Never rejects. */
  async look(options: CallOptions = {}): Promise<readonly ReplicaLook[]> {
    return await lookAt(this.#finder.channels, this.#probe, options.signal ?? this.#closed.signal)
  }

  /** `host:port` of the replica that leads, if that is known. */
  get leader(): string | null {
    return this.#finder.address
  }

  /** Makes an account; no login. Names are 1 to 32 code points, passwords 1 to 1,024 bytes. */
  async createAccount(name: string, password: string, options: CallOptions = {}): Promise<void> {
    const requestId = randomUUID()
    await this.#request(
      ChatServiceService.createAccount,
      { requestId, name, password },
      requestId,
      options.signal,
    )
  }

  /** Opens a session. An account has at most one. */
  async login(name: string, password: string, options: LoginOptions = {}): Promise<LoginResult> {
    if (this.#loggingIn || (this.#session !== null && !this.#session.isOver)) {
      throw new ChatError('already logged in', 'This client has a session already: log out first.')
    }
    const requestId = randomUUID()
    this.#loggingIn = true
    try {
      const answer = await this.#request(
        ChatServiceService.login,
        {
          requestId,
          name,
          password,
          takeover: options.takeover ?? false,
          idleTimeoutSeconds: options.idleTimeoutSeconds ?? 0,
        },
        requestId,
        options.signal,
      )
      this.#session = this.#open(answer.token)
      return {
        name: answer.name,
        idleTimeoutSeconds: answer.idleTimeoutSeconds,
        waiting: answer.waiting,
      }
    } finally {
      this.#loggingIn = false
    }
  }

  /** Ends the session, after everything sent and acknowledged before has its answer. */
  async logout(options: CallOptions = {}): Promise<void> {
    const session = this.#current()
    await session.logout(options.signal)
    this.#forget(session)
  }

  /** Removes the account of the session with its waiting messages. `confirmName` is its name once more, against a slip. */
  async deleteAccount(confirmName: string, options: CallOptions = {}): Promise<void> {
    const session = this.#current()
    await session.deleteAccount(confirmName, options.signal)
    this.#forget(session)
  }

  /**
   * Changes the password of the session's account. The session ends, wherever its token is: log in with the new password.
   * @throws ChatError `wrong credentials` if `oldPassword` is not the account's; `too many attempts`
   */
  async changePassword(oldPassword: string, newPassword: string, options: CallOptions = {}): Promise<void> {
    const session = this.#current()
    await session.changePassword(oldPassword, newPassword, options.signal)
    this.#forget(session)
  }

  /** The names of all accounts that begin with the literal text `prefix`, in order, fetched as they are taken. Needs no session. */
  async *list(prefix = '', options: CallOptions = {}): AsyncGenerator<string, void, void> {
    let pageToken = ''
    do {
      const answer = await this.#page({ prefix, pageSize, pageToken }, options.signal)
      yield* answer.names
      pageToken = answer.nextPageToken
    } while (pageToken !== '')
  }

  /**
   * Sends a message. Any number may be under way: they arrive in the order of the calls, each exactly once, whatever fails meanwhile.
   * @param text 1 to 65,536 bytes of UTF-8
   * @returns its id, when the message is durable on every replica that counts
   */
  async send(to: string, text: string, options: SendOptions = {}): Promise<Sent> {
    return await this.#current().sender.send(to, text, options)
  }

  /** Resolves when `send` would take another message. */
  async sendable(options: CallOptions = {}): Promise<void> {
    await this.#current().sender.sendable([options.signal])
  }

  /**
   * The messages of the mailbox: those that wait, then those that arrive. Acknowledge what you have dealt with; what is not acknowledged comes again
   * with the next `inbox`. With `follow: false` it ends after those that wait now.
   */
  inbox(options: InboxOptions = {}): AsyncGenerator<InboxMessage, void, void> {
    return this.#current().inbox(options)
  }

  /** Tells the replicas that the user is still there: restarts the idle timeout. */
  async touch(options: CallOptions = {}): Promise<void> {
    const page = { prefix: '', pageSize: 1, pageToken: '' }
    await this.#current().request(ChatServiceService.listAccounts, page, null, options.signal)
  }

  /** Ends the session and the connections. Requests under way fail with `closed`. */
  async close(options: CloseOptions = {}): Promise<void> {
    if (this.#closed.signal.aborted) return
    const session = this.#session
    if ((options.logout ?? true) && session !== null && !session.isOver) {
      // If nobody answers the replicas end the session themselves after its idle timeout.
      await session.logout(AbortSignal.timeout(options.timeoutMs ?? 2_000)).catch(() => undefined)
    }
    const reason = new ChatError('closed', 'The client was closed.')
    session?.end(reason)
    this.#closed.abort(reason)
    this.#finder.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Resolves when a replica has answered, whether it leads or not. @throws ChatError `no server` or `aborted` */
  async reach(signal: AbortSignal | undefined): Promise<void> {
    await this.#finder.reach(this.#settings.connectTimeoutMs, [signal, this.#closed.signal])
  }

  /** With a session it counts as a command of the user; the end of the session is no reason not to answer. */
  async #page(page: ListAccountsRequest, signal: AbortSignal | undefined): Promise<ListAccountsResponse> {
    const method = ChatServiceService.listAccounts
    if (this.#session !== null && !this.#session.isOver) {
      try {
        return await this.#session.request(method, page, null, signal)
      } catch (error) {
        if (!(error instanceof ChatError && error.endsSession)) throw error
      }
    }
    return await this.#request(method, page, null, signal)
  }

  async #request<Request, Response>(
    method: Parameters<typeof request<Request, Response>>[1],
    message: Request,
    requestId: string | null,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    return await request(this.#parts(), method, message, {
      ...(requestId === null ? {} : { requestId }),
      signals: [signal, this.#closed.signal],
    })
  }

  #parts(): RequestParts {
    const { tryTimeoutMs, requestTimeoutMs, tracer } = this.#settings
    return { finder: this.#finder, tryTimeoutMs, requestTimeoutMs, tracer }
  }

  #open(token: string): Session {
    const { maximumInFlight, maximumQueued } = this.#settings
    const session: Session = new Session({
      ...this.#parts(),
      token,
      maximumInFlight,
      maximumQueued,
      onEnded: (error) => {
        this.#forget(session)
        for (const listener of [...this.#endListeners]) listener(error)
      },
    })
    return session
  }

  #forget(session: Session): void {
    if (this.#session === session) this.#session = null
  }

  #current(): Session {
    if (this.#closed.signal.aborted) throw new ChatError('closed', 'The client was closed.')
    if (this.#session === null) throw new ChatError('not logged in', 'Log in first.')
    return this.#session
  }
}

/**
 * Connects to a chat: opens a connection to every server and resolves when the first one answers.
 * @throws ChatError `no server` if none does within `connectTimeoutMs`; `invalid argument` for options that cannot work
 */
export async function connect(options: ConnectOptions): Promise<ChatClient> {
  const client = new ChatClient(options)
  try {
    await client.reach(options.signal)
    return client
  } catch (error) {
    await client.close()
    throw error
  }
}
