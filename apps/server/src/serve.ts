import { randomBytes } from 'node:crypto'
import {
  createChatService,
  createPasswords,
  defaultLimits,
  type ServiceLimits,
  systemClock,
} from '@chatroom/chat-service'
import type { Address, Cluster, ClusterMember, TlsFiles } from '@chatroom/configuration'
import { createReplica, type Limits, type Replica, ReplicaError, type SavedSnapshot } from '@chatroom/replica'
import { createProcessFencer, thisProcess } from '@chatroom/replica/process-fencer'
import { type Storage, StorageError } from '@chatroom/replication-log'
import { openFileStorage } from '@chatroom/replication-log/file'
import { Chat, type Command, type Reply } from '@chatroom/state-machine'
import {
  type Certificates,
  createEntrySource,
  createGrpcTransport,
  createPeerTls,
  type EntryKeeper,
  openCertificates,
  repairService,
  TransportError,
} from '@chatroom/transport-grpc'
import { adminService } from '@chatroom/transport-grpc/admin'
import { accountAdministration } from './account-administration.ts'
import type { ConnectionLimits } from './client-connections.ts'
import { type ClientListener, listenForClients } from './client-listener.ts'
import { changeLevel, type Logger } from './logging.ts'
import { createObservation, type Observation } from './observation/observation.ts'
import { logReplicaEvent } from './replica-events.ts'
import { sparseNotices } from './sparse-notices.ts'
import { StartupError } from './startup-error.ts'
import { stateHash } from './state-hash.ts'
import type { StopRequest } from './stop-request.ts'
import { openReplicaTraces } from './traces.ts'

export interface ServeOptions {
  readonly cluster: Cluster
  /** This replica. */
  readonly member: ClusterMember
  /** The certificates of this replica; null for plain text. */
  readonly tls: TlsFiles | null
  /** Where to show metrics and health over HTTP; null for nowhere. */
  readonly metrics: Address | null
  /** Share of messages and calls to make traces of; null for none, also where a client asks for it. */
  readonly traces: number | null
  readonly connections: ConnectionLimits
  /** gRPC reflection on the client port. */
  readonly reflection: boolean
  /** Bounds on what accounts and addresses may ask. */
  readonly rates: Pick<
    ServiceLimits,
    'loginAttemptsPerAccount' | 'loginAttemptsPerAddress' | 'sendsPerSecond'
  >
  /** What log and snapshots may take on the disk; null for all there is. */
  readonly quotaBytes: number | null
  /** How long to wait for replicas that may have what is damaged on this one's disk, milliseconds. */
  readonly repairWaitMs: number
  /** How long sessions live. */
  readonly sessions: Pick<ServiceLimits, 'idleTimeoutDefaultMs' | 'sessionLifetimeMs'>
  readonly stop: StopRequest
  readonly log: Logger
}

/** How long a replica may be silent while its process is not stopped: a busy host is slow, not dead. */
const slowPatienceMs = 4_000

/** Time for each step of a clean stop, milliseconds. What is not finished by then is broken off; nothing acknowledged is lost by that. */
const handOverMs = 2_500
const finishCallsMs = 2_500
const closeMs = 2_500

