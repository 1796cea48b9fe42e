import type { Cluster } from '@chatroom/configuration'
import type { ReplicaStatus } from '@chatroom/replica'
import { crashWords } from './narrator.ts'

/** What a person may type next, with the options that this cluster needs. */
export interface Hints {
  readonly chat: string
  readonly server: (id: number) => string
}

/** `flags` of the cluster that were given by hand; the client gets those it takes. */
export function hintsFor(flags: readonly string[], clientFlags: readonly string[]): Hints {
  const line = (...words: readonly string[]): string => words.map(quoted).join(' ')
  return {
    chat: line('pnpm', 'chat', ...clientFlags),
    server: (id) => line('pnpm', 'server', '--id', String(id), ...flags),
  }
}

/** A word as a POSIX shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(word) && !/[[\]]/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

export interface Summary {
  readonly cluster: Cluster
  readonly shownDirectory: string
  readonly statuses: readonly (ReplicaStatus | null)[]
  readonly pids: readonly number[]
  readonly hints: Hints
  /** How to call pnpm where it is not installed; null where it is. */
  readonly pnpmInstead: string | null
}

/** What is printed once the cluster serves, or once it is clear what it waits for. */
export function summaryLines(summary: Summary): string[] {
  const { cluster, statuses, pids, hints } = summary
  const leader = statuses.find((status) => status?.serving) ?? null
  const rows = cluster.members.map(({ id, clientAddress, peerAddress }) => {
    const status = statuses[id] ?? null
    const role = status === null ? 'no answer yet' : status.serving ? 'leads' : roleWords(status)
    return [
      `replica ${id}`,
      role,
      `pid ${pids[id] ?? 0}`,
      `clients ${clientAddress.text}`,
      `peers ${peerAddress.text}`,
    ]
  })
  return [
    leader === null
      ? `${count(cluster)} run, but nobody leads yet.`
      : `The chat runs: ${count(cluster)}, mode ${cluster.mode}, ${crashWords(leader.crashesTolerated)}.`,
    '',
    ...table(rows).map((row) => `  ${row}`),
    '',
    ...(leader === null ? waitingLines(statuses) : []),
    `Data and logs: ${summary.shownDirectory}/replica-N and replica-N.log`,
    `Next, in another terminal: ${hints.chat}`,
    ...(summary.pnpmInstead === null
      ? []
      : [`pnpm is not installed here: write "${summary.pnpmInstead}" instead of "pnpm".`]),
    'Ctrl-C stops all replicas.',
  ]
}

function count(cluster: Cluster): string {
  const n = cluster.members.length
  return n === 1 ? '1 replica' : `${n} replicas`
}

function roleWords({ role }: ReplicaStatus): string {
  return role === 'follower' ? 'follows' : role
}

function waitingLines(statuses: readonly (ReplicaStatus | null)[]): string[] {
  return statuses.flatMap((status) =>
    status === null ? [] : status.waiting.map((waiting) => `replica ${status.id} waits: ${waiting.words}`),
  )
}

/** Columns side by side. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  )
}
