import { describe, expect, it } from 'vitest'
import { failureOf, startChat } from './chat-under-test.ts'

describe('accounts', () => {
  it('are made without a session and without a confirmation', async () => {
    const chat = await startChat()
    const client = chat.client()
    await client.create('alice')
    await client.create('bob')
    expect((await client.list()).names).toEqual(['alice', 'bob'])
  })

  it('are made once, whatever is retried', async () => {
    const chat = await startChat()
    const client = chat.client()
    await client.create('alice', 'sesame', 'r1')
    await client.create('alice', 'sesame', 'r1')
    expect(await failureOf(client.create('alice', 'sesame', 'r2'))).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'NAME_TAKEN',
    })
  })

  it('have one name in all its Unicode forms', async () => {
    const chat = await startChat()
    const client = chat.client()
    await client.create('zo\u00eb')
    expect(await failureOf(client.create('zoe\u0308'))).toMatchObject({ reason: 'NAME_TAKEN' })
    expect((await client.login('zoe\u0308')).name).toBe('zo\u00eb')
    expect((await client.list('zoe\u0308')).names).toEqual(['zo\u00eb'])
  })

  it.each([
    ['an empty name', '', 'x', 'r', 'INVALID_NAME'],
    ['an over-long name', 'n'.repeat(33), 'x', 'r', 'INVALID_NAME'],
    ['a control character', 'a\u0007b', 'x', 'r', 'INVALID_NAME'],
    ['an empty password', 'alice', '', 'r', 'INVALID_PASSWORD'],
    ['an over-long password', 'alice', 'p'.repeat(1_025), 'r', 'INVALID_PASSWORD'],
    ['an empty request id', 'alice', 'x', '', 'INVALID_REQUEST_ID'],
    ['an over-long request id', 'alice', 'x', 'r'.repeat(65), 'INVALID_REQUEST_ID'],
  ])('are refused with %s, and nothing changes', async (_, name, password, requestId, reason) => {
    const chat = await startChat()
    const failure = await failureOf(chat.client().create(name, password, requestId))
    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason })
    expect(failure.message).toMatch(/[.]$/)
    expect(chat.replica.log).toEqual([])
  })

  it('are listed by literal prefix, page by page', async () => {
    const chat = await startChat({ limits: { listPage: 3 } })
    const client = chat.client()
    for (const name of ['ab', 'a.b', 'a*', 'abc', 'b', 'abd']) await client.create(name)
    expect((await client.list('a*')).names).toEqual(['a*'])
    expect((await client.list('zz')).names).toEqual([])
    const first = await client.list('a', 2)
    expect(first.names).toEqual(['a*', 'a.b'])
    const second = await client.list('a', 2, first.nextPageToken)
    expect(second.names).toEqual(['ab', 'abc'])
    const third = await client.list('a', 2, second.nextPageToken)
    expect(third).toEqual({ names: ['abd'], nextPageToken: '' })
    // More than the bound is the bound.
    expect((await client.list('', 1_000)).names).toHaveLength(3)
  })

  it('are not listed after a page token that no response gave', async () => {
    const chat = await startChat()
    expect(await failureOf(chat.client().list('', 0, 'no such page'))).toMatchObject({
      reason: 'INVALID_ARGUMENT',
    })
  })

  it('are deleted with their waiting messages, by their own session, with the name typed again', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    const bob = await chat.loggedIn('bob')
    await bob.send('alice', 'hello')
    expect(await failureOf(alice.deleteAccount('alicia'))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'NOT_CONFIRMED',
    })
    expect(await failureOf(alice.deleteAccount('a'.repeat(100_000)))).toMatchObject({
      reason: 'NOT_CONFIRMED',
    })
    await alice.deleteAccount('alice', 'delete-1')
    // A retry whose first answer was lost.
    await alice.deleteAccount('alice', 'delete-1')
    expect(await failureOf(alice.send('bob', 'still here?'))).toMatchObject({ reason: 'ACCOUNT_DELETED' })
    expect(await failureOf(bob.send('alice', 'hello?'))).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'UNKNOWN_RECIPIENT',
    })
    await alice.create('alice')
    alice.token = ''
    expect((await alice.login('alice')).waiting).toBe(0)
  })
})
