import { expect, test } from 'vitest'
import { Received, settled, startChat, until } from './chat-under-test.ts'

const slowReaderMs = 60_000
const messages = 160
const limits = { slowReaderMs, idleTimeoutDefaultMs: 100 * slowReaderMs }

test('who stops reading is cut off, holds little until then, and loses nothing', async () => {
  const broken: string[] = []
  const chat = await startChat({ limits, disconnect: (peer) => broken.push(peer) })
  const [alice, bob, carol] = [
    await chat.loggedIn('alice'),
    await chat.loggedIn('bob'),
    await chat.loggedIn('carol'),
  ]
  const text = 'x'.repeat(60_000)
  const stopped = bob.subscribe()
  stopped.once('data', () => stopped.pause())
  await Received.events(stopped).count(1)
  const reading = Received.events(carol.subscribe())
  // More than the windows of HTTP/2 hold on the way.
  await Promise.all(Array.from({ length: messages }, () => alice.send('bob', text)))
  await alice.send('carol', text)
  await reading.count(2)
  await settled(() => chat.replica.log.length)
  chat.clock.advance(slowReaderMs / 2)
  expect(broken).toEqual([])
  expect(chat.service.counts().subscriptions).toBe(2)
  chat.clock.advance(slowReaderMs)
  await until(() => chat.service.counts().subscriptions === 1)
  expect(broken).toHaveLength(1)
  // Who reads goes on, and what the other did not read waits.
  await alice.send('carol', 'still there')
  await reading.count(3)
  const again = chat.client()
  await again.login('bob', { takeover: true })
  expect(await again.fetch()).toHaveLength(messages)
})

test('who reads slowly but does read stays', async () => {
  const broken: string[] = []
  const chat = await startChat({ limits, disconnect: (peer) => broken.push(peer) })
  const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
  const received = Received.events(bob.subscribe())
  for (let i = 1; i <= 5; i++) {
    await alice.send('bob', 'x'.repeat(60_000))
    await received.count(i + 1)
    await settled(() => received.items.length)
    chat.clock.advance(slowReaderMs)
  }
  expect(broken).toEqual([])
})
