import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChatClient, ChatError, connect } from '@chatroom/client'
import type { ReplicaStatus } from '@chatroom/replica'
import { connectAdmin, operatorCredentials } from '@chatroom/transport-grpc/admin'
import { expect, it, onTestFailed, onTestFinished } from 'vitest'
import { isPinned } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { Hosts, hostsFault } from './harness/hosts.ts'
import { Program, programs } from './harness/program.ts'

const ids = [0, 1, 2] as const
const fault = hostsFault()

it.skipIf(fault !== null)(
  `on three hosts a leader that is cut off acknowledges nothing, the others go on, and after that nothing is lost or doubled${fault === null ? '' : ` (left out: ${fault})`}`,
  async () => {
    const hosts = new Hosts()
    const { clients, status } = await threeHosts(hosts)
    const [alice, bob] = [await clients(ids), await clients(ids)]
    for (const [client, name] of [
      [alice, 'alice'],
      [bob, 'bob'],
    ] as const) {
      await client.createAccount(name, `password of ${name}`)
      await client.login(name, `password of ${name}`, { idleTimeoutSeconds: 600 })
    }
    const acknowledged: string[] = []
    const send = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const text = `alice ${acknowledged.length}`
        await alice.send('bob', text)
        acknowledged.push(text)
      }
    }
    await send(20)

    const led = ids.find((id) => alice.leader?.startsWith(`${hosts.address(id)}:`)) ?? 0
    // One who knows nobody but the leader that is going to be cut off.
    const carol = await clients([led])
    await carol.createAccount('carol', 'password of carol')
    await carol.login('carol', 'password of carol', { idleTimeoutSeconds: 600 })
    await carol.send('bob', 'carol 0')
    hosts.cutOff(led)
    const [refused] = await Promise.all([
      carol.send('bob', 'carol 1', { timeoutMs: 5_000 }).catch((error: unknown) => error),
      send(20),
    ])
    expect(refused).toBeInstanceOf(ChatError)
    expect(refused).toMatchObject({ code: 'outcome unknown' })
    const cut = await status(led)
    expect({ serving: cut.serving, waits: cut.waiting.length > 0 }).toEqual({ serving: false, waits: true })
    expect(alice.leader).not.toMatch(new RegExp(`^${hosts.address(led)}:`))

    hosts.heal(led)
    await send(20)
    await eventually('all three hold the same log again', async () => {
      const all = await Promise.all(ids.map(status))
      const [first] = all
      const same = all.every(
        ({ commitIndex, leader }) => commitIndex === first?.commitIndex && leader === first.leader,
      )
      return same && first?.leader !== null ? true : null
    })
    const arrived: string[] = []
    for await (const { text } of bob.inbox({ follow: false })) arrived.push(text)
    expect(arrived.filter((text) => text.startsWith('alice'))).toEqual(acknowledged)
    expect(arrived.filter((text) => text === 'carol 0')).toHaveLength(1)
    // Nobody was told that it was sent, and nobody was told that it was not.
    expect(arrived.filter((text) => text === 'carol 1').length).toBeLessThanOrEqual(1)
    expect(arrived.length).toBeLessThanOrEqual(acknowledged.length + 2)
  },
)

interface Running {
  /** A client that knows these servers. */
  readonly clients: (servers: readonly number[]) => Promise<ChatClient>
  readonly status: (id: number) => Promise<ReplicaStatus>
}

/** One replica on each host, with certificates for their addresses; the mode is the default between hosts. */
async function threeHosts(hosts: Hosts): Promise<Running> {
  const directory = await mkdtemp(join(tmpdir(), 'chatroom-hosts-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const certs = join(directory, 'certs')
  const addresses = ids.map((id) => hosts.address(id))
  const made = new Program(programs.chatctl, ['certs', '--certs', certs, '--hosts', addresses.join()])
  made.endInput()
  expect([(await made.exited).code, made.stderr]).toEqual([0, ''])
  const all = (port: number): string => addresses.map((address) => `${address}:${port}`).join()
  const places = ['--data-dir', join(directory, 'data'), '--certs', certs, '--peers', all(9700)]
  const servers = ids.map(
    (id) =>
      new Program(
        programs.server,
        ['--id', `${id}`, ...places, '--servers', all(9600), '--log-format', 'json', '--supervised'],
        { namespace: hosts.namespace(id) },
      ),
  )
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.kill()))))
  onTestFailed(
    () => void process.stderr.write(servers.map((s) => `${s.stdout.slice(-3_000)}${s.stderr}`).join('\n')),
  )
  const file = (name: string): string => join(certs, name)
  const credentials = operatorCredentials({
    ca: file('ca.crt'),
    certificate: file('operator.crt'),
    key: file('operator.key'),
  })
  const admins = addresses.map((address) => connectAdmin(`${address}:9700`, { credentials }))
  onTestFinished(() => {
    for (const admin of admins) admin.close()
  })
  const ca = await readFile(file('ca.crt'), 'utf8')
  const status = async (id: number): Promise<ReplicaStatus> => {
    const admin = admins[id]
    if (admin === undefined) throw new Error(`there is no host ${id}`)
    return await admin.status()
  }
  await eventually('a leader, and a view that names the disks of all', async () => {
    const known = await Promise.all(ids.map((id) => status(id).catch(() => null)))
    return known.some((one) => one?.serving) &&
      known.every((one) => one?.mode === 'majority' && one.leader !== null && isPinned(one))
      ? true
      : null
  })
  return {
    status,
    clients: async (known) => {
      const client = await connect({ servers: known.map((id) => `${hosts.address(id)}:9600`), tls: { ca } })
      onTestFinished(() => client.close({ logout: false }))
      return client
    },
  }
}
