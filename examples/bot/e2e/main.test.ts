import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connect } from '@chatroom/client'
import { startFakeCluster } from '@chatroom/client/testing'
import { expect, it } from 'vitest'

it('answers as a program of its own, and ends cleanly when told to', async () => {
  const cluster = await startFakeCluster()
  await using alice = await connect({ servers: cluster.servers })
  await alice.createAccount('alice', 'secret')
  await alice.login('alice', 'secret')
  const bot = spawn(process.execPath, [fileURLToPath(new URL('../dist/main.js', import.meta.url))], {
    env: { ...process.env, SERVERS: cluster.servers.join(','), BOT_NAME: 'parrot' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(bot, 'close')
  const sent = (): Promise<boolean> =>
    alice.send('parrot', 'hello').then(
      () => true,
      () => false,
    )
  await expect.poll(sent).toBe(true)
  for await (const message of alice.inbox()) {
    expect(message).toMatchObject({ from: 'parrot', text: 'alice, you said: hello' })
    break
  }
  bot.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  await cluster.stop()
})
