import { describe, expect, it } from 'vitest'
import { done, type Result } from './result.ts'
import { Results } from './results.ts'

describe('Results', () => {
  it('are printed in the order of the commands, however they end', async () => {
    const printed: string[] = []
    const results = new Results(async ({ command }) => void printed.push(command))
    let end: (result: Result) => void = () => undefined
    results.add(new Promise((resolve) => (end = resolve)))
    results.add(Promise.resolve(done('second', '')))
    end(done('first', ''))
    await results.printed()
    expect(printed).toEqual(['first', 'second'])
  })

  it('tell whoever waits that they cannot be printed', async () => {
    const results = new Results(() => Promise.reject(new Error('nobody reads')))
    results.add(Promise.resolve(done('first', '')))
    await expect(results.printed()).rejects.toThrow('nobody reads')
  })
})
