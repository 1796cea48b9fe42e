import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Append, Message } from '../core/messages.ts'
import type { TransportCase } from './transport-group.ts'
import { helloOf, TransportRecorder } from './transport-recorder.ts'

const origin = { index: 0, term: 0 }

/** The `round`th message of a test, with a payload of that many bytes. */
export function numbered(round: number, payloadBytes = 10): Append {
  const payload = new Uint8Array(payloadBytes).fill(round % 256)
  const entry = { index: 1, term: 1, time: 1_700_000_000_000 + round, kind: 'command' as const, payload }
  return { type: 'append', term: 1, previous: origin, entries: [entry], commitIndex: 0, round }
}

export function roundsOf(recorder: TransportRecorder): number[] {
  return recorder.received.map(({ message }) => (message.type === 'append' ? message.round : -1))
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

/** With the payloads as text: some transports give a `Buffer` where a `Uint8Array` was sent. */
function plain(message: Message): unknown {
  if (message.type !== 'append') return message
  const entries = message.entries.map((entry) => ({
    ...entry,
    payload: Buffer.from(entry.payload).toString('hex'),
  }))
  return { ...message, entries }
}

export const linkCases: readonly TransportCase[] = [
  {
    name: 'two members find each other, and each learns what the other said of itself',
    members: 2,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [
        new TransportRecorder(helloOf(0)),
        new TransportRecorder(helloOf(1, { clientAddress: 'here:1', pid: 12 })),
      ]
      await Promise.all([a.start(atA), b.start(atB)])
      deepEqual((await atA.untilObserved(1, 'connected')).hello, atB.hello())
      deepEqual((await atB.untilObserved(0, 'connected')).hello, atA.hello())
    },
  },
  {
    name: 'attempts are numbered from 1, announced first, and have one outcome each',
    members: 2,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [new TransportRecorder(helloOf(0)), new TransportRecorder(helloOf(1))]
      await a.start(atA)
      await atA.untilObserved(1, 'refused')
      await b.start(atB)
      await atA.untilObserved(1, 'connected')
      const seen = atA.observations(1)
      let attempt = 0
      for (const [i, one] of seen.entries()) {
        if (one.type === 'attempting') {
          attempt += 1
          equal(i, 2 * (attempt - 1), 'an attempt began before the one before had an outcome')
        }
        ok(
          one.type === 'attempting' ||
            one.type === 'refused' ||
            one.type === 'unreachable' ||
            one.type === 'connected',
          one.type,
        )
        equal(one.attempt, attempt)
      }
    },
  },
  {
    name: 'messages arrive whole, in order, and each once, in both directions at the same time',
    members: 2,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [new TransportRecorder(helloOf(0)), new TransportRecorder(helloOf(1))]
      await Promise.all([a.start(atA), b.start(atB)])
      await Promise.all([atA.untilObserved(1, 'connected'), atB.untilObserved(0, 'connected')])
      const count = 2_000
      const sizes = [0, 1, 127, 128, 16_384, 70_000]
      const sent = range(0, count).map((round) => numbered(round, sizes[round % 200] ?? 100))
      let [nextA, nextB] = [0, 0]
      // Never more than may wait. While something waits, something will arrive, and that calls again.
      const pump = (): void => {
        for (; nextA < count && a.queuedBytes(1) < 1024 * 1024; nextA += 1)
          a.send(helloOf(1).member, sent[nextA] ?? numbered(-1))
        for (; nextB < count && b.queuedBytes(0) < 1024 * 1024; nextB += 1)
          b.send(helloOf(0).member, sent[nextB] ?? numbered(-1))
      }
      atA.onEvent = pump
      atB.onEvent = pump
      pump()
      await Promise.all([atA.untilReceived(count), atB.untilReceived(count)])
      deepEqual(roundsOf(atA), range(0, count))
      deepEqual(roundsOf(atB), range(0, count))
      for (const [i, { from, message }] of atB.received.entries()) {
        deepEqual(from, helloOf(0).member)
        deepEqual(plain(message), plain(sent[i] ?? numbered(-1)))
      }
    },
  },
  {
    name: 'a message sent while `connected` is being reported arrives',
    members: 2,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [new TransportRecorder(helloOf(0)), new TransportRecorder(helloOf(1))]
      atA.onEvent = (event) => {
        if (event.type === 'observed' && event.observation.type === 'connected')
          a.send(helloOf(1).member, numbered(1))
      }
      await Promise.all([a.start(atA), b.start(atB)])
      await atB.untilReceived(1)
      deepEqual(roundsOf(atB), [1])
    },
  },
  {
    name: 'a message to another incarnation, another disk, an unknown replica, or without a link is dropped',
    members: 3,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [new TransportRecorder(helloOf(0)), new TransportRecorder(helloOf(1))]
      await Promise.all([a.start(atA), b.start(atB)])
      await atA.untilObserved(1, 'connected')
      const { member } = helloOf(1)
      a.send({ ...member, incarnation: 2 }, numbered(1))
      a.send({ ...member, disk: 'another' }, numbered(2))
      a.send({ ...member, id: 6 }, numbered(3))
      a.send(helloOf(2).member, numbered(4))
      a.send(helloOf(0).member, numbered(5))
      equal(a.queuedBytes(2), 0)
      equal(a.queuedBytes(6), 0)
      a.send(member, numbered(6))
      await atB.untilReceived(1)
      deepEqual(roundsOf(atB), [6])
    },
  },
  {
    name: 'what waits is counted, and counts no more once it has arrived',
    members: 2,
    async run(group) {
      const a = group.transport(0)
      const atA = new TransportRecorder(helloOf(0))
      await group.remote(helloOf(1))
      await a.start(atA)
      await atA.untilObserved(1, 'connected')
      equal(a.queuedBytes(1), 0)
      a.send(helloOf(1).member, numbered(1, 1_000))
      ok(a.queuedBytes(1) >= 1_000, `only ${a.queuedBytes(1)} bytes wait`)
      await atA.untilReceived(1)
      equal(a.queuedBytes(1), 0)
    },
  },
]
