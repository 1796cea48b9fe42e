import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { createMetrics, type Measured } from '../../src/observation/metrics.ts'

const root = new URL('../../../../', import.meta.url)
const metrics = createMetrics()

describe('METRICS.md', () => {
  test('lists every metric with its type, and no other', async () => {
    const text = await readFile(new URL('METRICS.md', root), 'utf8')
    const listed = [...text.matchAll(/^\| `(?<name>\w+)` \| (?<type>\w+) \|/gm)].map(
      ({ groups }) => `${groups?.['name']} ${groups?.['type']}`,
    )
    expect(listed.toSorted()).toEqual(
      metrics
        .list()
        .map(({ name, type }) => `${name} ${type}`)
        .toSorted(),
    )
  })

  test('names no metric in its advice that there is not', async () => {
    const text = await readFile(new URL('METRICS.md', root), 'utf8')
    expect(unknownIn(text)).toEqual([])
  })
})

describe('the dashboard', () => {
  test('asks for metrics that there are, in every panel', async () => {
    const dashboard: unknown = JSON.parse(
      await readFile(new URL('deploy/grafana/chatroom.json', root), 'utf8'),
    )
    const expressions = textsOf(dashboard, 'expr')
    expect(expressions.length).toBeGreaterThan(20)
    for (const expression of expressions) {
      expect(expression).toMatch(/\b(?:chatroom|process|nodejs)_\w+/)
      expect(unknownIn(expression)).toEqual([])
    }
  })

  test('is noticed if it asks for one that there is not', () => {
    expect(unknownIn('rate(chatroom_server_proposals_comitted_total[1m])')).toEqual([
      'chatroom_server_proposals_comitted_total',
    ])
  })
})

test('no metric has a value of a replica that does not run', async () => {
  const text = await createMetrics().text()
  expect(text).toContain('# TYPE chatroom_server_has_leader gauge')
  expect(text).not.toMatch(/^chatroom_server_has_leader /m)
})

test('what a replica measured and what is looked up show', async () => {
  const own = createMetrics()
  own.observer.persisted(2)
  own.observer.committed(5, 3)
  own.observer.waitedFor(2, 250)
  own.observer.proposalsFailed('not leader', 4)
  own.refused('MAILBOX_FULL')
  for (const leader of [1, null, 1, 2]) own.heard({ type: 'leader', leader, term: 3 })
  own.measure(measured)
  const text = await own.text()
  expect(text).toContain('chatroom_disk_wal_fsync_duration_seconds_sum 0.002\n')
  expect(text).toContain('chatroom_server_commit_duration_seconds_count 1\n')
  expect(text).toContain('chatroom_server_commit_waited_for_member_seconds_total{Member="2"} 0.25\n')
  expect(text).toContain('chatroom_server_slowest_member_delay_seconds{Member="2"} 0.02\n')
  expect(text).toContain('chatroom_server_proposals_failed_total{code="not leader"} 4\n')
  expect(text).toContain('chatroom_service_refused_total{reason="MAILBOX_FULL"} 1\n')
  expect(text).toContain('chatroom_server_leader_changes_seen_total 2\n')
  expect(text).toContain('chatroom_network_peer_queued_bytes{To="1"} 77\n')
  expect(text).toContain('chatroom_chat_dedup_hits_total 9\n')
  expect(text).toContain('chatroom_chat_sessions 2\n')
})

test('every duration shows, however many came between two looks, and each once', async () => {
  const own = createMetrics()
  for (let look = 1; look <= 2; look++) {
    for (let n = 0; n < 150; n++) own.observer.persisted(4)
    for (const member of [1, 2, 2]) own.observer.waitedFor(member, 500)
    const text = await own.text()
    expect(text).toContain(`chatroom_disk_wal_fsync_duration_seconds_count ${150 * look}\n`)
    expect(text).toContain(`chatroom_disk_wal_fsync_duration_seconds_bucket{le="0.0064"} ${150 * look}\n`)
    expect(text).toContain('chatroom_disk_wal_fsync_duration_seconds_bucket{le="0.0032"} 0\n')
    expect(text).toContain(`chatroom_server_commit_waited_for_member_seconds_total{Member="2"} ${look}\n`)
  }
})

/** Names of the shape of ours that no metric has; those of a histogram's parts are known. */
function unknownIn(text: string): string[] {
  const known = new Set(
    metrics
      .list()
      .flatMap(({ name, type }) =>
        type === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
  )
  return (text.match(/\b(?:chatroom|process|nodejs)_\w+/g) ?? []).filter(
    (name) => !known.has(name) && name !== 'chatroom_',
  )
}

function textsOf(value: unknown, key: string): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    name === key && typeof inner === 'string' ? [inner] : textsOf(inner, key),
  )
}

const measured: Measured = {
  ready: () => true,
  chat: {
    answeredAgain: 9,
    counts: () => ({
      accounts: 3,
      sessions: 2,
      endedSessions: 0,
      waitingMessages: 1,
      waitingBytes: 5,
      rememberedReplies: 6,
    }),
  },
  service: { counts: () => ({ subscriptions: 1, sendStreams: 1, requestsInFlight: 0, bytesInFlight: 0 }) },
  replica: {
    load: () => ({ proposals: 1, persists: 0, heldMessages: 0, queuedBytes: new Map([[1, 77]]) }),
    status: () => ({
      id: 0,
      pid: 1,
      disk: 'd',
      incarnation: 1,
      clusterId: 'c',
      mode: 'fail-stop',
      role: 'leader',
      machineVersion: 1,
      commonVersion: 1,
      term: 3,
      leader: 0,
      leaderAddress: null,
      serving: true,
      view: { index: 1, term: 1, members: [], learners: [], clusterId: 'c' },
      viewInForce: true,
      admitted: true,
      commitIndex: 5,
      appliedIndex: 5,
      lastIndex: 5,
      snapshotIndex: 0,
      crashesTolerated: 2,
      waiting: [],
      slowestMember: { id: 2, delayMs: 20 },
      peers: [],
    }),
  },
}
