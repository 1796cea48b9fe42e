import { pairedRatios, percentile } from '../arithmetic.ts'
import { makeAccounts, readerName } from '../chat/accounts.ts'
import { ChatCluster } from '../chat/cluster.ts'
import { MailboxReader } from '../chat/mailbox-reader.ts'
import { unarySender } from '../chat/senders.ts'
import { uniquePayload } from '../payload.ts'
import { atMost, row } from '../report/row.ts'
import type { Scenario } from './scenario.ts'

const scenario = 'end-to-end'

/** How long a message takes to a connected reader, against how long its own acknowledgement takes. */
export const endToEnd: Scenario = {
  name: scenario,
  about: 'from the send of a message to a connected reader that has it, one in flight',
  async run({ rounds, windowMs, progress }) {
    const acknowledged: number[] = []
    const delivered: number[] = []
    for (let round = 1; round <= rounds; round++) {
      const { acknowledgements, deliveries } = await measure(windowMs)
      acknowledged.push(percentile(acknowledgements, 50))
      delivered.push(percentile(deliveries, 50))
      progress(
        `round ${round}: acknowledged in ${acknowledged.at(-1)?.toFixed(2)} ms, delivered in ${delivered.at(-1)?.toFixed(2)} ms (p50)`,
      )
    }
    return [
      row(scenario, 'acknowledged, p50', 'ms', acknowledged),
      row(scenario, 'delivered, p50', 'ms', delivered),
      row(scenario, 'delivered / acknowledged', 'ratio', pairedRatios(delivered, acknowledged), atMost(1.5)),
    ]
  },
}

async function measure(windowMs: number) {
  const cluster = await ChatCluster.start()
  try {
    const leader = cluster.servers[await cluster.leader()] ?? ''
    const [reader, sender] = await makeAccounts(leader, [readerName, 'sender'])
    if (reader === undefined || sender === undefined) throw new Error('Two accounts were to be made.')
    const arrivals = new Map<string, (at: number) => void>()
    const mailbox = new MailboxReader(leader, reader, (text) => {
      arrivals.get(text)?.(performance.now())
      arrivals.delete(text)
    })
    const connection = unarySender(leader, sender)
    await connection.ready()
    const acknowledgements: number[] = []
    const deliveries: number[] = []
    const from = performance.now() + windowMs / 3
    while (performance.now() < from + windowMs) {
      const payload = uniquePayload(100)
      const arrival = new Promise<number>((resolve) => arrivals.set(payload.toString('latin1'), resolve))
      const begun = performance.now()
      await connection.write(payload)
      const answered = performance.now()
      const arrived = await arrival
      if (begun < from) continue
      acknowledgements.push(answered - begun)
      deliveries.push(arrived - begun)
    }
    await connection.close()
    mailbox.stop()
    return { acknowledgements, deliveries }
  } finally {
    await cluster.destroy()
  }
}
