// What a flood of logins costs those who send meanwhile.
//
//   pnpm build && node apps/server/bench/login-flood.mjs [--logins 256] [--rate 1000] [--seconds 5] [--rounds 3] [--port 19700]
//
// Three replicas as processes, on real disks, in fail-stop mode, with the limits on attempts switched off, so that each login costs the leader a hash. `--logins`: how many are under way at
// any moment, for names that do not exist. `--rate`: messages a second; 0 for as many as there are answers for, 64 at a time. Rounds without and with the flood take turns. Measures
// built code; the sender, the flood and the replicas share the machine.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connect } from '@chatroom/client'
import { ChatServiceClient } from '@chatroom/transport-grpc/chat'
import { credentials } from '@grpc/grpc-js'

const { values } = parseArgs({
  options: {
    logins: { type: 'string', default: '256' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    port: { type: 'string', default: '19700' },
  },
})
const logins = Number(values.logins)
const rate = Number(values.rate)
const ms = Number(values.seconds) * 1_000
const rounds = Number(values.rounds)
const port = Number(values.port)
const ids = [0, 1, 2]

const server = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'login-flood-bench-'))
const replicas = ids.map((id) =>
  spawn(
    process.execPath,
    [
      server,
      ...['--id', `${id}`, '--data-dir', directory, '--log-format', 'json', '--supervised'],
      ...['--client-port', `${port}`, '--peer-port', `${port + 3}`],
      ...['--login-attempts', '0', '--login-attempts-per-address', '0', '--sends-per-second', '0'],
    ],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  ),
)
try {
  const servers = ids.map((id) => `127.0.0.1:${port + id}`)
  const alice = await connect({ servers, connectTimeoutMs: 30_000 })
  const bob = await connect({ servers, connectTimeoutMs: 30_000 })
  for (const [client, name] of [
    [alice, 'alice'],
    [bob, 'bob'],
  ]) {
    await client.createAccount(name, 'sesame')
    await client.login(name, 'sesame', { idleTimeoutSeconds: 3_600 })
  }
  const reading = read(bob)
  await send(alice, 1_000)
  const quiet = []
  const flooded = []
  let judged = 0
  for (let round = 0; round < rounds; round++) {
    quiet.push(await send(alice, ms))
    const flood = begin(alice.leader)
    await send(alice, 500)
    const before = flood.judged()
    flooded.push(await send(alice, ms))
    judged += flood.judged() - before
    await flood.end()
  }
  const all = [show('without', quiet), show('with the flood', flooded)]
  process.stdout.write(
    `logins judged meanwhile: ${((1_000 * judged) / (ms * rounds)).toFixed(0)}/s, ${logins} under way; ${availableParallelism()} processors\n` +
      `sends with the flood / without: ${(all[1] / all[0]).toFixed(2)}\n`,
  )
  await alice.close()
  await bob.close()
  await reading
} finally {
  await Promise.all(
    replicas.map(async (child) => {
      child.stdin.end()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }),
  )
  rmSync(directory, { recursive: true })
}

/** So that the mailbox never fills. */
async function read(client) {
  try {
    for await (const message of client.inbox({ follow: true })) await message.acknowledge()
  } catch {
    // The client was closed.
  }
}

/** Sends for so long. Gives what was answered, and how long the answers took. */
async function send(client, forMs) {
  const latencies = []
  let failed = 0
  const one = async () => {
    const begun = performance.now()
    await client.send('bob', 'x'.repeat(100)).then(
      () => latencies.push(performance.now() - begun),
      () => failed++,
    )
  }
  const begun = performance.now()
  const end = begun + forMs
  if (rate === 0) {
    const loop = async () => {
      while (performance.now() < end) await one()
    }
    await Promise.all(Array.from({ length: 64 }, loop))
  } else {
    const under = new Set()
    for (let sent = 0; performance.now() < end; ) {
      for (; sent < ((performance.now() - begun) * rate) / 1_000; sent++) {
        const sending = one().finally(() => under.delete(sending))
        under.add(sending)
      }
      await new Promise((done) => setTimeout(done, 1))
    }
    await Promise.all(under)
  }
  return { latencies, failed, seconds: (performance.now() - begun) / 1_000 }
}

/** Logins that never succeed, on connections of their own. */
function begin(leader) {
  const stubs = Array.from(
    { length: 8 },
    () =>
      new ChatServiceClient(leader, credentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
      }),
  )
  let judged = 0
  let over = false
  const loop = async (number) => {
    for (let attempt = 0; !over; attempt++) {
      const name = `nobody${number}`
      const request = {
        requestId: `${attempt}`,
        name,
        password: 'guess',
        takeover: false,
        idleTimeoutSeconds: 0,
      }
      await new Promise((done) => stubs[number % stubs.length].login(request, done))
      judged++
    }
  }
  const loops = Array.from({ length: logins }, (_, number) => loop(number))
  return {
    judged: () => judged,
    end: async () => {
      over = true
      for (const stub of stubs) stub.close()
      await Promise.all(loops)
    },
  }
}

/** Prints all rounds of one kind together. @returns sends a second */
function show(name, all) {
  const latencies = all.flatMap((each) => each.latencies).sort((a, b) => a - b)
  const perSecond = latencies.length / all.reduce((sum, { seconds }) => sum + seconds, 0)
  const at = (part) => `${(latencies[Math.floor(part * (latencies.length - 1))] ?? 0).toFixed(1)} ms`
  const failed = all.reduce((sum, each) => sum + each.failed, 0)
  process.stdout.write(
    `${name.padEnd(16)} ${perSecond.toFixed(0)} sends/s, half of them within ${at(0.5)}, 99 of 100 within ${at(0.99)}, all within ${at(1)}; ${failed} failed\n`,
  )
  return perSecond
}
