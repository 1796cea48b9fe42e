import { stateMachineAcceptance } from '@chatroom/replica/testing'
import { describe, expect, it } from 'vitest'
import { createStore } from '../src/store.ts'

const keys = ['b', 'a', 'b', '', 'ü', 'a,b', 'a', '__proto__', '10', '9']
const puts = keys.map((key, i) => ({ type: 'put' as const, key, value: `c,${i}` }))
const deletes = ['b', 'none', '9'].map((key) => ({ type: 'delete' as const, key }))
const commands = [...puts, ...deletes, ...puts.slice(0, 3)]

describe('the store', () => {
  it.each(stateMachineAcceptance)('$name', ({ run }) => {
    expect(() => run({ create: createStore, commands })).not.toThrow()
  })
})
