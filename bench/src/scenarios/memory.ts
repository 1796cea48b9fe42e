import { bearerMetadata } from '@chatroom/transport-grpc/chat'
import { subscribeRequest } from '../chat/mailbox-reader.ts'
import { type Seed, startSeededAlone, tokenOfReader } from '../chat/seed.ts'
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
    const empty = await resident({ accounts: 1, messages: 0, readers: 0 })
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

/** Of a leader that read its state from the disk: what filling it and giving it to others took is not in it. */
async function resident(seed: Seed): Promise<number> {
  const cluster = await startSeededAlone(seed)
  try {
    return residentBytes(cluster.replica(0).pid)
  } finally {
    await cluster.destroy()
  }
}

async function idleReaders(count: number): Promise<number> {
  const cluster = await startSeededAlone({ accounts: count, messages: 0, readers: count })
  const clients: RawClient[] = []
  try {
    const { pid } = cluster.replica(0)
    const before = residentBytes(pid)
    for (let number = 0; number < count; number++) {
      const client = new RawClient(cluster.servers[0] ?? '')
      clients.push(client)
      await client.ready()
      const metadata = bearerMetadata(tokenOfReader(number))
      const stream = client.listen('/chatroom.v1.ChatService/Subscribe', subscribeRequest, metadata)
      stream.on('data', () => undefined).on('error', () => undefined)
    }
    await until(`${count} subscriptions`, async () =>
      (await cluster.metric(0, 'chatroom_service_subscriptions')) === count ? true : null,
    )
    return (residentBytes(pid) - before) / count
  } finally {
    for (const client of clients) client.close()
    await cluster.destroy()
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_024 / 1_024).toFixed(0)} MiB`
}
