import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { blinkMs, Prompt } from './prompt.ts'

let shown: string[]
let prompt: Prompt

beforeEach(() => {
  vi.useFakeTimers()
  shown = []
  prompt = new Prompt((text) => shown.push(text))
})

afterEach(() => {
  prompt.close()
  vi.useRealTimers()
})

it('shows who is logged in', () => {
  prompt.loggedIn('alice')
  prompt.loggedIn(null)
  expect(shown).toEqual(['alice> ', '> '])
})

it('says nothing of what is over within a blink', () => {
  prompt.loggedIn('alice')
  prompt.unsent(1)
  prompt.searching(true)
  vi.advanceTimersByTime(blinkMs - 1)
  prompt.searching(false)
  prompt.unsent(0)
  vi.advanceTimersByTime(10_000)
  expect(shown).toEqual(['alice> '])
})

it('turns while something is waited for, and stops', () => {
  prompt.loggedIn('alice')
  prompt.searching(true)
  vi.advanceTimersByTime(blinkMs)
  prompt.unsent(2)
  vi.advanceTimersByTime(120)
  prompt.searching(false)
  prompt.unsent(0)
  vi.advanceTimersByTime(10_000)
  expect(shown).toEqual([
    'alice> ',
    'alice ⠋ searching> ',
    'alice ⠋ 2 unsent> ',
    'alice ⠙ 2 unsent> ',
    'alice> ',
  ])
})
