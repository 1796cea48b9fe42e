import type { ReplicaStatus } from '@chatroom/replica'

/** What asking one replica gave. */
export type Answer =
  | { readonly status: ReplicaStatus }
  /** `refused`: nobody listens there. */
  | { readonly status: null; readonly refused: boolean; readonly reason: string }

/** Asks the replica at a peer address for its status. Never rejects. */
export type AskStatus = (address: string, deadlineMs: number) => Promise<Answer>

/** Milliseconds. */
export interface PollLimits {
  /** Between two questions to one replica when nothing happens. */
  readonly calm: number
  /** The same while something changes. */
  readonly hurried: number
  /** The same to a replica that is not there: each question makes a connection. */
  readonly hurriedInVain: number
  /** How long a replica may take to answer. */
  readonly deadline: number
  /** How long the hurry lasts. */
  readonly hurry: number
}

const pollLimits: PollLimits = {
  calm: 500,
  hurried: 10,
  hurriedInVain: 100,
  deadline: 1_000,
  hurry: 3_000,
}

/** Asks each replica again and again, each at its own pace, so that one that hangs holds up no other. */
export interface StatusPolls {
  /** Something changes: ask more often for a while. */
  hurry(): void
  stop(): Promise<void>
}

export function pollStatus(
  addresses: readonly string[],
  ask: AskStatus,
  answered: (replica: number, answer: Answer) => void,
  limits: PollLimits = pollLimits,
): StatusPolls {
  let stopped = false
  let hurriedUntil = Date.now() + limits.hurry
  const wakers = new Set<() => void>()
  const pause = (ms: number): Promise<void> =>
    new Promise((done) => {
      const wake = (): void => {
        clearTimeout(timer)
        wakers.delete(wake)
        done()
      }
      const timer = setTimeout(wake, ms)
      wakers.add(wake)
    })
  const wakeAll = (): void => {
    for (const wake of [...wakers]) wake()
  }
  const poll = async (replica: number, address: string): Promise<void> => {
    while (!stopped) {
      const answer = await ask(address, limits.deadline)
      if (stopped) return
      answered(replica, answer)
      const hurried = answer.status === null ? limits.hurriedInVain : limits.hurried
      await pause(Date.now() < hurriedUntil ? hurried : limits.calm)
    }
  }
  const loops = Promise.all(addresses.map((address, replica) => poll(replica, address)))
  return {
    hurry: () => {
      hurriedUntil = Date.now() + limits.hurry
      wakeAll()
    },
    stop: async () => {
      stopped = true
      wakeAll()
      await loops
    },
  }
}
