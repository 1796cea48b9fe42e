import { bearerMetadata } from '@chatroom/transport-grpc/chat'
import { ChatCluster } from '../chat/cluster.ts'
import { subscribeRequest } from '../chat/mailbox-reader.ts'
import { type Seed, startSeeded, tokenOfReader } from '../chat/seed.ts'
import { atMost, row } from '../report/row.ts'
import { until } from '../until.ts'
import { residentBytes } from '../usage.ts'
import { RawClient } from '../wire.ts'
import type { Scenario } from './scenario.ts'

const textBytes = 100

/** What the leader's process takes from the system, all garbage and all tables included. */
export const memory: Scenario = {
  name: 'memory',
  about:
    "the leader's memory for an account, a waiting message of 100 bytes, and a connected reader that is idle",
  async run({ accounts, messages, readers, progress }) {
    const empty = await resident(null)
    progress(`empty: ${mebibytes(empty)}`)
    const withAccounts = await resident({ accounts, messages: 0, readers: 0 })
    progress(`${accounts} accounts: ${mebibytes(withAccounts)}`)
    const withMessages = await resident({ accounts, messages, readers: 0 })
    progress(`and ${messages} messages: ${mebibytes(withMessages)}`)
    const each = await idleReaders(readers)
    progress(`${readers} idle readers: ${(each / 1_024).toFixed(1)} KiB each`)
    const message = (withMessages - withAccounts) / messages
    return [
      row('memory', 'empty', 'MiB', [empty / 1_024 / 1_024]),
      row('memory', `an account, of ${accounts}`, 'bytes', [(withAccounts - empty) / accounts], atMost(600)),
      row('memory', `a message, of ${messages}, by its text`, 'ratio', [message / textBytes], atMost(4)),
      row('memory', `an idle reader, of ${readers}`, 'KiB', [each / 1_024], atMost(20)),
    ]
  },
}

/** Of the leader, started with its state on the disk: what filling it took is not in it. */
async function resident(seed: Seed | null): Promise<number> {
  const cluster = await (seed === null ? ChatCluster.start() : startSeeded(seed))
  try {
    if (seed !== null) {
      await cluster.stopAll()
      cluster.startAll()
    }
    return await ofLeader(cluster)
  } finally {
    await cluster.destroy()
  }
}

async function ofLeader(cluster: ChatCluster): Promise<number> {
  return residentBytes(cluster.replica(await cluster.untilWhole()).pid)
}

async function idleReaders(count: number): Promise<number> {
  const cluster = await startSeeded({ accounts: count, messages: 0, readers: count })
  const clients: RawClient[] = []
  try {
    const leader = await cluster.untilWhole()
    const before = await ofLeader(cluster)
    for (let number = 0; number < count; number++) {
      const client = new RawClient(cluster.servers[leader] ?? '')
      clients.push(client)
      await client.ready()
      const metadata = bearerMetadata(tokenOfReader(number))
      const stream = client.listen('/chatroom.v1.ChatService/Subscribe', subscribeRequest, metadata)
      stream.on('data', () => undefined).on('error', () => undefined)
    }
    await until(`${count} subscriptions`, async () =>
      (await cluster.metric(leader, 'chatroom_service_subscriptions')) === count ? true : null,
    )
    return ((await ofLeader(cluster)) - before) / count
  } finally {
    for (const client of clients) client.close()
    await cluster.destroy()
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_024 / 1_024).toFixed(0)} MiB`
}
