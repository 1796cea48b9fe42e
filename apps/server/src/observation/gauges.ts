import type { ReplicaLoad, ReplicaStatus } from '@chatroom/replica'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Measured } from './metrics.ts'

interface Seen {
  readonly status: ReplicaStatus
  readonly load: ReplicaLoad
}

/** The metrics that are looked up when somebody asks. While the replica does not run they have no value. */
export function registerGauges(registers: Registry[], measured: () => Measured | null): void {
  const seen = (): Seen | null => {
    const { replica } = measured() ?? {}
    try {
      return replica === undefined ? null : { status: replica.status(), load: replica.load() }
    } catch {
      return null
    }
  }
  const plain = (name: string, help: string, read: () => number | null): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read()
        if (value === null) this.remove()
        else this.set(value)
      },
    })
  }
  const ofReplica = (name: string, help: string, read: (seen: Seen) => number): void =>
    plain(name, help, () => {
      const now = seen()
      return now === null ? null : read(now)
    })
  const ofChat = (name: string, help: string, read: (measured: Measured) => number): void =>
    plain(name, help, () => {
      const now = measured()
      return now === null ? null : read(now)
    })
  const labelled = (
    name: string,
    help: string,
    label: string,
    read: (seen: Seen) => Iterable<readonly [string, number]>,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset()
        const now = seen()
        if (now === null) return
        for (const [value, number] of read(now)) this.set({ [label]: value }, number)
      },
    })
  }

  ofReplica('chatroom_server_has_leader', '1 if a leader is known', ({ status }) =>
    flag(status.leader !== null),
  )
  ofReplica('chatroom_server_is_leader', '1 if this replica leads', ({ status }) =>
    flag(status.role === 'leader'),
  )
  ofReplica('chatroom_server_is_learner', '1 if this replica is being brought up to date', ({ status }) =>
    flag(status.role === 'learner'),
  )
  ofChat('chatroom_server_ready', '1 if /readyz says so', ({ ready }) => flag(ready()))
  ofReplica('chatroom_server_term', 'Term', ({ status }) => status.term)
  ofReplica(
    'chatroom_server_proposals_committed_total',
    'Index of the newest committed entry',
    ({ status }) => status.commitIndex,
  )
  ofReplica(
    'chatroom_server_proposals_applied_total',
    'Index of the newest applied entry',
    ({ status }) => status.appliedIndex,
  )
  ofReplica(
    'chatroom_server_proposals_pending',
    'Commands proposed here and not answered',
    ({ load }) => load.proposals,
  )
  ofReplica(
    'chatroom_server_last_index',
    'Index of the newest entry of the log',
    ({ status }) => status.lastIndex,
  )
  ofReplica(
    'chatroom_server_snapshot_index',
    'Index up to which a snapshot replaces the log',
    ({ status }) => status.snapshotIndex,
  )
  ofReplica('chatroom_server_view_members', 'Members of the view', ({ status }) => status.view.members.length)
  ofReplica(
    'chatroom_server_crashes_tolerated',
    'Members that may crash now, at once',
    ({ status }) => status.crashesTolerated,
  )
  labelled('chatroom_server_waiting_seconds', 'How long something has been waited for', 'for', ({ status }) =>
    status.waiting.map((waiting) => [waiting.for, waiting.sinceMs / 1_000] as const),
  )
  labelled(
    'chatroom_server_slowest_member_delay_seconds',
    'Fail-stop leader: the member commits wait for most',
    'Member',
    ({ status: { slowestMember } }) =>
      slowestMember === null ? [] : [[String(slowestMember.id), slowestMember.delayMs / 1_000] as const],
  )
  labelled('chatroom_network_active_peers', '1 if the link to this replica is up', 'Remote', ({ status }) =>
    status.peers.map(({ id, connected }) => [String(id), flag(connected)] as const),
  )
  labelled(
    'chatroom_network_peer_queued_bytes',
    'Bytes that the network has not taken yet',
    'To',
    ({ load }) => [...load.queuedBytes].map(([id, bytes]) => [String(id), bytes] as const),
  )
  ofReplica(
    'chatroom_network_held_messages',
    'Messages that wait for the own disk',
    ({ load }) => load.heldMessages,
  )
  ofReplica(
    'chatroom_disk_wal_writes_waiting',
    'Writes to the log that wait for the one under way',
    ({ load }) => load.persists,
  )

  ofChat(
    'chatroom_service_requests_in_flight',
    'Proposals of clients under way',
    ({ service }) => service.counts().requestsInFlight,
  )
  ofChat(
    'chatroom_service_bytes_in_flight',
    'Bytes of text in them',
    ({ service }) => service.counts().bytesInFlight,
  )
  ofChat(
    'chatroom_service_subscriptions',
    'Open Subscribe streams',
    ({ service }) => service.counts().subscriptions,
  )
  ofChat(
    'chatroom_service_send_streams',
    'Open SendMessages streams',
    ({ service }) => service.counts().sendStreams,
  )
  ofChat('chatroom_chat_accounts', 'Accounts', ({ chat }) => chat.counts().accounts)
  ofChat('chatroom_chat_sessions', 'Live sessions', ({ chat }) => chat.counts().sessions)
  ofChat(
    'chatroom_chat_waiting_messages',
    'Messages in all mailboxes',
    ({ chat }) => chat.counts().waitingMessages,
  )
  ofChat(
    'chatroom_chat_waiting_bytes',
    'Bytes of text in all mailboxes',
    ({ chat }) => chat.counts().waitingBytes,
  )
  ofChat(
    'chatroom_chat_remembered_replies',
    'Replies kept for retries',
    ({ chat }) => chat.counts().rememberedReplies,
  )

  new Counter({
    name: 'chatroom_chat_dedup_hits_total',
    help: 'Requests applied here that were answered with the reply to an earlier try',
    registers,
    collect() {
      this.reset()
      this.inc(measured()?.chat.answeredAgain ?? 0)
    },
  })
}

function flag(value: boolean): number {
  return value ? 1 : 0
}
