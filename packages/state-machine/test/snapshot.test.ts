import { describe, expect, it } from 'vitest'
import { SnapshotRecord } from '../src/gen/chatroom/state/v1/snapshot.ts'
import { Chat, defaultLimits } from '../src/index.ts'
import { codeThrown, containing, Driver, restored, tokenHash, verdict } from './driver.ts'

const day = 24 * 60 * 60 * 1_000

/** Accounts enough for many records, mailboxes too long for one, sessions alive and ended, replies, a deleted account. */
function busyChat(): Driver {
  const driver = new Driver()
  const sessions = Array.from({ length: 40 }, (_, i) => driver.login(`sender${i}`, { idleTimeoutMs: day }))
  for (let i = 0; i < 1_500; i++) driver.create(`account${i}`)
  for (const [i, sessionId] of sessions.entries()) {
    for (let n = 0; n < 12; n++) driver.send(sessionId, `sender${(i + 1) % 40}`, `${n} ${'x'.repeat(8_000)}`)
    driver.send(sessionId, 'nobody')
    driver.apply({ type: 'acknowledge', sessionId, requestId: 'a', upToSequence: i === 0 ? 0 : i % 4 })
    if (i % 4 === 0) driver.apply({ type: 'logout', sessionId, requestId: 'out' })
    if (i % 7 === 1)
      driver.apply({ type: 'deleteAccount', sessionId, requestId: 'd', confirmName: `sender${i}` })
    if (i % 10 === 3) driver.login(`sender${i}`, { takeover: true, idleTimeoutMs: day })
  }
  return driver
}

/** Length and bytes of each record in the snapshot. */
function encode(records: readonly SnapshotRecord[]): Uint8Array {
  const parts = records.map((record) => {
    const bytes = SnapshotRecord.encode(record).finish()
    const length: number[] = []
    for (let rest = bytes.length; ; rest >>>= 7) {
      if (rest < 0x80) {
        length.push(rest)
        break
      }
      length.push((rest & 0x7f) | 0x80)
    }
    return Buffer.concat([Uint8Array.from(length), bytes])
  })
  return new Uint8Array(Buffer.concat(parts))
}

function limits(): Map<string, number> {
  return new Map(Object.entries<number>({ ...defaultLimits }))
}

const header: SnapshotRecord = {
  record: { $case: 'header', value: { format: 1, index: 9, time: 1_000, limits: limits() } },
}
const none = { accounts: 0, messages: 0, sessions: 0, endedSessions: 0, replies: 0 }
const trailer = (count: Partial<typeof none> = {}): SnapshotRecord => ({
  record: { $case: 'trailer', value: { ...none, ...count } },
})

