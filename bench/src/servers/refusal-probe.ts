// A client that is not overloaded itself, at a leader that is: one send after the other, from the first line of its input on. When that ends it prints how long refusals took, milliseconds, as JSON.
//   node refusal-probe.js ADDRESS TOKEN
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { readChatError } from '@chatroom/transport-grpc/chat'
import { bareUnary } from '../chat/senders.ts'
import { uniquePayload } from '../payload.ts'
import { isServiceError } from '../wire.ts'

const [address = '', token = ''] = process.argv.slice(2)
const everyMs = 10
const refusalMs: number[] = []

const begun = once(process.stdin, 'data')
process.stdin.once('end', () => {
  process.stdout.write(`${JSON.stringify(refusalMs)}\n`, () => process.exit())
})

const sender = await bareUnary(address, { token })
await begun
for (;;) {
  const sent = performance.now()
  try {
    await sender.write(uniquePayload(100))
  } catch (error) {
    if (isServiceError(error) && readChatError(error).reason === 'OVERLOADED')
      refusalMs.push(performance.now() - sent)
  }
  await pause(everyMs)
}
