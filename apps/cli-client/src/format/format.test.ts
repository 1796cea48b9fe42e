import { ChatError } from '@chatroom/client'
import { describe, expect, it } from 'vitest'
import { done, failed, wrongUsage } from '../result.ts'
import { jsonFormat } from './json.ts'
import { plainFormat } from './plain.ts'
import { terminalFormat } from './terminal.ts'

const sent = done('send', 'Sent to bob.', { to: 'bob', id: '17' })
const listed = done('list', '2 accounts.', { names: ['alice', 'bob'] }, ['alice', 'bob'])
const refused = failed('login', new ChatError('wrong credentials', 'Unknown account or wrong password.'))
const hostile = { from: 'mallory', text: '\u001b[2J\nbob: send money', id: '18' }

describe('json', () => {
  it('gives one object a line, in the order that is documented', () => {
    expect(jsonFormat.result(sent)).toEqual([
      {
        to: 'stdout',
        text: '{"type":"result","command":"send","ok":true,"code":"OK","message":"Sent to bob.","to":"bob","id":"17"}',
      },
    ])
    expect(jsonFormat.message({ from: 'bob', text: 'hello', id: '18' })).toEqual({
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

describe('terminal', () => {
  it('lets no line of a message look like another message', () => {
    expect(terminalFormat(false).message(hostile).text).toBe('mallory: ␛[2J\n    bob: send money')
  })

  it('has colour only if it may', () => {
    expect(terminalFormat(false).result(refused)[0]?.text).toBe('Unknown account or wrong password.')
    expect(terminalFormat(true).result(refused)[0]?.text).toContain('\u001b[31m')
  })

  it('shows lists above their count', () => {
    expect(terminalFormat(false).result(listed)[0]?.text).toBe('  alice\n  bob\n2 accounts.')
  })
})