describe('a snapshot', () => {
  it('brings back the whole state', () => {
    const driver = busyChat()
    const chunks = [...driver.chat.snapshot()]
    const chat = restored(chunks)
    expect(chat.hash()).toBe(driver.chat.hash())
    expect(chat.counts()).toEqual(driver.chat.counts())
    expect(chat.nextExpiry()).toBe(driver.chat.nextExpiry())
    expect(chat.list('', '', 10_000)).toEqual(driver.chat.list('', '', 10_000))
    expect(chunks.length).toBeGreaterThan(20)
    for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(256 * 1_024)
  })

  it('has all sessions, alive and ended, also if they are more than one record takes', () => {
    const driver = new Driver()
    for (let i = 0; i < 1_100; i++) driver.login(`account${i}`, { idleTimeoutMs: day })
    for (let i = 0; i < 520; i++) driver.login(`account${i}`, { idleTimeoutMs: day, takeover: true })
    expect(restored([...driver.chat.snapshot()]).hash()).toBe(driver.chat.hash())
  })

  it('of an empty chat brings back an empty chat', () => {
    const chat = new Chat()
    expect(restored([...chat.snapshot()]).hash()).toBe(chat.hash())
  })

  it('goes on as the original does', () => {
    const driver = busyChat()
    const twin = restored([...driver.chat.snapshot()])
    for (let i = 0; i < 200; i++) {
      const at = { index: ++driver.index, term: 2, time: driver.time + i * 5_000 }
      const command =
        i % 3 === 0
          ? ({ type: 'expire' } as const)
          : ({
              type: 'send',
              sessionId: 2 + (i % 80),
              requestId: `late${i % 50}`,
              to: 'account7',
              text: 'late',
            } as const)
      expect(twin.apply(command, at)).toEqual(driver.chat.apply(command, at))
    }
    expect(twin.hash()).toBe(driver.chat.hash())
  })

  it('does not depend on how its bytes are cut', () => {
    const driver = busyChat()
    const whole = Buffer.concat([...driver.chat.snapshot()])
    for (const size of [1_000, 4_096, 262_144, whole.length]) {
      const pieces: Uint8Array[] = []
      for (let at = 0; at < whole.length; at += size) pieces.push(whole.subarray(at, at + size))
      expect(restored(pieces).hash()).toBe(driver.chat.hash())
    }
    const small = new Driver()
    small.send(small.login('alice'), 'nobody')
    const bytes = Buffer.concat([...small.chat.snapshot()])
    expect(restored(Array.from(bytes, (byte) => Uint8Array.of(byte))).hash()).toBe(small.chat.hash())
  })

  it.each([
    { kind: 'bytes', buffer: new Uint8Array(1_000) },
    { kind: 'a Buffer', buffer: Buffer.alloc(1_000) },
  ])('does not mind that the caller uses a piece again: $kind', ({ buffer }) => {
    const driver = busyChat()
    const chat = new Chat()
    const sink = chat.restore()
    const whole = Buffer.concat([...driver.chat.snapshot()])
    for (let at = 0; at < whole.length; at += buffer.length) {
      const piece = whole.subarray(at, at + buffer.length)
      buffer.set(piece)
      sink.write(buffer.subarray(0, piece.length))
      buffer.fill(0)
    }
    sink.finish()
    expect(chat.hash()).toBe(driver.chat.hash())
  })

  it('is the state at its beginning, whatever is applied between its chunks', () => {
    const driver = busyChat()
    const hash = driver.chat.hash()
    const counts = driver.chat.counts()
    const taker = driver.chat.snapshot()
    const chunks: Uint8Array[] = []
    let round = 0
    for (let next = taker.next(); next.done !== true; next = taker.next()) {
      chunks.push(next.value)
      round++
      // Everything that can change, changes, on both sides of where the snapshot is.
      driver.create(`new${round}`)
      const sessionId = driver.login(`account${(round * 37) % 1_500}`, { takeover: true })
      for (let i = round % 3; i < 40; i += 3) driver.send(sessionId, `sender${i}`, `later ${round}`)
      if (round % 2 === 0) driver.apply({ type: 'logout', sessionId, requestId: 'out' })
      const victim = `sender${(round * 3) % 40}`
      if (driver.chat.account(victim) !== undefined) {
        const reader = driver.login(victim, { takeover: true })
        const { lastSequence } = driver.chat.mailbox(driver.chat.account(victim)?.accountId ?? 0)
        driver.apply({ type: 'acknowledge', sessionId: reader, requestId: 'a', upToSequence: lastSequence })
        if (round % 5 === 0)
          driver.apply({ type: 'deleteAccount', sessionId: reader, requestId: 'd', confirmName: victim })
      }
      driver.time += 1_000
      driver.apply({ type: 'expire' })
    }
    expect(round).toBeGreaterThan(20)
    const chat = restored(chunks)
    expect(chat.hash()).toBe(hash)
    expect(chat.counts()).toEqual(counts)
    // And the next one is the state at its own beginning.
    expect(restored([...driver.chat.snapshot()]).hash()).toBe(driver.chat.hash())
  })

  it('is the state at its beginning if all was deleted before the first chunk', () => {
    const driver = busyChat()
    const hash = driver.chat.hash()
    const taker = driver.chat.snapshot()
    driver.time += 2 * day
    while ((driver.chat.nextExpiry() ?? Infinity) <= driver.time) driver.apply({ type: 'expire' })
    for (const name of driver.chat.list('', '', 10_000)) {
      const sessionId = driver.login(name)
      driver.apply({ type: 'deleteAccount', sessionId, requestId: 'd', confirmName: name })
    }
    expect(driver.chat.counts().accounts).toBe(0)
    expect(restored([...taker]).hash()).toBe(hash)
  })

  it('has the token that was replaced after its beginning', () => {
    const driver = new Driver()
    const accountId = driver.create('alice')
    const login = {
      type: 'login',
      requestId: 'login',
      name: 'alice',
      accountId,
      takeover: false,
      idleTimeoutMs: day,
      lifetimeMs: 0,
    } as const
    driver.apply({ ...login, tokenHash: tokenHash(1) })
    const taker = driver.chat.snapshot()
    driver.apply({ ...login, tokenHash: tokenHash(2) })
    const chat = restored([...taker])
    expect(chat.session(tokenHash(1))).toMatchObject({ name: 'alice' })
    expect(chat.session(tokenHash(2))).toBeUndefined()
  })

  it('is one at a time, until it is taken to its end or given up', () => {
    const driver = busyChat()
    const first = driver.chat.snapshot()
    expect(() => driver.chat.snapshot()).toThrow(expect.objectContaining({ code: 'snapshot under way' }))
    first.return?.()
    expect(first.next().done).toBe(true)
    const second = driver.chat.snapshot()
    second.next()
    second.return?.()
    expect(second.next().done).toBe(true)
    for (const chunk of driver.chat.snapshot()) expect(chunk.length).toBeGreaterThan(0)
    expect(restored([...driver.chat.snapshot()]).hash()).toBe(driver.chat.hash())
  })

  it('goes on although the chat is replaced by another snapshot meanwhile', () => {
    const driver = busyChat()
    const hash = driver.chat.hash()
    const taker = driver.chat.snapshot()
    const sink = driver.chat.restore()
    for (const chunk of new Chat().snapshot()) sink.write(chunk)
    sink.finish()
    expect(driver.chat.counts().accounts).toBe(0)
    expect(restored([...taker]).hash()).toBe(hash)
  })

  it('cuts records that are longer than a chunk', () => {
    const long = { textBytes: 1_000_000, mailboxBytes: 10_000_000 }
    const driver = new Driver(long)
    const alice = driver.login('alice')
    driver.create('bob')
    driver.send(alice, 'bob', 'x'.repeat(900_000))
    const chunks = [...driver.chat.snapshot()]
    for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(256 * 1_024)
    expect(restored(chunks, long).hash()).toBe(driver.chat.hash())
  })
})

