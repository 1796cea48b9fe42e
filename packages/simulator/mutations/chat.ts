import type { Mutation } from './mutation.ts'

const chat = 'packages/state-machine/src'

/** In the chat itself: what replicas agree on is wrong, or they do not agree. */
export const chatMutations: readonly Mutation[] = [
  {
    name: 'a session outlives its end',
    words: 'activity puts off the end that no activity may put off',
    edits: [
      {
        file: `${chat}/state/expiry-queue.ts`,
        find: 'return item.endsAt === 0 ? idleAt : Math.min(idleAt, item.endsAt)',
        replace: 'return item.endsAt === 0 ? idleAt : Math.max(idleAt, item.endsAt)',
      },
    ],
    profile: 'majority',
    seedsNeeded: 40,
  },
  {
    name: 'a session whose time has come lives until it is ended',
    words: 'nobody looks at the time of a session that is used, only the command that ends them',
    edits: [
      {
        file: `${chat}/state/sessions.ts`,
        find: 'if (session === undefined || dueAt(session) > now) return session',
        replace: 'if (session === undefined || dueAt(session) > now * 0) return session',
      },
    ],
    profile: 'majority',
    seedsNeeded: 30,
  },
  {
    name: 'dedup forgotten at a snapshot',
    words: 'a snapshot leaves out the remembered replies: a retry after it is done twice',
    edits: [
      {
        file: `${chat}/snapshot/snapshot-records.ts`,
        find: '      count.replies += replies?.size ?? 0\n      yield* replyRecords(id, replies)\n',
        replace: '      void replies\n',
      },
    ],
    profile: 'fail-stop',
    seedsNeeded: 30,
  },
  {
    name: 'retry is done again',
    words: 'remembered replies are never looked up: every retry is a second message',
    edits: [
      {
        file: `${chat}/state/sessions.ts`,
        find: 'return window?.find(requestId, now - this.#limits.rememberReplyMs)',
        replace: 'return now < 0 ? window?.find(requestId, now) : undefined',
      },
    ],
    profile: 'fail-stop',
    seedsNeeded: 15,
  },
  {
    name: 'mailbox acknowledged before delivery',
    words: 'an acknowledgement takes out everything that waits, read or not',
    edits: [
      {
        file: `${chat}/state/accounts.ts`,
        find: 'removeMessages(this.#arena, mailbox, upToSequence)',
        replace: 'removeMessages(this.#arena, mailbox, mailbox.next - 1 + 0 * upToSequence)',
      },
    ],
    profile: 'fail-stop',
    seedsNeeded: 15,
  },
  {
    name: 'sessions end in the order of arrival',
    words: 'which sessions an entry ends depends on how the queue was filled, which a snapshot does not keep',
    edits: [
      {
        file: `${chat}/state/expiry-queue.ts`,
        find: 'return a.queuedFor < b.queuedFor || (a.queuedFor === b.queuedFor && a.id < b.id)',
        replace: 'return a.queuedFor < 0 && b.queuedFor < 0',
      },
    ],
    profile: 'majority-membership',
    seedsNeeded: 80,
  },
  {
    name: 'apply counts on its own',
    words: 'the time of a message comes from a counter of the process instead of the entry',
    edits: [
      {
        file: `${chat}/chat.ts`,
        find: 'state.time = Math.max(state.time, at.time)',
        replace:
          'state.time = Math.max(state.time + 1, at.time)\n    if (at.index % 7 === 0) state.time += Object.keys(this).length + ++beat.count % 3',
      },
      {
        file: `${chat}/chat.ts`,
        find: 'export interface AccountInfo {',
        replace: 'const beat = { count: 0 }\n\nexport interface AccountInfo {',
      },
    ],
    profile: 'fail-stop',
    seedsNeeded: 10,
  },
  {
    name: 'snapshot sees what comes later',
    words: 'an account that changes while a snapshot is written is not kept for it as it was',
    edits: [
      {
        file: `${chat}/state/accounts.ts`,
        find: '  deliver({ row }: Account, message: NewMessage): number {\n    this.#beforeChange(row)\n',
        replace: '  deliver({ row }: Account, message: NewMessage): number {\n',
      },
    ],
    profile: 'fail-stop-half-views',
    seedsNeeded: 30,
  },
]
