/**
 * Where two values differ, in words such as `.to: "bob" became "alice"`; null if they are the same value. A missing property and one that is undefined are
 * the same, and so are a `Buffer` and a `Uint8Array` of the same bytes.
 */
export function differenceOf(before: unknown, after: unknown, path = ''): string | null {
  if (Object.is(before, after)) return null
  const kind = kindOf(before)
  if (kind !== kindOf(after)) return became(path, before, after)
  if (before instanceof Uint8Array && after instanceof Uint8Array) {
    return Buffer.compare(before, after) === 0 ? null : became(path, before, after)
  }
  if (before instanceof Date && after instanceof Date) {
    return before.getTime() === after.getTime() ? null : became(path, before, after)
  }
  if (before instanceof Map && after instanceof Map) {
    return differenceOf([...before], [...after], `${path}(entries)`)
  }
  if (before instanceof Set && after instanceof Set) {
    return differenceOf([...before], [...after], `${path}(values)`)
  }
  if (isList(before) && isList(after)) {
    if (before.length !== after.length) return `${path}.length: ${before.length} became ${after.length}`
    return firstDifference(before.keys(), (i) => differenceOf(before[i], after[i], `${path}[${i}]`))
  }
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return firstDifference(keys, (key) =>
      differenceOf(Reflect.get(before, key), Reflect.get(after, key), `${path}.${key}`),
    )
  }
  return became(path, before, after)
}

/** A value in a few words, for a sentence. */
export function inWords(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Uint8Array) return `${part.length} bytes ${Buffer.from(part).toString('hex')}`
    if (part instanceof Map || part instanceof Set) return Array.from<unknown>(part)
    return typeof part === 'bigint' || typeof part === 'function' ? String(part) : part
  })
  const words = text ?? String(value)
  return words.length <= 160 ? words : `${words.slice(0, 157)}…`
}

/** Its value now, to compare with later. Throws for what is no plain data. */
export function copyOf(value: unknown, path = ''): unknown {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`${path === '' ? 'it' : path} is a ${typeof value}`)
  if (!isObject(value)) return value
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (value instanceof Date) return new Date(value)
  if (value instanceof Map)
    return new Map([...value].map(([key, one]) => [copyOf(key), copyOf(one, `${path}.get(${inWords(key)})`)]))
  if (value instanceof Set) return new Set([...value].map((one) => copyOf(one)))
  if (isList(value)) return value.map((one, i) => copyOf(one, `${path}[${i}]`))
  const copy = emptyLike(value)
  for (const key of Object.keys(value))
    Reflect.defineProperty(copy, key, {
      value: copyOf(Reflect.get(value, key), `${path}.${key}`),
      enumerable: true,
    })
  return copy
}

function firstDifference<Key>(keys: Iterable<Key>, look: (key: Key) => string | null): string | null {
  for (const key of keys) {
    const found = look(key)
    if (found !== null) return found
  }
  return null
}

function became(path: string, before: unknown, after: unknown): string {
  const kinds = kindOf(before) === kindOf(after) ? '' : ` (${kindOf(before)} became ${kindOf(after)})`
  return `${path === '' ? 'it' : path}: ${inWords(before)} became ${inWords(after)}${kinds}`
}

/** An object of the same class, without its properties. */
function emptyLike(value: object): object {
  const prototype: unknown = Object.getPrototypeOf(value)
  const copy: unknown = Object.create(isObject(prototype) ? prototype : null)
  return isObject(copy) ? copy : {}
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** For an object the class it was made by. */
function kindOf(value: unknown): string {
  if (value instanceof Uint8Array) return 'Uint8Array'
  if (!isObject(value)) return value === null ? 'null' : typeof value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!isObject(prototype)) return 'Object'
  return prototype.constructor.name
}
