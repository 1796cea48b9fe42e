import type { ChatService } from '@chatroom/chat-service'
import type { ReplicaEvent, ReplicaLoad, ReplicaObserver, ReplicaStatus } from '@chatroom/replica'
import type { Chat } from '@chatroom/state-machine'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { registerGauges } from './gauges.ts'
import { KeptDurations, KeptWaits } from './kept-observations.ts'

/** What is looked at when somebody asks for the metrics. */
export interface Measured {
  readonly replica: {
    /** Throw while it does not run. */
    status(): ReplicaStatus
    load(): ReplicaLoad
  }
  readonly chat: Pick<Chat, 'counts' | 'answeredAgain'>
  readonly service: Pick<ChatService, 'counts'>
  readonly ready: () => boolean
}

export interface Metrics {
  readonly contentType: string
  /** In Prometheus' text format. */
  text(): Promise<string>
  /** All there are, for the test of the document. */
  list(): { readonly name: string; readonly type: string; readonly help: string }[]
  /** For the replica's `observer`. */
  readonly observer: ReplicaObserver
  readonly heard: (event: ReplicaEvent) => void
  readonly refused: (reason: string) => void
  /** What the gauges show. Until it is called there is none to ask. */
  measure(measured: Measured): void
}

/** Seconds: 0.1 ms to about 6.5 s, each twice the one before. */
const buckets = Array.from({ length: 17 }, (_, n) => 0.0001 * 2 ** n)
const snapshotBuckets = [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120]

/**
 * The metrics of one replica, METRICS.md lists them. Where etcd has a metric of the same meaning the name is etcd's with `chatroom_` instead of `etcd_`. No label holds
 * anything that a user chose.
 */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const counter = <L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> =>
    new Counter({ name, help, labelNames, registers })
  const histogram = <L extends string = never>(
    name: string,
    help: string,
    labelNames: L[] = [],
    bounds = buckets,
  ): Histogram<L> => new Histogram({ name, help, labelNames, registers, buckets: bounds })
  const durationsOf = (name: string, help: string): ((ms: number) => void) => {
    const durations = new KeptDurations()
    const shown = new Histogram({
      name,
      help,
      registers,
      buckets,
      collect() {
        durations.handOver(this)
      },
    })
    return (ms) => durations.add(ms, shown)
  }

  const leaderChanges = counter('chatroom_server_leader_changes_seen_total', 'Leader changes seen')
  const failed = counter(
    'chatroom_server_proposals_failed_total',
    'Commands not taken, or of unknown outcome',
    ['code'],
  )
  const stalls = counter('chatroom_server_stalls_total', 'Times the whole process stood still')
  const fenced = counter('chatroom_server_fenced_total', 'Silent replicas killed from here', ['Member'])
  const dead = counter('chatroom_server_members_proven_dead_total', 'Members of the view proven dead', [
    'Member',
  ])
  const fsync = durationsOf('chatroom_disk_wal_fsync_duration_seconds', 'One durable write to the log')
  const commit = durationsOf(
    'chatroom_server_commit_duration_seconds',
    'Leader: from entering its log to committed',
  )
  const waits = new KeptWaits()
  new Counter({
    name: 'chatroom_server_commit_waited_for_member_seconds_total',
    help: 'Fail-stop leader: time that commits waited for this member alone',
    labelNames: ['Member'],
    registers,
    collect() {
      waits.handOver(this)
    },
  })
  const roundTrip = histogram(
    'chatroom_network_peer_round_trip_time_seconds',
    'Leader: a heartbeat and its answer',
    ['To'],
  )
  const saved = histogram(
    'chatroom_snap_save_duration_seconds',
    'One snapshot of the own state',
    [],
    snapshotBuckets,
  )
  const restored = histogram(
    'chatroom_snap_restore_duration_seconds',
    'One snapshot read and taken over',
    [],
    snapshotBuckets,
  )
  const refusals = counter('chatroom_service_refused_total', 'Calls and messages refused, by reason', [
    'reason',
  ])
  const diskFull = new Gauge({ name: 'chatroom_disk_full', help: '1 while the disk has no room', registers })
  diskFull.set(0)

  let measured: Measured | null = null
  let leader: number | null = null
  registerGauges(registers, () => measured)

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    list: () =>
      registry.getMetricsAsArray().map(({ name, help, type }) => ({ name, help, type: String(type) })),
    measure: (now) => {
      measured = now
    },
    refused: (reason) => refusals.inc({ reason }),
    observer: {
      persisted: fsync,
      committed: commit,
      proposalsFailed: (code, commands) => failed.inc({ code }, commands),
      roundTrip: (To, ms) => roundTrip.observe({ To: String(To) }, ms / 1_000),
      waitedFor: (member, ms) => waits.add(member, ms),
      snapshotTaken: (ms) => saved.observe(ms / 1_000),
      snapshotRestored: (ms) => restored.observe(ms / 1_000),
    },
    heard: (event) => {
      if (event.type === 'stalled') stalls.inc()
      else if (event.type === 'fenced') fenced.inc({ Member: String(event.member.id) })
      else if (event.type === 'proven dead') dead.inc({ Member: String(event.member.id) })
      else if (event.type === 'storage full') diskFull.set(event.full ? 1 : 0)
      else if (event.type === 'leader' && event.leader !== null && event.leader !== leader) {
        leader = event.leader
        leaderChanges.inc()
      }
    },
  }
}