describe('restore', () => {
  it('changes nothing before finish, and nothing if it fails', () => {
    const driver = busyChat()
    const hash = driver.chat.hash()
    const sink = driver.chat.restore()
    const [first] = [...new Driver().chat.snapshot()]
    if (first === undefined) throw new Error('a snapshot without a chunk')
    sink.write(first.subarray(0, first.length - 1))
    expect(driver.chat.hash()).toBe(hash)
    expect(() => sink.finish()).toThrow(expect.objectContaining({ code: 'malformed snapshot' }))
    expect(driver.chat.hash()).toBe(hash)
  })

  it('takes over the place in the log', () => {
    const driver = new Driver()
    driver.create('alice')
    const chat = restored([...driver.chat.snapshot()])
    expect(() => chat.apply({ type: 'expire' }, { index: 1, term: 1, time: 0 })).toThrow(
      expect.objectContaining({ code: 'impossible entry' }),
    )
    expect(verdict(chat.apply({ type: 'expire' }, { index: 2, term: 1, time: 0 }))).toBe('ok')
    // Time does not go back behind that of the snapshot either.
    const create = { type: 'createAccount', requestId: 'r', name: 'bob', passwordHash: 'h' } as const
    chat.apply(create, { index: 3, term: 1, time: 0 })
    expect(chat.nextExpiry()).toBe(driver.time + chat.limits.rememberReplyMs)
  })

  const session = {
    id: 5,
    accountId: 1,
    tokenHash: new Uint8Array(32),
    lastActiveMs: 1,
    idleTimeoutMs: 1,
    newestReplyIndex: 0,
    endsAtMs: 0,
  }
  const account = { id: 1, name: 'alice', passwordHash: 'h', firstSequence: 0, messages: [] }
  const accounts: SnapshotRecord = { record: { $case: 'accounts', value: { accounts: [account] } } }
  const twice: SnapshotRecord = {
    record: { $case: 'accounts', value: { accounts: [account, { ...account, id: 2 }] } },
  }
  const sessions: SnapshotRecord = { record: { $case: 'sessions', value: { sessions: [session] } } }
  const mailbox: SnapshotRecord = {
    record: {
      $case: 'mailbox',
      value: { accountId: 3, messages: [{ id: 2, sentAtMs: 1, from: 'a', text: 't' }] },
    },
  }
  const replies: SnapshotRecord = {
    record: {
      $case: 'replies',
      value: {
        sessionId: 5,
        replies: [{ key: 'r', fingerprint: 1, atMs: 1, outcome: undefined, recipientOnline: false }],
      },
    },
  }
  const ended: SnapshotRecord = {
    record: {
      $case: 'endedSessions',
      value: { sessions: [{ id: 5, accountId: 1, tokenHash: new Uint8Array(32), reason: 0, endedAtMs: 1 }] },
    },
  }
  const endedWell: SnapshotRecord = {
    record: {
      $case: 'endedSessions',
      value: { sessions: [{ id: 5, accountId: 1, tokenHash: new Uint8Array(32), reason: 1, endedAtMs: 1 }] },
    },
  }

  it.each<[string, SnapshotRecord[]]>([
    ['nothing', []],
    ['no header', [accounts, trailer({ accounts: 1 })]],
    ['two headers', [header, header, trailer()]],
    ['no trailer', [header, accounts]],
    ['something after the trailer', [header, trailer(), accounts]],
    ['fewer accounts than its trailer says', [header, trailer({ accounts: 1 })]],
    ['fewer messages than its trailer says', [header, trailer({ messages: 1 })]],
    ['fewer sessions than its trailer says', [header, trailer({ sessions: 1 })]],
    ['fewer ended sessions than its trailer says', [header, trailer({ endedSessions: 1 })]],
    ['fewer replies than its trailer says', [header, trailer({ replies: 1 })]],
    ['an empty record', [header, { record: undefined }, trailer()]],
    ['an account twice', [header, twice, trailer({ accounts: 2 })]],
    ['an id twice', [header, accounts, accounts, trailer({ accounts: 2 })]],
    ['messages for nobody', [header, mailbox, trailer({ messages: 1 })]],
    ['a session of nobody', [header, sessions, trailer({ sessions: 1 })]],
    ['a session twice', [header, accounts, sessions, sessions, trailer({ accounts: 1, sessions: 2 })]],
    ['replies of no session', [header, replies, trailer({ replies: 1 })]],
    ['a reply of no kind', [header, endedWell, replies, trailer({ endedSessions: 1, replies: 1 })]],
    ['an end of no kind', [header, ended, trailer({ endedSessions: 1 })]],
  ])('refuses a snapshot with %s', (_, records) => {
    expect(() => restored([encode(records)])).toThrow(expect.objectContaining({ code: 'malformed snapshot' }))
  })

  it('takes the smallest sound snapshot', () => {
    const chat = restored([encode([header, accounts, sessions, trailer({ accounts: 1, sessions: 1 })])])
    expect(chat.counts()).toMatchObject({ accounts: 1, sessions: 1 })
  })

  it.each([
    ['a length without an end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['a length beyond all bounds', [0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['bytes that are no record', [0x03, 0x0a, 0xff, 0xff]],
  ])('refuses %s', (_, bytes) => {
    expect(() => new Chat().restore().write(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'malformed snapshot' }),
    )
  })

  it('refuses a snapshot of a newer format', () => {
    const newer: SnapshotRecord = {
      record: { $case: 'header', value: { format: 2, index: 9, time: 0, limits: limits() } },
    }
    expect(() => restored([encode([newer, trailer()])])).toThrow(
      expect.objectContaining({ code: 'unsupported snapshot', message: containing('format 2') }),
    )
  })

  it('refuses a snapshot of a chat with other limits', () => {
    const chunks = [...new Chat({ mailboxMessages: 7 }).snapshot()]
    expect(() => restored(chunks)).toThrow(
      expect.objectContaining({
        code: 'unsupported snapshot',
        message: containing('mailboxMessages at 7'),
      }),
    )
    const fewer = limits()
    fewer.delete('textBytes')
    const old: SnapshotRecord = {
      record: { $case: 'header', value: { format: 1, index: 9, time: 0, limits: fewer } },
    }
    expect(() => restored([encode([old, trailer()])])).toThrow(
      expect.objectContaining({ code: 'unsupported snapshot' }),
    )
  })

  it('never takes a snapshot with a flipped bit for another state without a word, or finds the state unlike', () => {
    const driver = new Driver()
    driver.send(driver.login('alice'), 'nobody')
    const whole = Buffer.concat([...driver.chat.snapshot()])
    let silent = 0
    for (let at = 0; at < whole.length; at++) {
      const damaged = new Uint8Array(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      const code = codeThrown(() => {
        if (restored([damaged]).hash() === driver.chat.hash()) silent++
      })
      expect([undefined, 'malformed snapshot', 'unsupported snapshot']).toContain(code)
    }
    // Only the entry's index and time are not part of the hash.
    expect(silent).toBeLessThan(20)
  })
})
