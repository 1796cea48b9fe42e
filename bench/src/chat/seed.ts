import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { encodeView } from '@chatroom/election'
import { writeSnapshotFile } from '@chatroom/replication-log/file'
import { Chat, type Command } from '@chatroom/state-machine'
import { programs } from '../processes.ts'
import { ChatCluster } from './cluster.ts'

/** A state to begin with. */
export interface Seed {
  readonly accounts: number
  /** Of 100 bytes each, spread over mailboxes. */
  readonly messages: number
  /** Accounts that have a session; see `tokenOfReader`. At most `accounts`. */
  readonly readers: number
}

/** Messages in one mailbox, well within its bound. */
const mailboxMessages = 20_000
const day = 24 * 60 * 60 * 1_000
// A real one's length: it is what an account weighs most.
const passwordHash = `$argon2id$v=19$m=19456,t=2,p=1$${'c2FsdA'.repeat(4)}$${'aGFzaA'.repeat(7)}`
const text = 'x'.repeat(100)

/** The session token of a seeded reader. */
export function tokenOfReader(number: number): string {
  return `seeded-token-${number}`.padEnd(43, '_')
}

/**
 * Three replicas that have so much, all in one view. Made without the network, since a million passwords take long to hash: a snapshot founds the first replica, as
 * after a disaster, and the others get it from there.
 */
export async function startSeeded(seed: Seed): Promise<ChatCluster> {
  return await start(seed, async (cluster) => {
    cluster.startAll()
    await cluster.untilWhole()
  })
}

/** The first replica alone, which leads and has read everything from its disk. */
export async function startSeededAlone(seed: Seed): Promise<ChatCluster> {
  return await start(seed, async (cluster) => {
    cluster.start(0)
    await cluster.leader()
  })
}

async function start(seed: Seed, up: (cluster: ChatCluster) => Promise<void>): Promise<ChatCluster> {
  const cluster = await ChatCluster.prepare()
  try {
    const file = join(cluster.directory, 'seed')
    await writeSeed(file, seed)
    const restore = ['snapshot', 'restore', file, cluster.dataDirectory(0), '--as', '0']
    await promisify(execFile)(process.execPath, [programs.chatctl, ...restore])
    await up(cluster)
    return cluster
  } catch (error) {
    await cluster.destroy()
    throw error
  }
}

async function writeSeed(file: string, { accounts, messages, readers }: Seed): Promise<void> {
  const chat = new Chat()
  const time = Date.now()
  let index = 0
  const apply = (command: Command): void => {
    const reply = chat.apply(command, { index: ++index, term: 1, time })
    if ('ok' in reply && reply.ok === false) throw new Error(`The seed is refused: ${reply.message}`)
  }
  // One more, who sends what waits.
  for (let n = 0; n <= accounts; n++)
    apply({ type: 'createAccount', requestId: 'create', name: nameOf(n), passwordHash })
  for (let n = 0; n < readers; n++) apply(login(chat, n, tokenOfReader(n)))
  if (messages > 0) {
    const token = 'token-of-the-sender'
    apply(login(chat, accounts, token))
    const session = chat.session(sha256(token))
    if (session === undefined) throw new Error('The sender of the seed has no session.')
    for (let n = 0; n < messages; n++) {
      const to = nameOf(Math.floor(n / mailboxMessages) % accounts)
      apply({ type: 'send', sessionId: session.sessionId, requestId: `${n}`, to, text })
    }
  }
  const nowhere = { index: 0, term: 0 }
  const view = encodeView({ members: [], learners: [], clusterId: 'seed' })
  await writeSnapshotFile(file, { index, term: 1, time, view, viewPosition: nowhere }, chat.snapshot())
}

function login(chat: Chat, number: number, token: string): Command {
  const name = nameOf(number)
  return {
    type: 'login',
    requestId: 'login',
    name,
    accountId: chat.account(name)?.accountId ?? -1,
    tokenHash: sha256(token),
    takeover: true,
    idleTimeoutMs: day,
    lifetimeMs: 0,
  }
}

function nameOf(number: number): string {
  return `person${number}`
}

function sha256(token: string): Uint8Array {
  return createHash('sha256').update(token, 'latin1').digest()
}
