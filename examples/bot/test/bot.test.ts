import { type ChatClient, connect } from '@chatroom/client'
import { type FakeCluster, startFakeCluster } from '@chatroom/client/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runBot } from '../src/bot.ts'

let cluster: FakeCluster
let alice: ChatClient
let stop: AbortController

beforeEach(async () => {
  cluster = await startFakeCluster()
  stop = new AbortController()
  alice = await connect({ servers: cluster.servers })
  await alice.createAccount('alice', 'secret')
  await alice.login('alice', 'secret')
})

afterEach(async () => {
  stop.abort()
  await alice.close()
  await cluster.stop()
})

function startBot(): Promise<void> {
  const answer = (text: string, from: string): string => `${from}: ${text}!`
  return runBot({ servers: cluster.servers, name: 'bot', password: 'secret', answer, signal: stop.signal })
}

async function answers(count: number): Promise<string[]> {
  const texts: string[] = []
  for await (const message of alice.inbox()) {
    expect(message.from).toBe('bot')
    texts.push(message.text)
    await message.acknowledge()
    if (texts.length === count) break
  }
  return texts
}

it('answers what waited and what comes, once each, through a failover, until it is told to stop', async () => {
  const first = startBot()
  await expect
    .poll(() =>
      alice.send('bot', 'one').then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  expect(await answers(1)).toEqual(['alice: one!'])
  stop.abort()
  await first
  await alice.send('bot', 'two')
  stop = new AbortController()
  const second = startBot()
  expect(await answers(1)).toEqual(['alice: two!'])
  await cluster.replica(0).kill()
  cluster.lead(1)
  for (const text of ['three', 'four', 'five']) await alice.send('bot', text)
  expect(await answers(3)).toEqual(['alice: three!', 'alice: four!', 'alice: five!'])
  stop.abort()
  await second
  expect(cluster.chat.waiting('bot')).toEqual([])
})

it('ends with the reason when it cannot log in', async () => {
  await alice.createAccount('bot', 'another secret')
  await expect(startBot()).rejects.toMatchObject({ code: 'wrong credentials' })
})
