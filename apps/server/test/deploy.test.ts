import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { options } from '@chatroom/configuration'
import { validate } from 'dockerfile-utils'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'

const run = promisify(execFile)
const deploy = fileURLToPath(new URL('../../../deploy/', import.meta.url))

const files = [
  'systemd/chatroom@.service',
  'systemd/chatroom.env',
  'docker/Dockerfile',
  'docker/compose.yaml',
  'kubernetes/kustomization.yaml',
  'kubernetes/namespace.yaml',
  'kubernetes/services.yaml',
  'kubernetes/stateful-set.yaml',
  'kubernetes/disruption-budget.yaml',
] as const

const read = (file: (typeof files)[number]): Promise<string> => readFile(`${deploy}${file}`, 'utf8')

/** What the program says, or null where it is not installed. */
async function ifInstalled(program: string, ...words: string[]): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(program, words)
    return stdout + stderr
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

test.each(files)('%s gives a replica no setting that there is not', async (file) => {
  const known = new Set(options.fileOptions.map(({ environment }) => environment))
  const variables = (await read(file)).match(/\bCHATROOM_[A-Z_]+\b/g) ?? []
  expect(variables.filter((name) => !known.has(name))).toEqual([])
})

describe('systemd', () => {
  test('the unit gives the replica its id, time to stop, and nothing that the system does not know', async () => {
    const unit = await read('systemd/chatroom@.service')
    expect(unit).toMatch(/^ExecStart=.*apps\/server\/dist\/server\.js --id %i/m)
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(8)
    for (const line of unit.split('\n')) expect(line).toMatch(/^$|^#|^\[\w+\]$|^[A-Z][A-Za-z]+=/)
    expect((await ifInstalled('systemd-analyze', 'verify', `${deploy}systemd/chatroom@.service`)) ?? '').toBe(
      '',
    )
  })
})

const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      command: z.array(z.string()),
      environment: z.record(z.string(), z.string()),
      ports: z.array(z.string()),
      volumes: z.array(z.string()),
    }),
  ),
  volumes: z.record(z.string(), z.null()),
})

describe('docker', () => {
  test('each service is the replica of its name, with data and ports of its own', async () => {
    const { services, volumes } = Compose.parse(parse(await read('docker/compose.yaml'), { merge: true }))
    const names = Object.keys(services)
    for (const [id, [name, service]] of Object.entries(services).entries()) {
      expect(name).toBe(`replica-${id}`)
      expect(service.command).toEqual(['--id', String(id)])
      expect(service.environment['CHATROOM_PEERS']).toBe(names.map((peer) => `${peer}:9700`).join())
      expect(service.environment['CHATROOM_SERVERS']).toBe(names.map((peer) => `${peer}:9600`).join())
      expect(Object.keys(volumes)).toContain(`data-${id}`)
      expect(service.volumes).toContain(`data-${id}:/data`)
    }
    const published = Object.values(services).flatMap(({ ports }) => ports.map((port) => port.split(':')[1]))
    expect(new Set(published).size).toBe(published.length)
  })

  test('the image runs the program that is built, as a user of its own', async () => {
    const file = await read('docker/Dockerfile')
    const instructions = file
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    for (const line of instructions)
      expect(line).toMatch(
        /^\s*(?:FROM|WORKDIR|COPY|RUN|ENV|USER|VOLUME|EXPOSE|STOPSIGNAL|HEALTHCHECK|CMD|ENTRYPOINT) ?/,
      )
    expect(validate(file)).toEqual([])
    expect(file).toMatch(/^USER node$/m)
    expect(file).toMatch(
      /^ENTRYPOINT \["node", "--max-semi-space-size=16", "--v8-pool-size=1", "--no-allocation-site-pretenuring", "apps\/server\/dist\/server\.js"\]$/m,
    )
  })
})

const Probe = z.object({
  httpGet: z.object({ path: z.enum(['/livez', '/readyz']), port: z.literal('metrics') }),
})
const StatefulSet = z.object({
  spec: z.object({
    replicas: z.number(),
    serviceName: z.string(),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number().min(9),
        containers: z.tuple([
          z.object({
            env: z.array(z.object({ name: z.string(), value: z.string() })),
            ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
            startupProbe: Probe,
            livenessProbe: Probe,
            readinessProbe: Probe,
          }),
        ]),
      }),
    }),
  }),
})

describe('kubernetes', () => {
  test('the pods are the replicas that each is told of, and probes ask where the metrics are', async () => {
    const { spec } = StatefulSet.parse(parse(await read('kubernetes/stateful-set.yaml')))
    const [container] = spec.template.spec.containers
    const pods = Array.from({ length: spec.replicas }, (_, id) => `chatroom-${id}.${spec.serviceName}`)
    const env = new Map(container.env.map(({ name, value }) => [name, value]))
    expect(env.get('CHATROOM_PEERS')).toBe(pods.map((pod) => `${pod}:9700`).join())
    expect(env.get('CHATROOM_SERVERS')).toBe(pods.map((pod) => `${pod}:9600`).join())
    expect(container.readinessProbe.httpGet.path).toBe('/readyz')
    expect(container.livenessProbe.httpGet.path).toBe('/livez')
    expect(container.ports.find(({ name }) => name === 'metrics')?.containerPort).toBe(
      Number(env.get('CHATROOM_METRICS_PORT')),
    )
    expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels)
  })

  test('every file is YAML without a fault, and kustomize takes them together', async () => {
    const kinds: string[] = []
    for (const file of files.filter((name) => name.startsWith('kubernetes/'))) {
      for (const document of parseAllDocuments(await read(file), { uniqueKeys: true })) {
        expect(document.errors).toEqual([])
        kinds.push(z.object({ kind: z.string() }).parse(document.toJS()).kind)
      }
    }
    const wanted = kinds.filter((kind) => kind !== 'Kustomization').toSorted()
    const built = await ifInstalled('kubectl', 'kustomize', `${deploy}kubernetes`)
    const found = built?.match(/^kind: \w+$/gm)?.map((line) => line.slice('kind: '.length))
    expect((found ?? wanted).toSorted()).toEqual(wanted)
  })
})
