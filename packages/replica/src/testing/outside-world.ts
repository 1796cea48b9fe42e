import nodeCrypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** What a state machine must not touch, and what it should use instead. */
interface Door {
  readonly owner: object
  readonly key: string
  readonly name: string
  readonly instead: string
}

const clock = 'Time is an input: use `at.time`, which the leader wrote into the entry.'
const chance =
  'Whoever proposes draws the random number and puts it into the command, or the number comes from `at.index`, which no other entry has.'
const later = '`apply` is done when it returns: what is to happen later is another command.'
const world = 'Whoever proposes asks the world and puts the answer into the command.'

const doors: readonly Door[] = [
  { owner: performance, key: 'now', name: 'performance.now()', instead: clock },
  { owner: process, key: 'hrtime', name: 'process.hrtime()', instead: clock },
  { owner: process.hrtime, key: 'bigint', name: 'process.hrtime.bigint()', instead: clock },
  { owner: process, key: 'uptime', name: 'process.uptime()', instead: clock },
  { owner: Date, key: 'now', name: 'Date.now()', instead: clock },
  { owner: Math, key: 'random', name: 'Math.random()', instead: chance },
  { owner: crypto, key: 'getRandomValues', name: 'crypto.getRandomValues()', instead: chance },
  { owner: crypto, key: 'randomUUID', name: 'crypto.randomUUID()', instead: chance },
  { owner: nodeCrypto, key: 'randomBytes', name: 'crypto.randomBytes()', instead: chance },
  { owner: nodeCrypto, key: 'randomInt', name: 'crypto.randomInt()', instead: chance },
  { owner: nodeCrypto, key: 'randomUUID', name: 'crypto.randomUUID()', instead: chance },
  { owner: globalThis, key: 'setTimeout', name: 'setTimeout()', instead: later },
  { owner: globalThis, key: 'setInterval', name: 'setInterval()', instead: later },
  { owner: globalThis, key: 'setImmediate', name: 'setImmediate()', instead: later },
  { owner: globalThis, key: 'queueMicrotask', name: 'queueMicrotask()', instead: later },
  { owner: process, key: 'nextTick', name: 'process.nextTick()', instead: later },
  { owner: globalThis, key: 'fetch', name: 'fetch()', instead: world },
]

/**
 * Runs `work` and tells what it asked of the outside world, as sentences: what, where, and what to do instead. What it asks for it gets. Functions that were taken
 * out of their objects before cannot be watched.
 */
export function callsToTheOutside(work: () => void): string[] {
  const calls: string[] = []
  const restores: (() => void)[] = []
  const replace = (owner: object, key: string, value: unknown): void => {
    const own = Object.getOwnPropertyDescriptor(owner, key)
    Object.defineProperty(owner, key, { value, configurable: true, writable: true })
    restores.push(() => {
      if (own === undefined) Reflect.deleteProperty(owner, key)
      else Object.defineProperty(owner, key, own)
    })
  }
  for (const { owner, key, name, instead } of doors) {
    const original: unknown = Reflect.get(owner, key)
    if (typeof original !== 'function') continue
    const watch: Watch = (target, self, args) => {
      calls.push(`${name} was called ${placeAbove(watch)}. ${instead}`)
      const result: unknown = Reflect.apply(target, self, args)
      return result
    }
    replace(owner, key, watched(original, watch))
  }
  const construct = (target: DateConstructor, args: unknown[], newTarget: Callable): object => {
    if (args.length === 0)
      calls.push(`the present time was read by \`new Date()\` ${placeAbove(construct)}. ${clock}`)
    const made: unknown = Reflect.construct(target, args, newTarget)
    return typeof made === 'object' && made !== null ? made : {}
  }
  const call = (target: DateConstructor): string => {
    calls.push(`the present time was read by \`Date()\` ${placeAbove(call)}. ${clock}`)
    return target()
  }
  replace(globalThis, 'Date', new Proxy(Date, { construct, apply: call }))
  syncBuiltinESMExports()
  try {
    work()
  } finally {
    for (const restore of restores.reverse()) restore()
    syncBuiltinESMExports()
  }
  return calls
}

type Callable = (...args: unknown[]) => unknown
type Watch = (target: Callable, self: unknown, args: unknown[]) => unknown

function watched(original: unknown, watch: Watch): unknown {
  return isCallable(original) ? new Proxy(original, { apply: watch }) : original
}

function isCallable(value: unknown): value is Callable {
  return typeof value === 'function'
}

/** Where the function above that one on the stack stands: `at total (/src/machine.ts:10:5)`. */
function placeAbove(below: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, below)
  return holder.stack?.split('\n')[1]?.trim() ?? 'somewhere'
}
