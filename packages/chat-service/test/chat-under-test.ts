import { randomBytes } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { createServer } from 'node:net'
import type { ChatLimits } from '@chatroom/state-machine'
import { GrpcServer } from '@chatroom/transport-grpc'
import {
  bearerMetadata,
  type CaughtUp,
  type ChatErrorInfo,
  ChatServiceClient,
  ChatServiceService,
  type LoginResponse,
  type Message,
  readChatError,
  readChatMessageError,
  type SendMessageResponse,
  type SendMessagesRequest,
  type SendMessagesResponse,
  type SendResult,
  type SubscribeResponse,
} from '@chatroom/transport-grpc/chat'
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { onTestFinished } from 'vitest'
import {
  type ChatService,
  createChatService,
  type Passwords,
  type ServiceLimits,
  type ServiceTracing,
} from '../src/index.ts'
import { ManualClock } from './manual-clock.ts'
import { SingleReplica } from './single-replica.ts'

/** As quick as passwords cannot be in earnest. */
const quickPasswords: Passwords = {
  hash: async (password) => `quick:${password}`,
  verify: async (stored, password) => stored === `quick:${password}`,
}

export interface ChatUnderTest {
  readonly replica: SingleReplica
  readonly clock: ManualClock
  readonly service: ChatService
  /** What was reported as a fault of the server. */
  readonly faults: unknown[]
  /** Why calls and messages were refused, in order. */
  readonly refusals: string[]
  readonly address: string
  /** A client of the service on a connection of its own. */
  client(): TestClient
  /** A client that has made an account of this name and logged in. */
  loggedIn(name: string): Promise<TestClient>
}

/** The service on a real port, in front of a replica alone in memory. */
export async function startChat(
  options: {
    readonly limits?: Partial<ServiceLimits>
    readonly chatLimits?: Partial<ChatLimits>
    readonly passwords?: Passwords
    readonly disconnect?: (peer: string) => void
    readonly tracing?: ServiceTracing
  } = {},
): Promise<ChatUnderTest> {
  const clock = new ManualClock()
  const replica = new SingleReplica({ now: () => clock.now(), limits: options.chatLimits ?? {} })
  const faults: unknown[] = []
  const refusals: string[] = []
  const service = createChatService({
    replica,
    passwords: options.passwords ?? quickPasswords,
    clock,
    random: randomBytes,
    limits: options.limits ?? {},
    onFault: (error) => faults.push(error),
    ...(options.disconnect === undefined ? {} : { disconnect: options.disconnect }),
    ...(options.tracing === undefined ? {} : { tracing: options.tracing }),
    onRefusal: (reason) => refusals.push(reason),
  })
  const grpc = new GrpcServer({
    longestRequest: 1024 * 1024,
    callsPerConnection: 1_024,
    pingMs: 60_000,
    silentMs: 60_000,
    onFault: (error) => faults.push(error),
  })
  grpc.addService(service.definition, service.implementation)
  const server = createServer({ noDelay: true }, (socket) => grpc.accept(socket))
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address()
      if (bound !== null && typeof bound !== 'string') resolve(bound.port)
    })
  })
  const address = `127.0.0.1:${port}`
  const clients: TestClient[] = []
  onTestFinished(() => {
    for (const client of clients) client.close()
    service.stop()
    grpc.destroy()
    server.close()
  })
  const newClient = (): TestClient => {
    const client = new TestClient(address)
    clients.push(client)
    return client
  }
  return {
    replica,
    clock,
    service,
    faults,
    refusals,
    address,
    client: newClient,
    loggedIn: async (name) => {
      const client = newClient()
      await client.create(name)
      await client.login(name)
      return client
    },
  }
}

let requests = 0
/** A request id that no other has. */
export function freshId(): string {
  return `request-${++requests}`
}

/** Calls as a chat program makes them, one by one and without retries. A failed call rejects with a `CallError`. */
export class TestClient {
  readonly stub: ChatServiceClient
  #metadata = new Metadata()
  #token = ''

