import { describe, expect, test } from 'vitest'
import {
  acceptanceLimits,
  EchoMember,
  helloOf,
  MemoryNetwork,
  type NetworkStep,
  type TransportGroup,
  TransportRecorder,
  transportAcceptance,
  VirtualClock,
} from './index.ts'
import { numbered, roundsOf } from './transport-cases-link.ts'

const addresses = new Map([0, 1, 2].map((id) => [id, `at ${id}`]))

describe('the memory transport does what every transport has to do', () => {
  test.each([...transportAcceptance])('$name', async ({ run }) => {
    const network = new MemoryNetwork({ limits: acceptanceLimits })
    const group: TransportGroup = {
      transport: (id, { addresses: mixed = new Map<number, number>() } = {}) =>
        network.transport({
          id,
          listen: `at ${id}`,
          peers: new Map([...addresses.keys()].map((peer) => [peer, `at ${mixed.get(peer) ?? peer}`])),
        }),
      async remote(hello) {
        const { id } = hello.member
        const address = `at ${id}`
        await new EchoMember(network.transport({ id, listen: address, peers: addresses }), hello).start()
        return {
          kill: async () => network.kill(address),
          pause: async () => network.pause(address),
          resume: async () => network.resume(address),
        }
      },
      dispose: async () => {
        for (const address of addresses.values()) network.kill(address)
      },
    }
    await expect(run(group)).resolves.toBeUndefined()
    await group.dispose()
  })
})

function pair(network: MemoryNetwork): {
  a: ReturnType<MemoryNetwork['transport']>
  atA: TransportRecorder
  atB: TransportRecorder
} {
  const a = network.transport({ id: 0, listen: 'at 0', peers: addresses })
  const b = network.transport({ id: 1, listen: 'at 1', peers: addresses })
  const [atA, atB] = [new TransportRecorder(helloOf(0)), new TransportRecorder(helloOf(1))]
  void a.start(atA)
  void b.start(atB)
  return { a, atA, atB }
}

function kindsAt(recorder: TransportRecorder, from = 0): string[] {
  return recorder.events
    .slice(from)
    .flatMap((event) =>
      event.type === 'observed' && event.observation.peer < 2 ? [event.observation.type] : [],
    )
}

describe('on a clock that stands still', () => {
  test('nothing happens until time passes', () => {
    const clock = new VirtualClock()
    const { a, atA, atB } = pair(new MemoryNetwork({ clock }))
    expect(kindsAt(atA)).toEqual(['attempting'])
    clock.advance(0)
    expect(kindsAt(atA)).toEqual(['attempting', 'connected'])
    a.send(helloOf(1).member, numbered(1))
    expect(roundsOf(atB)).toEqual([])
    clock.advance(0)
    expect(roundsOf(atB)).toEqual([1])
  })

  test('a partition holds messages back, heals without loss, or breaks the link when it lasts', () => {
    const clock = new VirtualClock()
    const network = new MemoryNetwork({
      clock,
      limits: { silentMs: 3_000, answerMs: 1_000, longestPauseMs: 500 },
    })
    const { a, atA, atB } = pair(network)
    clock.advance(0)
    network.partition(['at 0'], ['at 1'])
    a.send(helloOf(1).member, numbered(1))
    clock.advance(2_999)
    expect(roundsOf(atB)).toEqual([])
    network.heal()
    clock.advance(10_000)
    expect(roundsOf(atB)).toEqual([1])
    expect(kindsAt(atA)).toEqual(['attempting', 'connected'])
    const before = atA.events.length
    network.partition(['at 0'], ['at 1'])
    a.send(helloOf(1).member, numbered(2))
    clock.advance(4_100)
    expect(kindsAt(atA, before)).toEqual(['disconnected', 'attempting', 'unreachable', 'attempting'])
    network.heal()
    clock.advance(1_500)
    expect(kindsAt(atA).at(-1)).toBe('connected')
    expect(roundsOf(atB)).toEqual([1])
  })

  test('a direction that is cut stops the answers too', () => {
    const clock = new VirtualClock()
    const network = new MemoryNetwork({ clock })
    network.cut('at 1', 'at 0')
    const { atA, atB } = pair(network)
    clock.advance(1_000)
    expect(kindsAt(atA)).toEqual(['attempting', 'unreachable'])
    expect(kindsAt(atB)).toEqual(['attempting', 'unreachable'])
  })

  test('a member that dies behind a partition is refused only after it heals', () => {
    const clock = new VirtualClock()
    const network = new MemoryNetwork({ clock })
    const { atA } = pair(network)
    clock.advance(0)
    network.partition(['at 0'], ['at 1'])
    network.kill('at 1')
    clock.advance(60_000)
    expect(kindsAt(atA)).not.toContain('refused')
    network.heal()
    clock.advance(2_000)
    expect(kindsAt(atA)).toContain('refused')
  })

  test('a broken link loses what was in flight and nothing after', () => {
    const clock = new VirtualClock()
    const network = new MemoryNetwork({ clock })
    const { a, atA, atB } = pair(network)
    clock.advance(0)
    a.send(helloOf(1).member, numbered(1))
    network.break('at 0', 'at 1')
    a.send(helloOf(1).member, numbered(2))
    clock.advance(0)
    expect(kindsAt(atA).slice(-2)).toEqual(['attempting', 'connected'])
    a.send(helloOf(1).member, numbered(3))
    clock.advance(0)
    expect(roundsOf(atB)).toEqual([3])
  })
})

test('the caller decides when each step happens, and a link keeps its order', () => {
  const steps: NetworkStep[] = []
  const { a, atB } = pair(
    new MemoryNetwork({ clock: new VirtualClock(), schedule: (step) => steps.push(step) }),
  )
  const drain = (): void => {
    for (let step = steps.shift(); step !== undefined; step = steps.shift()) step.run()
  }
  drain()
  for (const round of [1, 2, 3]) a.send(helloOf(1).member, numbered(round))
  expect(steps.map(({ what, from, to }) => `${what} ${from} ${to}`)).toEqual(
    Array(3).fill('message at 0 at 1'),
  )
  steps.reverse()
  drain()
  expect(roundsOf(atB)).toEqual([1, 2, 3])
})

describe('VirtualClock', () => {
  test('runs what is due in order, and what that asks for', () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    clock.after(20, () => seen.push(`b ${clock.now()}`))
    clock.after(10, () => {
      seen.push(`a ${clock.now()}`)
      clock.after(5, () => seen.push(`c ${clock.now()}`))
    })
    const stop = clock.every(7, () => seen.push(`e ${clock.now()}`))
    clock.after(8, () => seen.push('never'))()
    clock.advance(15)
    stop()
    clock.advance(10)
    expect(seen).toEqual(['e 7', 'a 10', 'e 14', 'c 15', 'b 20'])
    expect(clock.now()).toBe(25)
  })
})
