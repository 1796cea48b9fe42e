import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newCluster, passwordOf, startCluster } from './harness/cluster.ts'
import { Program, programs } from './harness/program.ts'

async function chatctl(...given: string[]): Promise<string> {
  const program = new Program(programs.chatctl, given)
  const { code } = await program.exited
  expect([code, program.stderr]).toEqual([0, ''])
  return program.stdout
}

it('what one replica has is saved as a file, and becomes a cluster of another name with all messages', async () => {
  const old = await startCluster()
  const alice = await old.loggedIn('alice')
  await old.loggedIn('bob')
  for (let n = 0; n < 5; n++) await alice.send('bob', `message ${n}`)
  const { id, clusterId } = await old.untilView([0, 1, 2])
  const directory = join(old.dataDirectory, `replica-${id}`)
  const running = new Program(programs.chatctl, ['snapshot', 'save', directory, `${directory}.snap`])
  expect(await running.exited).toMatchObject({ code: 1 })
  expect(running.stderr).toContain('in use by process')
  for (const each of [0, 1, 2]) await old.replica(each).kill()
  expect(await chatctl('verify', directory)).toContain('All that is there is whole.')
  await chatctl('snapshot', 'save', directory, join(old.dataDirectory, 'saved'))

  const cluster = await newCluster()
  const place = join(cluster.dataDirectory, 'replica-1')
  await chatctl('snapshot', 'restore', join(old.dataDirectory, 'saved'), place, '--as', '1')
  await rm(join(old.dataDirectory, 'saved'))
  for (const each of [1, 0, 2]) cluster.start(each)
  const leader = await cluster.untilView([0, 1, 2])
  expect(leader.clusterId).not.toBe(clusterId)
  const bob = await cluster.connect()
  await bob.login('bob', passwordOf('bob'), { takeover: true })
  const found: string[] = []
  for await (const { text } of bob.inbox({ follow: false })) found.push(text)
  expect(found).toEqual(Array.from({ length: 5 }, (_, n) => `message ${n}`))
})

it('everything that was acknowledged is saved from a running cluster, in majority mode, and becomes another one', async () => {
  const old = await startCluster(['--mode', 'majority'])
  const alice = await old.loggedIn('alice')
  await old.loggedIn('bob')
  for (let n = 0; n < 5; n++) await alice.send('bob', `message ${n}`)
  const { clusterId } = await old.untilView([0, 1, 2])
  const file = join(old.dataDirectory, 'saved')
  let sending = true
  const later = (async () => {
    for (let n = 5; sending; n++) await alice.send('bob', `message ${n}`)
  })()
  expect(await chatctl('snapshot', 'save', file, '--peer-port', String(old.peerPort))).toMatch(
    /^Saved everything up to entry \d+ of term \d+\.\n$/,
  )
  sending = false
  await later
  for (const each of [0, 1, 2]) await old.replica(each).kill()

  const cluster = await newCluster(['--mode', 'majority'])
  const restore = async (id: number, ...more: string[]): Promise<string> => {
    const place = join(cluster.dataDirectory, `replica-${id}`)
    return await chatctl(
      'snapshot',
      'restore',
      file,
      place,
      '--as',
      String(id),
      '--members',
      '0,1,2',
      ...more,
    )
  }
  const [, name = ''] = /--cluster-id ([0-9a-f]{24})/.exec(await restore(0)) ?? []
  for (const id of [1, 2]) await restore(id, '--cluster-id', name)
  for (const id of [0, 1, 2]) cluster.start(id)
  const leader = await cluster.untilView([0, 1, 2])
  expect([leader.clusterId, leader.mode]).toEqual([name, 'majority'])
  expect(name).not.toBe(clusterId)
  const bob = await cluster.connect()
  await bob.login('bob', passwordOf('bob'), { takeover: true })
  // It is a cluster like any other: one may die.
  await cluster.replica(leader.id).kill()
  const found: string[] = []
  for await (const { text } of bob.inbox({ follow: false })) found.push(text)
  expect(found.length).toBeGreaterThanOrEqual(5)
  expect(found).toEqual(found.map((_, n) => `message ${n}`))
})
