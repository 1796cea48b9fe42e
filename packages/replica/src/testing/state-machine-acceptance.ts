import { commandCases } from './state-machine-cases-commands.ts'
import { snapshotCases } from './state-machine-cases-snapshot.ts'
import type { StateMachineCase } from './state-machine-history.ts'

/**
 * What every state machine has to do, so that replicas which apply the same log are the same. Use with any test runner:
 *
 *     for (const { name, run } of stateMachineAcceptance) {
 *       test(name, () => run({ create: () => new Counter(), commands: [{ add: 1 }, { add: 2 }, { clear: true }] }))
 *     }
 *
 * It finds reads of a clock, random numbers, replies and states that depend on the order of a Map or on anything outside, changed commands and replies, commands that do not
 * survive their encoding, and snapshots that lack something, change while they are taken, or go on otherwise after a restore.
 */
export const stateMachineAcceptance: readonly StateMachineCase[] = [...commandCases, ...snapshotCases]
