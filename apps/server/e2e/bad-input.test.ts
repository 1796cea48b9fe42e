import { randomBytes } from 'node:crypto'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { bearerMetadata, ChatServiceClient, readChatError } from '@chatroom/transport-grpc/chat'
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { passwordOf, startCluster, type TestCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { startLoneReplica } from './harness/lone-replica.ts'
import { Program, programs } from './harness/program.ts'
import { runScript } from './harness/script.ts'

const all = [0, 1, 2]

/** The wire itself, at the replica that leads. */
async function stubOfLeader(cluster: TestCluster): Promise<ChatServiceClient> {
  const { id } = await cluster.untilView(all)
  const stub = new ChatServiceClient(`127.0.0.1:${cluster.clientPort + id}`, credentials.createInsecure())
  onTestFinished(() => stub.close())
  return stub
}

interface Answer {
  readonly code: string
  readonly reason: string | null
  readonly message: string
}

/** `OK`, or how the call failed. */
function answerOf<Response>(
  call: (done: (error: ServiceError | null, response?: Response) => void) => unknown,
): Promise<Answer & { readonly response: Response | null }> {
  return new Promise((resolve) => {
    call((error, response) => {
      if (error === null) resolve({ code: 'OK', reason: null, message: '', response: response ?? null })
      else {
        const { code, reason, message } = readChatError(error)
        resolve({ code, reason, message, response: null })
      }
    })
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

describe('bad input', () => {
  it('at the terminal is a clear error and changes nothing', async () => {
    const cluster = await startCluster()
    await cluster.loggedIn('bob')
    const { id } = await cluster.untilView(all)
    const { exitCode, results } = await runScript(cluster, [
      `create ${'n'.repeat(33)}`,
      'x',
      'create a\u0007b',
      'x',
      'create zo\u00eb',
      'x',
      'create zoe\u0308',
      'x',
      'login zo\u00eb',
      'wrong',
      'login nobody',
      'wrong',
      'login bob',
      passwordOf('bob'),
      'login zoe\u0308',
      'x',
      'send zo\u00eb to myself',
      'send nobody hello',
      `send bob ${'x'.repeat(65_537)}`,
      'delete',
      'zo',
    ])
    expect(results.map(({ command, code }) => `${String(command)} ${String(code)}`)).toEqual([
      'create INVALID_ARGUMENT',
      'create INVALID_ARGUMENT',
      'create OK',
      'create ALREADY_EXISTS',
      'login UNAUTHENTICATED',
      'login UNAUTHENTICATED',
      'login FAILED_PRECONDITION',
      'login OK',
      'send INVALID_ARGUMENT',
      'send NOT_FOUND',
      'send INVALID_ARGUMENT',
      'delete FAILED_PRECONDITION',
    ])
    expect(exitCode).toBe(1)
    expect(results.filter(({ ok, message }) => ok !== true && !String(message).endsWith('.'))).toEqual([])
    expect(results[4]?.['message']).toBe(results[5]?.['message'])
    expect((await runScript(cluster, ['list'])).results[0]).toMatchObject({
      ok: true,
      names: ['bob', 'zo\u00eb'],
    })
    expect((await cluster.untilView(all)).id).toBe(id)
  })

  it('of a login: an unknown account takes as long as a wrong password', async () => {
    const cluster = await startCluster(['--login-attempts', '0', '--login-attempts-per-address', '0'])
    await cluster.loggedIn('alice')
    const stub = await stubOfLeader(cluster)
    const times = { alice: [] as number[], nobody: [] as number[] }
    for (let round = 0; round < 25; round++) {
      for (const name of ['alice', 'nobody'] as const) {
        const begin = performance.now()
        const request = {
          requestId: `${name}${round}`,
          name,
          password: 'x',
          takeover: false,
          idleTimeoutSeconds: 0,
        }
        const answer = await answerOf((done) => stub.login(request, done))
        times[name].push(performance.now() - begin)
        expect(answer.reason).toBe('WRONG_CREDENTIALS')
      }
    }
    const ratio = median(times.alice) / median(times.nobody)
    expect(ratio).toBeGreaterThan(0.5)
    expect(ratio).toBeLessThan(2)
  })

  it('on the wire: tokens that are expired or foreign, request ids used twice', async () => {
    const cluster = await startCluster()
    const stub = await stubOfLeader(cluster)
    const [alice, bob] = [await cluster.connect(), await cluster.connect()]
    await alice.createAccount('alice', 'x')
    await bob.createAccount('bob', 'x')
    const login = await answerOf<{ token: string }>((done) =>
      stub.login(
        { requestId: 'l', name: 'alice', password: 'x', takeover: false, idleTimeoutSeconds: 1 },
        done,
      ),
    )
    const own = bearerMetadata(login.response?.token ?? '')
    const send = (metadata: Metadata, requestId: string, text: string): Promise<Answer> =>
      answerOf((done) => stub.sendMessage({ requestId, to: 'bob', text }, metadata, done))
    expect(await send(own, 'r1', 'hello')).toMatchObject({ code: 'OK' })
    expect(await send(own, 'r1', 'something else')).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'REQUEST_ID_REUSED',
    })
    expect(await send(bearerMetadata(randomBytes(32).toString('base64url')), 'r2', 'x')).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'NOT_LOGGED_IN',
    })
    expect(await send(new Metadata(), 'r3', 'x')).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'NOT_LOGGED_IN',
    })
    // To listen is no command: the session ends under it.
    const listening = await answerOf((done) =>
      stub.subscribe({ afterSequence: 0, follow: true }, own).on('error', done).resume(),
    )
    expect(listening).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'SESSION_EXPIRED' })
    expect(await send(own, 'r4', 'x')).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'SESSION_EXPIRED' })
    expect(await send(own, 'r1', 'hello')).toMatchObject({ code: 'OK' })
  })

  it('in frames: what is no HTTP/2, no gRPC or no message is dropped, and the chat goes on', async () => {
    const cluster = await startCluster()
    const alice = await cluster.loggedIn('alice')
    await cluster.loggedIn('bob')
    const ports = all.flatMap((id) => [cluster.clientPort + id, cluster.peerPort + id])
    for (const port of ports) {
      await garbage(port, Buffer.from('GET / HTTP/1.1\r\n\r\n'))
      await garbage(port, randomBytes(64 * 1_024))
      await garbage(
        port,
        Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), randomBytes(64 * 1_024)]),
      )
      await strangeCall(port, '/chatroom.v1.ChatService/SendMessage', randomBytes(1_000))
      await strangeCall(
        port,
        '/chatroom.v1.ChatService/SendMessage',
        Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]),
      )
      await strangeCall(
        port,
        '/chatroom.replica.v1.ReplicaService/Link',
        Buffer.from([0, 0, 0, 0, 3, 0xff, 0xff, 0xff]),
      )
      await strangeCall(port, '/no/such/method', Buffer.alloc(5))
    }
    await alice.send('bob', 'still here')
    const { view, crashesTolerated } = await cluster.untilView(all)
    expect(view.members).toHaveLength(3)
    expect(crashesTolerated).toBe(2)
  })

  it('of a mailbox at its bound: the sender is told, the reader makes room', async () => {
    const cluster = await startCluster()
    const alice = await cluster.loggedIn('alice')
    const bob = await cluster.loggedIn('bob', { idleTimeoutSeconds: 600 })
    const text = 'x'.repeat(64 * 1_024)
    const fits = 1_024
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let n = 0; n < fits / 8; n++) await alice.send('bob', text)
      }),
    )
    await expect(alice.send('bob', text)).rejects.toMatchObject({ code: 'mailbox full' })
    for await (const message of bob.inbox()) {
      await message.acknowledge()
      break
    }
    await alice.send('bob', text)
  })
})