/**
 * Runs one replica until it is asked to stop. Resolves after a clean stop.
 * @throws StartupError if it cannot start; ReplicaError `halted` if it had to stop itself
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { cluster, member, stop, log } = options
  const certificates = options.tls === null ? null : certificatesOf(options.tls, log)
  const refused = refusalLog(log)
  const onFault = (error: unknown): void =>
    log.error({ event: 'service.fault', err: error }, 'a call failed by a fault of the server')
  const peerTls =
    certificates === null
      ? null
      : createPeerTls({ certificates, refused: (refusal) => refused('peer', refusal) })
  const trust = peerTls === null ? {} : { credentials: peerTls }
  const observation = await createObservation(options.metrics)
  const traces = options.traces === null ? null : await openReplicaTraces(options.traces, member.id, log)
  const tracing = traces === null ? {} : { tracing: traces.stages }
  const passwords = await createPasswords({ ...defaultLimits, random: randomBytes })
  const others = cluster.members.filter(({ id }) => id !== member.id)
  const { storing, snapshotting } = withinQuota(options.quotaBytes)
  const storage = openFileStorage({
    directory: member.dataDirectory,
    replicaId: member.id,
    report: (notice) => log.warn({ event: 'storage.notice' }, notice),
    ...storing,
  })
  const replica: Replica<Command, Reply, Chat> = createReplica({
    id: member.id,
    members: cluster.members.map(({ id }) => id),
    mode: cluster.mode,
    stateMachine: new Chat(),
    storage,
    mendFrom: others.map(({ id, peerAddress }) =>
      createEntrySource({ id, address: peerAddress, ...(certificates === null ? {} : { certificates }) }),
    ),
    mendWithinMs: options.repairWaitMs,
    ...snapshotting,
    transport: createGrpcTransport({
      id: member.id,
      listen: member.peerAddress,
      peers: new Map(cluster.members.map(({ id, peerAddress }) => [id, peerAddress])),
      ...trust,
      refused: (refusal) => refused('peer', refusal),
      onFault,
      services: [
        adminService(
          {
            status: () => replica.status(),
            transferLeadership: (to) => replica.transferLeadership(to),
            changeMembers: (change) => replica.changeMembers(change),
            logLevel: (level) => changeLevel(log, level),
            accounts: accountAdministration({
              read: (query) => replica.read(query),
              propose: (command) => replica.propose(command),
            }),
            snapshot: () => replica.snapshot(),
            stateHash: (index, howeverLong) => stateHash(replica, index, howeverLong),
          },
          trust,
        ),
        repairService(() => keeperOf(replica, storage), { peers: others.map(({ id }) => id), ...trust }),
      ],
    }),
    // Only processes of this host can be killed from here, and only this mode needs it.
    ...(cluster.mode === 'fail-stop' ? { fencer: createProcessFencer({ patienceMs: slowPatienceMs }) } : {}),
    ...(observation.observer === null ? {} : { observer: observation.observer }),
    ...tracing,
    hello: { clientAddress: member.clientAddress.text, ...(await thisProcess()) },
  })
  replica.on((event) => logReplicaEvent(log, event))
  replica.on(observation.heard)
  const service = createChatService({
    replica,
    passwords,
    clock: systemClock,
    random: randomBytes,
    limits: { ...options.sessions, ...options.rates },
    onFault,
    onRefusal: observation.refused,
    ...tracing,
    disconnect: (peer) => listener.disconnect(peer),
  })
  observation.measure({ replica, service })
  // Before the replica takes part: one that no client can reach must not come to lead.
  const listener: ClientListener = await listenForClients({
    address: member.clientAddress,
    service,
    health: observation.health,
    certificates,
    limits: options.connections,
    reflection: options.reflection,
    refused: (refusal) => refused('client', refusal),
    onFault,
  })
  // A replica that mends its disk may have to wait for others; it must not take a signal for that long.
  const begun = replica.start()
  const early = await Promise.race([
    begun.then(
      () => null,
      () => null,
    ),
    stop.requested,
  ])
  if (early !== null) await replica.stop()
  try {
    await begun
  } catch (error) {
    await listener.close(0)
    await observation.close()
    if (early === null) throw startupFailure(error)
    log.info({ event: 'replica.stopped', reason: early }, 'stopped before it took part')
    return
  }
  const { incarnation } = replica.status()
  log.info(
    {
      event: 'replica.started',
      mode: cluster.mode,
      incarnation,
      clientAddress: member.clientAddress.text,
      peerAddress: member.peerAddress.text,
      dataDirectory: member.dataDirectory,
      encrypted: certificates !== null,
    },
    `started; clients at ${member.clientAddress.text}, peers at ${member.peerAddress.text}`,
  )
  const reason = await Promise.race([stop.requested, replica.closed])
  log.info({ event: 'replica.stopping', reason }, `stopping: ${reason ?? 'closed'}`)
  await stopCleanly({ replica, service, listener, observation, log })
  await traces?.close()
  log.info({ event: 'replica.stopped' }, 'stopped')
}

const mebibyte = 1024 * 1024

/**
 * Space comes back only when a snapshot has taken the place of the log before it, and the log reaches back to the snapshot before that: so snapshots and segments have to be a
 * small part of a small quota.
 */
