import { describe, expect, it } from 'vitest'
import { readCommandLine, takeWord } from './line.ts'

describe('readCommandLine', () => {
  it.each([
    ['send bob hello there', { command: 'send', rest: 'bob hello there' }],
    ['/send bob hello', { command: 'send', rest: 'bob hello' }],
    ['  LOGIN alice', { command: 'login', rest: 'alice' }],
    ['list', { command: 'list', rest: '' }],
    ['send bob  two  spaces ', { command: 'send', rest: 'bob  two  spaces ' }],
    ['send bob a\u2028b', { command: 'send', rest: 'bob a\u2028b' }],
    ['//quit', { command: '/quit', rest: '' }],
    ['/', { command: '/', rest: '' }],
  ])('reads %j', (line, expected) => {
    expect(readCommandLine(line)).toEqual(expected)
  })

  it.each(['', '   ', '\t'])('takes %j for nothing', (line) => {
    expect(readCommandLine(line)).toBeNull()
  })
})

describe('takeWord', () => {
  it.each([
    ['bob hello there', { word: 'bob', rest: 'hello there' }],
    ['bob', { word: 'bob', rest: '' }],
    ['', { word: null, rest: '' }],
    ['   ', { word: null, rest: '' }],
    ['"bob the builder"  hi  you ', { word: 'bob the builder', rest: 'hi  you ' }],
    [String.raw`"a \"quoted\" \\ name" hi`, { word: String.raw`a "quoted" \ name`, rest: 'hi' }],
    ['bob "not a name"', { word: 'bob', rest: '"not a name"' }],
    ['"" hi', { word: '', rest: 'hi' }],
  ])('splits %j', (text, expected) => {
    expect(takeWord(text)).toEqual(expected)
  })

  it.each(['"bob', '"bob"hi', String.raw`"bob\"`])('says what is wrong with %j', (text) => {
    expect(takeWord(text)).toHaveProperty('wrong')
  })
})
