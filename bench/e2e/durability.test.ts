import { connect } from '@chatroom/client'
import { expect, it, onTestFinished } from 'vitest'
import { makeAccounts, readerName } from '../src/chat/accounts.ts'
import { ChatCluster, ids } from '../src/chat/cluster.ts'

const sends = 20
/** On a slow disk what is written too late shows: it shares writes with what comes after it. */
const slowDisk = new URL('./fixtures/slow-disk.mjs', import.meta.url).href
const writes = 'chatroom_disk_wal_fsync_duration_seconds_count'

it('acknowledges a message only after a durable write on every member of the view', async () => {
  const cluster = await ChatCluster.start({ nodeFlags: ['--import', slowDisk] })
  onTestFinished(() => cluster.destroy())
  const leader = await cluster.untilWhole()
  const [, sender] = await makeAccounts(cluster.servers[leader] ?? '', [readerName, 'sender'])
  const client = await connect({ servers: cluster.servers })
  onTestFinished(() => client.close({ logout: false }))
  client.resume({ token: sender?.token ?? '' })

  // One in flight: each message is a batch of its own, which cannot share a write with the next one.
  const before = await Promise.all(ids.map((id) => cluster.metric(id, writes)))
  for (let n = 0; n < sends; n++) await client.send(readerName, `message ${n}`)
  const after = await Promise.all(ids.map((id) => cluster.metric(id, writes)))

  await expect
    .poll(async () => (await cluster.status(leader))?.view.members.map(({ id }) => id).sort())
    .toEqual([...ids])
  for (const id of ids) {
    const made = (after[id] ?? 0) - (before[id] ?? 0)
    expect(made, `durable writes of replica ${id} for ${sends} acknowledged messages`).toBeGreaterThanOrEqual(
      sends,
    )
  }
})
