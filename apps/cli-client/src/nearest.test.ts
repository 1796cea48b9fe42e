import { describe, expect, it } from 'vitest'
import { commands } from './commands.ts'
import { nearest } from './nearest.ts'

const names = commands.map((command) => command.name)

describe('nearest', () => {
  it.each([
    ['snd', 'send'],
    ['sned', 'send'],
    ['logni', 'login'],
    ['loguot', 'logout'],
    ['lst', 'list'],
    ['chekc', 'check'],
    ['hlep', 'help'],
    ['creat', 'create'],
    ['quitt', 'quit'],
  ])('takes %s for %s', (word, meant) => {
    expect(nearest(word, names)).toBe(meant)
  })

  it.each(['', 'xyz', 'exit', 'whatever', 'a'.repeat(100_000)])('takes %.10s for nothing', (word) => {
    expect(nearest(word, names)).toBeNull()
  })
})