function withinQuota(bytes: number | null): {
  readonly storing: { readonly quotaBytes?: number; readonly segmentBytes?: number }
  readonly snapshotting: {
    readonly snapshotEveryBytes?: number
    readonly storageQuotaBytes?: number
    readonly limits?: Pick<Limits, 'compactMarginEntries' | 'uncommittedBytes'>
  }
} {
  if (bytes === null) return { storing: {}, snapshotting: {} }
  return {
    storing: { quotaBytes: bytes, segmentBytes: Math.min(16 * mebibyte, Math.floor(bytes / 16)) },
    snapshotting: {
      snapshotEveryBytes: Math.min(64 * mebibyte, Math.floor(bytes / 8)),
      // Commands stop before the storage does: what is under way already, and the views of an election, have room then.
      storageQuotaBytes: bytes - Math.floor(bytes / 8),
      // Entries that followers may still need: with the longest texts, 64 KiB, at most a quarter of the quota.
      limits: {
        compactMarginEntries: Math.min(10_000, Math.floor(bytes / (256 * 1024))),
        uncommittedBytes: Math.min(64 * mebibyte, Math.floor(bytes / 16)),
      },
    },
  }
}

/** What another replica may have of this one, also while it waits for what it has lost itself: then it has only what is whole, and vouches for nothing. */
function keeperOf(replica: Replica<Command, Reply, Chat>, storage: Storage): EntryKeeper {
  const snapshot = (): Promise<SavedSnapshot | null> => replica.snapshot()
  const end = replica.mending()?.damage.end
  if (end !== undefined) {
    const read: EntryKeeper['read'] = async (from, maxBytes) =>
      (await storage.salvage?.(from, maxBytes))?.entries ?? []
    return { clusterId: end.clusterId, holder: null, read, snapshot }
  }
  const { id, disk, clusterId, term, role, admitted, lastIndex } = replica.status()
  const holder = { id, disk, term, leads: role === 'leader', admitted, lastIndex }
  return { clusterId, holder, read: (from, maxBytes) => storage.read(from, maxBytes), snapshot }
}

/** @throws StartupError if they cannot be used */
function certificatesOf(files: TlsFiles, log: Logger): Certificates {
  try {
    return openCertificates(files, (notice) => {
      if (notice.type === 'reloaded') {
        const expires = notice.expires.toISOString()
        log.info(
          { event: 'certificates.reloaded', expires },
          `new connections use new certificates, until ${expires}`,
        )
      } else {
        const { reason } = notice
        log.error({ event: 'certificates.unusable', reason }, `goes on with the old certificates: ${reason}`)
      }
    })
  } catch (error) {
    throw startupFailure(error)
  }
}

/** Of connections that were refused for the same reason the log tells one in ten seconds. */
const refusalsEveryMs = 10_000

function refusalLog(
  log: Logger,
): (port: 'client' | 'peer', refusal: { readonly from: string; readonly reason: string }) => void {
  const sparse = sparseNotices(refusalsEveryMs, () => performance.now())
  return (port, { from, reason }) => {
    const keptBack = sparse(`${port} ${reason}`)
    if (keptBack === null) return
    log.warn(
      { event: `${port}.connection-refused`, from, reason, keptBack },
      `a connection to the ${port} port from ${from} was refused: it ${reason}`,
    )
  }
}

/** Hands leadership over and leaves, so that neither clients nor the other replicas lose time; finishes what is under way; closes. */
async function stopCleanly(parts: {
  readonly replica: { leave(): Promise<void>; stop(): Promise<void> }
  readonly service: { stop(): void }
  readonly listener: ClientListener
  readonly observation: Observation
  readonly log: Logger
}): Promise<void> {
  const { replica, service, listener, observation, log } = parts
  observation.stopping()
  const step = async (name: string, withinMs: number, work: () => Promise<void>): Promise<void> => {
    try {
      await within(withinMs, work())
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      log.info({ event: 'replica.stop-step-failed', step: name, why }, `stopping: could not ${name}: ${why}`)
    }
  }
  await step('hand over and leave the view', handOverMs, () => replica.leave())
  service.stop()
  await step('finish all calls', finishCallsMs + 500, () => listener.close(finishCallsMs))
  await step('close the log', closeMs, () => replica.stop())
  await observation.close()
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Why the replica could not start, as one sentence; what is no such reason is thrown on as it is. */
function startupFailure(error: unknown): unknown {
  const known =
    error instanceof StorageError || error instanceof TransportError || error instanceof ReplicaError
  if (!known) return error
  const { message } = error
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}`
  return new StartupError(/[.!?]$/.test(sentence) ? sentence : `${sentence}.`, { cause: error })
}
