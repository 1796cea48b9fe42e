import {
  AcknowledgeRequest,
  ChangePasswordRequest,
  ChatServiceService,
  CreateAccountRequest,
  DeleteAccountRequest,
  ListAccountsRequest,
  LoginRequest,
  LogoutRequest,
  SendMessageRequest,
  SendMessagesRequest,
  SubscribeRequest,
} from '@chatroom/transport-grpc/chat'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { type ChatUnderTest, startChat } from './chat-under-test.ts'

const seed = 6
/** A call that has not ended by then hangs. */
const deadlineMs = 60_000

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom('', 'alice', 'bob', 'sesame', '\0', '\u202ealice', 'a'.repeat(70_000), '\u001b[2J'),
)
const uint32 = fc.nat({ max: 4_294_967_295 })
const uint53 = fc.maxSafeNat()

/** What each method takes, as a client of ours would write it, and no field as it should be but by chance. */
const messages: Record<keyof typeof ChatServiceService, fc.Arbitrary<Uint8Array>> = {
  createAccount: fc
    .record({ requestId: text, name: text, password: text })
    .map((message) => CreateAccountRequest.encode(message).finish()),
  login: fc
    .record({
      requestId: text,
      name: text,
      password: text,
      takeover: fc.boolean(),
      idleTimeoutSeconds: uint32,
    })
    .map((message) => LoginRequest.encode(message).finish()),
  logout: fc.record({ requestId: text }).map((message) => LogoutRequest.encode(message).finish()),
  deleteAccount: fc
    .record({ requestId: text, confirmName: text })
    .map((message) => DeleteAccountRequest.encode(message).finish()),
  changePassword: fc
    .record({ requestId: text, oldPassword: text, newPassword: text })
    .map((message) => ChangePasswordRequest.encode(message).finish()),
  listAccounts: fc
    .record({ prefix: text, pageSize: uint32, pageToken: text })
    .map((message) => ListAccountsRequest.encode(message).finish()),
  sendMessage: fc
    .record({ requestId: text, to: text, text })
    .map((message) => SendMessageRequest.encode(message).finish()),
  sendMessages: fc
    .record({ messages: fc.array(fc.record({ requestId: text, to: text, text }), { maxLength: 3 }) })
    .map((message) => SendMessagesRequest.encode(message).finish()),
  subscribe: fc
    .record({ afterSequence: uint53, follow: fc.boolean() })
    .map((message) => SubscribeRequest.encode(message).finish()),
  acknowledge: fc
    .record({ requestId: text, upToSequence: uint53 })
    .map((message) => AcknowledgeRequest.encode(message).finish()),
}
const methods = Object.keys(messages).filter((name): name is keyof typeof messages => name in messages)

/** Bytes of all kinds: noise, messages, and messages with something broken in them. */
function bytesFor(method: keyof typeof messages): fc.Arbitrary<Uint8Array> {
  const broken = fc
    .tuple(messages[method], fc.nat(), fc.nat({ max: 255 }))
    .map(([bytes, at, value]) => bytes.map((byte, i) => (i === at % bytes.length ? value : byte)))
  return fc.oneof(fc.uint8Array({ maxLength: 200 }), messages[method], broken)
}

const authorization = fc.option(
  fc.oneof(
    fc.stringMatching(/^[\x20-\x7e]{0,80}$/),
    fc.stringMatching(/^Bearer [A-Za-z0-9_-]{43}$/),
    fc.constantFrom('Bearer', 'Bearer ', 'bearer x', 'Basic YWxpY2U6c2VzYW1l'),
  ),
)

/** Calls a method with bytes and resolves with the name of the status when the call has ended, whatever its kind. */
function call(
  client: Client,
  method: keyof typeof messages,
  bytes: Uint8Array,
  token: string | null,
): Promise<number> {
  const metadata = new Metadata()
  if (token !== null) metadata.set('authorization', token)
  const { path } = ChatServiceService[method]
  const same = (value: Buffer): Buffer => value
  return new Promise((resolve) => {
    const stream = client.makeBidiStreamRequest(path, same, same, metadata, {
      deadline: Date.now() + deadlineMs,
    })
    stream.on('data', () => undefined)
    stream.on('error', () => undefined)
    stream.on('status', ({ code }) => resolve(code))
    stream.write(Buffer.from(bytes))
    stream.end()
  })
}

const clients: Client[] = []
afterAll(() => {
  for (const client of clients) client.close()
})

function clientOf(chat: ChatUnderTest): Client {
  const client = new Client(chat.address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  })
  clients.push(client)
  onTestFinished(() => client.close())
  return client
}

test('whatever a stranger calls, every call ends, nothing breaks, and nothing changes but by a new account', async () => {
  const chat = await startChat({ limits: { loginAttemptsPerAddress: 0, loginAttemptsPerAccount: 0 } })
  const alice = await chat.loggedIn('alice')
  const bob = await chat.loggedIn('bob')
  await alice.send('bob', 'waits')
  const client = clientOf(chat)
  const before = chat.replica.log.length
  const calls = fc
    .constantFrom(...methods)
    .chain((method) =>
      fc.record({ method: fc.constant(method), bytes: bytesFor(method), token: authorization }),
    )
  const codes = new Set<number>()
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { minLength: 8, maxLength: 8 }), async (batch) => {
      const ended = await Promise.all(
        batch.map(({ method, bytes, token }) => call(client, method, bytes, token)),
      )
      for (const code of ended) codes.add(code)
      // 4 is DEADLINE_EXCEEDED: a call that hung. 2 and 13 are UNKNOWN and INTERNAL: a fault of the server.
      expect(ended.filter((code) => [2, 4, 13].includes(code))).toEqual([])
    }),
    { seed, numRuns: 100 },
  )
  expect(chat.faults).toEqual([])
  expect(codes.size).toBeGreaterThan(3)
  const changes = chat.replica.log.slice(before).filter(({ type }) => type !== 'createAccount')
  // Who guesses a name and its password logs in: that is what the password is for.
  expect(changes.filter((command) => command.type !== 'login')).toEqual([])
  expect(await bob.fetch()).toHaveLength(1)
  await alice.send('bob', 'still here')
})

test('whatever a user calls, every call ends and nothing breaks', async () => {
  const chat = await startChat({ limits: { loginAttemptsPerAddress: 0, loginAttemptsPerAccount: 0 } })
  const carol = await chat.loggedIn('carol')
  const client = clientOf(chat)
  await chat.loggedIn('bob')
  const usual = methods.filter(
    (method) => !['logout', 'deleteAccount', 'changePassword', 'login'].includes(method),
  )
  const calls = fc
    .constantFrom(...usual)
    .chain((method) => fc.record({ method: fc.constant(method), bytes: bytesFor(method) }))
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { minLength: 8, maxLength: 8 }), async (batch) => {
      const ended = await Promise.all(
        // A subscription that is meant to go on does not end by itself.
        batch
          .filter(({ method, bytes }) => method !== 'subscribe' || !follows(bytes))
          .map(({ method, bytes }) => call(client, method, bytes, `Bearer ${carol.token}`)),
      )
      expect(ended.filter((code) => [2, 4, 13].includes(code))).toEqual([])
    }),
    { seed, numRuns: 100 },
  )
  expect(chat.faults).toEqual([])
  await carol.send('bob', 'still here')
})

function follows(bytes: Uint8Array): boolean {
  try {
    return SubscribeRequest.decode(bytes).follow
  } catch {
    return false
  }
}
