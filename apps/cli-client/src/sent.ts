import type { Sent } from '@chatroom/client'
import { done, type Result } from './result.ts'

/** What is told of a message that the replicas have taken. That it was read nobody knows: only whether somebody is there to read it. */
export function sentResult(to: string, { id, recipientOnline }: Sent): Result {
  const message = recipientOnline ? `Sent to ${to}, who is online.` : `Queued for ${to}, who is offline.`
  return done('send', message, { to, id, recipientOnline })
}
