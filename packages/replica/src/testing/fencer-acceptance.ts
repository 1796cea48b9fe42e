import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { Fencer } from '../ports/fencer.ts'
import type { Hello } from '../ports/transport.ts'

/** A process that a fencer can end. */
export interface Victim {
  /** What it says of itself. */
  readonly hello: Hello
  isAlive(): boolean
  /** Resolves when it is gone. */
  readonly ended: Promise<void>
  /** As SIGSTOP does: it can do nothing any more, not even end itself. */
  pause(): Promise<void>
  /** Ends it without the fencer; resolves when it is gone. */
  kill(): Promise<void>
}

export interface FencerSubject {
  readonly fencer: Fencer
  /** Starts a process that the fencer can reach. */
  readonly victim: () => Promise<Victim>
  /** What the process says of itself in which the fencer runs. */
  readonly own: () => Promise<Hello>
}

/** One promise of the Fencer port. */
export interface FencerCase {
  readonly name: string
  /** Rejects with an `AssertionError`; runs into the time limit of the test if a process does not end. */
  readonly run: (subject: FencerSubject) => Promise<void>
}

/** What every fencer has to do: end exactly the process that said hello, or say why it cannot. */
export const fencerAcceptance: readonly FencerCase[] = [
  {
    name: 'ends the process that said the hello, and no other',
    async run({ fencer, victim }) {
      const [one, other] = [await victim(), await victim()]
      await fencer.fence(one.hello)
      await one.ended
      equal(one.isAlive(), false)
      equal(other.isAlive(), true)
      await other.kill()
    },
  },
  {
    name: 'ends a process that stands still',
    async run({ fencer, victim }) {
      const one = await victim()
      await one.pause()
      await fencer.fence(one.hello)
      await one.ended
    },
  },
  {
    name: 'leaves a later process alone that was given the same pid',
    async run({ fencer, victim }) {
      const one = await victim()
      // The victim as the successor of a process that began at another time.
      await fencer.fence({ ...one.hello, processStart: `before ${one.hello.processStart}` })
      equal(one.isAlive(), true, 'it ended a process that began at another time than the hello says')
      await one.kill()
    },
  },
  {
    name: 'does nothing, and says so, for a process that has ended',
    async run({ fencer, victim }) {
      const one = await victim()
      await one.kill()
      await fencer.fence(one.hello)
      await fencer.fence(one.hello)
    },
  },
  {
    name: 'refuses to guess when the hello does not say which process it is',
    async run({ fencer, victim }) {
      const one = await victim()
      await rejects(fencer.fence({ ...one.hello, processStart: '' }), Error)
      await rejects(fencer.fence({ ...one.hello, pid: 0 }), Error)
      equal(one.isAlive(), true)
      await one.kill()
    },
  },
  {
    name: 'says which process it is itself, if it says so at all, as its own hello does',
    async run({ fencer, own }) {
      const { pid, processStart } = await own()
      if (fencer.self !== undefined) deepEqual(await fencer.self(), { pid, processStart })
    },
  },
  {
    name: 'refuses to end itself',
    async run({ fencer, own }) {
      await rejects(fencer.fence(await own()), Error)
    },
  },
]
