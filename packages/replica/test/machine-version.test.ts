import { describe, expect, it } from 'vitest'
import { versionFault, versionOfAll, viewVersionFault } from '../src/core/machine-version.ts'
import type { Hello } from '../src/ports/transport.ts'
import { member, OneCore, viewEntry, viewOf } from './one-core.ts'

const all = viewOf(member(0), member(1), member(2))

/** Replica 0, which has met peers that said these of themselves. */
function met(hellos: Readonly<Record<number, Partial<Hello>>>): OneCore {
  const core = new OneCore({ mode: 'fail-stop', entries: [viewEntry(1, 1, all)] })
  for (const [id, hello] of Object.entries(hellos)) core.connect(member(Number(id)), hello)
  return core
}

describe('a command that needs a version of the state machine', () => {
  it('that the view promises is taken', () => {
    expect(versionFault(met({}).core, 1)).toBeNull()
  })

  it.each([
    [{}, 'replica 1 was not met yet, replica 2 was not met yet: install the newer version there'],
    [{ 1: { machineVersion: 2 } }, 'replica 2 was not met yet: install the newer version there'],
    // A program from before versions says none.
    [{ 1: { machineVersion: 2 }, 2: {} }, 'replica 2 has version 1: install the newer version there'],
    [
      { 1: { machineVersion: 2 }, 2: { machineVersion: 3 } },
      'that all have it is being written down: try again',
    ],
  ])('is refused with who lacks it, of peers that said %j', (hellos, words) => {
    expect(versionFault(met(hellos).core, 2)).toBe(`this needs version 2 of the state machine, and ${words}`)
  })
})

it('what all replicas have is the least of what they said, and the first version of whom nobody has met', () => {
  const newest = { 1: { machineVersion: 3 }, 2: { machineVersion: 2 } }
  expect(versionOfAll(met(newest).core)).toBe(1)
  const core = { ...met(newest).core, machineVersion: 5 }
  expect(versionOfAll(core)).toBe(2)
  const [first] = core.peers.values()
  if (first !== undefined) first.hello = null
  expect(versionOfAll(core)).toBe(1)
})

it('a log whose view needs a newer program is not taken in', () => {
  const { core } = met({})
  expect(viewVersionFault(core, { ...all, index: 7, term: 2 })).toBeNull()
  expect(viewVersionFault(core, { ...all, index: 7, term: 2, machineVersion: 2 })).toBe(
    'entry 7 and what follows needs version 2 of the state machine, this program has version 1: install a newer one',
  )
})
