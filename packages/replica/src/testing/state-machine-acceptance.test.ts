import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Codec, jsonCodec } from '../codec.ts'
import { defineStateMachine, type StateMachineDefinition } from '../define-state-machine.ts'
import type { StateMachine } from '../ports/state-machine.ts'
import { type StateMachineSubject, stateMachineAcceptance } from './index.ts'

interface Add {
  readonly type: 'add' | 'remove'
  readonly name: string
  readonly amounts: number[]
}

interface Account {
  name: string
  total: number
  amounts: number[]
}

type Reply = object | string | number | null

const commands: readonly Add[] = ['mia', 'ben', 'zoe', 'ada', 'mia', 'ben', 'tom', 'ada', 'zoe', 'mia'].map(
  (name, i) => ({ type: i === 5 ? 'remove' : 'add', name, amounts: [i, 2 * i] }),
)

function jsonOf<T>(isOne: (json: unknown) => json is T): Codec<T> {
  return jsonCodec((json) => {
    if (!isOne(json)) throw new TypeError('not what was expected')
    return json
  })
}
const isObject = (json: unknown): json is object => typeof json === 'object' && json !== null
const addCodec = jsonOf((json): json is Add => isObject(json) && 'amounts' in json)
const accountsCodec = jsonOf((json): json is Account[] => Array.isArray(json))

type Definition = StateMachineDefinition<Map<string, Account>, Add, Reply>
type Machine = StateMachine<Add, Reply>

/** Totals of accounts, without sin. */
const honest: Definition = {
  command: addCodec,
  state: {
    encode: (accounts) =>
      accountsCodec.encode([...accounts.values()].sort((a, b) => (a.name < b.name ? -1 : 1))),
    decode: (bytes) => new Map(accountsCodec.decode(bytes).map((account) => [account.name, account])),
  },
  initial: () => new Map(),
  apply(accounts, command) {
    if (command.type === 'remove') return { removed: accounts.delete(command.name) }
    const account = accounts.get(command.name) ?? { name: command.name, total: 0, amounts: [] }
    account.amounts = [...command.amounts]
    for (const amount of command.amounts) account.total += amount
    accounts.set(command.name, account)
    return { total: account.total }
  },
}

/** `fault` in apply, then as it should be. */
const applying = (
  fault: (accounts: Map<string, Account>, command: Add) => Reply | undefined,
): Definition => ({
  ...honest,
  apply: (accounts, command, at) => fault(accounts, command) ?? honest.apply(accounts, command, at),
})

const changed = (changes: (machine: Machine) => Partial<Machine>): (() => Machine) => {
  return () => {
    const machine = defineStateMachine(honest)
    const inner: Machine = {
      version: 1,
      encode: (command) => machine.encode(command),
      decode: (bytes) => machine.decode(bytes),
      apply: (command, at) => machine.apply(command, at),
      snapshot: () => machine.snapshot(),
      restore: () => machine.restore(),
      hash: () => machine.hash(),
    }
    return { ...inner, ...changes(inner) }
  }
}
const defined = (definition: Definition) => (): Machine => defineStateMachine(definition)

let everywhere = 0

