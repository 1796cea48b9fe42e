import type { ClusterStatus, ReplicaRow } from './cluster-status.ts'

/** The status for people: a sentence, a table, and a line for whatever somebody waits for. */
export function statusText(status: ClusterStatus): string {
  const lines = [sentence(status), '', ...table([header, ...status.replicas.map(cells)])]
  const notes = [...slowNotes(status), ...status.replicas.flatMap(notesOf)]
  if (notes.length > 0) lines.push('', ...notes)
  return lines.map((line) => `${line}\n`).join('')
}

const header = ['replica', 'pid', 'role', 'term', 'leader', 'view', 'commit', 'applied', 'mode', 'may crash']

function sentence(status: ClusterStatus): string {
  if (status.leader === null) {
    const up = status.replicas.filter(({ reachable }) => reachable).length
    return `Nobody serves the chat: ${up === 0 ? 'no replica answers' : 'no replica leads'}.`
  }
  const { leader, leaderAddress, crashesTolerated } = status
  const crashes = crashesTolerated === 0 || crashesTolerated === null ? 'no' : crashesTolerated
  const where = leaderAddress === null ? '' : ` at ${leaderAddress}`
  const full = status.replicas
    .find(({ id }) => id === leader)
    ?.waiting.find((waiting) => waiting.for === 'room on a disk')
  // How many may crash is not what its reader has to know first.
  if (full !== undefined)
    return `Replica ${leader} leads${where}, but there is ${full.words.replace(/\.$/, '')}.`
  return `Replica ${leader} serves the chat${where}; ${crashes} more may crash.`
}

function cells(row: ReplicaRow): string[] {
  if (!row.reachable) return [String(row.id), '-', 'no answer']
  const view = row.view === null ? '-' : row.view.join(',')
  return [
    String(row.id),
    number(row.pid),
    row.role ?? '-',
    number(row.term),
    number(row.leader),
    row.viewInForce === false ? `${view} (not in force)` : view,
    number(row.commitIndex),
    number(row.appliedIndex),
    row.mode ?? '-',
    number(row.crashesTolerated),
  ]
}

function number(value: number | null): string {
  return value === null ? '-' : String(value)
}

/** Somebody is always the last; below this many milliseconds it is not worth a line. */
const noticeableMs = 5

function slowNotes({ slowestMember }: ClusterStatus): string[] {
  if (slowestMember === null || slowestMember.delayMs < noticeableMs) return []
  const { id, delayMs } = slowestMember
  return [`replica ${id} slows every write by ${Math.round(delayMs)} ms: the others have it on disk by then.`]
}

function notesOf(row: ReplicaRow): string[] {
  if (!row.reachable) return [`replica ${row.id}: ${row.reason ?? 'no answer'}.`]
  return [
    ...versionNotes(row),
    ...row.waiting.map(({ words, sinceMs }) => {
      const text = words.replace(/\.$/, '')
      return `replica ${row.id} waits: ${text} (for ${sinceMs < 10_000 ? `${sinceMs} ms` : `${Math.floor(sinceMs / 1_000)} s`}).`
    }),
  ]
}

function versionNotes({ id, machineVersion, commonVersion }: ReplicaRow): string[] {
  if (machineVersion === null || commonVersion === null || machineVersion <= commonVersion) return []
  return [
    `replica ${id} has version ${machineVersion} of the chat, the cluster uses version ${commonVersion} until all have been seen with a later one.`,
  ]
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
