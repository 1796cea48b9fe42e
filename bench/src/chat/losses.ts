import type { ChatClient } from '@chatroom/client'
import { idBytes } from '../payload.ts'

/** What became of acknowledged messages. */
export interface Losses {
  readonly acknowledged: number
  readonly lost: number
  readonly twice: number
}

/** Reads the whole mailbox. The client is the reader's. */
export async function countLosses(reader: ChatClient, ids: readonly string[]): Promise<Losses> {
  const found = new Map<string, number>()
  for await (const { text } of reader.inbox({ follow: false })) {
    const id = text.slice(0, idBytes)
    found.set(id, (found.get(id) ?? 0) + 1)
  }
  return {
    acknowledged: ids.length,
    lost: ids.filter((id) => !found.has(id)).length,
    twice: [...found.values()].filter((times) => times > 1).length,
  }
}
