import { ChatError, type ConnectOptions, connect } from '@chatroom/client'

export interface BotOptions extends ConnectOptions {
  readonly name: string
  readonly password: string
  readonly answer: (text: string, from: string) => string
  /** Ends the bot. */
  readonly signal: AbortSignal
}

/**
 * Answers every message, in order, until the signal. Messages that came while it was away are answered first: they wait until they are acknowledged, which
 * happens after the answer is safe. A bot that dies in between answers that message once more when it is back.
 */
export async function runBot({ name, password, answer, signal, ...options }: BotOptions): Promise<void> {
  await using client = await connect({ ...options, signal })
  await client.createAccount(name, password, { signal }).catch(unless('name taken'))
  while (!signal.aborted) {
    try {
      // An idle timeout of an hour: whoever only listens is idle, and logs in again.
      await client.login(name, password, { idleTimeoutSeconds: 3600, takeover: true, signal })
      for await (const message of client.inbox({ signal })) {
        await client
          .send(message.from, answer(message.text, message.from))
          .catch(unless('unknown recipient', 'mailbox full'))
        void message.acknowledge()
      }
    } catch (error) {
      unless('session expired', 'aborted')(error)
    }
  }
}

function unless(...harmless: ChatError['code'][]): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof ChatError && harmless.includes(error.code))) throw error
  }
}