  constructor(address: string) {
    // A connection of its own, or two clients of one test would share one.
    this.stub = new ChatServiceClient(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    })
  }

  get token(): string {
    return this.#token
  }

  set token(token: string) {
    this.#token = token
    this.#metadata = token === '' ? new Metadata() : bearerMetadata(token)
  }

  close(): void {
    this.stub.close()
  }

  async create(name: string, password = 'sesame', requestId = freshId()): Promise<void> {
    await this.#unary(ChatServiceService.createAccount, { requestId, name, password })
  }

  async login(
    name: string,
    options: { password?: string; takeover?: boolean; idleTimeoutSeconds?: number; requestId?: string } = {},
  ): Promise<LoginResponse> {
    const response = await this.#unary(ChatServiceService.login, {
      requestId: options.requestId ?? freshId(),
      name,
      password: options.password ?? 'sesame',
      takeover: options.takeover ?? false,
      idleTimeoutSeconds: options.idleTimeoutSeconds ?? 0,
    })
    this.token = response.token
    return response
  }

  async logout(requestId = freshId()): Promise<void> {
    await this.#unary(ChatServiceService.logout, { requestId })
  }

  async deleteAccount(confirmName: string, requestId = freshId()): Promise<void> {
    await this.#unary(ChatServiceService.deleteAccount, { requestId, confirmName })
  }

  async changePassword(oldPassword: string, newPassword: string, requestId = freshId()): Promise<void> {
    await this.#unary(ChatServiceService.changePassword, { requestId, oldPassword, newPassword })
  }

  async list(prefix = '', pageSize = 0, pageToken = ''): Promise<{ names: string[]; nextPageToken: string }> {
    return await this.#unary(ChatServiceService.listAccounts, { prefix, pageSize, pageToken })
  }

  async send(to: string, text: string, requestId = freshId()): Promise<string> {
    return (await this.sendMessage(to, text, requestId)).messageId
  }

  async sendMessage(to: string, text: string, requestId = freshId()): Promise<SendMessageResponse> {
    return await this.#unary(ChatServiceService.sendMessage, { requestId, to, text })
  }

  async acknowledge(upToSequence: number, requestId = freshId()): Promise<number> {
    return (await this.#unary(ChatServiceService.acknowledge, { requestId, upToSequence })).waiting
  }

  /** The messages that wait. */
  async fetch(afterSequence = 0): Promise<Message[]> {
    const events = Received.events(this.subscribe(afterSequence, false))
    const error = await events.ended
    if (error !== null) throw new Error(`${error.code} ${error.reason}: ${error.message}`)
    return messagesOf(events.items)
  }

  subscribe(afterSequence = 0, follow = true): ClientReadableStream<SubscribeResponse> {
    return quiet(this.stub.subscribe({ afterSequence, follow }, this.#metadata))
  }

  sendMessages(): ClientDuplexStream<SendMessagesRequest, SendMessagesResponse> {
    return quiet(this.stub.sendMessages(this.#metadata))
  }

  async #unary<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = method
    return await new Promise((resolve, reject) => {
      this.stub.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadata,
        (error, response) => {
          if (error !== null) reject(new CallError(error))
          else if (response === undefined) reject(new Error('no response'))
          else resolve(response)
        },
      )
    })
  }
}

/** Streams that a test leaves open end with an error when it is over, and nobody listens then. */
function quiet<S extends { on(event: 'error', listener: () => void): unknown }>(stream: S): S {
  stream.on('error', () => undefined)
  return stream
}

interface Method<Request, Response> {
  readonly path: string
  readonly requestSerialize: (value: Request) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Response
}

/** A call that failed, with what its error says. */
export class CallError extends Error {
  readonly info: ChatErrorInfo

  constructor(error: ServiceError) {
    const info = readChatError(error)
    super(`${info.code} ${info.reason}: ${info.message}`)
    this.info = info
  }
}

/** What a stream brings, as it comes. */
export class Received<T> {
  readonly items: T[] = []
  /** Resolves with how the stream ended: null, or the error. */
  readonly ended: Promise<ChatErrorInfo | null>
  readonly #waiting = new Set<() => void>()

  private constructor(stream: EventEmitter, take: (items: T[]) => void) {
    take(this.items)
    stream.on('data', () => {
      for (const check of [...this.#waiting]) check()
    })
    this.ended = new Promise((resolve) => {
      stream.on('error', (error: ServiceError) => resolve(readChatError(error)))
      stream.on('end', () => setImmediate(resolve, null))
    })
  }

  /** The results of a `SendMessages` stream, however they come together. */
  static results(stream: ClientReadableStream<SendMessagesResponse>): Received<SendResult> {
    return new Received(stream, (items) => {
      stream.on('data', ({ results }: SendMessagesResponse) => items.push(...results))
    })
  }

  /** The messages of a `Subscribe` stream, and that it has caught up. */
  static events(stream: ClientReadableStream<SubscribeResponse>): Received<Message | CaughtUp> {
    return new Received(stream, (items) => {
      stream.on('data', ({ messages, caughtUp }: SubscribeResponse) =>
        items.push(...messages, ...(caughtUp === undefined ? [] : [caughtUp])),
      )
    })
  }

  /** Resolves when so many items have come. */
  async count(wanted: number): Promise<T[]> {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (this.items.length < wanted) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
    return this.items
  }
}

/** The messages among these events. */
export function messagesOf(events: readonly (Message | CaughtUp)[]): Message[] {
  return events.filter((event) => 'text' in event)
}

/** What each of these results says: `ok`, or the reason of its error. */
export function outcomesOf(results: readonly SendResult[]): string[] {
  return results.map(({ result }) => {
    if (result?.$case !== 'error') return 'ok'
    return readChatMessageError(result.value).reason ?? 'no reason'
  })
}

/** The error that a call fails with. */
export async function failureOf(call: Promise<unknown>): Promise<ChatErrorInfo> {
  try {
    await call
  } catch (error) {
    if (error instanceof CallError) return error.info
    throw error
  }
  throw new Error('the call did not fail')
}

/** Resolves when `holds` does, looking after every turn of the event loop. The test's own time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

/** Resolves when `value` has not changed for many turns of the event loop: whoever shares this loop has nothing left to do. */
export async function settled(value: () => number): Promise<number> {
  let last = value()
  for (let turns = 0; turns < 2_000; turns++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (value() !== last) turns = 0
    last = value()
  }
  return last
}
