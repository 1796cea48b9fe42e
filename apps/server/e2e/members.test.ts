import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { Program, programs } from './harness/program.ts'
import { Traffic } from './harness/traffic.ts'

it('in majority mode a replica whose disk is lost is removed, added, and promoted under load', async () => {
  const cluster = await startCluster(['--mode', 'majority'])
  const traffic = await Traffic.begin(cluster)
  await traffic.more(100)
  const peers = [0, 1, 2].map((id) => `127.0.0.1:${cluster.peerPort + id}`).join()
  const member = async (...words: readonly string[]): Promise<{ code: number | null; text: string }> => {
    const program = new Program(programs.chatctl, ['member', ...words, '--peers', peers])
    program.endInput()
    const { code } = await program.exited
    return { code, text: program.stdout + program.stderr }
  }
  const lost = (await cluster.untilView([0, 1, 2])).id === 1 ? 2 : 1
  const others = [0, 1, 2].filter((id) => id !== lost)
  await cluster.replica(lost).kill()
  await rm(join(cluster.dataDirectory, `replica-${lost}`), { recursive: true })
  expect(await member('remove', `${lost}`, '--yes')).toEqual({
    code: 0,
    text: `Replica ${lost} does not count any more: stop it.\n`,
  })
  await cluster.untilView(others)
  await traffic.more(100)

  cluster.start(lost)
  for (const action of ['add', 'promote']) {
    let last = ''
    await eventually(
      `${action}: done`,
      async () => {
        const { code, text } = await member(action, `${lost}`)
        last = text
        return code === 0 ? true : null
      },
      { seen: () => last },
    )
  }
  await cluster.untilView([0, 1, 2])
  // Now it carries the chat with any one of the others.
  const [first] = others
  await cluster.replica(first ?? 0).kill()
  await traffic.more(100)
  await traffic.end()
  expect(traffic.check()).toEqual([])
})
