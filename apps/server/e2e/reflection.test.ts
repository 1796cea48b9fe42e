import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startLoneReplica } from './harness/lone-replica.ts'

const programs = fileURLToPath(new URL('../../../node_modules/.bin/', import.meta.url))

/** Calls a method as a client that knows nothing of the service but what the server tells. */
function call(port: number, method: string): { readonly status: number | null; readonly answer: string } {
  const flags = ['--http2-prior-knowledge', '--protocol', 'grpc', '--data', '{"prefix":"a"}']
  const { status, stdout } = spawnSync(
    `${programs}buf`,
    ['curl', ...flags, `http://127.0.0.1:${port}/${method}`],
    {
      encoding: 'utf8',
      // Not a directory with a contract of its own.
      cwd: '/',
    },
  )
  return { status, answer: stdout }
}

it('with --reflection the client port tells a stranger what can be called; without it does not', async () => {
  const open = await startLoneReplica(['--reflection'])
  await open.loggedIn('alice')
  const told = call(open.clientPort, 'chatroom.v1.ChatService/ListAccounts')
  expect(told.status).toBe(0)
  expect(JSON.parse(told.answer)).toMatchObject({ names: ['alice'] })
  // What replicas and operators ask is not there, whatever is told.
  expect(call(open.clientPort, 'chatroom.admin.v1.AdminService/GetStatus').status).not.toBe(0)

  const silent = await startLoneReplica()
  expect(call(silent.clientPort, 'chatroom.v1.ChatService/ListAccounts').status).not.toBe(0)
})
