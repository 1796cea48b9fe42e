import type { Message } from '@chatroom/replica'
import { messageBytes } from '@chatroom/replica'
import { expect, test } from 'vitest'
import { defaultTransportLimits } from '../limits.ts'
import { decodeLinkRequest } from '../wire/decode.ts'
import { roomBytes } from '../wire/grpc-framing.ts'
import { SharedEntries } from '../wire/shared-entries.ts'
import { Outbox } from './outbox.ts'

const size = messageBytes({ type: 'timeoutNow', term: 1 })

function timeoutNow(term: number): Message {
  return { type: 'timeoutNow', term }
}

/** A network that takes a frame when the test says so. */
function network(): { terms: number[][]; taken: () => void; write(frame: Buffer, done: () => void): void } {
  const waiting: (() => void)[] = []
  const terms: number[][] = []
  return {
    terms,
    taken: () => waiting.shift()?.(),
    write(frame, done) {
      const content = decodeLinkRequest(frame.subarray(roomBytes))
      terms.push(content.type === 'frame' ? content.messages.map(({ term }) => term) : [])
      waiting.push(done)
    },
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

test('what is sent in one go leaves as one frame, before anything else happens', async () => {
  const sink = network()
  const outbox = new Outbox(sink, defaultTransportLimits, new SharedEntries())
  outbox.push(timeoutNow(1))
  outbox.push(timeoutNow(2))
  expect(sink.terms).toEqual([])
  await new Promise((resolve) => process.nextTick(resolve))
  expect(sink.terms).toEqual([[1, 2]])
})

test('while one frame is with the network the next one gathers', async () => {
  const sink = network()
  const outbox = new Outbox(sink, defaultTransportLimits, new SharedEntries())
  outbox.push(timeoutNow(1))
  await turn()
  outbox.push(timeoutNow(2))
  await turn()
  outbox.push(timeoutNow(3))
  await turn()
  expect(sink.terms).toEqual([[1]])
  expect(outbox.queuedBytes).toBe(3 * size)
  sink.taken()
  expect(sink.terms).toEqual([[1], [2, 3]])
  expect(outbox.queuedBytes).toBe(2 * size)
  sink.taken()
  expect(outbox.queuedBytes).toBe(0)
})

test('frames are bounded, and one message is never too much for a frame', async () => {
  const sink = network()
  const outbox = new Outbox(sink, { ...defaultTransportLimits, frameBytes: 2 * size }, new SharedEntries())
  const payload = new Uint8Array(10 * size)
  const entry = { index: 1, term: 7, time: 1, kind: 'command' as const, payload }
  const large: Message = {
    type: 'append',
    term: 3,
    previous: { index: 0, term: 0 },
    entries: [entry],
    commitIndex: 0,
    round: 0,
  }
  for (const message of [timeoutNow(1), timeoutNow(2), large, timeoutNow(4), timeoutNow(5), timeoutNow(6)])
    outbox.push(message)
  await turn()
  for (let i = 0; i < 4; i += 1) sink.taken()
  expect(sink.terms).toEqual([[1, 2], [3], [4, 5], [6]])
  expect(outbox.queuedBytes).toBe(0)
})

test('more than the bound is not taken, and what is with the network counts', async () => {
  const sink = network()
  const outbox = new Outbox(sink, { ...defaultTransportLimits, queueBytes: 2 * size }, new SharedEntries())
  expect(outbox.push(timeoutNow(1))).toBe(true)
  await turn()
  expect(outbox.push(timeoutNow(2))).toBe(true)
  expect(outbox.push(timeoutNow(3))).toBe(false)
  sink.taken()
  expect(outbox.push(timeoutNow(4))).toBe(true)
})

test('a closed one writes nothing more', async () => {
  const sink = network()
  const outbox = new Outbox(sink, defaultTransportLimits, new SharedEntries())
  outbox.push(timeoutNow(1))
  await turn()
  outbox.push(timeoutNow(2))
  outbox.close()
  sink.taken()
  await turn()
  expect(sink.terms).toEqual([[1]])
  expect(outbox.queuedBytes).toBe(0)
})
