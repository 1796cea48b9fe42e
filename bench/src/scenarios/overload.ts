import { setTimeout as pause } from 'node:timers/promises'
import { median, percentile } from '../arithmetic.ts'
import { makeAccounts, readerName } from '../chat/accounts.ts'
import { ChatCluster } from '../chat/cluster.ts'
import { MailboxReader } from '../chat/mailbox-reader.ts'
import { unarySender } from '../chat/senders.ts'
import { uniquePayload } from '../payload.ts'
import { atLeast, atMost, row } from '../report/row.ts'
import type { Connection } from '../systems/system.ts'
import type { Scenario } from './scenario.ts'

/** As many as one session may have in flight: a call more is refused. */
const saturating = 1_024
const times = 4
/** Of that session. A connection carries only so many calls at a time, and the client would keep the others back. */
const connectionCount = 8
/** What a refusal tells clients to wait. */
const retryAfterMs = 50
/** Sends, one after the other, whose median tells how the latency is. */
const probes = 20
/** Latency is back when it is at most so many times what it was. */
const isBack = 2

/** Four times what the system takes: it should refuse quickly and go on with the rest. */
export const overload: Scenario = {
  name: 'overload',
  about: 'four times the load that saturates: goodput, refusals, recovery',
  async run({ rounds, windowMs, progress }) {
    const found: Overloaded[] = []
    for (let round = 1; round <= rounds; round++) {
      const one = await measure(windowMs)
      found.push(one)
      progress(
        `round ${round}: ${one.peak.toFixed(0)}/s at ${saturating}, ${one.goodput.toFixed(0)}/s at ${times * saturating}, ${one.refusals} refused`,
      )
    }
    const figure = (what: string, unit: string, value: (one: Overloaded) => number) =>
      row('overload', what, unit, found.map(value))
    return [
      figure(`chat-unary x${saturating}`, '1/s', ({ peak }) => peak),
      figure(`chat-unary x${times * saturating}`, '1/s', ({ goodput }) => goodput),
      row(
        'overload',
        `goodput at ${times} × the saturating load`,
        'ratio',
        found.map(({ peak, goodput }) => goodput / peak),
        atLeast(0.9),
      ),
      figure('refused, of all calls', 'ratio', ({ refusals, calls }) => refusals / calls),
      figure('other failures', '', ({ failures }) => failures),
      ...(found.every(({ refusals }) => refusals > 0)
        ? [figure('time to a refusal, p50', 'ms', ({ refusalMs }) => refusalMs)]
        : []),
      row(
        'overload',
        'latency is back after',
        'ms',
        found.map(({ backMs }) => backMs),
        atMost(1_000),
      ),
    ]
  },
}

interface Overloaded {
  readonly peak: number
  readonly goodput: number
  readonly calls: number
  readonly refusals: number
  readonly failures: number
  readonly refusalMs: number
  readonly backMs: number
}

async function measure(windowMs: number): Promise<Overloaded> {
  const cluster = await ChatCluster.start()
  try {
    const leader = cluster.servers[await cluster.leader()] ?? ''
    const [reader, sender] = await makeAccounts(leader, [readerName, 'sender'])
    if (reader === undefined || sender === undefined) throw new Error('Two accounts were to be made.')
    const mailbox = new MailboxReader(leader, reader)
    const connections = Array.from({ length: connectionCount }, () => unarySender(leader, sender))
    await Promise.all(connections.map((connection) => connection.ready()))
    await press(connections, saturating, windowMs / 3)
    const usual = await latency(connections)
    const peak = await press(connections, saturating, windowMs)
    const pressed = await press(connections, times * saturating, windowMs)
    const ended = performance.now()
    while ((await latency(connections)) > isBack * usual) {
      if (performance.now() - ended > 30_000) throw new Error('Latency did not come back within 30 s.')
    }
    const backMs = performance.now() - ended
    for (const connection of connections) await connection.close()
    mailbox.stop()
    return {
      peak: peak.rate,
      goodput: pressed.rate,
      calls: pressed.calls,
      refusals: pressed.refusalMs.length,
      failures: pressed.failures,
      refusalMs: percentile(pressed.refusalMs, 50),
      backMs,
    }
  } catch (error) {
    throw new Error(`The overloaded leader did not go on. Replicas said: ${cluster.words}`, { cause: error })
  } finally {
    await cluster.destroy()
  }
}

/** So many closed loops; who is refused waits as it is told to. */
async function press(connections: readonly Connection[], inFlight: number, ms: number) {
  const refusalMs: number[] = []
  let acknowledged = 0
  let failures = 0
  let over = false
  const loop = async (_: unknown, number: number): Promise<void> => {
    const connection = connections[number % connections.length]
    while (!over) {
      const begun = performance.now()
      try {
        await connection?.write(uniquePayload(100))
        if (!over) acknowledged++
      } catch (error) {
        if (String(error).includes('RESOURCE_EXHAUSTED')) refusalMs.push(performance.now() - begun)
        else failures++
        await pause(retryAfterMs)
      }
    }
  }
  const begun = performance.now()
  const loops = Array.from({ length: inFlight }, loop)
  await pause(ms)
  // On a machine that stands still: until something was acknowledged.
  while (acknowledged + failures === 0) await pause(1)
  over = true
  const rate = (acknowledged * 1_000) / (performance.now() - begun)
  await Promise.all(loops)
  return { rate, refusalMs, failures, calls: acknowledged + refusalMs.length + failures }
}

async function latency([connection]: readonly Connection[]): Promise<number> {
  const took: number[] = []
  for (let probe = 0; probe < probes; probe++) {
    const begun = performance.now()
    await connection?.write(uniquePayload(100))
    took.push(performance.now() - begun)
  }
  return median(took)
}
