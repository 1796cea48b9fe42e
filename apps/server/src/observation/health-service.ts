import { status as codes, type ServerWritableStream, type ServiceDefinition } from '@grpc/grpc-js'
import {
  HealthService as definition,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthServer,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../gen/grpc/health/v1/health.ts'

/** The service of clients, as health checks name it. */
const chatService = 'chatroom.v1.ChatService'
/** `Watch` calls at once: a few load balancers need no more. */
const mostWatchers = 64

/** What health checks are told. */
interface Health {
  /** The replica takes part and knows who leads: for '', the server as a whole. */
  readonly ready: boolean
  /** It leads and serves: for `chatroom.v1.ChatService`. */
  readonly serving: boolean
}

export interface HealthService {
  readonly definition: ServiceDefinition
  readonly implementation: HealthServer
  update(health: Health): void
  /** Ends open `Watch` calls, so that nobody has to wait for them. */
  close(): void
}

type WatchCall = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>

/** `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
export function createHealthService(): HealthService {
  const watchers = new Map<WatchCall, string>()
  const statuses = new Map([
    ['', answer(false)],
    [chatService, answer(false)],
  ])
  const tell = (service: string, serves: boolean): void => {
    const status = answer(serves)
    if (statuses.get(service)?.status === status.status) return
    statuses.set(service, status)
    for (const [call, watched] of watchers) if (watched === service) call.write(status)
  }
  return {
    definition,
    implementation: {
      check: ({ request: { service } }, reply) => {
        const status = statuses.get(service)
        if (status === undefined)
          reply({ code: codes.NOT_FOUND, details: `there is no service "${service.slice(0, 100)}"` })
        else reply(null, status)
      },
      // What is unknown never becomes known, and nobody needs as many calls as anybody might make.
      watch: (call) => {
        const { service } = call.request
        const status = statuses.get(service)
        if (status === undefined || watchers.size >= mostWatchers) {
          call.write({ status: status === undefined ? ServingStatus.SERVICE_UNKNOWN : ServingStatus.UNKNOWN })
          call.end()
          return
        }
        watchers.set(call, service)
        call.on('cancelled', () => watchers.delete(call))
        call.write(status)
      },
      list: (_, reply) => reply(null, { statuses }),
    },
    update: ({ ready, serving }) => {
      tell('', ready)
      tell(chatService, serving)
    },
    close: () => {
      for (const call of watchers.keys()) call.end()
      watchers.clear()
    },
  }
}

function answer(serves: boolean): HealthCheckResponse {
  return { status: serves ? ServingStatus.SERVING : ServingStatus.NOT_SERVING }
}
