/** Whether somebody is logged in here, and when that ends for lack of commands. */
export type Presence =
  | { readonly kind: 'out' }
  | {
      readonly kind: 'in'
      readonly name: string
      readonly idleTimeoutMs: number
      /** Time of the last command, milliseconds of any clock. */
      readonly activeAt: number
    }

export const out: Presence = { kind: 'out' }

export function loggedIn(name: string, idleTimeoutSeconds: number, now: number): Presence {
  return { kind: 'in', name, idleTimeoutMs: idleTimeoutSeconds * 1_000, activeAt: now }
}

/** A command was given. */
export function active(presence: Presence, now: number): Presence {
  return presence.kind === 'in' ? { ...presence, activeAt: now } : presence
}

/** Milliseconds until the session is idle for too long: 0 if it is, null if nobody is logged in. */
export function idleIn(presence: Presence, now: number): number | null {
  if (presence.kind === 'out') return null
  return Math.max(0, presence.activeAt + presence.idleTimeoutMs - now)
}
