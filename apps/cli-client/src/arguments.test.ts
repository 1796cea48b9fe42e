import { describe, expect, it } from 'vitest'
import {
  confirmationIn,
  credentialsIn,
  holdsPassword,
  loginIn,
  messageIn,
  nothingIn,
  secondsIn,
  UsageError,
  wholeName,
} from './arguments.ts'
import type { Input, Question } from './input/input.ts'

/** Gives these answers, and remembers what was asked. */
function answering(...answers: string[]): Input & { readonly asked: Question[] } {
  const asked: Question[] = []
  return {
    asked,
    command: () => Promise.resolve(null),
    ask: (question) => {
      asked.push(question)
      return Promise.resolve(answers.shift() ?? null)
    },
    close: () => undefined,
  }
}

describe('what is not given is asked for', () => {
  it('name and password', async () => {
    const input = answering('alice', 'secret')
    expect(await credentialsIn('', input)).toEqual({ name: 'alice', password: 'secret' })
    expect(input.asked.map(({ hidden }) => hidden)).toEqual([false, true])
  })

  it('the password alone', async () => {
    expect(await credentialsIn('alice', answering(' secret '))).toEqual({
      name: 'alice',
      password: ' secret ',
    })
  })

  it('nothing if all is there', async () => {
    const input = answering()
    expect(await credentialsIn('alice my secret', input)).toEqual({ name: 'alice', password: 'my secret' })
    expect(await messageIn('bob hello  there "you" ', input)).toEqual({
      to: 'bob',
      text: 'hello  there "you" ',
    })
    expect(input.asked).toEqual([])
  })

  it('recipient and text', async () => {
    expect(await messageIn('', answering('bob', 'hi'))).toEqual({ to: 'bob', text: 'hi' })
    expect(await messageIn('"bob b" ', answering('hi'))).toEqual({ to: 'bob b', text: 'hi' })
  })

  it('the name of the account to remove', async () => {
    expect(await confirmationIn('', answering('alice'))).toBe('alice')
    expect(await confirmationIn(' alice ', answering())).toBe('alice')
  })

  it('and its lack is wrong usage', async () => {
    await expect(credentialsIn('alice', answering())).rejects.toThrow('The input ended before the password.')
    await expect(messageIn('"bob', answering())).rejects.toThrow(UsageError)
  })
})

describe('loginIn', () => {
  it.each(['--takeover alice', 'alice --takeover', ' alice  --takeover '])(
    'finds the flag in %j',
    async (rest) => {
      expect(await loginIn(rest, answering('secret'))).toEqual({
        name: 'alice',
        password: 'secret',
        takeover: true,
      })
    },
  )

  it.each(['--takeover alice my secret', 'alice --takeover my secret', 'alice my secret --takeover'])(
    'finds flag and password in %j',
    async (rest) => {
      expect(await loginIn(rest, answering())).toEqual({
        name: 'alice',
        password: 'my secret',
        takeover: true,
      })
    },
  )

  it('takes the flag without a name', async () => {
    const input = answering('alice', 'secret')
    expect(await loginIn('--takeover', input)).toEqual({ name: 'alice', password: 'secret', takeover: true })
  })

  it('leaves words alone that only look like it', async () => {
    expect(await loginIn('alice --takeovers', answering())).toMatchObject({
      password: '--takeovers',
      takeover: false,
    })
  })
})

describe('the others', () => {
  it.each([
    ['', ''],
    ['al', 'al'],
    ['a l ', 'a l'],
    ['"a l"', 'a l'],
  ])('wholeName(%j) is %j', (rest, name) => {
    expect(wholeName(rest)).toBe(name)
  })

  it('wholeName wants nothing behind a quote', () => {
    expect(() => wholeName('"a" b')).toThrow(UsageError)
  })

  it.each([
    ['5', 5],
    [' 0.25 ', 0.25],
    ['0', 0],
  ])('secondsIn(%j) is %d', async (rest, seconds) => {
    expect(await secondsIn(rest, answering())).toBe(seconds)
  })

  it.each(['abc', '-1', '1e3', '86401', '0x10', 'Infinity'])('secondsIn(%j) is wrong usage', async (rest) => {
    await expect(secondsIn(rest, answering())).rejects.toThrow(UsageError)
  })

  it('nothingIn wants nothing', () => {
    expect(() => nothingIn(' ', 'quit')).not.toThrow()
    expect(() => nothingIn('now', 'quit')).toThrow('quit takes nothing else on its line.')
  })

  it.each([
    ['login', 'alice secret', true],
    ['create', 'alice secret', true],
    ['create', '"alice', true],
    ['login', '--takeover alice secret', true],
    ['login', 'alice', false],
    ['login', '--takeover alice', false],
    ['login', 'alice --takeover', false],
    ['send', 'bob hello', false],
  ])('holdsPassword(%s, %j) is %s', (command, rest, holds) => {
    expect(holdsPassword(command, rest)).toBe(holds)
  })
})
