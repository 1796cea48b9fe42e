import type { Socket } from 'node:net'
import type { Member, ReplicaId } from '@chatroom/election'
import type { Message, Transport, TransportReceiver } from '@chatroom/replica'
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { formatAddress, type PeerAddress } from './address.ts'
import { type PeerCredentials, plainText } from './credentials.ts'
import { TransportError } from './errors.ts'
import { ReplicaServiceService } from './gen/chatroom/replica/v1/replica_service.ts'
import { defaultTransportLimits, type TransportLimits } from './limits.ts'
import { IncomingLinks, notTakingPart } from './links/incoming-links.ts'
import { PeerLink } from './links/peer-link.ts'
import { Rejections } from './links/rejections.ts'
import { type Listener, openListener } from './listener.ts'
import { PeerConnections } from './peer-connections.ts'
import type { ByteStream } from './server/byte-stream.ts'
import { GrpcServer } from './server/grpc-server.ts'
import type { Refusal } from './tls/door.ts'
import type { Introduction } from './wire/introduction.ts'
import { SharedEntries } from './wire/shared-entries.ts'

/** Of a request to the peer port, bytes; a link may send longer ones once its caller has said who it is. */
const longestRequest = 64 * 1024

/** Calls at a time on one connection to the peer port. */
const callsPerConnection = 64

/** A gRPC service that shares the peer port. */
export interface PeerService {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}

export interface GrpcTransportOptions {
  /** This replica. */
  readonly id: ReplicaId
  /** Where it listens. A refused connection to a loopback IP address counts as proof that the replica there has died, so give one where all replicas share a host; a name is never proof. */
  readonly listen: PeerAddress
  /** Where the others listen; an entry for this replica itself is passed over. */
  readonly peers: ReadonlyMap<ReplicaId, PeerAddress>
  readonly limits?: Partial<TransportLimits>
  /** Default: plain text. */
  readonly credentials?: PeerCredentials
  /** Told of connections that had to make room for others. Default: nobody. */
  readonly refused?: (refusal: Refusal) => void
  /** More services for the peer port, such as the admin service. */
  readonly services?: readonly PeerService[]
  /** Told of what a handler of theirs throws; its caller gets UNKNOWN. Default: nobody. */
  readonly onFault?: (error: unknown) => void
}

export interface GrpcTransport extends Transport {
  /** What is bound, with the port the system chose if 0 was asked for; null before `start` resolved. */
  readonly address: PeerAddress | null
}

/**
 * Links over gRPC: `proto/chatroom/replica/v1`. Throws a `TransportError` `invalid configuration` for options that cannot work; `start` rejects with `address in use` or
 * `address not available`.
 */
export function createGrpcTransport(options: GrpcTransportOptions): GrpcTransport {
  return new GrpcLinks(options, openListener)
}

/** `open`: for tests, which have to lose a listener. */
export class GrpcLinks implements GrpcTransport {
  readonly closed: Promise<void>
  readonly #options: GrpcTransportOptions
  readonly #open: typeof openListener
  readonly #limits: TransportLimits
  readonly #credentials: PeerCredentials
  readonly #peers: ReadonlyMap<ReplicaId, PeerAddress>
  readonly #links = new Map<ReplicaId, PeerLink>()
  readonly #connections: PeerConnections
  #incoming: IncomingLinks | undefined
  #listener: Listener | undefined
  #server: GrpcServer | undefined
  #resolveClosed!: () => void
  #rejectClosed!: (error: TransportError) => void
  #state: 'new' | 'listening' | 'started' | 'stopped' = 'new'
  #whyNot: () => string = () => 'it has not started'

  constructor(options: GrpcTransportOptions, open: typeof openListener) {
    this.#options = options
    this.#open = open
    this.#limits = { ...defaultTransportLimits, ...options.limits }
    this.#credentials = options.credentials ?? plainText
    this.#connections = new PeerConnections(this.#limits, options.refused ?? (() => undefined))
    this.#peers = new Map([...options.peers].filter(([id]) => id !== options.id))
    for (const [id, address] of this.#peers) checkAddress(`peer ${id}`, address, 1)
    checkAddress('listen', options.listen, 0)
    this.closed = new Promise((resolve, reject) => {
      this.#resolveClosed = resolve
      this.#rejectClosed = reject
    })
    // Nobody has to watch it.
    this.closed.catch(() => {})
  }

  get address(): PeerAddress | null {
    return this.#listener?.address ?? null
  }

  async listen(whyNot: () => string): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'listening'
    this.#whyNot = whyNot
    await this.#bind()
  }

