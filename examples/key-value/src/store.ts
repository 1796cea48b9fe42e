import { defineStateMachine, jsonCodec } from '@chatroom/replica'
import { z } from 'zod'

const Command = z.discriminatedUnion('type', [
  z.object({ type: z.literal('put'), key: z.string(), value: z.string() }),
  z.object({ type: z.literal('delete'), key: z.string() }),
])
const pairs = jsonCodec((json) => z.array(z.tuple([z.string(), z.string()])).parse(json))

/** What is replicated: keys with values, changed by commands alone. */
export function createStore() {
  return defineStateMachine({
    command: jsonCodec((json) => Command.parse(json)),
    state: {
      encode: (values) => pairs.encode([...values].sort(([a], [b]) => (a < b ? -1 : 1))),
      decode: (bytes) => new Map(pairs.decode(bytes)),
    },
    initial: () => new Map<string, string>(),
    apply(values, command) {
      const existed = values.has(command.key)
      if (command.type === 'put') values.set(command.key, command.value)
      else values.delete(command.key)
      return { existed }
    },
  })
}
