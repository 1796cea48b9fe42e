import { readFileSync } from 'node:fs'

/** Linux counts processor time in these. */
const ticksPerSecond = 100

/** Processor time, user and system, that a process has used, seconds; 0 if it is gone, and where there is no /proc. */
export function processorSeconds(pid: number): number {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond
}

/** Memory that a process has now, bytes; 0 if it is gone, and where there is no /proc. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1_024
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