const sins: readonly { sin: string; create: () => Machine; message: RegExp; commands?: readonly Add[] }[] = [
  {
    sin: 'replies otherwise to a command from its bytes',
    create: changed((machine) => ({
      applyEncoded: (payload, at) => ({ inBytes: machine.apply(machine.decode(payload), at) }),
    })),
    message: /^applyEncoded replied otherwise than apply to command 0 /,
  },
  {
    sin: 'forgets a command from its bytes',
    create: changed((machine) => ({
      applyEncoded: (payload, at) => {
        const reply = machine.apply(machine.decode(payload), at)
        machine.apply({ type: 'remove', name: 'mia', amounts: [] }, at)
        return reply
      },
    })),
    message: /^applyEncoded left another state than apply after command /,
  },
  {
    sin: 'reads the clock',
    create: defined(applying(() => void Date.now())),
    message:
      /^While command 0 .* was applied, Date\.now\(\) was called at .*state-machine-acceptance\.test.*use `at\.time`/s,
  },
  {
    sin: 'makes a date of now',
    create: defined(applying(() => ({ at: new Date().getFullYear() }))),
    message: /the present time was read by `new Date\(\)` at .*acceptance\.test/,
  },
  {
    sin: 'measures',
    create: defined(applying(() => void performance.now())),
    message: /performance\.now\(\)/,
  },
  {
    sin: 'measures finely',
    create: defined(applying(() => void process.hrtime.bigint())),
    message: /hrtime\.bigint/,
  },
  {
    sin: 'rolls dice',
    create: defined(applying(() => ({ lucky: Math.random() }))),
    message: /Math\.random\(\) was called at .*puts it into the command/s,
  },
  {
    sin: 'makes ids',
    create: defined(applying(() => void crypto.randomUUID())),
    message: /crypto\.randomUUID/,
  },
  {
    sin: 'rolls imported dice',
    create: defined(applying(() => void randomInt(6))),
    message: /crypto\.randomInt/,
  },
  {
    sin: 'leaves work for later',
    create: defined(
      applying(() => {
        queueMicrotask(() => undefined)
        return undefined
      }),
    ),
    message: /queueMicrotask/,
  },
  {
    sin: 'answers later',
    create: defined(applying(() => Promise.resolve(1))),
    message: /answered command 0 .* with a promise/,
  },
  {
    sin: 'throws',
    create: defined(
      applying((_, command) => {
        if (command.name === 'zoe') throw new Error('not zoe')
        return undefined
      }),
    ),
    message: /apply threw on command 2 .*not zoe/,
  },
  {
    sin: 'takes the first of a map',
    create: defined({
      ...honest,
      apply: (accounts, command, at) => {
        honest.apply(accounts, command, at)
        return [...accounts.keys()][0] ?? null
      },
    }),
    message:
      /restored the snapshot after \d+ commands replied otherwise .*"mia" became "\w+".*the order of a Map/s,
  },
  {
    sin: 'hashes in the order of a map',
    create: defined({
      ...honest,
      state: {
        encode: (accounts) => accountsCodec.encode([...accounts.values()]),
        decode: (bytes) =>
          new Map(
            accountsCodec
              .decode(bytes)
              .sort((a, b) => (a.name < b.name ? -1 : 1))
              .map((account) => [account.name, account]),
          ),
      },
    }),
    message: /restored into a new one, gives hash|of the moment it was begun|another state/,
  },
  {
    sin: 'changes the command',
    create: defined(
      applying((_, command) => {
        command.amounts.sort((a, b) => b - a)
        return undefined
      }),
    ),
    message: /apply, or a later one, changed command 1 .*\.amounts\[0\]: 1 became 2.*: copy/s,
  },
  {
    sin: 'keeps the command and changes it later',
    create: defined(
      applying((accounts, command) => {
        const account = accounts.get(command.name)
        if (account === undefined) {
          accounts.set(command.name, { name: command.name, total: 0, amounts: command.amounts })
          return 0
        }
        return account.amounts.push(1)
      }),
    ),
    message: /apply, or a later one, changed command 0 .*\.amounts\.length: 2 became/s,
  },
  {
    sin: 'writes into the log',
    create: changed((machine) => ({
      decode(bytes) {
        const command = machine.decode(bytes)
        bytes.fill(32, bytes.length - 1)
        return command
      },
    })),
    message: /The bytes of command 0 .* in the log changed/,
  },
  {
    sin: 'gives out its state',
    create: defined(
      applying((accounts, command) => {
        honest.apply(accounts, command, { index: 1, term: 1, time: 0 })
        return accounts.get(command.name) ?? null
      }),
    ),
    message: /A later command changed the reply to command 0 .*\.total: 0 became/s,
  },
  {
    sin: 'counts outside',
    create: defined(applying(() => ({ count: ++everywhere }))),
    message: /A second replica replied otherwise to command 0 .*\.count: \d+ became \d+/s,
  },
  {
    sin: 'has state in one replica only',
    create: () => {
      const mine = ++everywhere
      return changed((machine) => ({ hash: () => `${machine.hash()}${mine}` }))()
    },
    message: /A second replica has another state after command 0/,
  },
  {
    sin: 'loses a part of a command',
    create: changed((machine) => ({
      encode: (command) => machine.encode({ ...command, amounts: command.amounts.slice(0, 1) }),
    })),
    message: /decode\(encode\(command\)\) is another command than command 0 .*\.amounts\.length: 2 became 1/s,
  },
  {
    sin: 'encodes otherwise each time',
    create: changed((machine) => ({
      encode: (command) => Buffer.concat([machine.encode(command), Buffer.alloc(++everywhere % 7, ' ')]),
    })),
    message: /encode has to depend on the command alone/,
  },
  {
    sin: 'refuses everything',
    create: defined({ ...honest, apply: () => 'refused' }),
    message: /After all 10 commands the hash is still that of the empty state/,
  },
  {
    sin: 'leaves something out of snapshots',
    create: defined({
      ...honest,
      state: {
        encode: (accounts) => honest.state.encode(accounts),
        decode: (bytes) =>
          new Map(accountsCodec.decode(bytes).map((account) => [account.name, { ...account, total: 0 }])),
      },
    }),
    message: /The snapshot after \d+ commands, restored into a new one, gives hash/,
  },
  {
    sin: 'has a counter beside its snapshots',
    create: () => {
      let applied = 0
      return changed((machine) => ({ apply: (command, at) => [++applied, machine.apply(command, at)] }))()
    },
    message: /replied otherwise to command .*\[0\]: \d+ became 1\. .*that the snapshot lacks/s,
  },
  {
    sin: 'adds a snapshot to what is there',
    create: changed((machine) => ({
      restore: () => {
        const before = [...machine.snapshot()]
        const sink = machine.restore()
        return {
          write: (chunk) => sink.write(chunk),
          finish: () => {
            sink.finish()
            for (const { name, total } of accountsCodec.decode(Buffer.concat(before)))
              machine.apply({ type: 'add', name, amounts: [total] }, { index: 1, term: 1, time: 0 })
          },
        }
      },
    })),
    message: /restored into one with 10 commands, gives hash/,
  },
  {
    sin: 'takes snapshots lazily',
    create: changed((machine) => ({
      *snapshot() {
        yield* machine.snapshot()
      },
    })),
    message:
      /A snapshot that began after 0 commands, with 10 applied before its first chunk restores to hash/,
  },
  {
    sin: 'restores before it is asked to',
    create: changed((machine) => {
      const restored = (): ReturnType<Machine['restore']> => machine.restore()
      return {
        restore() {
          const chunks: Uint8Array[] = []
          return {
            write(chunk) {
              chunks.push(chunk.slice())
              const sink = restored()
              for (const one of chunks) sink.write(one)
              sink.finish()
            },
            finish: () => undefined,
          }
        },
      }
    }),
    message: /A restore that was not finished changed the hash/,
  },
  {
    sin: 'expects chunks as it made them',
    create: changed((machine) => ({
      restore() {
        const sink = machine.restore()
        let first = true
        return {
          write(chunk) {
            if (first) sink.write(chunk)
            first = false
          },
          finish: () => sink.finish(),
        }
      },
    })),
    message: /A snapshot that arrived in pieces of 1 bytes .* cannot be restored/,
  },
  {
    sin: 'keeps the chunks it is lent',
    create: changed((machine) => ({
      restore() {
        const chunks: Uint8Array[] = []
        return {
          write: (chunk) => void chunks.push(chunk),
          finish() {
            const sink = machine.restore()
            // A buffer that was used again holds something else.
            for (const chunk of chunks)
              sink.write(chunk.every((byte) => byte === 0) ? Buffer.from('[]') : chunk)
            sink.finish()
          },
        }
      },
    })),
    message: /A restore used a chunk after write\(\) had returned/,
  },
  {
    sin: 'uses one buffer for all chunks',
    create: () => {
      const buffer = new Uint8Array(10_000)
      return changed((machine) => ({
        snapshot() {
          const [chunk = new Uint8Array()] = machine.snapshot()
          buffer.fill(32).set(chunk)
          return [buffer.subarray(0, 2_000)].values()
        },
      }))()
    },
    message: /Chunk 0 of a snapshot changed after it was given out/,
  },
  {
    sin: 'has one big chunk',
    create: changed((machine) => ({
      snapshot: () => [Buffer.concat([...machine.snapshot(), Buffer.alloc(300_000, ' ')])].values(),
    })),
    message: /Chunk 0 of the snapshot has \d+ bytes: at most 262144/,
  },
  {
    sin: 'changes by being looked at',
    create: () => {
      let looks = 0
      return changed((machine) => ({ hash: () => `${machine.hash()} ${looks++ < 2 ? 'a' : 'b'}` }))()
    },
    message: /hash\(\) gave|a snapshot changed the hash|A second replica has another state/,
  },
  {
    sin: 'is never done with a snapshot that was given up',
    create: () => {
      let under = false
      return changed((machine) => ({
        snapshot() {
          if (under) throw new Error('a snapshot is under way')
          under = true
          const inner = machine.snapshot()
          return {
            next() {
              const next = inner.next()
              if (next.done) under = false
              return next
            },
            [Symbol.iterator]() {
              return this
            },
          }
        },
      }))()
    },
    message: /a snapshot is under way/,
  },
  {
    sin: 'has nothing to show',
    create: defined(honest),
    commands: [],
    message: /The history has 0 commands/,
  },
]

