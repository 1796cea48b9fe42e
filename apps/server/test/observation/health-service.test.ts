import { Client, credentials, Metadata, Server, ServerCredentials } from '@grpc/grpc-js'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { createHealthService, type HealthService } from '../../src/observation/health-service.ts'

const same = (bytes: Buffer): Buffer => bytes
/** A call that has not ended by then hangs. */
const deadlineMs = 60_000

async function serve(): Promise<{ health: HealthService; client: Client }> {
  const health = createHealthService()
  const server = new Server()
  server.addService(health.definition, health.implementation)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  onTestFinished(() => {
    client.close()
    server.forceShutdown()
  })
  return { health, client }
}

/** Calls a method with bytes. Resolves with the code of its status, or with null at its first answer. */
function call(client: Client, method: string, bytes: Uint8Array): Promise<number | null> {
  return new Promise((resolve) => {
    const deadline = Date.now() + deadlineMs
    const path = `/grpc.health.v1.Health/${method}`
    const stream = client.makeBidiStreamRequest(path, same, same, new Metadata(), { deadline })
    stream.on('data', () => {
      resolve(null)
      stream.cancel()
    })
    stream.on('error', () => undefined)
    stream.on('status', ({ code }) => resolve(code))
    stream.write(Buffer.from(bytes))
    stream.end()
  })
}

/** A `HealthCheckRequest` for a service of this name. */
function requestFor(service: string): Uint8Array {
  const name = Buffer.from(service)
  return Buffer.concat([Buffer.from([10, name.length]), name])
}

test('whatever is asked of the health service, it answers, and still knows the truth', async () => {
  const { health, client } = await serve()
  const name = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.constantFrom('', 'chatroom.v1.ChatService', '__proto__'),
  )
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), name.map(requestFor))
  const calls = fc.record({ method: fc.constantFrom('Check', 'Watch', 'List', 'NoSuchMethod'), bytes })
  const codes = new Set<number | null>()
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { minLength: 8, maxLength: 8 }), async (batch) => {
      for (const code of await Promise.all(batch.map((each) => call(client, each.method, each.bytes))))
        codes.add(code)
    }),
    { seed: 6, numRuns: 60 },
  )
  // Answered, NOT_FOUND, UNIMPLEMENTED; never DEADLINE_EXCEEDED or UNKNOWN.
  for (const expected of [null, 5, 12]) expect(codes).toContain(expected)
  for (const fault of [2, 4]) expect(codes).not.toContain(fault)
  health.update({ ready: true, serving: true })
  expect(await call(client, 'Check', requestFor('chatroom.v1.ChatService'))).toBeNull()
})
