import type { Member, PlacedView } from '@chatroom/election'
import type { Hello, Message, VoteRefusal } from '@chatroom/replica'
import type { Entry, EntryKind, Position } from '@chatroom/replication-log'
import fc from 'fast-check'

/** Small, around the sizes at which a varint grows, and up to 2^53 - 1. */
export const number: fc.Arbitrary<number> = fc.oneof(
  fc.nat({ max: 300 }),
  fc.constantFrom(
    2 ** 14,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 35 + 7,
    2 ** 42,
    2 ** 49,
    Number.MAX_SAFE_INTEGER,
  ),
  fc.maxSafeNat(),
)

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constant('x'.repeat(200)))
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(0, 127, 128, 16_383, 16_384, 70_000).map((length) => new Uint8Array(length).fill(7)),
)
const position: fc.Arbitrary<Position> = fc.record({ index: number, term: number })
const member: fc.Arbitrary<Member> = fc.record({ id: fc.nat({ max: 6 }), disk: text, incarnation: number })
const members = fc.array(member, { maxLength: 7 })
const version = fc.integer({ min: 2, max: 1_000 })
const view: fc.Arbitrary<PlacedView> = fc.record(
  { members, learners: members, clusterId: text, index: number, term: number, machineVersion: version },
  { requiredKeys: ['members', 'learners', 'clusterId', 'index', 'term'] },
)
const kind = fc.constantFrom<EntryKind[]>('command', 'view', 'noop')
const refusal = fc.constantFrom<(VoteRefusal | null)[]>(
  null,
  'stale term',
  'voted for another',
  'has a leader',
  'is the leader',
  'log is more up to date',
  'knows a newer view',
  'is admitted',
  'not in the view',
  'distrusts its clock',
)

/** A place in a log and entries that directly follow it. */
const run: fc.Arbitrary<{ previous: Position; entries: Entry[] }> = fc
  .record({
    previous: fc.record({ index: fc.nat(), term: fc.nat() }),
    tail: fc.array(fc.record({ newTerms: fc.nat({ max: 2 }), time: number, kind, payload: bytes }), {
      maxLength: 20,
    }),
  })
  .map(({ previous, tail }) => {
    let { index, term } = previous
    const entries = tail.map(({ newTerms, ...rest }) => {
      index += 1
      term += newTerms
      return { index, term, ...rest }
    })
    return { previous, entries }
  })

/** Without any there is no list. */
const traces = fc.array(fc.record({ index: number, context: text }), { minLength: 1, maxLength: 5 })

const standing = { last: position, view, commit: position }

/** One arbitrary per kind: a new kind of message does not compile until it has one. */
const kinds: { [Type in Message['type']]: fc.Arbitrary<Extract<Message, { type: Type }>> } = {
  append: fc
    .record(
      { run, term: number, commitIndex: number, round: number, traces },
      { requiredKeys: ['run', 'term', 'commitIndex', 'round'] },
    )
    .map(({ run: { previous, entries }, ...rest }) => ({ type: 'append', previous, entries, ...rest })),
  appended: fc.record({
    type: fc.constant('appended'),
    term: number,
    accepted: fc.boolean(),
    matchIndex: number,
    hint: position,
    round: number,
    commitIndex: number,
    storageFull: fc.boolean(),
  }),
  voteRequest: fc.record({
    type: fc.constant('voteRequest'),
    term: number,
    pre: fc.boolean(),
    recovery: fc.boolean(),
    transfer: fc.boolean(),
    ...standing,
    dead: members,
  }),
  voteReply: fc.record({
    type: fc.constant('voteReply'),
    term: number,
    pre: fc.boolean(),
    granted: fc.boolean(),
    refusal,
    ...standing,
  }),
  presence: fc.record({
    type: fc.constant('presence'),
    term: number,
    leader: fc.option(fc.nat({ max: 6 })),
    admitted: fc.boolean(),
    ...standing,
  }),
  pull: fc.record({ type: fc.constant('pull'), term: number, previous: position }),
  pulled: fc
    .record({ run, term: number, matched: fc.boolean(), hint: position, last: position })
    .map(({ run: { previous, entries }, ...rest }) => ({ type: 'pulled', previous, entries, ...rest })),
  snapshotChunk: fc
    .record({
      term: number,
      snapshot: position,
      view,
      time: number,
      offset: fc.nat(),
      data: bytes,
      more: fc.nat(),
    })
    .map(({ more, ...rest }) => ({
      type: 'snapshotChunk',
      ...rest,
      total: rest.offset + rest.data.length + more,
    })),
  snapshotAck: fc.record({
    type: fc.constant('snapshotAck'),
    term: number,
    snapshot: position,
    offset: number,
    installed: fc.boolean(),
  }),
  timeoutNow: fc.record({ type: fc.constant('timeoutNow'), term: number }),
  leave: fc.record({ type: fc.constant('leave'), term: number, successor: fc.option(fc.nat({ max: 6 })) }),
  leaveNoted: fc.record({ type: fc.constant('leaveNoted'), term: number }),
}

export const message: fc.Arbitrary<Message> = fc.oneof(...Object.values(kinds))

export const hello: fc.Arbitrary<Hello> = fc.record(
  {
    member,
    clusterId: text,
    mode: text,
    protocol: fc.nat(),
    clientAddress: text,
    pid: fc.nat(),
    processStart: text,
    machineVersion: version,
    neededVersion: version,
  },
  { requiredKeys: ['member', 'clusterId', 'mode', 'protocol', 'clientAddress', 'pid', 'processStart'] },
)
