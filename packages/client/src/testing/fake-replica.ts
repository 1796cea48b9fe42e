import {
  type AcknowledgeRequest,
  type ChangePasswordRequest,
  type ChatErrorExtra,
  type ChatErrorReason,
  ChatServiceService,
  type CreateAccountRequest,
  chatError,
  chatMessageError,
  type DeleteAccountRequest,
  type GrpcCodeName,
  type ListAccountsRequest,
  type LoginRequest,
  type LogoutRequest,
  readBearer,
  readTraceparent,
  type SendMessageRequest,
  type SendMessagesRequest,
  type SendMessagesResponse,
  type SubscribeRequest,
  type SubscribeResponse,
} from '@chatroom/transport-grpc/chat'
import {
  type handleUnaryCall,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { type ChatModel, ModelRefusal } from './chat-model.ts'
import { TcpGate } from './tcp-gate.ts'

/** What a replica answers instead of doing what it is asked. */
export interface Refusing {
  readonly code: Exclude<GrpcCodeName, 'OK'>
  readonly reason: ChatErrorReason
  readonly message: string
  readonly extra?: ChatErrorExtra
}

type Requests = Parameters<typeof chatMessageError>

/** One replica of a fake cluster: a real gRPC server on a real socket that can do what real ones do when they fail. */
export class FakeReplica {
  readonly #chat: ChatModel
  readonly #server = new Server()
  #gate: TcpGate | null = null
  /** null while it leads. */
  #refusing: Refusing | null = null
  #repliesToLose = 0
  #holding = false
  #held: (() => void)[] = []
  readonly #onRoleChange = new Set<() => void>()
  /** Requests that reached it, by method. */
  readonly requests: Map<string, number> = new Map()
  /** What those requests and messages that are part of a trace called it, in order: a `traceparent` each. */
  readonly traceparents: string[] = []

  constructor(chat: ChatModel) {
    this.#chat = chat
    this.#server.addService(ChatServiceService, {
      createAccount: this.#unary('createAccount', ({ requestId, name, password }: CreateAccountRequest) => {
        this.#chat.createAccount(requestId, name, password)
        return {}
      }),
      login: this.#unary(
        'login',
        ({ requestId, name, password, takeover, idleTimeoutSeconds }: LoginRequest) => {
          const { token, waiting } = this.#chat.login(requestId, name, password, takeover)
          return { token, waiting, name, idleTimeoutSeconds: idleTimeoutSeconds || 60 }
        },
      ),
      logout: this.#unary('logout', (_request: LogoutRequest, token) => {
        this.#chat.logout(token)
        return {}
      }),
      deleteAccount: this.#unary('deleteAccount', ({ confirmName }: DeleteAccountRequest, token) => {
        this.#chat.deleteAccount(token, confirmName)
        return {}
      }),
      changePassword: this.#unary(
        'changePassword',
        ({ oldPassword, newPassword }: ChangePasswordRequest, token) => {
          this.#chat.changePassword(token, oldPassword, newPassword)
          return {}
        },
      ),
      listAccounts: this.#unary(
        'listAccounts',
        ({ prefix, pageSize, pageToken }: ListAccountsRequest, token) => {
          if (token !== null) this.#chat.check(token)
          const names = this.#chat.list(prefix, pageToken, pageSize)
          return { names, nextPageToken: names.length < pageSize ? '' : (names.at(-1) ?? '') }
        },
      ),
      sendMessage: this.#unary('sendMessage', ({ requestId, to, text }: SendMessageRequest, token) =>
        this.#chat.send(token, requestId, to, text),
      ),
      acknowledge: this.#unary('acknowledge', ({ upToSequence }: AcknowledgeRequest, token) => ({
        waiting: this.#chat.acknowledge(token, upToSequence),
      })),
      sendMessages: (stream: ServerDuplexStream<SendMessagesRequest, SendMessagesResponse>) =>
        this.#sendMessages(stream),
      subscribe: (stream: ServerWritableStream<SubscribeRequest, SubscribeResponse>) =>
        this.#subscribe(stream),
    })
  }

  /** `host:port`, the same for life. */
  get address(): string {
    return this.#opened.address
  }

  async start(): Promise<void> {
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound)
        else reject(error)
      })
    })
    this.#gate = new TcpGate(port)
    await this.#gate.open()
  }

  async stop(): Promise<void> {
    await this.#opened.kill()
    this.#server.forceShutdown()
  }

  /** From now on it serves (null), or answers everything, also what is open, with this. */
  refuse(refusing: Refusing | null): void {
    this.#refusing = refusing
    for (const listener of [...this.#onRoleChange]) listener()
  }

  /** The next `count` requests that change something are done and not answered: the connections break instead. */
  loseReplies(count: number): void {
    this.#repliesToLose = count
  }

  /** Requests are taken and neither done nor answered until `release`. */
  hold(): void {
    this.#holding = true
  }

  release(): void {
    this.#holding = false
    const held = this.#held
    this.#held = []
    for (const go of held) go()
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#opened.kill()
  }

  /** Starts again on the same port after `kill`. */
  async revive(): Promise<void> {
    await this.#opened.open()
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#opened.freeze()
  }

  /** SIGCONT. */
  thaw(): void {
    this.#opened.thaw()
  }

  /** Breaks all connections and takes new ones. */
  cut(): void {
    this.#opened.cut()
  }

  get #opened(): TcpGate {
    if (this.#gate === null) throw new Error('this fake replica has not been started')
    return this.#gate
  }

  /** @returns true if the reply is lost, with all connections */
  #losesReply(): boolean {
    if (this.#repliesToLose === 0) return false
    this.#repliesToLose--
    // The last of them takes the connection down: those before it have not been flushed yet either.
    if (this.#repliesToLose === 0) this.cut()
    return true
  }

  #count(method: string): void {
    this.requests.set(method, (this.requests.get(method) ?? 0) + 1)
  }

  #note(traceparent: string): void {
    if (traceparent !== '') this.traceparents.push(traceparent)
  }

  #whenReleased(go: () => void): void {
    if (this.#holding) this.#held.push(go)
    else go()
  }

  #unary<Request, Response>(
    method: string,
    action: (request: Request, token: string | null) => Response,
  ): handleUnaryCall<Request, Response> {
    return (call, callback: sendUnaryData<Response>) => {
      this.#count(method)
      this.#note(readTraceparent(call.metadata))
      const token = readBearer(call.metadata)
      // Probes pass: what is held are requests, and a slow replica still leads.
      if (method === 'listAccounts' && token === null)
        this.#answer(method, () => action(call.request, token), callback)
      else this.#whenReleased(() => this.#answer(method, () => action(call.request, token), callback))
    }
  }

  #answer<Response>(method: string, action: () => Response, callback: sendUnaryData<Response>): void {
    if (this.#refusing !== null) {
      callback(chatError(...wordsOf(this.#refusing)))
      return
    }
    try {
      const response = action()
      if (method === 'listAccounts' || !this.#losesReply()) callback(null, response)
    } catch (error) {
      callback(chatError(...wordsOf(refusingOf(error))))
    }
  }

  #sendMessages(stream: ServerDuplexStream<SendMessagesRequest, SendMessagesResponse>): void {
    this.#count('sendMessages')
    const token = readBearer(stream.metadata)
    let over = false
    const leave = this.#endOnRoleChange(stream, () => {
      // A write after the end would destroy the stream before its status is sent.
      over = true
    })
    const take = ({ requestId, to, text }: SendMessageRequest): void => {
      if (over) return
      if (this.#refusing !== null) {
        over = true
        const error = chatMessageError(...wordsOf(this.#refusing))
        stream.write({
          results: [{ requestId, result: { $case: 'error', value: error }, recipientOnline: false }],
        })
        stream.end()
        return
      }
      try {
        const { messageId, recipientOnline } = this.#chat.send(token, requestId, to, text)
        const result = { $case: 'messageId', value: messageId } as const
        if (!this.#losesReply()) stream.write({ results: [{ requestId, result, recipientOnline }] })
      } catch (error) {
        const value = chatMessageError(...wordsOf(refusingOf(error)))
        stream.write({ results: [{ requestId, result: { $case: 'error', value }, recipientOnline: false }] })
      }
    }
    stream.on('data', (request: SendMessagesRequest) => {
      for (const message of request.messages) {
        this.#count('sendMessages.message')
        this.#note(message.traceparent ?? '')
        this.#whenReleased(() => take(message))
      }
    })
    stream.on('end', () => {
      leave()
      if (!over) stream.end()
      over = true
    })
    stream.on('cancelled', () => {
      leave()
      over = true
    })
    stream.on('error', () => undefined)
  }

  #subscribe(stream: ServerWritableStream<SubscribeRequest, SubscribeResponse>): void {
    this.#count('subscribe')
    const token = readBearer(stream.metadata)
    const { follow } = stream.request
    let after = stream.request.afterSequence
    const finish = (error: ServiceError | null): void => {
      leave()
      forget()
      if (error === null) stream.end()
      else stream.emit('error', error)
    }
    const deliver = (): void => {
      try {
        for (const message of this.#chat.read(token, after).messages) {
          after = message.sequence
          stream.write({ messages: [message], caughtUp: undefined })
        }
      } catch (error) {
        finish(chatError(...wordsOf(refusingOf(error))))
      }
    }
    let forget: () => void = () => undefined
    let leave: () => void = () => undefined
    if (this.#refusing !== null) {
      finish(chatError(...wordsOf(this.#refusing)))
      return
    }
    leave = this.#endOnRoleChange(stream, () => forget())
    forget = this.#chat.onChange(deliver)
    stream.on('cancelled', () => {
      leave()
      forget()
    })
    deliver()
    try {
      const value = { lastSequence: this.#chat.read(token, after).lastSequence }
      stream.write({ messages: [], caughtUp: value })
      if (!follow) finish(null)
    } catch {
      // `deliver` has said so already.
    }
  }

  /** A replica that leads no more ends what is open. */
  #endOnRoleChange(
    stream: { emit(event: 'error', error: ServiceError): boolean; readonly metadata: Metadata },
    also: () => void,
  ): () => void {
    const listener = (): void => {
      if (this.#refusing === null) return
      this.#onRoleChange.delete(listener)
      also()
      stream.emit('error', chatError(...wordsOf(this.#refusing)))
    }
    this.#onRoleChange.add(listener)
    return () => void this.#onRoleChange.delete(listener)
  }
}

function wordsOf(refusing: Refusing): Requests {
  return [refusing.code, refusing.reason, refusing.message, refusing.extra ?? {}]
}

function refusingOf(error: unknown): Refusing {
  if (error instanceof ModelRefusal) return error
  throw error
}
