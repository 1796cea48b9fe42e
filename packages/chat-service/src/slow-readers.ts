import { ChatFailure } from './failure.ts'
import type { OpenStreams } from './open-streams.ts'
import type { Clock } from './ports.ts'

/** Looks in the time that readers get. */
const looks = 4

/**
 * Ends streams whose readers take nothing of what waits for them. What waits is bounded for each stream, but without this whoever stops reading would hold it for ever. The
 * connection goes too, because the end of a stream would wait behind what nobody reads.
 */
export function cutOffSlowReaders(parts: {
  readonly streams: readonly OpenStreams[]
  readonly clock: Clock
  readonly slowReaderMs: number
  readonly disconnect: (peer: string) => void
}): () => void {
  const { streams, clock, slowReaderMs, disconnect } = parts
  return clock.every(slowReaderMs / looks, () => {
    for (const open of streams) {
      for (const stream of open.stalledSince(clock.now() - slowReaderMs)) {
        const { peer } = stream
        stream.end(
          new ChatFailure(
            'OVERLOADED',
            `Nothing was read for ${slowReaderMs} ms: read faster, and begin again.`,
          ),
        )
        disconnect(peer)
      }
    }
  })
}
