import { isUtf8 } from 'node:buffer'
import { ChatError } from '@chatroom/client'
import { options } from '@chatroom/configuration'
import { UsageError } from '../arguments.ts'
import { follow } from '../own-options.ts'
import { done } from '../result.ts'
import { sentResult } from '../sent.ts'
import type { ShotAction } from './shot.ts'

/** The servers' bound is 64 KiB: more than that need not be read to be refused. */
const maximumBytes = 65_537

export const send: ShotAction = async ({ invocation, session, signal }) => {
  const [to = '', ...words] = invocation.arguments
  const given = words.join(' ')
  if (given === '' && process.stdin.isTTY)
    throw new UsageError('Give the text, or - to read it from standard input.')
  const text = given === '' || given === '-' ? await standardInput() : given
  const { client } = await session()
  return sentResult(to, await client.send(to, text, { signal }))
}

/** All of it, without the line break at its end. */
async function standardInput(): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  const stdin: AsyncIterable<Buffer> = process.stdin
  for await (const chunk of stdin) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maximumBytes) break
  }
  const whole = Buffer.concat(chunks)
  // What was left unread is refused for its length.
  if (bytes <= maximumBytes && !isUtf8(whole))
    throw new UsageError('Standard input is not UTF-8: nothing was sent. Convert it, as with iconv.')
  return whole.toString('utf8').replace(/\r?\n$/u, '')
}

export const inbox: ShotAction = async ({ invocation, presenter, session, signal }) => {
  const { settings } = invocation
  const following = settings.get(follow)
  const { client, login } = await session()
  // Whoever follows is there.
  const awake = setInterval(
    () => void client.touch({ signal }).catch(() => undefined),
    (login.idleTimeoutSeconds * 1_000) / 3,
  )
  let count = 0
  let acknowledged: Promise<void> = Promise.resolve()
  try {
    for await (const message of client.inbox({ follow: following, signal })) {
      // Only what has left this process is acknowledged; the rest comes again.
      await presenter.message(message)
      acknowledged = message.acknowledge()
      count++
    }
  } catch (error) {
    if (!(signal.aborted && (!(error instanceof ChatError) || error.code === 'aborted'))) throw error
  } finally {
    clearInterval(awake)
    await acknowledged.catch(() => undefined)
  }
  if (count > 0 && !settings.get(options.json)) return null
  const messages = count === 1 ? '1 message.' : `${count === 0 ? 'No' : count} messages.`
  return signal.aborted ? null : done('inbox', messages, { messages: count })
}