  async start(receiver: TransportReceiver): Promise<void> {
    const isBound = this.#state === 'listening'
    if (this.#state !== 'new' && !isBound)
      throw new TransportError('invalid configuration', 'This transport was started before: make a new one.')
    this.#state = 'started'
    const rejections = new Rejections(receiver)
    const incoming = new IncomingLinks({
      peers: this.#peers,
      limits: this.#limits,
      receiver,
      rejections,
      introduce: (to) => this.#introduction(receiver, to, 0),
      heard: (peer, call) => {
        this.#connections.linked(peer, call.getPeer())
        this.#links.get(peer)?.nudge()
      },
      faultOfCaller: (call, id) => this.#credentials.faultOfReplica(call, id),
    })
    this.#incoming = incoming
    if (!isBound) await this.#bind()
    if (this.#isStopped()) return
    const entries = new SharedEntries()
    for (const [peer, address] of this.#peers) {
      const link = new PeerLink({
        peer,
        address,
        limits: this.#limits,
        receiver,
        rejections,
        entries,
        introduce: (attempt) => this.#introduction(receiver, peer, attempt),
        secure: (socket: Socket) => this.#credentials.secure(socket, peer),
      })
      this.#links.set(peer, link)
    }
    for (const link of this.#links.values()) link.start()
  }

  async #bind(): Promise<void> {
    const server = this.#createServer()
    const listener = await this.#open(this.#options.listen, {
      connected: (socket) => {
        this.#connections.arrived(socket)
        this.#credentials.receive(socket, (connection) => {
          this.#connections.accepted(connection)
          server.accept(connection)
        })
      },
      lost: (error) => {
        this.#stopLinks()
        this.#rejectClosed(error)
      },
    })
    this.#listener = listener
    this.#server = server
    if (this.#isStopped()) this.#stopLinks()
  }

  send(to: Member, message: Message): void {
    this.#links.get(to.id)?.send(to, message)
  }

  queuedBytes(peer: ReplicaId): number {
    return this.#links.get(peer)?.queuedBytes ?? 0
  }

  stop(): Promise<void> {
    if (this.#state !== 'stopped') {
      this.#state = 'stopped'
      this.#stopLinks()
      this.#resolveClosed()
    }
    return Promise.resolve()
  }

  #isStopped(): boolean {
    return this.#state === 'stopped'
  }

  /** The listener goes last: while it stands nobody takes this replica for dead, and once it is gone nothing of it may arrive any more. */
  #stopLinks(): void {
    for (const link of this.#links.values()) link.stop()
    this.#incoming?.stop()
    this.#server?.destroy()
    this.#listener?.close()
  }

  #createServer(): GrpcServer {
    const { pingMs, silentMs } = this.#limits
    const server = new GrpcServer({
      longestRequest,
      callsPerConnection,
      pingMs,
      silentMs,
      onFault: this.#options.onFault ?? (() => undefined),
    })
    server.addByteStream(ReplicaServiceService.link.path, longestRequest, (call) => this.#answer(call))
    for (const { definition, implementation } of this.#options.services ?? [])
      server.addService(definition, implementation)
    return server
  }

  #answer(call: ByteStream): void {
    if (this.#incoming === undefined) call.finish({ code: notTakingPart, details: this.#whyNot() })
    else this.#incoming.handle(call)
  }

  #introduction(receiver: TransportReceiver, to: ReplicaId, attempt: number): Introduction {
    return { hello: receiver.hello(), to, attempt, listener: this.address ?? this.#options.listen }
  }
}

function checkAddress(what: string, address: PeerAddress, lowestPort: number): void {
  const { host, port } = address
  if (host === '') throw new TransportError('invalid configuration', `${what}: no host is given.`)
  if (!Number.isInteger(port) || port < lowestPort || port > 65_535) {
    throw new TransportError(
      'invalid configuration',
      `${what}: ${formatAddress(address)} has no port between ${lowestPort} and 65535.`,
    )
  }
}
