import { once } from 'node:events'
import { join } from 'node:path'
import { bearerMetadata } from '@chatroom/transport-grpc/chat'
import { Metadata } from '@grpc/grpc-js'
import { subscribeRequest } from '../chat/mailbox-reader.ts'
import { type Seed, startSeededAlone, tokenOfReader } from '../chat/seed.ts'
import { freePorts } from '../ports.ts'
import { Process, programs } from '../processes.ts'
import { atMost, row } from '../report/row.ts'
import { makeDirectory } from '../temporary.ts'
import { residentBytes } from '../usage.ts'
import { RawClient } from '../wire.ts'
import type { Scenario } from './scenario.ts'

const textBytes = 100
/** Listeners before the first look: what a process makes once, and the young generation, have grown by then. */
const warmUp = 200

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
    const floor = await heldStreams(readers)
    progress(`the same of a server that does nothing: ${(floor / 1_024).toFixed(1)} KiB each`)
    const message = (withMessages - withAccounts) / messages
    return [
      row('memory', 'empty', 'MiB', [empty / 1_024 / 1_024]),
      row('memory', `an account, of ${accounts}`, 'bytes', [(withAccounts - empty) / accounts], atMost(600)),
      row('memory', `a message, of ${messages}, by its text`, 'ratio', [message / textBytes], atMost(4)),
      row('memory', `an idle reader, of ${readers}`, 'KiB', [each / 1_024], atMost(20)),
      row('memory', 'a stream of a server that does nothing', 'KiB', [floor / 1_024]),
      // With few readers it can be less than what a process gains or loses by chance.
      ...(floor > 0 ? [row('memory', 'an idle reader, by such a stream', 'ratio', [each / floor])] : []),
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
  const cluster = await startSeededAlone({ accounts: count + warmUp, messages: 0, readers: count + warmUp })
  try {
    const address = cluster.servers[0] ?? ''
    return await perListener(cluster.replica(0).pid, count, (number) => ({
      address,
      path: '/chatroom.v1.ChatService/Subscribe',
      metadata: bearerMetadata(tokenOfReader(number)),
    }))
  } finally {
    await cluster.destroy()
  }
}

/** The same connections and streams at a grpc-js server without anything of ours: what Node and gRPC take. */
async function heldStreams(count: number): Promise<number> {
  const { directory, remove } = makeDirectory()
  const port = await freePorts(1)
  const server = new Process(programs.echo, [String(port)], join(directory, 'log'))
  try {
    const address = `127.0.0.1:${port}`
    return await perListener(server.pid, count, () => ({
      address,
      path: '/bench.Echo/Hold',
      metadata: new Metadata(),
    }))
  } finally {
    await server.end()
    remove()
  }
}

interface Listening {
  readonly address: string
  readonly path: string
  readonly metadata: Metadata
}

/** Bytes that a process takes for one listener on a connection of its own, who has had a first answer. */
async function perListener(
  pid: number,
  count: number,
  listening: (number: number) => Listening,
): Promise<number> {
  const clients: RawClient[] = []
  try {
    let before = 0
    for (let number = 0; number < count + warmUp; number++) {
      if (number === warmUp) before = residentBytes(pid)
      const { address, path, metadata } = listening(number)
      const client = new RawClient(address)
      clients.push(client)
      await client.ready()
      const stream = client.listen(path, subscribeRequest, metadata)
      stream.on('error', () => undefined)
      await once(stream.resume(), 'data')
    }
    return (residentBytes(pid) - before) / count
  } finally {
    for (const client of clients) client.close()
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_024 / 1_024).toFixed(0)} MiB`
}