function runAll(subject: StateMachineSubject<Add, Reply>): string[] {
  return stateMachineAcceptance.flatMap(({ name, run }) => {
    try {
      run(subject)
      return []
    } catch (error) {
      return [error instanceof Error ? error.message : `${name}: ${String(error)}`]
    }
  })
}

describe('the acceptance suite of state machines', () => {
  it('finds nothing wrong with an honest one', () => {
    expect(runAll({ create: defined(honest), commands })).toEqual([])
  })

  it.each(sins)('finds one that $sin', ({ create, message, commands: own = commands }) => {
    const found = runAll({ create, commands: own })
    // All that was found, so that a failure shows it.
    expect(found).toContainEqual(expect.stringMatching(message))
  })

  it('leaves the world as it was', () => {
    const world = (): unknown[] =>
      [Date, Math, performance, crypto, process, globalThis].map((owner) =>
        ['now', 'random', 'randomUUID', 'nextTick', 'setTimeout', 'fetch', 'Date'].map((key) =>
          Object.getOwnPropertyDescriptor(owner, key),
        ),
      )
    const before = world()
    runAll({ create: defined(applying(() => void Date.now())), commands })
    expect(world()).toEqual(before)
    expect(Object.hasOwn(performance, 'now')).toBe(false)
  })
})
