import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { credentials, status as grpcStatus, makeClientConstructor, type ServiceError } from '@grpc/grpc-js'
import { service as healthService } from 'grpc-health-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newCluster, startCluster, type TestCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { freePorts } from './harness/ports.ts'
import { Program, programs } from './harness/program.ts'
import { Traffic } from './harness/traffic.ts'

const all = [0, 1, 2]

async function get(port: number, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, text: await response.text() }
}

/** The value of a metric, of all its labels together. */
async function metric(port: number, name: string): Promise<number> {
  const { text } = await get(port, '/metrics')
  const values = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
  return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** The first words of a document's tables: what it lists, with its type or level behind it. */
async function listedIn(document: string): Promise<string[]> {
  const text = await readFile(new URL(`../../../${document}`, import.meta.url), 'utf8')
  return [...text.matchAll(/^\| `([\w.-]+)` \| (\w+) \|/gm)].map(([, name, kind]) => `${name} ${kind}`)
}

/** What a health check of the client port says. */
async function health(address: string, service: string): Promise<string> {
  const Client = makeClientConstructor(healthService, 'grpc.health.v1.Health')
  const client = new Client(address, credentials.createInsecure())
  try {
    return await new Promise((resolve, reject) => {
      const check: unknown = client['check']
      if (typeof check !== 'function') throw new Error('no method check')
      const done = (error: ServiceError | null, answer?: { status: string }): void => {
        if (error?.code === grpcStatus.NOT_FOUND) resolve('NOT_FOUND')
        else if (error) reject(error)
        else resolve(answer?.status ?? '')
      }
      Reflect.apply(check, client, [{ service }, done])
    })
  } finally {
    client.close()
  }
}

async function chatctl(
  cluster: TestCluster,
  ...words: string[]
): Promise<{ code: number | null; stdout: string }> {
  const program = new Program(programs.chatctl, [...words, '--peer-port', String(cluster.peerPort)])
  onTestFinished(() => program.kill())
  const { code } = await program.exited
  return { code, stdout: program.stdout }
}

describe('a cluster seen from outside', () => {
  it('shows what it does, says that it is ready, and logs no line for a message', async () => {
    const metricsPort = await freePorts(3)
    const cluster = await startCluster(['--metrics-port', String(metricsPort)])
    const leader = await cluster.untilView(all)
    for (const id of all) {
      const ready = await eventually(`replica ${id} is ready`, async () => {
        const answer = await get(metricsPort + id, '/readyz')
        return answer.status === 200 ? answer : null
      })
      expect(ready.text).toBe('[+]running ok\n[+]leader ok\n[+]member ok\n[+]disk ok\nreadyz check passed\n')
      expect(await get(metricsPort + id, '/livez')).toMatchObject({ status: 200 })
    }
    expect(await get(metricsPort, '/')).toMatchObject({ status: 404 })

    const [first = ''] = cluster.servers
    expect(await health(first, 'no.such.Service')).toBe('NOT_FOUND')
    for (const [id, address] of cluster.servers.entries()) {
      expect(await health(address, '')).toBe('SERVING')
      expect(await health(address, 'chatroom.v1.ChatService')).toBe(
        id === leader.id ? 'SERVING' : 'NOT_SERVING',
      )
    }

    const traffic = await Traffic.begin(cluster)
    await traffic.more(100)
    const before = all.map((id) => cluster.replica(id).json.length)
    await traffic.more(500)
    const late = await cluster.loggedIn('late')
    for await (const name of late.list('late')) expect(name).toBe('late')
    await expect(late.send('nobody', 'x')).rejects.toMatchObject({ code: 'unknown recipient' })
    await late.logout()
    const lines = all.flatMap((id) => cluster.replica(id).json.slice(before[id]))
    // A machine that is busy with something else may make a replica stand still, and that is told.
    expect(lines.filter(({ event }) => event !== 'replica.stalled')).toEqual([])

    // What documents promise is there, and nothing else.
    const events = new Set((await listedIn('LOGS.md')).map((line) => line.split(' ')[0]))
    const told = all.flatMap((id) => cluster.replica(id).json)
    expect(told.length).toBeGreaterThan(10)
    expect(told.filter(({ event }) => typeof event !== 'string' || !events.has(event))).toEqual([])
    const { text: metrics } = await get(metricsPort, '/metrics')
    const types = [...metrics.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    expect(types.toSorted()).toEqual((await listedIn('METRICS.md')).toSorted())

    // While messages flow, all are compared as of one entry.
    const compared = await chatctl(cluster, 'hash')
    expect(compared.stdout).toMatch(/^All replicas that answered hold the same as of entry \d+\./)
    expect(compared.code).toBe(0)
    await traffic.end()
    expect(traffic.check()).toEqual([])
    expect(await chatctl(cluster, 'hash', '--json')).toMatchObject({ code: 0 })

    const port = metricsPort + leader.id
    expect(await metric(port, 'chatroom_server_is_leader')).toBe(1)
    expect(await metric(port, 'chatroom_server_proposals_committed_total')).toBeGreaterThan(500)
    expect(await metric(port, 'chatroom_server_commit_duration_seconds_count')).toBeGreaterThan(0)
    expect(await metric(port, 'chatroom_network_peer_round_trip_time_seconds_count')).toBeGreaterThan(0)
    expect(await metric(port, 'chatroom_server_commit_waited_for_member_seconds_total')).toBeGreaterThan(0)
    expect(await metric(port, 'chatroom_chat_accounts')).toBe(5)
    for (const id of all) {
      expect(
        await metric(metricsPort + id, 'chatroom_disk_wal_fsync_duration_seconds_count'),
      ).toBeGreaterThan(0)
    }
    const { slowestMember } = await cluster.untilStatus(leader.id, 'answers', () => true)
    expect(all).toContain(slowestMember?.id)

    expect(await chatctl(cluster, 'log-level', 'debug', '--id', '1')).toEqual({
      code: 0,
      stdout: 'replica 1: debug\n',
    })
    expect(await chatctl(cluster, 'log-level')).toEqual({
      code: 0,
      stdout: 'replica 0: info\nreplica 1: debug\nreplica 2: info\n',
    })
    const changed = cluster.replica(1).json.find(({ event }) => event === 'log.level')
    expect(changed).toMatchObject({ from: 'info', to: 'debug' })
  })

  it('says why it is not ready', async () => {
    const metricsPort = await freePorts(3)
    const cluster = await newCluster(['--metrics-port', String(metricsPort)])
    cluster.start(0)
    await cluster.untilStatus(0, 'answers', () => true)
    const { status, text } = await get(metricsPort, '/readyz')
    expect(status).toBe(503)
    expect(text).toContain('[-]leader failed: a new cluster begins when all its members are there')
    expect(await get(metricsPort, '/livez')).toMatchObject({ status: 200 })
    expect(await health(cluster.servers[0] ?? '', '')).toBe('NOT_SERVING')
  })

  it('names the replica whose state differs', async () => {
    const cluster = await newCluster()
    const faulty = fileURLToPath(new URL('./fixtures/faulty-chat.mjs', import.meta.url))
    for (const id of all) cluster.start(id, id === 1 ? ['--import', faulty] : [])
    await cluster.untilView(all)
    const alice = await cluster.loggedIn('alice')
    await cluster.loggedIn('bob')
    expect(await chatctl(cluster, 'hash')).toMatchObject({ code: 0 })
    await alice.send('bob', 'hello')
    const { code, stdout } = await chatctl(cluster, 'hash')
    expect(stdout).toMatch(/^Replica 1 differs from the others as of entry \d+/)
    expect(code).toBe(1)
  })
})
