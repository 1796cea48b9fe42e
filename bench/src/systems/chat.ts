import { type ChatClient, connect } from '@chatroom/client'
import { type Account, makeAccounts, readerName } from '../chat/accounts.ts'
import { ChatCluster } from '../chat/cluster.ts'
import { MailboxReader } from '../chat/mailbox-reader.ts'
import { bareUnary, streamSender } from '../chat/senders.ts'
import { idOf } from '../payload.ts'
import type { Connection, RunningSystem, System } from './system.ts'

/** How somebody with an account sends to the leader. */
type Sending = (cluster: ChatCluster, leader: string, sender: Account) => Promise<Connection>

/** The chat with all it does for a message: session, dedup, mailbox, delivery to a connected reader, its acknowledgement. */
export async function serveChat(cluster: ChatCluster, sending: Sending): Promise<RunningSystem> {
  const leader = cluster.servers[await cluster.untilWhole()] ?? ''
  const [reader, sender] = await makeAccounts(leader, [readerName, 'sender'])
  if (reader === undefined || sender === undefined) throw new Error('Two accounts were to be made.')
  const mailbox = new MailboxReader(leader, reader)
  return {
    pids: () => cluster.pids,
    connect: () => sending(cluster, leader, sender),
    async stop() {
      mailbox.stop()
      await cluster.destroy()
    },
  }
}

export const overUnary: Sending = (_cluster, leader, sender) => bareUnary(leader, sender)

export const overStream: Sending = async (_cluster, leader, sender) => {
  const connection = streamSender(leader, sender)
  await connection.ready()
  return connection
}

const overClient: Sending = async (cluster, _leader, { token }) => {
  const client = await connect({ servers: cluster.servers, maximumInFlight: 1_000 })
  client.resume({ token })
  return clientConnection(client)
}

/** Sends with packages/client, which finds the leader by itself. */
function clientConnection(client: ChatClient): Connection {
  return {
    async write(payload) {
      await client.send(readerName, payload.toString('latin1'), { requestId: idOf(payload) })
    },
    close: () => client.close({ logout: false }),
  }
}

function chat(name: string, about: string, sending: Sending): System {
  return {
    name,
    about,
    start: async () => await serveChat(await ChatCluster.start(), sending),
  }
}

export const chatUnary: System = chat('chat-unary', 'SendMessage', overUnary)
export const chatStream: System = chat('chat-stream', 'SendMessages, up to 64 messages a request', overStream)
export const chatClient: System = chat('chat-client', 'packages/client', overClient)
