import type { ReplicaLook } from '@chatroom/client'
import { done, type Result } from './result.ts'

const words = { leads: 'leads', answers: 'follows', silent: 'no answer' } as const

/**
 * What a client can say of the cluster: which replicas it reaches, who leads and how long each takes to answer. Terms, indexes and how many more crashes it can
 * take are the operator's: `chatctl status` asks for them on the ports that the replicas have among themselves.
 */
export function statusResult(looks: readonly ReplicaLook[]): Result {
  const rows = looks.map(({ address, state, ms }, id) => [
    `${id}`,
    address,
    words[state],
    ms === null ? '-' : `${Math.round(ms)} ms`,
  ])
  const table = [['id', 'address', 'state', 'in'], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  const leader = looks.findIndex(({ state }) => state === 'leads')
  return done(
    'status',
    leader < 0 ? 'No replica leads.' : `Replica ${leader} leads.`,
    {
      replicas: looks.map(({ address, state, ms }, id) => ({
        id,
        address,
        state: words[state],
        ms: ms === null ? null : Math.round(ms),
      })),
      leader: leader < 0 ? null : leader,
    },
    lines.map((line) => line.trimEnd()),
  )
}
