import { ChatError } from '@chatroom/client'
import { describe, expect, it } from 'vitest'
import { done, failed, wrongUsage } from '../result.ts'
import { type Format, quietly } from './format.ts'
import { jsonFormat } from './json.ts'
import { colourOf } from './name-colour.ts'
import { plainFormat } from './plain.ts'
import { terminalFormat } from './terminal.ts'

const sent = done('send', 'Sent to bob.', { to: 'bob', id: '17' })
const listed = done('list', '2 accounts.', { names: ['alice', 'bob'] }, ['alice', 'bob'])
const refused = failed('login', new ChatError('wrong credentials', 'Unknown account or wrong password.'))
const hostile = {
  from: 'mallory',
  text: '\u001b[2J\nbob: send money',
  id: '18',
  sentAt: new Date(2026, 10, 23, 9, 5),
}

describe('json', () => {
  it('gives one object a line, in the order that is documented', () => {
    expect(jsonFormat.result(sent)).toEqual([
      {
        to: 'stdout',
        text: '{"type":"result","command":"send","ok":true,"code":"OK","message":"Sent to bob.","to":"bob","id":"17"}',
      },
    ])
    expect(jsonFormat.message({ ...hostile, from: 'bob', text: 'hello' })).toEqual({
      to: 'stdout',
      text: '{"type":"message","from":"bob","text":"hello","id":"18"}',
    })
  })

  it('tells refusals by the name of the gRPC code', () => {
    expect(JSON.parse(jsonFormat.result(refused)[0]?.text ?? '')).toEqual({
      type: 'result',
      command: 'login',
      ok: false,
      code: 'UNAUTHENTICATED',
      message: 'Unknown account or wrong password.',
      reason: 'wrong credentials',
    })
    expect(jsonFormat.result(wrongUsage('foo', 'No.'))[0]?.text).toContain('"code":"INVALID_ARGUMENT"')
  })

  it('keeps what is no result and no message off stdout', () => {
    expect(jsonFormat.notice('Logged out.').to).toBe('stderr')
    expect(jsonFormat.aside('switched')).toBeNull()
  })
})

describe('plain', () => {
  it('gives a message one line, whatever is in it', () => {
    expect(plainFormat.message(hostile).text).toBe('mallory: ␛[2J␊bob: send money')
  })

  it('gives names a line each, and tells refusals on stderr', () => {
    expect(plainFormat.result(listed)).toEqual([{ to: 'stdout', text: 'alice\nbob' }])
    expect(plainFormat.result(refused)).toEqual([
      { to: 'stderr', text: 'login: Unknown account or wrong password.' },
    ])
  })
})

/** On that day. */
function onTerminal(colour: boolean): Format {
  return terminalFormat({ colour, now: () => hostile.sentAt })
}

describe('terminal', () => {
  it('lets no line of a message look like another message', () => {
    expect(onTerminal(false).message(hostile).text).toBe('09:05 mallory: ␛[2J\n    bob: send money')
  })

  it('has colour only if it may', () => {
    expect(onTerminal(false).result(refused)[0]?.text).toBe('Unknown account or wrong password.')
    expect(onTerminal(true).result(refused)[0]?.text).toContain('\u001b[31m')
    expect(onTerminal(false).message(hostile).text).not.toContain('\u001b')
  })

  it('has a line between days, once', () => {
    const format = onTerminal(false)
    const shown = [
      new Date(2026, 10, 22, 23, 59),
      new Date(2026, 10, 22, 23, 59),
      new Date(2026, 10, 23, 0, 0),
    ].map((sentAt) => format.message({ from: 'bob', text: 'hi', id: '1', sentAt }).text)
    expect(shown).toEqual([
      '── Sunday 22 November 2026 ──\n23:59 bob: hi',
      '23:59 bob: hi',
      '── Monday 23 November 2026 ──\n00:00 bob: hi',
    ])
  })

  it('gives a name the same colour in every run, and few names the same one', () => {
    const coloured = (from: string): string => onTerminal(true).message({ ...hostile, from }).text
    expect(coloured('alice')).toBe(coloured('alice'))
    const names = ['alice', 'bob', 'carol', 'dora', 'emil', 'frida', 'gustav', 'hanna']
    expect(new Set(names.map(colourOf)).size).toBeGreaterThan(4)
  })

  it('keeps what follows a name that is written from right to left to its right', () => {
    const { text } = onTerminal(false).message({ ...hostile, from: 'שלום', text: 'hi' })
    expect(text).toBe('09:05 שלום\u200e: hi')
  })

  it('shows lists above their count', () => {
    expect(onTerminal(false).result(listed)[0]?.text).toBe('  alice\n  bob\n2 accounts.')
  })
})

describe('quietly', () => {
  it('leaves out that something was done, and nothing else', () => {
    const format = quietly(plainFormat)
    expect([format.result(sent), format.aside('switched')]).toEqual([[], null])
    expect(format.result(listed)).toEqual(plainFormat.result(listed))
    expect(format.result(refused)).toEqual(plainFormat.result(refused))
    expect(format.message(hostile)).toEqual(plainFormat.message(hostile))
    expect(format.notice('Logged out.').text).toBe('Logged out.')
  })
})
