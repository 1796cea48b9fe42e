import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'

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
  readonly implementation: UntypedServiceImplementation
  update(health: Health): void
  /** Ends open `Watch` calls, so that nobody has to wait for them. */
  close(): void
}

/** `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
export function createHealthService(): HealthService {
  const health = new HealthImplementation({ '': 'NOT_SERVING', [chatService]: 'NOT_SERVING' })
  const { definition, implementation } = serviceOf(health)
  const { watch, ...others } = implementation
  const watchers = new Set<{ end(): void }>()
  let told: Health = { ready: false, serving: false }
  return {
    definition,
    implementation: {
      ...others,
      // The library keeps every name that was ever asked for, and as many calls as come.
      watch: (call: WatchCall) => {
        const known = call.request.service === '' || call.request.service === chatService
        if (!known || watchers.size >= mostWatchers) {
          call.write({ status: known ? 'UNKNOWN' : 'SERVICE_UNKNOWN' })
          call.end()
          return
        }
        watchers.add(call)
        call.on('cancelled', () => watchers.delete(call))
        if (typeof watch === 'function') Reflect.apply(watch, undefined, [call])
      },
    },
    update: (now) => {
      if (now.ready !== told.ready) health.setStatus('', word(now.ready))
      if (now.serving !== told.serving) health.setStatus(chatService, word(now.serving))
      told = now
    },
    close: () => {
      for (const call of watchers) call.end()
      watchers.clear()
    },
  }
}

interface WatchCall {
  readonly request: { readonly service: string }
  write(status: { readonly status: string }): void
  end(): void
  on(event: 'cancelled', listener: () => void): void
}

function word(serves: boolean): 'SERVING' | 'NOT_SERVING' {
  return serves ? 'SERVING' : 'NOT_SERVING'
}

/** What the library would add to a server. */
function serviceOf(health: HealthImplementation): {
  definition: ServiceDefinition
  implementation: UntypedServiceImplementation
} {
  let added: { definition: ServiceDefinition; implementation: UntypedServiceImplementation } | null = null
  health.addToServer({
    addService: (definition: ServiceDefinition, implementation: UntypedServiceImplementation) => {
      added = { definition, implementation }
    },
  })
  if (added === null) throw new Error('grpc-health-check added no service')
  return added
}
