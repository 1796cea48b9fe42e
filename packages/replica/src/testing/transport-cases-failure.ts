import { deepEqual, equal, ok } from 'node:assert/strict'
import { numbered, roundsOf } from './transport-cases-link.ts'
import { acceptanceLimits, type TransportCase } from './transport-group.ts'
import { helloOf, TransportRecorder } from './transport-recorder.ts'

export const failureCases: readonly TransportCase[] = [
  {
    name: 'where nobody listens the attempt is refused, exactly; when somebody does it connects',
    members: 2,
    async run(group) {
      const a = group.transport(0)
      const atA = new TransportRecorder(helloOf(0))
      await a.start(atA)
      equal((await atA.untilObserved(1, 'refused')).exact, true)
      await group.remote(helloOf(1))
      await atA.untilObserved(1, 'connected')
    },
  },
  {
    name: 'a killed member: the link breaks, and an attempt begun afterwards is refused, exactly',
    members: 2,
    async run(group) {
      const remote = await group.remote(helloOf(1))
      const a = group.transport(0)
      const atA = new TransportRecorder(helloOf(0))
      await a.start(atA)
      await atA.untilObserved(1, 'connected')
      a.send(helloOf(1).member, numbered(1))
      await atA.untilReceived(1)
      const before = atA.events.length
      await remote.kill()
      const { attempt, exact } = await atA.untilObserved(1, 'refused', before)
      equal(exact, true)
      const kinds = atA
        .observations(1)
        .map((one) => (one.type === 'attempting' ? `attempt ${one.attempt}` : one.type))
      const broke = kinds.lastIndexOf('disconnected')
      ok(broke > kinds.indexOf('connected'), kinds.join(', '))
      ok(kinds.indexOf(`attempt ${attempt}`) > broke, kinds.join(', '))
    },
  },
  {
    name: 'a killed member that comes back is found again, without the messages of before',
    members: 2,
    async run(group) {
      const remote = await group.remote(helloOf(1))
      const a = group.transport(0)
      const atA = new TransportRecorder(helloOf(0))
      await a.start(atA)
      await atA.untilObserved(1, 'connected')
      await remote.kill()
      await atA.untilObserved(1, 'disconnected')
      a.send(helloOf(1).member, numbered(1))
      const member = { ...helloOf(1).member, incarnation: 2 }
      const later = atA.events.length
      await group.remote(helloOf(1, { member }))
      deepEqual((await atA.untilObserved(1, 'connected', later)).hello.member, member)
      a.send(member, numbered(2))
      await atA.untilReceived(1)
      deepEqual(roundsOf(atA), [2])
    },
  },
  {
    name: 'a member that stands still is not refused: a new attempt finds no answer, until it goes on',
    members: 2,
    async run(group) {
      const remote = await group.remote(helloOf(1))
      await remote.pause()
      const a = group.transport(0)
      const atA = new TransportRecorder(helloOf(0))
      await a.start(atA)
      const { attempt } = await atA.untilObserved(1, 'unreachable')
      // And again: the attempt is repeated.
      await atA.until('a second failure', (event) =>
        event.type === 'observed' &&
        event.observation.type === 'unreachable' &&
        event.observation.attempt > attempt
          ? true
          : undefined,
      )
      equal(atA.observations(1).filter(({ type }) => type === 'refused').length, 0)
      await remote.resume()
      await atA.untilObserved(1, 'connected')
      a.send(helloOf(1).member, numbered(1))
      await atA.untilReceived(1)
    },
  },
  {
    name: 'what is sent to a member that stands still arrives when it goes on',
    members: 2,
    async run(group) {
      const remote = await group.remote(helloOf(1))
      const a = group.transport(0)
      const atA = new TransportRecorder(helloOf(0))
      await a.start(atA)
      await atA.untilObserved(1, 'connected')
      await remote.pause()
      for (let round = 0; round < 100; round += 1) a.send(helloOf(1).member, numbered(round))
      await remote.resume()
      await atA.untilReceived(100)
      deepEqual(
        roundsOf(atA),
        Array.from({ length: 100 }, (_, i) => i),
      )
    },
  },
  {
    name: 'more than may wait breaks the link, and what arrived before is the beginning of what was sent',
    members: 2,
    async run(group) {
      const remote = await group.remote(helloOf(1))
      const a = group.transport(0)
      const atA = new TransportRecorder(helloOf(0))
      await a.start(atA)
      await atA.untilObserved(1, 'connected')
      await remote.pause()
      // What the network itself takes in does not count: it is not bounded by the transport. So send until it breaks.
      const { member } = helloOf(1)
      let sent = 0
      for (; atA.observations(1).every(({ type }) => type !== 'disconnected'); sent += 1) {
        a.send(member, numbered(sent, 64 * 1024))
        ok(a.queuedBytes(1) <= acceptanceLimits.queueBytes, `${a.queuedBytes(1)} bytes wait`)
        if (sent % 8 === 0) await turn()
      }
      equal(atA.events.filter((event) => event.type === 'received').length, 0)
      await remote.resume()
      await atA.until('a new link', (event) =>
        event.type === 'observed' && event.observation.type === 'connected' && event.observation.attempt > 1
          ? true
          : undefined,
      )
      const last = 1_000_000
      a.send(member, numbered(last))
      await atA.until('the message on the new link', (event) =>
        event.type === 'received' && event.message.type === 'append' && event.message.round === last
          ? true
          : undefined,
      )
      const rounds = roundsOf(atA).filter((round) => round !== last)
      deepEqual(rounds, [...rounds.keys()])
      ok(rounds.length < sent)
    },
  },
  {
    name: 'a single message over the bound breaks the link, after the sender has returned',
    members: 2,
    async run(group) {
      await group.remote(helloOf(1))
      const a = group.transport(0)
      const atA = new TransportRecorder(helloOf(0))
      await a.start(atA)
      await atA.untilObserved(1, 'connected')
      const before = atA.events.length
      a.send(helloOf(1).member, numbered(1, acceptanceLimits.queueBytes + 1))
      a.send(helloOf(1).member, numbered(2))
      equal(atA.events.length, before)
      await atA.untilObserved(1, 'disconnected', before)
      await atA.untilObserved(1, 'connected', before)
      a.send(helloOf(1).member, numbered(3))
      await atA.untilReceived(1)
      deepEqual(roundsOf(atA), [3])
    },
  },
  {
    name: '`stop`: nothing is reported any more, the address is free, the others notice',
    members: 2,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [new TransportRecorder(helloOf(0)), new TransportRecorder(helloOf(1))]
      await Promise.all([a.start(atA), b.start(atB)])
      await Promise.all([atA.untilObserved(1, 'connected'), atB.untilObserved(0, 'connected')])
      await a.stop()
      await a.closed
      await a.stop()
      const quiet = atA.events.length
      await atB.untilObserved(0, 'disconnected')
      equal((await atB.untilObserved(0, 'refused')).exact, true)
      a.send(helloOf(1).member, numbered(1))
      const again = group.transport(0)
      const atAgain = new TransportRecorder(helloOf(0))
      await again.start(atAgain)
      await atAgain.untilObserved(1, 'connected')
      equal(atA.events.length, quiet)
      equal(atB.received.length, 0)
    },
  },
]

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
