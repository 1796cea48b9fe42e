import {
  type CommandDefinition,
  defineOption,
  onOrOff,
  operatorTls,
  options,
  peerAddresses,
  printableJson,
  type TlsFiles,
  tlsOptions,
} from '@chatroom/configuration'
import { type ClusterStatus, clusterStatus } from '../cluster-status.ts'
import type { ReplicaClient } from '../replica-client.ts'
import { statusText } from '../status-table.ts'

const watch = defineOption({
  key: 'watch',
  placeholder: null,
  help: 'go on until Ctrl-C: redraw on a terminal, elsewhere print again whenever more than an index has changed',
  schema: onOrOff(),
  fallback: false,
  flagOnly: true,
})

/** Milliseconds between two rounds of questions of `--watch`. */
const watchPeriod = 500
/** ANSI: to the upper left corner, and nothing below it. */
const clearScreen = '\u001b[H\u001b[J'

const notes = `\
Exit codes: 0 a replica serves the chat, 1 none does, 2 called or configured wrongly.

With --json, one object on one line (with --watch, one a line):
  serves            true if a replica leads and serves clients
  leader            its id; null if none serves
  leaderAddress     where clients reach it
  term              its term
  mode              "fail-stop" or "majority"
  crashesTolerated  how many more replicas may crash now, at once, and the chat goes on
  slowestMember     fail-stop: id of the replica that writes wait for most, and delayMs, for how long after all others have
                    them, on average; null if that is not known
  replicas          one for each peer address, in the order of the ids:
    id, address     which replica, and the peer address that was asked
    reachable       false if it did not answer; then reason says why, waiting is [] and all that follows is null
    reason          null if it answered
    pid             its process
    role            "leader", "follower", "candidate", "learner" or "returnee"
    machineVersion, commonVersion
                    version of its state machine, and the one that all replicas have, so that the chat uses it
    term, leader, leaderAddress
                    as it knows them; the last two are null if it knows no leader
    serving         true if it leads and may serve
    mode            as above
    view, learners  ids of the members that must hold an entry (fail-stop) or that vote (majority), and of those that follow only
    viewInForce     false while that view is not committed yet, as far as it knows
    admitted        false if it has come back and does not count yet
    incarnation     how many times it was started on its data
    clusterId       the random name of the cluster; "" if it has not met one
    commitIndex, appliedIndex, lastIndex, snapshotIndex
                    how far its log is committed, applied, written, and replaced by a snapshot
    crashesTolerated, slowestMember
                    as above, as it sees it
    waiting         what it waits for: for (one of a closed set), replicas (ids), words (for people), sinceMs`

/** `chatctl status`; `terminal` says whether standard output is one. */
export function statusCommand(
  connect: (tls: TlsFiles | null) => ReplicaClient,
  terminal: boolean,
): CommandDefinition {
  return {
    name: 'status',
    summary: 'Shows every replica: who leads, who counts, how far each is, what it waits for.',
    options: [options.peers, options.peerPort, ...tlsOptions, options.json, watch],
    notes,
    run: async ({ settings, surroundings }) => {
      const addresses = peerAddresses(settings).map(({ text }) => text)
      const show = settings.get(options.json)
        ? (status: ClusterStatus): void => surroundings.stdout(`${printableJson(status)}\n`)
        : (status: ClusterStatus): void => surroundings.stdout(statusText(status))
      const client = connect(operatorTls(settings))
      try {
        if (!settings.get(watch)) {
          const status = await clusterStatus(client, addresses)
          show(status)
          return status.serves ? 0 : 1
        }
        const redraw = terminal && !settings.get(options.json)
        return await watchStatus(
          async () => await clusterStatus(client, addresses),
          (status, first) => {
            if (redraw) surroundings.control(clearScreen)
            else if (!first && !settings.get(options.json)) surroundings.stdout('\n')
            show(status)
          },
          redraw,
        )
      } finally {
        client.close()
      }
    },
  }
}

/** Until SIGINT or SIGTERM; the exit code is that of the last status. */
async function watchStatus(
  ask: () => Promise<ClusterStatus>,
  show: (status: ClusterStatus, first: boolean) => void,
  always: boolean,
): Promise<number> {
  const ending = new AbortController()
  const end = (): void => ending.abort()
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  let shown: string | null = null
  let serves = false
  try {
    while (!ending.signal.aborted) {
      const status = await ask()
      serves = status.serves
      const outline = outlineOf(status)
      if (always || outline !== shown) show(status, shown === null)
      shown = outline
      await pause(watchPeriod, ending.signal)
    }
    return serves ? 0 : 1
  } finally {
    process.off('SIGINT', end)
    process.off('SIGTERM', end)
  }
}

/** What counts as a change: not indexes, which move with every message, nor how long somebody has been waiting. */
function outlineOf(status: ClusterStatus): string {
  return JSON.stringify(status, (key, value: unknown) =>
    ['commitIndex', 'appliedIndex', 'lastIndex', 'snapshotIndex', 'sinceMs', 'words'].includes(key)
      ? undefined
      : value,
  )
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done()
    const wake = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      done()
    }
    const timer = setTimeout(wake, ms)
    signal.addEventListener('abort', wake)
  })
}
