import { setTimeout as pause } from 'node:timers/promises'
import { connect } from '@chatroom/client'
import { makeAccounts, readerName } from '../chat/accounts.ts'
import { ChatCluster } from '../chat/cluster.ts'
import { countLosses, type Losses } from '../chat/losses.ts'
import { type Acknowledged, SteadyWriter } from '../chat/steady-writer.ts'

/** How long the writer is watched before and behind the moment. */
const watchMs = 150

/** What was seen around one moment at which replicas were struck. */
export interface Gap {
  /** From just before the strike to the first acknowledgement of a message that was sent behind it, milliseconds. */
  readonly ms: number
  readonly struckAt: number
  readonly acknowledged: readonly Acknowledged[]
}

export interface Interruptions {
  readonly gaps: readonly Gap[]
  readonly losses: Losses
}

/**
 * Strikes the leader again and again while a writer writes, and brings back whoever died. `strike` gives the ids of the replicas that it struck.
 */
export async function interrupt(
  times: number,
  strike: (cluster: ChatCluster, leader: number) => readonly number[],
  progress: (words: string) => void,
): Promise<Interruptions> {
  const cluster = await ChatCluster.start()
  try {
    const [reader, sender] = await makeAccounts(cluster.servers[await cluster.leader()] ?? '', [
      readerName,
      'sender',
    ])
    if (reader === undefined || sender === undefined) throw new Error('Two accounts were to be made.')
    const client = await connect({ servers: cluster.servers, requestTimeoutMs: 60_000 })
    client.resume({ token: sender.token })
    const ids: string[] = []
    const gaps: Gap[] = []
    for (let time = 1; time <= times; time++) {
      const leader = await cluster.untilWhole()
      const writer = new SteadyWriter(client)
      await writer.firstAfter(performance.now() + watchMs)
      const struckAt = performance.now()
      const struck = strike(cluster, leader)
      const { at } = await writer.firstAfter(struckAt)
      await pause(watchMs)
      await writer.stop()
      ids.push(...writer.ids)
      gaps.push({ ms: at - struckAt, struckAt, acknowledged: writer.acknowledged })
      progress(
        `${time} of ${times}: struck ${struck.join(' and ')}, next acknowledgement after ${(at - struckAt).toFixed(0)} ms`,
      )
      await bringBack(cluster, struck)
    }
    await cluster.untilWhole()
    await client.close({ logout: false })
    const reading = await connect({ servers: cluster.servers })
    reading.resume({ token: reader.token })
    const losses = await countLosses(reading, ids)
    await reading.close({ logout: false })
    return { gaps, losses }
  } finally {
    await cluster.destroy()
  }
}

/** A replica that was only stopped was killed by the others, or is killed now. */
async function bringBack(cluster: ChatCluster, struck: readonly number[]): Promise<void> {
  for (const id of struck) {
    await cluster.replica(id).end('SIGKILL')
    cluster.start(id)
  }
}
