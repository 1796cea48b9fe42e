/** One run of one replica, as a view names it. `run` 0: any (the bootstrap view, and every view of the majority model). */
export interface Member {
  readonly id: number
  readonly run: number
}

export type Entry =
  | { readonly kind: 'view'; readonly term: number; readonly members: readonly Member[] }
  | { readonly kind: 'command'; readonly term: number; readonly name: number }
  | { readonly kind: 'noop'; readonly term: number }

/** The newest view of a log, and where it stands. Views are ordered by term, then index. */
export interface PlacedView {
  readonly index: number
  readonly term: number
  readonly members: readonly Member[]
}

/**
 * A log, named by its last entry: logs with a common beginning share it. Equal logs are the same object, so they are compared with `===` and
 * a state of the search costs one number per log.
 */
export interface Log {
  readonly number: number
  readonly before: Log | null
  readonly entry: Entry | null
  readonly length: number
  /** Term of the last entry, 0 if there is none. */
  readonly term: number
  readonly view: PlacedView
}

/** Makes logs, each once, and knows what each looks like after the replicas have changed names. */
export class LogTable {
  readonly empty: Log
  readonly #after: Map<string, Log>[] = []
  readonly #renamed: (Log | undefined)[][] = []
  readonly #permutations: readonly (readonly number[])[]

  /** `permutations`: of the replicas, each as `newName[oldName]`. */
  constructor(bootstrap: readonly Member[], permutations: readonly (readonly number[])[]) {
    this.#permutations = permutations
    const view = { index: 0, term: 0, members: bootstrap }
    this.empty = { number: 0, before: null, entry: null, length: 0, term: 0, view }
    this.#after.push(new Map())
    this.#renamed.push(permutations.map(() => this.empty))
  }

  get size(): number {
    return this.#after.length
  }

  append(log: Log, entry: Entry): Log {
    const after = this.#after[log.number]
    if (after === undefined) throw new RangeError(`log ${log.number} is not of this table`)
    const key = describeEntry(entry)
    const known = after.get(key)
    if (known !== undefined) return known
    const length = log.length + 1
    const view =
      entry.kind === 'view' ? { index: length, term: entry.term, members: entry.members } : log.view
    const made: Log = { number: this.#after.length, before: log, entry, length, term: entry.term, view }
    after.set(key, made)
    this.#after.push(new Map())
    this.#renamed.push([])
    return made
  }

  /** The same log in a cluster whose replicas have other names. */
  renamed(log: Log, permutation: number): Log {
    const known = this.#renamed[log.number]
    if (known === undefined) throw new RangeError(`log ${log.number} is not of this table`)
    const found = known[permutation]
    if (found !== undefined) return found
    const { before, entry } = log
    const newName = this.#permutations[permutation]
    if (before === null || entry === null || newName === undefined)
      throw new RangeError(`no permutation ${permutation}`)
    const made = this.append(this.renamed(before, permutation), renameEntry(entry, newName))
    known[permutation] = made
    return made
  }
}

function renameEntry(entry: Entry, newName: readonly number[]): Entry {
  if (entry.kind !== 'view') return entry
  const members = entry.members.map(({ id, run }) => ({ id: newName[id] ?? id, run }))
  return { ...entry, members: members.sort((a, b) => a.id - b.id) }
}

function describeEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'view':
      return `view@${entry.term}{${entry.members.map(({ id, run }) => `${id}.${run}`).join(' ')}}`
    case 'command':
      return `command@${entry.term}:${entry.name}`
    case 'noop':
      return `noop@${entry.term}`
  }
}

export function describeLog(log: Log): string {
  const entries: string[] = []
  for (let at: Log | null = log; at?.entry; at = at.before) entries.push(describeEntry(at.entry))
  return entries.reverse().join(', ') || 'empty'
}

export function prefix(log: Log, length: number): Log {
  let at = log
  while (at.length > length && at.before !== null) at = at.before
  return at
}

/** Whether `log` begins with `start`. */
export function beginsWith(log: Log, start: Log): boolean {
  return prefix(log, start.length) === start
}

/** How many entries the logs have in common at their beginning. */
export function commonLength(a: Log, b: Log): number {
  let x = prefix(a, b.length)
  let y = prefix(b, a.length)
  while (x !== y && x.before !== null && y.before !== null) {
    x = x.before
    y = y.before
  }
  return x.length
}

/** Term of the entry at `index`; 0 before the first one. */
export function termAt(log: Log, index: number): number {
  return prefix(log, index).term
}

/** Less than 0 if `a` is less up to date than `b`: by the last term, then by the length (Raft §5.4.1). */
export function compareLogs(a: Log, b: Log): number {
  return a.term - b.term || a.length - b.length
}

/** Less than 0 if `a` is the older view. */
export function compareViews(a: PlacedView, b: PlacedView): number {
  return a.term - b.term || a.index - b.index
}

export function viewNames(view: PlacedView, id: number, run: number): boolean {
  return view.members.some((member) => member.id === id && (member.run === run || member.run === 0))
}
