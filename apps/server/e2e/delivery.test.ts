import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { passwordOf, startCluster, type TestCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { Program } from './harness/program.ts'

const receiverFile = fileURLToPath(new URL('./fixtures/receiver.ts', import.meta.url))

/** A client of bob's in a process of its own. */
function receiver(cluster: TestCluster, acknowledgeText: string): Program {
  const { servers } = cluster
  return new Program(receiverFile, [servers.join(), 'bob', passwordOf('bob'), acknowledgeText], {
    nodeFlags: ['--import', 'tsx'],
  })
}

/** What the receiver received, once it is so many messages. */
async function messages(program: Program, count: number): Promise<unknown[]> {
  const received = (): unknown[] => program.json.filter((line) => 'text' in line)
  return await eventually(`${count} messages`, () => (received().length >= count ? received() : null), {
    seen: () => program.stdout + program.stderr,
  })
}

describe('a client killed with kill -9', () => {
  it('between receiving and acknowledging sees the message again; what it acknowledged it does not', async () => {
    const cluster = await startCluster()
    const alice = await cluster.loggedIn('alice')
    await (await cluster.connect()).createAccount('bob', passwordOf('bob'))
    for (const text of ['one', 'two', 'three']) await alice.send('bob', text)

    const careless = receiver(cluster, '')
    expect(await messages(careless, 3)).toMatchObject([{ text: 'one' }, { text: 'two' }, { text: 'three' }])
    await careless.kill()

    const careful = receiver(cluster, 'two')
    await eventually(
      'the acknowledgement',
      () => careful.json.find((line) => line['acknowledged'] === 2) ?? null,
    )
    expect(await messages(careful, 3)).toMatchObject([{ text: 'one' }, { text: 'two' }, { text: 'three' }])
    await careful.kill()

    const last = receiver(cluster, '')
    expect(await messages(last, 1)).toEqual([{ sequence: 3, text: 'three' }])
    await last.kill()
  })

  it('leaves no login behind: the replicas end its session, and nobody needs to take it over', async () => {
    const cluster = await startCluster(['--idle-timeout', '4'])
    await (await cluster.connect()).createAccount('bob', passwordOf('bob'))
    const zombie = receiver(cluster, '')
    await eventually(
      'the login of the receiver',
      () => zombie.json.find((line) => line['loggedIn'] === true) ?? null,
    )
    const bob = await cluster.connect()
    await expect(bob.login('bob', passwordOf('bob'))).rejects.toMatchObject({ code: 'logged in elsewhere' })
    await zombie.kill()
    await eventually('the end of its session', async () =>
      bob.login('bob', passwordOf('bob')).then(
        () => true,
        (error: unknown) => {
          if (isRefusal(error, 'logged in elsewhere')) return null
          throw error
        },
      ),
    )
  })

  it('is no concern of the replicas that fail over later: the mailbox is as its acknowledgement left it', async () => {
    const cluster = await startCluster()
    const alice = await cluster.loggedIn('alice')
    await (await cluster.connect()).createAccount('bob', passwordOf('bob'))
    for (const text of ['one', 'two', 'three']) await alice.send('bob', text)
    const careful = receiver(cluster, 'two')
    await eventually(
      'the acknowledgement',
      () => careful.json.find((line) => line['acknowledged'] === 2) ?? null,
    )
    await careful.kill()
    const { id } = await cluster.untilView([0, 1, 2])
    await cluster.replica(id).kill()
    const last = receiver(cluster, '')
    expect(await messages(last, 1)).toEqual([{ sequence: 3, text: 'three' }])
    await last.kill()
  })
})

function isRefusal(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
