import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import type { Hello, PeerObservation } from '../ports/transport.ts'
import { numbered, roundsOf } from './transport-cases-link.ts'
import type { TransportCase, TransportGroup } from './transport-group.ts'
import { helloOf, TransportRecorder } from './transport-recorder.ts'

/** Two members that must not talk: each says so once, naming both values, and neither gets a link. */
async function mismatch(
  group: TransportGroup,
  ofA: Partial<Hello>,
  ofB: Partial<Hello>,
  words: RegExp[],
): Promise<void> {
  const [a, b] = [group.transport(0), group.transport(1)]
  const [atA, atB] = [new TransportRecorder(helloOf(0, ofA)), new TransportRecorder(helloOf(1, ofB))]
  await Promise.all([a.start(atA), b.start(atB)])
  for (const [recorder, peer] of [
    [atA, 1],
    [atB, 0],
  ] as const) {
    const { reason } = await recorder.untilObserved(peer, 'rejected')
    for (const word of words) match(reason, word)
    // Two more attempts of its own: the news is not repeated.
    const later = recorder.events.length
    await recorder.untilObserved(peer, 'unreachable', later)
    await recorder.until(
      'another attempt',
      (event) => (event.type === 'observed' && isLaterFailure(event.observation) ? true : undefined),
      later,
    )
    equal(recorder.observations(peer).filter(({ type }) => type === 'rejected').length, 1)
    equal(recorder.observations(peer).filter(({ type }) => type === 'connected').length, 0)
  }
}

function isLaterFailure(observation: PeerObservation): boolean {
  return observation.type === 'unreachable' && observation.attempt >= 3
}

export const identityCases: readonly TransportCase[] = [
  {
    name: 'a member of another cluster is rejected by both, once',
    members: 2,
    run: (group) => mismatch(group, { clusterId: 'red' }, { clusterId: 'blue' }, [/red/, /blue/]),
  },
  {
    name: 'a member in another mode is rejected by both, once',
    members: 2,
    run: (group) => mismatch(group, { mode: 'fail-stop' }, { mode: 'majority' }, [/fail-stop/, /majority/]),
  },
  {
    name: 'a member with another protocol is rejected by both, once',
    members: 2,
    run: (group) => mismatch(group, { protocol: 17 }, { protocol: 18 }, [/17/, /18/]),
  },
  {
    name: 'a member that has met no cluster yet is welcome',
    members: 2,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [
        new TransportRecorder(helloOf(0)),
        new TransportRecorder(helloOf(1, { clusterId: '' })),
      ]
      await Promise.all([a.start(atA), b.start(atB)])
      await Promise.all([atA.untilObserved(1, 'connected'), atB.untilObserved(0, 'connected')])
    },
  },
  {
    name: 'mixed-up addresses are found by both ends',
    members: 3,
    async run(group) {
      const a = group.transport(0, { addresses: new Map([[1, 2]]) })
      const c = group.transport(2)
      const [atA, atC] = [new TransportRecorder(helloOf(0)), new TransportRecorder(helloOf(2))]
      await Promise.all([a.start(atA), c.start(atC)])
      for (const { reason } of [
        await atA.untilObserved(1, 'rejected'),
        await atC.untilObserved(0, 'rejected'),
      ]) {
        match(reason, /replica 1/)
        match(reason, /replica 2/)
      }
      equal(atA.observations(1).filter(({ type }) => type === 'connected').length, 0)
    },
  },
  {
    name: 'once the mismatch is gone the link opens, and the next mismatch is news again',
    members: 2,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [
        new TransportRecorder(helloOf(0)),
        new TransportRecorder(helloOf(1, { mode: 'majority' })),
      ]
      await Promise.all([a.start(atA), b.start(atB)])
      await atA.untilObserved(1, 'rejected')
      atB.say(helloOf(1))
      await Promise.all([atA.untilObserved(1, 'connected'), atB.untilObserved(0, 'connected')])
      await b.stop()
      const later = atA.events.length
      const again = group.transport(1)
      const atAgain = new TransportRecorder(helloOf(1, { mode: 'majority' }))
      await again.start(atAgain)
      await atA.untilObserved(1, 'rejected', later)
    },
  },
  {
    name: 'the hello is asked anew for each link',
    members: 2,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [
        new TransportRecorder(helloOf(0, { clusterId: '' })),
        new TransportRecorder(helloOf(1)),
      ]
      await Promise.all([a.start(atA), b.start(atB)])
      await Promise.all([atA.untilObserved(1, 'connected'), atB.untilObserved(0, 'connected')])
      await b.stop()
      atA.say(helloOf(0, { clientAddress: 'new:1' }))
      const again = group.transport(1)
      const atAgain = new TransportRecorder(helloOf(1))
      await again.start(atAgain)
      equal((await atAgain.untilObserved(0, 'connected')).hello.clientAddress, 'new:1')
    },
  },
  {
    name: 'a restarted member is another incarnation: what is meant for the old one does not reach it',
    members: 2,
    async run(group) {
      const [a, b] = [group.transport(0), group.transport(1)]
      const [atA, atB] = [new TransportRecorder(helloOf(0)), new TransportRecorder(helloOf(1))]
      await Promise.all([a.start(atA), b.start(atB)])
      await atA.untilObserved(1, 'connected')
      await b.stop()
      const later = atA.events.length
      const member = { ...helloOf(1).member, incarnation: 2 }
      const again = group.transport(1)
      const atAgain = new TransportRecorder(helloOf(1, { member }))
      await again.start(atAgain)
      deepEqual((await atA.untilObserved(1, 'connected', later)).hello.member, member)
      a.send(helloOf(1).member, numbered(1))
      a.send(member, numbered(2))
      await atAgain.untilReceived(1)
      deepEqual(roundsOf(atAgain), [2])
    },
  },
  {
    name: 'an address has one listener',
    members: 2,
    async run(group) {
      const [one, other] = [group.transport(0), group.transport(0)]
      await one.start(new TransportRecorder(helloOf(0)))
      await rejects(other.start(new TransportRecorder(helloOf(0))), /address/)
      // And the failed one disturbs nobody.
      const b = group.transport(1)
      const atB = new TransportRecorder(helloOf(1))
      await b.start(atB)
      await atB.untilObserved(0, 'connected')
    },
  },
]
