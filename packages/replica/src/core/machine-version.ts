import type { PlacedView, ReplicaId } from '@chatroom/election'
import { type Core, currentView } from './state.ts'

/** The version of the state machine that this replica's log may need. */
export function neededVersion(core: Core): number {
  return currentView(core).machineVersion ?? 1
}

/** A replica that keeps commands from being used which need this version. */
interface Laggard {
  readonly id: ReplicaId
  /** null: it was not met since this replica started, so nobody knows. */
  readonly version: number | null
}

/** The version that every replica has which this one is configured with, whether the view names it or not: whoever comes back must be able to go on. */
export function versionOfAll(core: Core): number {
  let least = core.machineVersion
  for (const { hello } of core.peers.values())
    least = Math.min(least, hello === null ? 1 : (hello.machineVersion ?? 1))
  return least
}

/** Why a command that needs this version cannot be taken yet, in words; null if it can. */
export function versionFault(core: Core, needed: number): string | null {
  if (needed <= neededVersion(core)) return null
  const words = laggards(core, needed).map(({ id, version }) =>
    version === null ? `replica ${id} was not met yet` : `replica ${id} has version ${version}`,
  )
  const why = words.length === 0 ? 'that all have it is being written down' : words.join(', ')
  const remedy = words.length === 0 ? 'try again' : 'install the newer version there'
  return `this needs version ${needed} of the state machine, and ${why}: ${remedy}`
}

function laggards(core: Core, needed: number): Laggard[] {
  return [...core.peers.values()]
    .map(({ id, hello }): Laggard => ({ id, version: hello === null ? null : (hello.machineVersion ?? 1) }))
    .filter(({ version }) => version === null || version < needed)
}

/** Why this replica must not take in a log with this view; null if it may. */
export function viewVersionFault(core: Core, { index, machineVersion = 1 }: PlacedView): string | null {
  return machineVersion <= core.machineVersion
    ? null
    : `entry ${index} and what follows needs version ${machineVersion} of the state machine, this program has version ${core.machineVersion}: install a newer one`
}
