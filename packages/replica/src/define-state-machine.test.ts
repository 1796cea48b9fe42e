import { MemoryDisk } from '@chatroom/replication-log'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createReplica, defineStateMachine, jsonCodec } from './index.ts'
import { MemoryNetwork, stateMachineAcceptance } from './testing/index.ts'

const words = jsonCodec((json) => {
  if (!Array.isArray(json) || !json.every((word) => typeof word === 'string'))
    throw new TypeError('not a list of words')
  return json
})

function createList() {
  return defineStateMachine({
    version: 2,
    command: words,
    state: {
      encode: ({ list }) => words.encode(list),
      decode: (bytes) => ({ list: words.decode(bytes) }),
    },
    initial: (): { list: string[] } => ({ list: [] }),
    apply(state, more, { index }) {
      state.list.push(...more)
      return { words: state.list.length, index }
    },
  })
}

describe('a defined state machine', () => {
  const commands = [['b', 'a'], [], ['ü😀'], ['x'.repeat(700_000)], ['a']]

  it.each(stateMachineAcceptance)('$name', ({ run }) => {
    expect(() => run({ create: createList, commands })).not.toThrow()
  })

  it('has its state in chunks of 256 KiB', () => {
    const machine = createList()
    for (const command of commands) machine.apply(command, { index: 1, term: 1, time: 0 })
    const bytes = Buffer.byteLength(JSON.stringify(machine.state.list))
    const lengths = Array.from(machine.snapshot(), ({ length }) => length)
    expect(lengths).toEqual([262_144, 262_144, bytes - 524_288])
    expect(machine.version).toBe(2)
  })

  it('refuses bytes that are none of its own', () => {
    const machine = createList()
    expect(() => machine.decode(new TextEncoder().encode('[1]'))).toThrow('not a list of words')
    expect(() => machine.decode(Uint8Array.of(0x5b, 0xff, 0x5d))).toThrow(TypeError)
  })

  it('gives a replica its types: of commands, replies and the state', async () => {
    const replica = createReplica({
      id: 0,
      members: [0],
      mode: 'majority',
      stateMachine: createList(),
      storage: new MemoryDisk().open(0),
      transport: new MemoryNetwork().transport({ id: 0, listen: 'here', peers: new Map() }),
    })
    expectTypeOf<(typeof replica)['propose']>().parameter(0).toEqualTypeOf<string[]>()
    expectTypeOf<(typeof replica)['propose']>().returns.resolves.toEqualTypeOf<{
      words: number
      index: number
    }>()
    expectTypeOf(replica.stateMachine.state).toEqualTypeOf<{ list: string[] }>()
    await replica.start()
    await expect.poll(() => replica.status().serving).toBe(true)
    expect(await replica.propose(['a', 'b'])).toMatchObject({ words: 2 })
    expect(await replica.read(({ state }) => state.list)).toEqual(['a', 'b'])
    await replica.stop()
  })
})
