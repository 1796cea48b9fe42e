import { ChatCluster, ids } from '../chat/cluster.ts'
import { load } from '../load.ts'
import { atLeast, type Row, row } from '../report/row.ts'
import { overStream, serveChat } from '../systems/chat.ts'
import type { Scenario } from './scenario.ts'

const writes = 'chatroom_disk_wal_fsync_duration_seconds_count'
const batches = 'chatroom_server_commit_duration_seconds_count'

/** Durable writes of each replica for what the leader commits. */
export const syncs: Scenario = {
  name: 'syncs',
  about: 'durable writes of every replica for each acknowledged batch',
  async run({ inFlight, windowMs, progress }) {
    const cluster = await ChatCluster.start()
    const system = await serveChat(cluster, overStream)
    try {
      const rows: Row[] = []
      const leader = await cluster.leader()
      for (const number of inFlight) {
        const before = await counts(cluster, leader)
        const { acknowledged } = await load(system, { inFlight: number, ms: windowMs })
        const after = await counts(cluster, leader)
        const committed = after.batches - before.batches
        for (const id of ids) {
          const made = (after.writes[id] ?? 0) - (before.writes[id] ?? 0)
          const role = id === leader ? 'leader' : 'follower'
          // With one in flight no message shares a write with another; with what the reader acknowledges it may.
          const [each, of] =
            number === 1 ? (['message', acknowledged] as const) : (['batch', committed] as const)
          const what = `x${number}: replica ${id} (${role}), durable writes a ${each}`
          rows.push(row('syncs', what, 'ratio', [made / of], number === 1 ? atLeast(1) : undefined))
          progress(`${what}: ${made} for ${of}`)
        }
      }
      return rows
    } finally {
      await system.stop()
    }
  },
}

async function counts(cluster: ChatCluster, leader: number) {
  return {
    batches: await cluster.metric(leader, batches),
    writes: await Promise.all(ids.map((id) => cluster.metric(id, writes))),
  }
}
