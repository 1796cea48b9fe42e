import { createServer } from 'node:net'
import { createAuthority, type Issued, issueForReplica } from '@chatroom/certificates'
import { ChatServiceService } from '@chatroom/transport-grpc/chat'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../src/index.ts'

const month = { days: 30 }

/** A port that answers the first question of a client, that is who leads. */
async function serve(credentials: ServerCredentials): Promise<string> {
  const server = new Server()
  server.addService(ChatServiceService, {
    listAccounts: (_: unknown, callback: (error: null, response: object) => void) =>
      callback(null, { names: [], nextPageToken: '' }),
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  onTestFinished(() => server.forceShutdown())
  return `127.0.0.1:${port}`
}

function tlsServer(issued: Issued): ServerCredentials {
  return ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(issued.key), cert_chain: Buffer.from(issued.certificate) },
  ])
}

/** A client that is refused tries until its time is over. */
const refusedMs = 3_000
const acceptedMs = 60_000

async function outcome(server: string, ca: string | null, connectTimeoutMs = refusedMs): Promise<string> {
  const trust = ca === null ? {} : { tls: { ca } }
  try {
    const client = await connect({ servers: [server], connectTimeoutMs, ...trust })
    await client.close()
    return 'connected'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

test('servers are known by the authority that signed for their address', async () => {
  const [authority, other] = [await createAuthority(month), await createAuthority(month)]
  const right = await serve(tlsServer(await issueForReplica(authority, 0, ['127.0.0.1'], month)))
  expect(await outcome(right, authority.certificate, acceptedMs)).toBe('connected')
  expect(await outcome(right, other.certificate + authority.certificate, acceptedMs)).toBe('connected')
  const elsewhere = await serve(tlsServer(await issueForReplica(authority, 0, ['10.1.2.3', 'chat'], month)))
  const from = new Date(Date.now() - 40 * 86_400_000)
  const expired = await serve(
    tlsServer(await issueForReplica(authority, 0, ['127.0.0.1'], { from, days: 30 })),
  )
  expect(
    await Promise.all([
      outcome(right, other.certificate),
      outcome(elsewhere, authority.certificate),
      outcome(expired, authority.certificate),
    ]),
  ).toEqual([
    expect.stringContaining('of an authority that is not trusted here'),
    expect.stringContaining('is for another host'),
    expect.stringContaining('has expired'),
  ])
})

test('a server without TLS is told from one that does not run', async () => {
  const { certificate } = await createAuthority(month)
  const plain = await serve(ServerCredentials.createInsecure())
  const free = createServer()
  const port = await new Promise<number>((resolve) => {
    free.listen(0, '127.0.0.1', () => {
      const bound = free.address()
      free.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0))
    })
  })
  expect(await Promise.all([outcome(plain, certificate), outcome(`127.0.0.1:${port}`, certificate)])).toEqual(
    [expect.stringContaining('does not speak TLS'), expect.stringContaining('No server answers at')],
  )
})
