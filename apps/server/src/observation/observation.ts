import type { ChatService } from '@chatroom/chat-service'
import type { Address } from '@chatroom/configuration'
import type { ReplicaEvent, ReplicaLoad, ReplicaObserver, ReplicaStatus } from '@chatroom/replica'
import type { Chat } from '@chatroom/state-machine'
import { createHealthService, type HealthService } from './health-service.ts'
import { type ObservationPort, openObservationPort } from './http-port.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { type Check, isReady, readiness } from './readiness.ts'

/** Milliseconds between two looks at what health checks are told. Changes of leader and view are told at once. */
const lookEvery = 250

/** What can be looked at. */
interface Observed {
  readonly replica: {
    status(): ReplicaStatus
    mending(): { readonly words: string } | null
    load(): ReplicaLoad
    readonly stateMachine: Pick<Chat, 'counts' | 'answeredAgain'>
  }
  readonly service: Pick<ChatService, 'counts'>
}

/** One replica as seen from outside: metrics and probes over HTTP, health checks over gRPC. */
export interface Observation {
  /** For the replica; null where nobody can ask for metrics, so that nothing is measured. */
  readonly observer: ReplicaObserver | null
  readonly health: Pick<HealthService, 'definition' | 'implementation'>
  readonly heard: (event: ReplicaEvent) => void
  readonly refused: (reason: string) => void
  /** There is something to look at. */
  measure(observed: Observed): void
  /** It was asked to stop: not ready from now on. */
  stopping(): void
  close(): Promise<void>
}

/**
 * `address`: of the HTTP port; null for none.
 * @throws StartupError if it cannot be bound
 */
export async function createObservation(address: Address | null): Promise<Observation> {
  const metrics: Metrics | null = address === null ? null : createMetrics()
  const health = createHealthService()
  let observed: Observed | null = null
  let stopping = false
  let diskFull = false
  let halted: string | null = null

  const status = (): ReplicaStatus | null => {
    try {
      return observed?.replica.status() ?? null
    } catch {
      return null
    }
  }
  const ready = (): readonly Check[] => {
    const beginning = observed?.replica.mending()?.words ?? null
    return readiness({ status: status(), beginning, stopping, diskFull })
  }
  const live = (): readonly Check[] => [{ name: 'replica', fault: halted }]
  const look = (): void =>
    health.update({ ready: isReady(ready()), serving: !stopping && status()?.serving === true })

  const port: ObservationPort | null =
    address === null || metrics === null ? null : await openObservationPort(address, { metrics, live, ready })
  const timer = setInterval(look, lookEvery)
  timer.unref()

  return {
    observer: metrics?.observer ?? null,
    health,
    heard: (event) => {
      if (event.type === 'storage full') diskFull = event.full
      if (event.type === 'halted') halted = `it stopped itself: ${event.reason}`
      metrics?.heard(event)
      look()
    },
    refused: (reason) => metrics?.refused(reason),
    measure: (now) => {
      observed = now
      const { replica, service } = now
      metrics?.measure({ replica, service, chat: replica.stateMachine, ready: () => isReady(ready()) })
    },
    stopping: () => {
      stopping = true
      look()
      health.close()
    },
    close: async () => {
      clearInterval(timer)
      await port?.close()
    },
  }
}
