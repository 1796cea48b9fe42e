import { bearerMetadata, cancelSoon, setTraceparent } from '@chatroom/transport-grpc/chat'
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import type { Trust } from './credentials.ts'

/** One method of the generated service definition. */
export interface Method<Request, Response> {
  readonly path: string
  readonly requestSerialize: (request: Request) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Response
}

/** What a call says of itself in its metadata. */
export interface Caller {
  /** Secret. */
  readonly token: string | null
  /** Which trace it is part of. */
  readonly traceparent: string | null
}

/** Says nothing of itself. */
export const anonymous: Caller = { token: null, traceparent: null }

/** A unary call under way. */
export interface Call<Response> {
  /** Rejects with a `ServiceError`, also after `leave`. */
  readonly answer: Promise<Response>
  readonly leave: () => void
}

const channelOptions = {
  // A replica that comes back may be asked to lead soon after, by one that stops as planned: it has to be connected again by then. gRPC's own first pause would be a second.
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 200,
  'grpc.dns_min_time_between_resolutions_ms': 1_000,
  // A stopped process closes no connection: an idle subscription learns of it by the ping that stays unanswered.
  'grpc.keepalive_time_ms': 2_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.keepalive_permit_without_calls': 1,
  // Who to try next, and when, is decided here and nowhere else.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  // A proxy for the web that happens to be set in the environment cannot reach the replicas.
  'grpc.enable_http_proxy': 0,
  // Each client its own connections: one that reads slowly does not hold up another in the same process.
  'grpc.use_local_subchannel_pool': 1,
}

/** The connection to one replica, kept open whether it leads or not. */
export class ReplicaChannel {
  /** `host:port`. */
  readonly address: string
  readonly #client: Client
  #closed = false

  constructor(address: string, trust: Trust) {
    this.address = address
    this.#client = new Client(address, trust.credentials, { ...channelOptions, ...trust.channelOptions })
    this.#keepWarm()
  }

  /**
   * @param deadlineMs after which gRPC gives the call up, milliseconds from now
   */
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    { token, traceparent }: Caller,
    deadlineMs: number,
  ): Call<Response> {
    let call: ClientUnaryCall | undefined
    const answer = new Promise<Response>((resolve, reject) => {
      call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        callMetadata(token, traceparent),
        { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, response?: Response) => {
          if (error !== null) reject(error)
          else if (response !== undefined) resolve(response)
        },
      )
    })
    return { answer, leave: () => (call === undefined ? undefined : cancelSoon(call)) }
  }

  serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    token: string | null,
  ): ClientReadableStream<Response> {
    return this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      callMetadata(token),
    )
  }

  duplexStream<Request, Response>(
    method: Method<Request, Response>,
    token: string | null,
  ): ClientDuplexStream<Request, Response> {
    return this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      callMetadata(token),
    )
  }

  /** Calls under way fail. */
  close(): void {
    this.#closed = true
    this.#client.close()
  }

  /** gRPC lets a lost connection rest until the next call; a failover has no time for that. */
  #keepWarm(): void {
    const channel = this.#client.getChannel()
    const watch = (): void => {
      if (this.#closed) return
      const state = channel.getConnectivityState(true)
      channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, watch)
    }
    watch()
  }
}

function callMetadata(token: string | null, traceparent: string | null = null): Metadata {
  const metadata = token === null ? new Metadata() : bearerMetadata(token)
  if (traceparent !== null) setTraceparent(metadata, traceparent)
  return metadata
}
