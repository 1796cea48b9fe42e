import { defineStateMachine, jsonCodec } from '@chatroom/replica'
import { z } from 'zod'

/** `request` counts up per client: a request that was done is answered as it was, and not done again. */
const Command = z.object({ client: z.number(), request: z.number(), add: z.number() })
const Counter = z.object({
  total: z.number(),
  done: z.array(z.object({ client: z.number(), request: z.number(), total: z.number() })),
})

export type Command = z.infer<typeof Command>
export type CounterMachine = ReturnType<typeof createCounter>

/** `remembers` false: a counter with a fault, for the simulator to find. It does again what it has done already. */
export function createCounter({ remembers = true } = {}) {
  const state = jsonCodec((json) => Counter.parse(json))
  return defineStateMachine({
    command: jsonCodec((json) => Command.parse(json)),
    state: {
      encode: ({ total, done }) =>
        state.encode({ total, done: [...done].sort((a, b) => a.client - b.client) }),
      decode: (bytes) => state.decode(bytes),
    },
    initial: (): z.infer<typeof Counter> => ({ total: 0, done: [] }),
    apply(counter, { client, request, add }) {
      const last = counter.done.find((one) => one.client === client)
      if (remembers && last?.request === request) return { total: last.total }
      counter.total += add
      const { total } = counter
      if (last === undefined) counter.done.push({ client, request, total })
      else Object.assign(last, { request, total })
      return { total }
    },
  })
}
