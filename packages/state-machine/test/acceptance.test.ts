import type { EntryContext } from '@chatroom/replica'
import { stateMachineAcceptance } from '@chatroom/replica/testing'
import { describe, expect, it } from 'vitest'
import { Chat, type Command, type ReplyOf } from '../src/index.ts'
import { Driver } from './driver.ts'

/** A driver that writes down what it applied, and where. */
class RecordingDriver extends Driver {
  readonly commands: Command[] = []
  readonly places: EntryContext[] = []

  override apply<C extends Command>(command: C): ReplyOf<C> {
    this.commands.push(command)
    this.places.push({ index: this.index + 1, term: 1, time: this.time })
    return super.apply(command)
  }
}

/** Every command, accepted and refused, on accounts whose names do not come in order; sessions that end in each way; a retry. */
function everydayLife(): RecordingDriver {
  const driver = new RecordingDriver()
  const names = ['zoë', 'ben', 'Mia', '𝒳', 'ada']
  const sessions = new Map(names.map((name) => [name, driver.login(name, { idleTimeoutMs: 600_000 })]))
  const sessionOf = (name: string): number => sessions.get(name) ?? 0
  const request = (): string => driver.requestId()
  for (const [i, from] of names.entries()) {
    for (const to of [...names, 'nobody'])
      driver.apply({
        type: 'send',
        sessionId: sessionOf(from),
        requestId: request(),
        to,
        text: `${i} to ${to} 😀`,
      })
    driver.time += 1_000
  }
  const again = {
    type: 'send',
    sessionId: sessionOf('ben'),
    requestId: 'again',
    to: 'ada',
    text: 'once',
  } as const
  driver.apply(again)
  driver.apply(again)
  driver.apply({ ...again, text: 'twice' })
  driver.apply({ type: 'acknowledge', sessionId: sessionOf('ada'), requestId: request(), upToSequence: 3 })
  driver.apply({ type: 'acknowledge', sessionId: sessionOf('Mia'), requestId: request(), upToSequence: 99 })
  driver.login('ben', { takeover: true })
  driver.apply({ type: 'touch', sessionId: sessionOf('Mia') })
  driver.apply({ type: 'logout', sessionId: sessionOf('zoë'), requestId: request() })
  driver.apply({
    type: 'deleteAccount',
    sessionId: sessionOf('𝒳'),
    requestId: request(),
    confirmName: 'other',
  })
  driver.apply({ type: 'deleteAccount', sessionId: sessionOf('𝒳'), requestId: request(), confirmName: '𝒳' })
  driver.apply({ type: 'createAccount', requestId: 'new', name: '𝒳', passwordHash: 'hash' })
  driver.apply({ type: 'createAccount', requestId: 'newer', name: '𝒳', passwordHash: 'hash' })
  driver.time += 120_000
  driver.apply({ type: 'expire' })
  driver.login('zoë')
  driver.time += 3_600_000
  driver.apply({ type: 'expire' })
  driver.login('ben')
  driver.apply({ type: 'administer', name: 'ben', action: 'lock' })
  driver.apply({ type: 'administer', name: 'zoë', action: 'delete' })
  return driver
}

describe('the chat', () => {
  const { commands, places } = everydayLife()
  const at = (position: number): EntryContext => places[position] ?? { index: 0, term: 0, time: 0 }

  it.each(stateMachineAcceptance)('$name', ({ run }) => {
    expect(() => run({ create: () => new Chat(), commands, at })).not.toThrow()
  })
})
