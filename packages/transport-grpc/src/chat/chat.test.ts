import { once } from 'node:events'
import { credentials, Metadata, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, test } from 'vitest'
import {
  bearerMetadata,
  ChatServiceClient,
  ChatServiceService,
  chatError,
  chatMessageError,
  ErrorReason,
  openSendMessages,
  readBearer,
  readChatError,
  readChatMessageError,
  type SendMessageRequest,
  type SendMessagesRequest,
  type SendMessagesResponse,
  sendMessageMethod,
  sendMessagesMethod,
} from './index.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

function unimplemented(): never {
  throw new Error('not called in these tests')
}

async function connect(handlers: {
  sendMessage?: (request: SendMessageRequest, metadata: Metadata) => ServiceError
  sendMessages?: (request: SendMessagesRequest) => SendMessagesResponse
}): Promise<ChatServiceClient> {
  const server = new Server()
  closers.push(() => server.forceShutdown())
  server.addService(ChatServiceService, {
    createAccount: unimplemented,
    login: unimplemented,
    logout: unimplemented,
    deleteAccount: unimplemented,
    listAccounts: unimplemented,
    subscribe: unimplemented,
    acknowledge: unimplemented,
    sendMessage: (
      call: { request: SendMessageRequest; metadata: Metadata },
      callback: (error: ServiceError) => void,
    ) => {
      callback(handlers.sendMessage?.(call.request, call.metadata) ?? unimplemented())
    },
    sendMessages: (call: NodeJS.EventEmitter & { write(value: SendMessagesResponse): void; end(): void }) => {
      call.on('data', (request: SendMessagesRequest) => {
        call.write(handlers.sendMessages?.(request) ?? unimplemented())
      })
      call.on('end', () => call.end())
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error)
      else resolve(bound)
    })
  })
  const client = new ChatServiceClient(`127.0.0.1:${port}`, credentials.createInsecure())
  closers.push(() => client.close())
  return client
}

function failureOfSend(client: ChatServiceClient, metadata = new Metadata()): Promise<ServiceError> {
  return new Promise((resolve, reject) => {
    client.sendMessage({ requestId: 'r1', to: 'bob', text: 'hi' }, metadata, (error) => {
      if (error) resolve(error)
      else reject(new Error('the call was expected to fail'))
    })
  })
}

describe('errors of the chat service', () => {
  test('a refusal crosses the wire with reason, leader and advice', async () => {
    const client = await connect({
      sendMessage: () =>
        chatError('UNAVAILABLE', 'NOT_LEADER', 'Replica 1 does not lead; replica 2 does.', {
          leaderAddress: '127.0.0.1:9602',
          leaderTerm: 2 ** 40,
          retryAfterMs: 25,
        }),
    })
    expect(readChatError(await failureOfSend(client))).toEqual({
      code: 'UNAVAILABLE',
      reason: 'NOT_LEADER',
      message: 'Replica 1 does not lead; replica 2 does.',
      leader: { address: '127.0.0.1:9602', term: 2 ** 40 },
      retryAfterMs: 25,
    })
  })

  test('a failure without a detail has no reason', async () => {
    const client = await connect({
      sendMessage: () =>
        Object.assign(new Error('plain'), {
          code: status.INTERNAL,
          details: 'plain',
          metadata: new Metadata(),
        }),
    })
    const info = readChatError(await failureOfSend(client))
    expect(info).toEqual({ code: 'INTERNAL', reason: null, message: 'plain', leader: null, retryAfterMs: 0 })
  })

  test('a detail that cannot be read is as good as none', () => {
    const metadata = new Metadata()
    metadata.set('chatroom-error-bin', Buffer.from([0xff, 0xff, 0xff]))
    const error = Object.assign(new Error('x'), { code: 99, details: 'x', metadata })
    expect(readChatError(error)).toEqual({
      code: 'UNKNOWN',
      reason: null,
      message: 'x',
      leader: null,
      retryAfterMs: 0,
    })
  })

  test('every reason of the wire has a name and comes back', () => {
    const wire = Object.entries(ErrorReason).filter(([, number]) => number > 0)
    expect(wire.length).toBeGreaterThan(20)
    for (const [name, number] of wire) {
      const info = readChatMessageError({
        code: status.INTERNAL,
        message: '',
        detail: { reason: number, leaderAddress: '', leaderTerm: 0, retryAfterMs: 0 },
      })
      expect(`ERROR_REASON_${info.reason}`).toBe(name)
    }
  })

  test('one message of a stream fails with the same values', () => {
    const error = chatMessageError('NOT_FOUND', 'UNKNOWN_RECIPIENT', 'There is no account bob.')
    expect(readChatMessageError(error)).toEqual({
      code: 'NOT_FOUND',
      reason: 'UNKNOWN_RECIPIENT',
      message: 'There is no account bob.',
      leader: null,
      retryAfterMs: 0,
    })
  })
})

describe('the session token', () => {
  test('crosses the wire in the metadata', async () => {
    let seen: string | null = null
    const client = await connect({
      sendMessage: (_, metadata) => {
        seen = readBearer(metadata)
        return chatError('INTERNAL', 'INTERNAL', 'seen')
      },
    })
    await failureOfSend(client, bearerMetadata('s3cret'))
    expect(seen).toBe('s3cret')
  })

  test.each([
    ['no header', [], null],
    ['another scheme', ['Basic abc'], null],
    ['an empty token', ['Bearer '], null],
    ['two tokens', ['Bearer a', 'Bearer b'], null],
    ['a scheme in lower case', ['bearer a'], 'a'],
  ])('%s', (_, values, expected) => {
    const metadata = new Metadata()
    for (const value of values) metadata.add('authorization', value)
    expect(readBearer(metadata)).toBe(expected)
  })
})

describe('serializers without the extra copy', () => {
  test('write what the generated ones write', () => {
    const request = { requestId: 'r-1', to: 'zoë', text: 'x'.repeat(1000) }
    expect(sendMessageMethod.requestSerialize(request)).toEqual(
      ChatServiceService.sendMessage.requestSerialize(request),
    )
    const requests = { messages: [request, request] }
    expect(sendMessagesMethod.requestDeserialize(sendMessagesMethod.requestSerialize(requests))).toEqual(
      requests,
    )
    const result = { $case: 'messageId' as const, value: '12' }
    const response = { results: [{ requestId: 'r-1', result, recipientOnline: true }] }
    expect(sendMessagesMethod.responseDeserialize(sendMessagesMethod.responseSerialize(response))).toEqual(
      response,
    )
  })

  test('carry a stream of messages', async () => {
    const client = await connect({
      sendMessages: ({ messages }) => ({
        results: messages.map(({ requestId }) => ({
          requestId,
          result: { $case: 'messageId', value: `id of ${requestId}` },
          recipientOnline: false,
        })),
      }),
    })
    const stream = openSendMessages(client, bearerMetadata('t'))
    const send = (...requestIds: string[]): boolean =>
      stream.write({ messages: requestIds.map((requestId) => ({ requestId, to: 'bob', text: 'hi' })) })
    send('a', 'b')
    send('c')
    stream.end()
    const ids: unknown[] = []
    stream.on('data', ({ results }: SendMessagesResponse) => ids.push(...results))
    await once(stream, 'end')
    expect(ids).toEqual(
      ['a', 'b', 'c'].map((requestId) => ({
        requestId,
        result: { $case: 'messageId', value: `id of ${requestId}` },
        recipientOnline: false,
      })),
    )
  })
})
