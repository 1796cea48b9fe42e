import { fileURLToPath } from 'node:url'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { passwordOf, startCluster } from './harness/cluster.ts'
import { type CollectedSpan, startCollector } from './harness/collector.ts'
import { eventually } from './harness/eventually.ts'
import { freePorts } from './harness/ports.ts'
import { Program, programs } from './harness/program.ts'

afterEach(() => void vi.unstubAllEnvs())

const method = (name: string): string => `chatroom.v1.ChatService/${name}`

/** As `who what < who what it is part of`, in any order. */
function treeOf(spans: readonly CollectedSpan[]): string[] {
  const named = new Map(spans.map(({ spanId, by, name }) => [spanId, `${by} ${name}`]))
  return spans
    .map(({ by, name, parent }) => `${by} ${name} < ${parent === '' ? 'nothing' : named.get(parent)}`)
    .toSorted()
}

it('one send is one trace, from the client through the leader to the disks of all replicas, with nothing of its user in it', async () => {
  const collector = await startCollector()
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.endpoint)
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '50')
  const cluster = await startCluster(['--traces', '0'])
  const { id: leader } = await cluster.untilView([0, 1, 2])
  const followers = [0, 1, 2].filter((id) => id !== leader)

  const names = ['alice-canary', 'bob-canary'] as const
  const text = 'a canary of a text'
  const client = new Program(programs.chat, ['--traces', '1', '--servers', cluster.servers.join()])
  onTestFinished(() => client.kill())
  const [alice, bob] = names
  for (const name of names) client.write(`create ${name}\n${passwordOf(name)}\n`)
  client.write(`login ${alice}\n${passwordOf(alice)}\nsend ${bob} ${text}\nsend nobody-canary ${text}\n`)
  client.endInput()
  await client.exited

  const sends = await eventually('the spans of the client', () => {
    const found = collector.spans.filter(({ by, name }) => by === 'client' && name === method('SendMessages'))
    return found.length === 2 ? found : null
  })
  const [sent, refused] = [sends.find(({ failed }) => !failed), sends.find(({ failed }) => failed)]
  expect(refused?.attributes).toMatchObject({ 'error.type': 'unknown recipient' })
  const onDisk = ({ by, name }: CollectedSpan): boolean =>
    by.startsWith('replica') && name === 'chatroom.fsync'
  const trace = await eventually('the spans of all replicas', () => {
    const found = collector.spans.filter(({ traceId }) => traceId === sent?.traceId)
    const whole = found.some(({ by, name }) => by === `replica ${leader}` && name === method('SendMessages'))
    return whole && found.filter(onDisk).length === 3 ? found : null
  })
  const server = `replica ${leader} ${method('SendMessages')}`
  expect(treeOf(trace)).toEqual(
    [
      `client ${method('SendMessages')} < nothing`,
      `${server} < client ${method('SendMessages')}`,
      ...['check', 'propose', 'commit', 'apply', 'reply'].map(
        (stage) => `replica ${leader} chatroom.${stage} < ${server}`,
      ),
      ...[leader, ...followers].flatMap((id) => [
        `replica ${id} chatroom.append < replica ${leader} chatroom.commit`,
        `replica ${id} chatroom.fsync < replica ${id} chatroom.append`,
      ]),
    ].toSorted(),
  )

  for (const secret of ['canary', passwordOf(alice), 'Bearer']) expect(collector.text()).not.toContain(secret)
  const told = new Set(
    collector.spans.flatMap(({ attributes }) =>
      Object.entries(attributes).map(([key, value]) => `${key}=${value}`),
    ),
  )
  // Numbers, and words of the programs: whatever else gets in here has to be thought about first.
  const harmless =
    /^(chatroom\.entries=\d+|rpc\.system\.name=grpc|rpc\.method=chatroom\.v1\.ChatService\/[A-Z]\w+|error\.type=(unknown recipient|UNKNOWN_RECIPIENT))$/
  expect([...told].filter((one) => !harmless.test(one))).toEqual([])
})

it.each([
  ['not without --traces', [], /OpenTelemetry: 0\n/],
  ['with it', ['--traces', '0.01'], /OpenTelemetry: [1-9]/],
])('OpenTelemetry is loaded %s', async (_, flags, loaded) => {
  const port = await freePorts(2)
  const fixture = fileURLToPath(new URL('fixtures/loaded-tracing.mjs', import.meta.url))
  const places = ['--peers', `127.0.0.1:${port}`, '--servers', `127.0.0.1:${port + 1}`]
  // It stops after it has loaded all it will, at a data directory that is a file.
  const replica = new Program(
    programs.serverModules,
    ['--id', '0', ...places, '--data-dir', fixture, ...flags],
    {
      nodeFlags: ['--import', fixture],
    },
  )
  onTestFinished(() => replica.kill())
  expect(await replica.exited).toMatchObject({ code: 1 })
  expect(replica.stderr).toMatch(loaded)
})
