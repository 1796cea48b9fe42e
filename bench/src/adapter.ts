// The chat for a driver that measures several systems side by side: a file that exports `adapters`.
import type { ChildProcess } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { connect } from '@chatroom/client'
import { type Account, makeAccounts, readerName } from './chat/accounts.ts'
import { ChatCluster, ids } from './chat/cluster.ts'
import { MailboxReader } from './chat/mailbox-reader.ts'
import { requestFields, sendMessage, streamSender, unarySender } from './chat/senders.ts'
import { load } from './load.ts'
import { idBytes } from './payload.ts'
import type { Launch } from './processes.ts'
import type { Connection } from './systems/system.ts'

/** Sessions that the load is spread over. */
const senders = 8

/** Load before a throughput is measured, milliseconds: code that has just been started is not what serves a chat. With 64 in flight V8 compiles for some twelve seconds (BENCHMARKS.md). */
const warmup = [
  { inFlight: 1, ms: 4_000 },
  { inFlight: 64, ms: 16_000 },
] as const

interface ConnectOptions {
  /** Index of a replica. Default: the leader. */
  readonly endpoint?: number
  /** Retries by way of another replica, so all connections are of one session: a request id is known to one session only. */
  readonly failover?: boolean
}

/** What a `readIds` finds: ids, and how many messages in all. */
type FoundIds = Set<string> & { total: number }

function adapter(name: string, about: string, sender: typeof unarySender) {
  return {
    name,
    about,
    /** `round`: a driver gives it where it measures a throughput. */
    async start({ round }: { readonly round?: number } = {}) {
      const adapted = await startAdapted(sender)
      if (round !== undefined) await warmUp(adapted)
      return adapted
    },
  }
}

/** Of a driver: its own way to start processes. */
interface DriverLibrary {
  start(
    name: string,
    command: string,
    args: readonly string[],
    options: { readonly env: Readonly<Record<string, string>> },
  ): ChildProcess
}

/**
 * How the driver starts processes, if it has a way of its own, in its `lib/common.mjs`. Of others it believes that they disturb what it measures, and measures again until they take less.
 */
async function driversLaunch(): Promise<Launch | undefined> {
  const place = new URL('lib/common.mjs', pathToFileURL(process.argv[1] ?? ''))
  const library: unknown = await import(place.href).catch(() => null)
  if (!isLibrary(library)) return undefined
  return (args, { environment }) => library.start('chat', process.execPath, args, { env: environment })
}

function isLibrary(found: unknown): found is DriverLibrary {
  return typeof found === 'object' && found !== null && 'start' in found && typeof found.start === 'function'
}

async function warmUp(adapted: Awaited<ReturnType<typeof startAdapted>>): Promise<void> {
  for (const { inFlight, ms } of warmup) await load(adapted, { inFlight, ms, warmupMs: 0 })
}

async function startAdapted(sender: typeof unarySender) {
  const launch = await driversLaunch()
  const cluster = await ChatCluster.start(launch === undefined ? {} : { launch })
  const leader = await cluster.leader()
  const names = Array.from({ length: senders }, (_, n) => `sender${n}`)
  const [reader, ...accounts] = await makeAccounts(cluster.servers[leader] ?? '', [readerName, ...names])
  if (reader === undefined) throw new Error('A reader was to be made.')
  const mailbox = new MailboxReader(cluster.servers[leader] ?? '', reader)
  let next = 0
  return {
    endpoints: cluster.servers,
    pids: () => cluster.pids,
    goSpec: () => ({
      targets: cluster.servers[leader],
      method: sendMessage,
      prefix: requestFields.recipient.toString('hex'),
      idfield: requestFields.requestId,
      bodyfield: requestFields.text,
      header: 'authorization',
      values: accounts.map(({ token }) => `Bearer ${token}`),
    }),
    async connect({ endpoint, failover = false }: ConnectOptions = {}): Promise<Connection> {
      // What a run with failures leaves in the mailbox is counted at its end.
      if (failover) mailbox.stop()
      const account: Account | undefined = accounts[failover ? 0 : next++ % senders]
      if (account === undefined) throw new Error('Senders were to be made.')
      const connection = sender(cluster.servers[endpoint ?? leader] ?? '', account)
      if (endpoint === undefined) await connection.ready()
      return connection
    },
    async ready() {
      await cluster.untilWhole()
      return true
    },
    leader: () => cluster.leader(),
    async kill(id: number) {
      await cluster.replica(id).end('SIGKILL')
      return id
    },
    restart: (id: number) => cluster.start(id),
    async restartAll() {
      await cluster.stopAll()
      cluster.startAll()
      await cluster.untilWhole()
    },
    async readIds(): Promise<FoundIds> {
      return await readIds(cluster, reader)
    },
    async stop() {
      mailbox.stop()
      await cluster.destroy()
    },
  }
}

async function readIds(cluster: ChatCluster, { token }: Account): Promise<FoundIds> {
  const client = await connect({ servers: cluster.servers })
  client.resume({ token })
  const found: FoundIds = Object.assign(new Set<string>(), { total: 0 })
  for await (const { text } of client.inbox({ follow: false })) {
    found.add(text.slice(0, idBytes).replace(/[.]+$/, ''))
    found.total++
  }
  await client.close({ logout: false })
  return found
}

export const adapters = [
  adapter(
    'chat-unary',
    `SendMessage on ${ids.length} replicas in fail-stop mode, reader connected`,
    unarySender,
  ),
  adapter(
    'chat-stream',
    `SendMessages, up to 64 messages a request, on ${ids.length} replicas in fail-stop mode, reader connected`,
    streamSender,
  ),
]
