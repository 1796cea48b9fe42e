import type { Probe } from './leader-search.ts'
import type { ReplicaChannel } from './replica-channel.ts'

/** What one replica said of itself just now. */
export interface ReplicaLook {
  /** `host:port`. */
  readonly address: string
  /** `answers`: it is there and does not lead. */
  readonly state: 'leads' | 'answers' | 'silent'
  /** From the question to the answer, milliseconds; null without one. */
  readonly ms: number | null
}

/** Asks all at once; whoever says nothing in the time of a probe is silent. */
export async function lookAt(
  channels: readonly ReplicaChannel[],
  probe: Probe,
  signal: AbortSignal,
): Promise<readonly ReplicaLook[]> {
  return await Promise.all(
    channels.map(async (channel): Promise<ReplicaLook> => {
      const askedAt = performance.now()
      const { kind } = await probe(channel, signal)
      const { address } = channel
      if (kind === 'silent') return { address, state: 'silent', ms: null }
      return { address, state: kind === 'leads' ? 'leads' : 'answers', ms: performance.now() - askedAt }
    }),
  )
}
