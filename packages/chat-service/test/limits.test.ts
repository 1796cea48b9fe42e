import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createPasswords, defaultLimits } from '../src/index.ts'
import {
  CallError,
  failureOf,
  outcomesOf,
  Received,
  startChat,
  type TestClient,
  until,
} from './chat-under-test.ts'

async function reasonOfLogin(client: TestClient, name: string, password: string): Promise<string> {
  try {
    await client.login(name, { password, takeover: true })
    return 'ok'
  } catch (error) {
    if (error instanceof CallError) return error.info.reason ?? 'no reason'
    throw error
  }
}

describe('attempts to log in', () => {
  test('to one account are limited, also with the right password, and whether it exists or not', async () => {
    const chat = await startChat({ limits: { loginAttemptsPerAccount: 3 } })
    await chat.loggedIn('alice')
    const client = chat.client()
    for (const name of ['alice', 'nobody']) {
      for (let i = 0; i < 3; i++) expect(await reasonOfLogin(client, name, 'wrong')).toBe('WRONG_CREDENTIALS')
      const failure = await failureOf(client.login(name, { password: 'wrong' }))
      expect(failure).toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'TOO_MANY_ATTEMPTS',
        retryAfterMs: 20_000,
      })
      expect(failure.message).toContain('wait 20 seconds')
    }
    expect(await reasonOfLogin(client, 'alice', 'sesame')).toBe('TOO_MANY_ATTEMPTS')
    chat.clock.advance(20_000)
    expect(await reasonOfLogin(client, 'alice', 'sesame')).toBe('ok')
  })

  test('that succeed are not counted', async () => {
    const chat = await startChat({
      limits: { loginAttemptsPerAccount: 3, loginAttemptsPerAddress: 3 },
    })
    const client = chat.client()
    await client.create('alice')
    for (let i = 0; i < 10; i++) expect(await reasonOfLogin(client, 'alice', 'sesame')).toBe('ok')
  })

  test('from one address are limited over all accounts', async () => {
    const chat = await startChat({ limits: { loginAttemptsPerAddress: 5 } })
    const client = chat.client()
    const reasons: string[] = []
    for (let i = 0; i < 7; i++) reasons.push(await reasonOfLogin(client, `name${i}`, 'wrong'))
    expect(reasons.filter((reason) => reason === 'WRONG_CREDENTIALS')).toHaveLength(5)
    expect(reasons.slice(5)).toEqual(['TOO_MANY_ATTEMPTS', 'TOO_MANY_ATTEMPTS'])
  })
})

describe('sends', () => {
  test('of one account are limited, of another not with it', async () => {
    const chat = await startChat({ limits: { sendsPerSecond: 5 } })
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    for (let i = 0; i < 5; i++) await alice.send('bob', `${i}`)
    expect(await failureOf(alice.send('bob', 'one more'))).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'OVERLOADED',
      retryAfterMs: 200,
    })
    await bob.send('alice', 'hello')
    // Another session of the account does not have another bucket.
    await alice.login('alice', { takeover: true })
    expect((await failureOf(alice.send('bob', 'one more'))).reason).toBe('OVERLOADED')
    chat.clock.advance(200)
    await alice.send('bob', 'one more')
  })

  test('on a stream end it with the time to wait, and what came before is sent', async () => {
    const chat = await startChat({ limits: { sendsPerSecond: 5 } })
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    for (let i = 0; i < 8; i++) stream.write({ messages: [{ requestId: `r${i}`, to: 'bob', text: `${i}` }] })
    await answers.ended
    expect(outcomesOf(answers.items)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'OVERLOADED'])
    expect((await bob.fetch()).map(({ text }) => text)).toEqual(['0', '1', '2', '3', '4'])
  })
})

test('a flood of logins does not stall who sends', async () => {
  const passwords = await createPasswords({ ...defaultLimits, random: randomBytes })
  const chat = await startChat({
    passwords,
    limits: { loginAttemptsPerAddress: 0, loginAttemptsPerAccount: 0 },
  })
  const [alice, mallory] = [await chat.loggedIn('alice'), chat.client()]
  await chat.loggedIn('bob')
  const [guessers, sends] = [80, 80]
  let judged = 0
  let over = false
  const flood = Array.from({ length: guessers }, async (_, i) => {
    for (; !over; judged++)
      expect(await reasonOfLogin(mallory, `name${i}`, 'wrong')).toBe('WRONG_CREDENTIALS')
  })
  // The flood is before the server when the first message comes, and stays there until the last is sent.
  await until(() => judged > 0)
  const before = judged
  for (let i = 0; i < sends; i++) await alice.send('bob', `${i}`)
  // Had a send to wait for the passwords before it, each would have cost as many as there are guessers.
  expect(judged - before).toBeLessThan((sends * guessers) / 4)
  over = true
  await Promise.all(flood)
})

describe('a change of password', () => {
  test('lets in with the new one only, and ends the session with its streams', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    const following = Received.events(alice.subscribe())
    await following.count(1)
    await alice.changePassword('sesame', 'open sesame')
    expect(await following.ended).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'PASSWORD_CHANGED' })
    expect(await failureOf(alice.send('bob', 'x'))).toMatchObject({ reason: 'PASSWORD_CHANGED' })
    const client = chat.client()
    expect(await reasonOfLogin(client, 'alice', 'sesame')).toBe('WRONG_CREDENTIALS')
    expect(await reasonOfLogin(client, 'alice', 'open sesame')).toBe('ok')
  })

  test('needs the old password and a session, and is tried no more often than a login', async () => {
    const chat = await startChat({ limits: { loginAttemptsPerAccount: 3 } })
    const alice = await chat.loggedIn('alice')
    for (let i = 0; i < 3; i++) {
      expect((await failureOf(alice.changePassword('guess', 'new'))).reason).toBe('WRONG_CREDENTIALS')
    }
    expect((await failureOf(alice.changePassword('sesame', 'new'))).reason).toBe('TOO_MANY_ATTEMPTS')
    expect((await failureOf(chat.client().changePassword('sesame', 'new'))).reason).toBe('NOT_LOGGED_IN')
    expect((await failureOf(alice.changePassword('sesame', ''))).reason).toBe('INVALID_PASSWORD')
    await alice.send('alice2', 'still there').catch(() => undefined)
    expect(await reasonOfLogin(chat.client(), 'alice', 'sesame')).toBe('TOO_MANY_ATTEMPTS')
    expect(chat.faults).toEqual([])
  })

  test('that took effect is answered again with the token it ended', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    await alice.changePassword('sesame', 'new', 'r')
    const hash = chat.replica.stateMachine.account('alice')?.passwordHash
    await alice.changePassword('sesame', 'new', 'r')
    expect(chat.replica.stateMachine.account('alice')?.passwordHash).toBe(hash)
    expect((await failureOf(alice.changePassword('new', 'newer', 'r2'))).reason).toBe('PASSWORD_CHANGED')
  })
})
