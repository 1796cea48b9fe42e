import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { passwordOf, startCluster, type TestCluster } from './harness/cluster.ts'
import { Program, programs } from './harness/program.ts'

const all = [0, 1, 2]

async function recover(
  cluster: TestCluster,
  ...flags: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = new Program(programs.chatctl, ['recover', '--data-dir', cluster.dataDirectory, ...flags])
  program.endInput()
  onTestFinished(() => program.kill())
  const { code } = await program.exited
  return { code, stdout: program.stdout, stderr: program.stderr }
}

describe('recovery from a lost disk', () => {
  it('is refused while a replica runs, says what may be lost, and keeps what the others hold', async () => {
    const cluster = await startCluster()
    const alice = await cluster.loggedIn('alice')
    await cluster.loggedIn('bob')
    for (let n = 0; n < 20; n++) await alice.send('bob', `text ${n}`)

    const running = await recover(cluster, '--without', '2', '--yes')
    expect(running.stderr).toContain(`in use by process ${cluster.replica(0).pid}`)
    expect(running.code).toBe(1)

    for (const id of all) cluster.replica(id).signal('SIGKILL')
    for (const id of all) await cluster.replica(id).exited
    await rm(join(cluster.dataDirectory, 'replica-2'), { recursive: true })

    // By themselves the others must not go on: the lost one may have been the last.
    cluster.start(0)
    cluster.start(1)
    const waits = await cluster.untilStatus(
      0,
      'waits',
      (status) => status.waiting.length > 0 && status.peers.some(({ connected }) => connected),
    )
    expect(waits.serving).toBe(false)
    for (const id of [0, 1]) await cluster.replica(id).kill()

    const unasked = await recover(cluster, '--without', '2')
    expect(unasked.stderr).toContain('give --yes')
    expect(unasked.code).toBe(1)
    expect(unasked.stdout).toMatch(
      /Whatever replica 2 acknowledged without replica [01] after that is lost for good\./,
    )
    const { code, stdout } = await recover(cluster, '--without', '2', '--yes')
    expect(stdout).toMatch(/^Recovered: replica [01] is the cluster [0-9a-f]{24} now\./m)
    expect(code).toBe(0)
    expect(
      (await readdir(cluster.dataDirectory)).filter((name) => name.includes('before-recovery')),
    ).toHaveLength(1)

    for (const id of all) cluster.start(id)
    const after = await cluster.untilView(all)
    expect(stdout).toContain(after.clusterId)
    const reader = await cluster.connect()
    await reader.login('bob', passwordOf('bob'), { takeover: true })
    const texts: string[] = []
    for await (const message of reader.inbox()) if (texts.push(message.text) === 20) break
    expect(texts).toEqual(Array.from({ length: 20 }, (_, n) => `text ${n}`))
    await alice.send('bob', 'still here')
  })
})
