import { fileURLToPath } from 'node:url'
import { ChatError } from '@chatroom/client'
import { Chat } from '@chatroom/state-machine'
import { connectAdmin } from '@chatroom/transport-grpc/admin'
import { expect, it, onTestFinished } from 'vitest'
import { newCluster, type TestCluster } from './harness/cluster.ts'
import { Traffic } from './harness/traffic.ts'

const all = [0, 1, 2]
const { version } = new Chat()
const later = version + 1
/** Node flags that make the program another build: the chat's next version. */
const next = ['--import', fileURLToPath(new URL('./fixtures/next-chat.mjs', import.meta.url))]

it('replicas are upgraded one after the other under load; what the old build does not know waits for the last of them, and the old build does not come back', async () => {
  const cluster = await newCluster()
  for (const id of all) cluster.start(id)
  await cluster.untilView(all)
  const leaver = await cluster.loggedIn('leaver')
  const traffic = await Traffic.begin(cluster)
  await traffic.more(100)
  for (const id of [2, 1]) {
    await upgrade(cluster, id)
    await traffic.more(100)
  }
  await handOver(cluster, 0, 1)
  // The new builds could, the old one could not: so it is not in the log.
  const refused = await leaver.deleteAccount('leaver').catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(ChatError)
  expect(refused).toMatchObject({
    code: 'limit reached',
    message: `This needs version ${later} of the state machine, and replica 0 has version ${version}: install the newer version there.`,
  })
  await upgrade(cluster, 0)
  await Promise.all(
    all.map((id) => cluster.untilStatus(id, 'knows that all have it', (s) => s.commonVersion === later)),
  )
  await leaver.deleteAccount('leaver')
  await traffic.more(100)
  await traffic.end()
  expect(traffic.check()).toEqual([])

  cluster.replica(0).signal('SIGTERM')
  expect(await cluster.replica(0).exited).toEqual({ code: 0, signal: null })
  const old = cluster.start(0)
  expect(await old.exited).toMatchObject({ code: 1 })
  expect(old.stderr).toBe(
    `This data needs version ${later} of the state machine, and this program has version ${version}: install the version that wrote it, or a later one.\n`,
  )
})

async function handOver(cluster: TestCluster, from: number, to: number): Promise<void> {
  const admin = connectAdmin(`127.0.0.1:${cluster.peerPort + from}`)
  onTestFinished(() => admin.close())
  await admin.transferLeadership(to)
  await cluster.untilStatus(to, 'serves', ({ serving }) => serving)
}

async function upgrade(cluster: TestCluster, id: number): Promise<void> {
  cluster.replica(id).signal('SIGTERM')
  expect(await cluster.replica(id).exited).toEqual({ code: 0, signal: null })
  cluster.start(id, next)
  await cluster.untilView(all)
}
