// An account is locked by a word before the hash of its password, which no password fits then: every version keeps it in snapshots as it keeps any hash.

const mark = 'locked:'

export function isLocked(passwordHash: string): boolean {
  return passwordHash.startsWith(mark)
}

export function locked(passwordHash: string): string {
  return `${mark}${passwordHash}`
}

export function unlocked(passwordHash: string): string {
  return passwordHash.slice(mark.length)
}
