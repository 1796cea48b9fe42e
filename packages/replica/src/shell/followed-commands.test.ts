import type { Entry } from '@chatroom/replication-log'
import { expect, it } from 'vitest'
import type { Effect } from '../core/effects.ts'
import type { Append } from '../core/messages.ts'
import type { Tracing } from '../ports/tracing.ts'
import { FollowedCommands } from './followed-commands.ts'

const mostFollowed = 20

function followed(): { readonly commands: FollowedCommands; readonly seen: string[]; open: () => number } {
  const seen: string[] = []
  let open = 0
  const tracing: Tracing = {
    begin: (stage, within) => {
      open++
      return {
        context: `${within}/${stage}`,
        end: (failure = 'done') => {
          open--
          seen.push(`${within}/${stage} ${failure}`)
        },
      }
    },
  }
  return { commands: new FollowedCommands(tracing, mostFollowed), seen, open: () => open }
}

const propose = { type: 'propose', payloads: [], wallTime: 0 } as const
const tick = { type: 'tick', wallTime: 0 } as const

const entry = (index: number): Entry => ({
  index,
  term: 1,
  time: 0,
  kind: 'command',
  payload: new Uint8Array(),
})

const append = (...indexes: number[]): Append => ({
  type: 'append',
  term: 1,
  previous: { index: 0, term: 0 },
  entries: indexes.map(entry),
  commitIndex: 0,
  round: 0,
})

function persist(number: number, ...indexes: number[]): Effect {
  return {
    type: 'persist',
    persist: number,
    hardState: null,
    truncateFrom: null,
    entries: indexes.map(entry),
  }
}

/** One followed command, second of three, that stands in the log at index 6 and is being written. */
function entered(): ReturnType<typeof followed> {
  const all = followed()
  all.commands.proposed(1, undefined)
  all.commands.proposed(2, ['send', null])
  all.commands.handedIn()
  all.commands.stepped(propose, [persist(1, 5, 6, 7), { type: 'proposed', first: 5, term: 1 }])
  return all
}

it('finds a command among those that entered the log together', () => {
  const { commands, seen } = entered()
  expect(seen).toEqual(['send/propose done'])
  expect(commands.labelled(append(5, 6, 7)).type === 'append').toBe(true)
  expect(commands.labelled(append(5, 6, 7))).toMatchObject({
    traces: [{ index: 6, context: 'send/commit' }],
  })
})

it('leaves messages without it as they are, and all of them once it is committed', () => {
  const { commands } = entered()
  const others = append(7)
  expect(commands.labelled(others)).toBe(others)
  const heartbeat = append()
  expect(commands.labelled(heartbeat)).toBe(heartbeat)
  commands.stepped(tick, [{ type: 'apply', upTo: 6 }])
  const late = append(6)
  expect(commands.labelled(late)).toBe(late)
})

it('ends each stage when it is over, and not with what is earlier in the log or on its way to the disk', () => {
  const { commands, seen, open } = entered()
  seen.length = 0
  commands.persisted(0)
  commands.stepped(tick, [{ type: 'apply', upTo: 5 }])
  commands.applied(5)
  expect(seen).toEqual([])
  commands.writing(1, 3)
  commands.persisted(1)
  expect(seen).toEqual(['send/commit/append/fsync done', 'send/commit/append done'])
  commands.stepped(tick, [{ type: 'apply', upTo: 7 }])
  commands.applied(6)
  expect(seen.slice(2)).toEqual(['send/commit done', 'send/apply done'])
  expect(open()).toBe(0)
})

it('a write that is tried again is one stage', () => {
  const { commands, seen, open } = entered()
  commands.writing(1, 3)
  commands.writing(1, 3)
  commands.persisted(1)
  expect(seen.filter((stage) => stage.includes('fsync'))).toHaveLength(1)
  // The commit, which is for others to decide.
  expect(open()).toBe(1)
})

it('a refused proposal, lost leadership and a stop end what is open, with the reason', () => {
  const refused = followed()
  refused.commands.proposed(1, ['send'])
  refused.commands.handedIn()
  refused.commands.stepped(propose, [{ type: 'proposalRefused', why: 'overloaded' }])
  expect(refused.seen).toEqual(['send/propose overloaded'])

  const lost = entered()
  lost.commands.stepped(tick, [{ type: 'leadershipLost' }])
  expect(lost.seen).toContain('send/commit outcome unknown')

  const stopped = entered()
  stopped.commands.proposed(1, ['late'])
  stopped.commands.abandon('stopped')
  expect(stopped.open()).toBe(0)
  expect(stopped.seen).toContain('late/propose stopped')
})

it('a follower follows what it takes in, until its disk has it; what it had already it does not', () => {
  const { commands, seen, open } = followed()
  const message = { ...append(3, 4), traces: [3, 4].map((index) => ({ index, context: `${index}` })) }
  const from = { id: 1, disk: 'a', incarnation: 1 }
  commands.stepped({ type: 'receive', from, message }, [persist(9, 4)])
  commands.writing(9, 1)
  commands.persisted(9)
  expect(seen).toEqual(['4/append/fsync done', '4/append done'])
  expect(open()).toBe(0)
})

it('follows a bounded number, whoever names them', () => {
  const { commands, open } = followed()
  const names = Array.from({ length: mostFollowed + 10 }, (_, at) => `${at}`)
  commands.proposed(names.length, names)
  expect(open()).toBe(mostFollowed)

  const follower = followed()
  const indexes = names.map((_, at) => at + 1)
  const message = { ...append(...indexes), traces: indexes.map((index) => ({ index, context: '' })) }
  const from = { id: 1, disk: 'a', incarnation: 1 }
  follower.commands.stepped({ type: 'receive', from, message }, [persist(1, ...indexes)])
  expect(follower.open()).toBe(mostFollowed)
})
