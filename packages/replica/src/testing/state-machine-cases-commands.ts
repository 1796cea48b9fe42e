import { copyOf, differenceOf, inWords } from './difference.ts'
import { callsToTheOutside } from './outside-world.ts'
import { fail, History, type StateMachineCase } from './state-machine-history.ts'

export const commandCases: readonly StateMachineCase[] = [
  {
    name: 'a command comes back from its bytes as it was',
    run(subject) {
      const history = new History(subject)
      const machine = history.create()
      for (let position = 0; position < history.length; position++) {
        const command = history.command(position)
        const before = valueNow(command, `${history.name(position)}`)
        const difference = differenceOf(before, machine.decode(machine.encode(command)))
        if (difference !== null)
          fail(
            `decode(encode(command)) is another command than ${history.name(position)}: ${difference}. Replicas apply what decode gives: encode has to keep everything that apply looks at.`,
          )
      }
    },
  },
  {
    name: 'a command has the same bytes each time',
    run(subject) {
      const history = new History(subject)
      const [one, other] = [history.create(), history.after(history.length)]
      for (let position = 0; position < history.length; position++) {
        const first = one.encode(history.command(position))
        const again = other.encode(one.decode(first))
        if (Buffer.compare(first, again) !== 0)
          fail(
            `${history.name(position)} was encoded as ${inWords(first)}, and, decoded, as ${inWords(again)}: encode has to depend on the command alone, not on the state, a clock or the order of keys.`,
          )
      }
    },
  },
  {
    name: 'the history changes the state',
    run(subject) {
      const history = new History(subject)
      const machine = history.create()
      const before = machine.hash()
      const changes = Array.from({ length: history.length }, (_, position) => {
        history.apply(machine, position)
        return machine.hash()
      })
      if (changes.every((hash) => hash === before))
        fail(
          `After all ${history.length} commands the hash is still that of the empty state (${before}). Either hash() leaves out the state, or the commands are all refused; then this suite sees nothing.`,
        )
    },
  },
  {
    name: 'nothing reads a clock, draws a random number or starts something',
    run(subject) {
      const history = new History(subject)
      for (let position = 0, machine = history.create(); position < history.length; position++) {
        const [call] = callsToTheOutside(() => history.apply(machine, position))
        if (call !== undefined) fail(`While ${history.name(position)} was applied, ${call}`)
      }
      const full = history.after(history.length)
      const empty = history.create()
      const [call] = callsToTheOutside(() => {
        full.hash()
        const sink = empty.restore()
        for (const chunk of full.snapshot()) sink.write(chunk)
        sink.finish()
      })
      if (call !== undefined) fail(`While a snapshot was taken, restored and hashed, ${call}`)
    },
  },
  {
    name: 'applyEncoded does what apply does',
    run(subject) {
      const history = new History(subject)
      const [one, other] = [history.create(), history.create()]
      if (one.applyEncoded === undefined) return
      const look = new Set(history.cuts(200))
      for (let position = 0; position < history.length; position++) {
        const difference = differenceOf(history.apply(one, position), history.applyEncoded(other, position))
        if (difference !== null)
          fail(
            `applyEncoded replied otherwise than apply to ${history.name(position)}: ${difference}. A replica may take either way.`,
          )
        const [hash, encoded] = look.has(position + 1) ? [one.hash(), other.hash()] : ['', '']
        if (hash !== encoded)
          fail(
            `applyEncoded left another state than apply after ${history.name(position)}: hash ${encoded} and ${hash}. A replica may take either way.`,
          )
      }
    },
  },
  {
    name: 'apply leaves the command and its bytes as they were',
    run(subject) {
      const history = new History(subject)
      const machine = history.create()
      const given = Array.from({ length: history.length }, (_, position) => {
        const payload = machine.encode(history.command(position)).slice()
        const bytes = Uint8Array.from(payload)
        const command = machine.decode(payload)
        const before = valueNow(command, history.name(position))
        history.applyDecoded(machine, position, command)
        return { position, payload, command, before, bytes }
      })
      // At the end, because a later command may change what an earlier one left in the state.
      for (const { position, payload, command, before, bytes } of given) {
        const difference = differenceOf(before, command)
        if (difference !== null)
          fail(
            `apply, or a later one, changed ${history.name(position)}: ${difference}. The command may be applied again elsewhere and belongs to whoever proposed it: copy what becomes part of the state.`,
          )
        if (Buffer.compare(payload, bytes) !== 0)
          fail(
            `The bytes of ${history.name(position)} in the log changed after decode: ${inWords(bytes)} became ${inWords(payload)}. decode gave out a view of them and apply wrote into it: copy them.`,
          )
      }
    },
  },
  {
    name: 'a reply stays as it was given',
    run(subject) {
      const history = new History(subject)
      const machine = history.create()
      const given = Array.from({ length: history.length }, (_, position) => {
        const reply = history.apply(machine, position)
        return { position, reply, before: valueNow(reply, `the reply to ${history.name(position)}`) }
      })
      for (const { position, reply, before } of given) {
        const difference = differenceOf(before, reply)
        if (difference !== null)
          fail(
            `A later command changed the reply to ${history.name(position)}: ${difference}. The reply refers to a part of the state that changes: give a copy of it.`,
          )
      }
    },
  },
  {
    name: 'the same log gives the same replies and states at every replica',
    run(subject) {
      const history = new History(subject)
      const [one, other] = [history.create(), history.create()]
      const look = new Set(history.cuts(200))
      const replies = Array.from({ length: history.length }, (_, position) => ({
        reply: valueNow(history.apply(one, position), `the reply to ${history.name(position)}`),
        hash: look.has(position + 1) ? one.hash() : null,
      }))
      for (const [position, { reply, hash }] of replies.entries()) {
        const difference = differenceOf(reply, history.apply(other, position))
        if (difference !== null)
          fail(
            `A second replica replied otherwise to ${history.name(position)}: ${difference}. Something else than the state and the command went into the reply: a clock, chance, a variable outside the state machine.`,
          )
        if (hash !== null && other.hash() !== hash)
          fail(
            `A second replica has another state after ${history.name(position)}: hash ${hash} and ${other.hash()}. Something else than the commands went into the state: a clock, chance, a variable outside the state machine.`,
          )
      }
    },
  },
]

/** Its value now. */
function valueNow(value: unknown, what: string): unknown {
  try {
    return copyOf(value)
  } catch (error) {
    return fail(`${what} is no plain data: ${String(error)}. Commands and replies are values.`)
  }
}
