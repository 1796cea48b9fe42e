/** Pino's number for `warn`. */
const warnLevel = 40

/** What a replica's log line says to the person at the launcher, or null if it is nothing to worry about. */
export function complaintOf(line: string): string | null {
  if (!line.startsWith('{')) {
    // Not from the logger: the sentence of a replica that cannot start, or what Node says of a crash.
    return printable(line)
  }
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return printable(line)
  }
  if (typeof value !== 'object' || value === null || !('level' in value)) return printable(line)
  const { level } = value
  if (typeof level !== 'number' || level < warnLevel) return null
  const message = 'msg' in value && typeof value.msg === 'string' ? value.msg : ''
  const error = 'err' in value ? messageOf(value.err) : ''
  const text =
    message === '' ? error : error === '' || message.includes(error) ? message : `${message}: ${error}`
  return printable(text === '' ? line : text)
}

function messageOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return ''
  return typeof error.message === 'string' ? error.message : ''
}

/** One line without control characters, which could do things to a terminal. */
function printable(text: string): string | null {
  const line = text.replace(/\p{Cc}+/gu, ' ').trimEnd()
  return line === '' ? null : line.length > 400 ? `${line.slice(0, 399)}…` : line
}

/** At most `count` lines of each replica in `periodMs`, then one that says where the others are. */
export function limitComplaints(
  count: number,
  periodMs: number,
): (replica: number, now: number) => 'show' | 'last' | 'hide' {
  const periods = new Map<number, { start: number; shown: number }>()
  return (replica, now) => {
    let period = periods.get(replica)
    if (period === undefined || now - period.start >= periodMs) {
      period = { start: now, shown: 0 }
      periods.set(replica, period)
    }
    period.shown += 1
    return period.shown < count ? 'show' : period.shown === count ? 'last' : 'hide'
  }
}