it('a session ends at the age that --session-lifetime says, however long it may be idle', async () => {
  const replica = await startLoneReplica(['--session-lifetime', '1'])
  const alice = await replica.connect()
  await alice.createAccount('alice', 'sesame')
  await alice.login('alice', 'sesame', { idleTimeoutSeconds: 600 })
  const inbox = alice.inbox({ follow: true })[Symbol.asyncIterator]()
  await expect(inbox.next()).rejects.toMatchObject({ code: 'session expired' })
})

describe('a replica of another cluster', () => {
  it('is kept out and told why, and the others go on', async () => {
    const [cluster, other] = [await startCluster(), await startCluster()]
    const alice = await cluster.loggedIn('alice')
    await cluster.loggedIn('bob')
    const { id: leader } = await cluster.untilView(all)
    const replaced = (leader + 1) % all.length
    const rest = all.filter((id) => id !== replaced)
    await cluster.replica(replaced).kill()
    for (const id of all) await other.replica(id).kill()
    await cluster.untilView(rest)

    const flags = [
      ...['--id', String(replaced), '--data-dir', other.dataDirectory],
      ...['--client-port', String(cluster.clientPort), '--peer-port', String(cluster.peerPort)],
      ...['--log-format', 'json', '--supervised'],
    ]
    const stranger = new Program(programs.server, flags)
    onTestFinished(() => stranger.kill())
    const rejection = await eventually(
      'the rejection of the stranger',
      () => stranger.json.find(({ event }) => event === 'replica.peer-rejected') ?? null,
      { seen: () => stranger.stdout },
    )
    expect(String(rejection['reason'])).toMatch(/cluster/)
    await alice.send('bob', 'among ourselves')
    expect((await cluster.untilView(rest)).view.members).toHaveLength(2)
  })
})

/** Says something to a port, and waits until the other end has hung up or has nothing to say. */
function garbage(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('close', () => resolve()).on('error', () => undefined)
    socket.on('data', () => undefined)
    socket.end(bytes)
    // A server that waits for more of what it cannot understand is left.
    socket.setTimeout(1_000, () => socket.destroy())
  })
}

/** Calls a method by hand with a body that no client would write. Resolves when the call has ended. */
function strangeCall(port: number, path: string, body: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    session.on('close', () => resolve()).on('error', () => undefined)
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
    const stream = session.request(headers)
    stream.on('close', () => session.destroy()).on('error', () => undefined)
    stream.on('data', () => undefined)
    stream.setTimeout(1_000, () => session.destroy())
    stream.end(body)
  })
}
