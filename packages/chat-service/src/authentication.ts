import { hash } from 'node:crypto'
import type { Chat, EndedSessionInfo, LiveSession } from '@chatroom/state-machine'
import { readBearer } from '@chatroom/transport-grpc/chat'
import type { Metadata } from '@grpc/grpc-js'
import { endedSession } from './chat-replies.ts'
import { ChatFailure } from './failure.ts'
import type { ChatReplica, Random } from './ports.ts'

/** Bytes of randomness in a token. */
const tokenBytes = 32
const tokenForm = /^[A-Za-z0-9_-]{43}$/

/** A new secret for a session; only its hash is ever stored. */
export function newToken(random: Random): string {
  return Buffer.from(random(tokenBytes)).toString('base64url')
}

/** What the log and the replicas know a token by. A token is random, so one round of SHA-256 is enough. */
export function hashToken(token: string): Uint8Array {
  return hash('sha256', token, 'buffer')
}

/** The hash of the token the call carries, as a text of one unit a byte, or null if it carries none. Throws NOT_LOGGED_IN if what it carries is no token. */
export function tokenHashOf(metadata: Metadata): string | null {
  if (metadata.get('authorization').length === 0) return null
  const token = readBearer(metadata)
  if (token === null || !tokenForm.test(token)) {
    throw new ChatFailure('NOT_LOGGED_IN', 'The authorization metadata is no session token: log in first.')
  }
  // A text and not bytes: those lie outside of V8's heap, and to set 32 of them aside at each call takes longer than the hash.
  return hash('sha256', token, 'binary')
}

/** As `tokenHashOf`, for a call that needs a session. */
export function requiredTokenHash(metadata: Metadata): string {
  const tokenHash = tokenHashOf(metadata)
  if (tokenHash === null) throw new ChatFailure('NOT_LOGGED_IN', 'This call needs a session: log in first.')
  return tokenHash
}

/** The live session that a token opens, in this state. Throws why there is none. */
export function liveSessionIn(chat: Chat, tokenHash: string): LiveSession {
  const session = knownSessionIn(chat, tokenHash)
  if ('ended' in session) throw endedSession(session.ended)
  return session
}

/** The session that a token opens or opened. Throws NOT_LOGGED_IN if nobody remembers any. */
export function knownSessionIn(chat: Chat, tokenHash: string): LiveSession | EndedSessionInfo {
  const session = chat.session(tokenHash)
  if (session !== undefined) return session
  throw new ChatFailure(
    'NOT_LOGGED_IN',
    'The session token is unknown or its session ended long ago: log in again.',
  )
}

/**
 * Who calls, for a request that is going to be proposed. A session that the local state knows needs no linearizable read first: when the command is
 * applied the chat decides whether the session still lives, and a replica that does not lead refuses the proposal. A session that has ended is let through,
 * since this may be the retry of a request that took effect before: only the chat knows. What the local state does not know, the newest may.
 */
export function callerOf(replica: ChatReplica, metadata: Metadata): number | Promise<number> {
  const session = callingSession(replica, metadata)
  return session instanceof Promise ? session.then(({ sessionId }) => sessionId) : session.sessionId
}

/** The same with what is known of the session. */
export function callingSession(
  replica: ChatReplica,
  metadata: Metadata,
): LiveSession | EndedSessionInfo | Promise<LiveSession | EndedSessionInfo> {
  const tokenHash = requiredTokenHash(metadata)
  const session = replica.stateMachine.session(tokenHash)
  return session ?? replica.read((chat) => knownSessionIn(chat, tokenHash))
}
