import { describe, expect, it } from 'vitest'
import { type Completions, completionsOf } from './completion.ts'

const accounts = ['alice', 'Ann Lee', 'bob', 'a"b', 'al\u202eice']

async function complete(line: string): Promise<Completions> {
  return await completionsOf(line, async function* (beginning) {
    yield* accounts.filter((name) => name.startsWith(beginning))
  })
}

describe('completion', () => {
  it.each([
    ['', 'help ', 'help create login logout passwd list delete send check status quit'],
    ['lo', 'lo', 'login logout'],
    ['/lo', '/lo', '/login /logout'],
  ])('of %j offers commands', async (line, _replaced, commands) => {
    const [found, replaced] = await complete(line)
    expect([found.map((each) => each.trim()).join(' '), replaced]).toEqual([commands, line])
  })

  it('offers names, quoted where they must be, and none that is not what it seems', async () => {
    expect(await complete('send al')).toEqual([['alice '], 'al'])
    expect(await complete('/send A')).toEqual([['"Ann Lee" '], 'A'])
    expect(await complete('login --takeover "a')).toEqual([['"alice" ', '"a\\"b" '], '"a'])
    expect(await complete('send bob al')).toEqual([[], 'send bob al'])
  })

  it('offers nothing if nobody answers', async () => {
    const failing = completionsOf('send a', async function* () {
      yield 'alice'
      throw new Error('nobody')
    })
    expect(await failing).toEqual([['alice '], 'a'])
  })
})
