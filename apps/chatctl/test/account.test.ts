import { type CommandDefinition, runProgram } from '@chatroom/configuration'
import { describe, expect, test } from 'vitest'
import { accountCommand } from '../src/commands/account.ts'
import type { ReplicaAnswer, ReplicaClient, WaitingMessage } from '../src/replica-client.ts'

const leader: ReplicaAnswer = {
  id: 0,
  pid: 1,
  incarnation: 1,
  clusterId: 'c',
  mode: 'fail-stop',
  role: 'leader',
  machineVersion: 2,
  commonVersion: 2,
  term: 1,
  leader: 0,
  leaderAddress: '127.0.0.1:9600',
  serving: true,
  view: { members: [{ id: 0 }], learners: [] },
  viewInForce: true,
  admitted: true,
  commitIndex: 1,
  appliedIndex: 1,
  lastIndex: 1,
  snapshotIndex: 0,
  crashesTolerated: 0,
  slowestMember: null,
  waiting: [],
}

const accounts = ['ada', 'ben', 'bea'].sort().map((name, at) => ({
  name,
  accountId: at + 1,
  locked: name === 'ben',
  waiting: 3,
  waitingBytes: 30,
}))
const mail: WaitingMessage[] = [1, 2, 3].map((sequence) => ({
  sequence,
  messageId: `${sequence}0`,
  from: 'ada',
  text: `text ${sequence}\u001b[2J`,
  sentAtMs: 5,
}))

function cluster(asked: unknown[] = []): () => ReplicaClient {
  return () => ({
    status: async () => leader,
    transferLeadership: async () => undefined,
    changeMembers: async () => undefined,
    logLevel: async () => 'info',
    snapshot: async () => await Promise.reject(new Error('not asked for')),
    stateHash: async () => ({ hash: '', tookMs: 0 }),
    // Pages of two.
    listAccounts: async (_, prefix, after) =>
      accounts.filter(({ name }) => name.startsWith(prefix) && name > after).slice(0, 2),
    administerAccount: async (_, name, change) => {
      asked.push([name, change])
      if (name === 'nobody') throw new Error('there is no account named "nobody"')
    },
    readMailbox: async (_, __, after) => mail.filter(({ sequence }) => sequence > after).slice(0, 2),
    close: () => undefined,
  })
}

async function run(
  command: CommandDefinition,
  ...given: readonly string[]
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' }
  const exitCode = await runProgram(
    { name: 'chatctl', summary: '', commands: [command] },
    {
      arguments: [command.name, ...given],
      environment: {},
      workingDirectory: import.meta.dirname,
      stdout: (text) => {
        written.stdout += text
      },
      stderr: (text) => {
        written.stderr += text
      },
      control: () => undefined,
    },
  )
  return { exitCode, ...written }
}

describe('account', () => {
  test('list: all, page after page, or those whose name begins so', async () => {
    expect(await run(accountCommand(cluster()), 'list')).toEqual({
      exitCode: 0,
      stdout: 'ada  3 waiting\nbea  3 waiting\nben  3 waiting  locked\n',
      stderr: '',
    })
    const { stdout } = await run(accountCommand(cluster()), 'list', 'be', '--json')
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual(accounts.slice(1))
  })

  test.each([
    ['lock', 'is locked'],
    ['unlock', 'is unlocked'],
    ['delete', 'is deleted'],
  ])('%s', async (action, words) => {
    const asked: unknown[] = []
    const { exitCode, stdout } = await run(accountCommand(cluster(asked)), action, 'ada', '--yes')
    expect({ exitCode, stdout, asked }).toEqual({
      exitCode: 0,
      stdout: `The account ada ${words}.\n`,
      asked: [['ada', action]],
    })
  })

  test.each(['lock', 'delete'])('%s does nothing without --yes where nobody can be asked', async (action) => {
    const asked: unknown[] = []
    const { exitCode } = await run(accountCommand(cluster(asked)), action, 'ada')
    expect({ exitCode, asked }).toEqual({ exitCode: 1, asked: [] })
  })

  test('export: the account and all that waits for it, with nothing that drives a terminal', async () => {
    const { exitCode, stdout } = await run(accountCommand(cluster()), 'export', 'ada')
    expect(exitCode).toBe(0)
    expect(stdout).not.toContain('\u001b')
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([{ account: accounts[0] }, ...mail.map((message) => ({ message }))])
  })

  test('what is refused is said', async () => {
    expect(await run(accountCommand(cluster()), 'unlock', 'nobody')).toMatchObject({
      exitCode: 1,
      stderr: 'Not done: there is no account named "nobody".\n',
    })
    expect(await run(accountCommand(cluster()), 'export', 'b')).toMatchObject({ exitCode: 1 })
    expect(await run(accountCommand(cluster()), 'burn', 'ada')).toMatchObject({ exitCode: 2 })
    expect(await run(accountCommand(cluster()), 'lock')).toMatchObject({ exitCode: 2 })
  })
})
