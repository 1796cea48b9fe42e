import { type CommandDefinition, runProgram } from '@chatroom/configuration'
import { describe, expect, test } from 'vitest'
import { hashCommand } from '../src/commands/hash.ts'
import { logLevelCommand } from '../src/commands/log-level.ts'
import { memberCommand } from '../src/commands/member.ts'
import { statusCommand } from '../src/commands/status.ts'
import { transferLeadershipCommand } from '../src/commands/transfer-leadership.ts'
import { type ReplicaAnswer, type ReplicaClient, ReplicaUnreachable } from '../src/replica-client.ts'

function answer(id: number, changes: Partial<ReplicaAnswer> = {}): ReplicaAnswer {
  const serving = changes.serving ?? id === 0
  return {
    id,
    pid: 100 + id,
    incarnation: 3,
    clusterId: 'c0ffee',
    mode: 'fail-stop',
    role: serving ? 'leader' : 'follower',
    machineVersion: 1,
    commonVersion: 1,
    term: 7,
    leader: 0,
    leaderAddress: '127.0.0.1:9600',
    serving,
    view: { members: [{ id: 0 }, { id: 1 }, { id: 2 }], learners: [] },
    viewInForce: true,
    admitted: true,
    commitIndex: 1_234,
    appliedIndex: 1_233,
    lastIndex: 1_235,
    snapshotIndex: 1_000,
    crashesTolerated: 2,
    slowestMember: null,
    waiting: [],
    ...changes,
  }
}

/** A cluster at 127.0.0.1:9700 and on; a missing answer is a replica that does not run. */
function cluster(
  answers: readonly (ReplicaAnswer | null)[],
  transfer: (to: number | null, from: string) => void = () => undefined,
): () => ReplicaClient {
  return () => ({
    status: async (address) => {
      const found = answers[Number(address.split(':')[1]) - 9700]
      if (!found) throw new ReplicaUnreachable(`nobody listens on ${address}`)
      return found
    },
    transferLeadership: async (address, to) => transfer(to, address),
    changeMembers: async () => undefined,
    listAccounts: async () => [],
    administerAccount: async () => undefined,
    readMailbox: async () => [],
    logLevel: async () => 'info',
    stateHash: async () => ({ hash: 'aa', tookMs: 1 }),
    snapshot: async (address) => {
      throw new ReplicaUnreachable(`no snapshot of ${address}`)
    },
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
      control: (sequence) => {
        written.stdout += sequence
      },
    },
  )
  return { exitCode, ...written }
}

describe('status', () => {
  test('a cluster that serves', async () => {
    const { exitCode, stdout } = await run(statusCommand(cluster([answer(0), answer(1), answer(2)]), false))
    expect(exitCode).toBe(0)
    expect(stdout).toBe(
      [
        'Replica 0 serves the chat at 127.0.0.1:9600; 2 more may crash.',
        '',
        'replica  pid  role      term  leader  view   commit  applied  mode       may crash',
        '0        100  leader    7     0       0,1,2  1234    1233     fail-stop  2',
        '1        101  follower  7     0       0,1,2  1234    1233     fail-stop  2',
        '2        102  follower  7     0       0,1,2  1234    1233     fail-stop  2',
        '',
      ].join('\n'),
    )
  })

  test('a replica that does not answer, and one that waits', async () => {
    const waiting = [
      { for: 'catching up', replicas: [0], words: 'catches up with replica 0', sinceMs: 12_345 },
      { for: 'own disk', replicas: [], words: 'its own disk is slow.', sinceMs: 12 },
    ]
    const view = { members: [{ id: 0 }], learners: [{ id: 2 }] }
    const returnee = answer(2, {
      role: 'returnee',
      leader: null,
      view,
      viewInForce: false,
      crashesTolerated: 0,
      waiting,
    })
    const { exitCode, stdout } = await run(
      statusCommand(
        cluster([answer(0, { view, crashesTolerated: 0, leaderAddress: null }), null, returnee]),
        false,
      ),
    )
    expect(exitCode).toBe(0)
    expect(stdout).toBe(
      [
        'Replica 0 serves the chat; no more may crash.',
        '',
        'replica  pid  role       term  leader  view              commit  applied  mode       may crash',
        '0        100  leader     7     0       0                 1234    1233     fail-stop  0',
        '1        -    no answer',
        '2        102  returnee   7     -       0 (not in force)  1234    1233     fail-stop  0',
        '',
        'replica 1: nobody listens on 127.0.0.1:9701.',
        'replica 2 waits: catches up with replica 0 (for 12 s).',
        'replica 2 waits: its own disk is slow (for 12 ms).',
        '',
      ].join('\n'),
    )
  })

  test('nobody serves: exit code 1', async () => {
    const stuck = answer(1, { serving: false, role: 'returnee' })
    const some = await run(statusCommand(cluster([null, stuck, null]), false))
    expect(some).toMatchObject({ exitCode: 1 })
    expect(some.stdout).toMatch(/^Nobody serves the chat: no replica leads\.\n/)
    const none = await run(statusCommand(cluster([]), false), '--json')
    expect(none).toMatchObject({ exitCode: 1 })
    expect(JSON.parse(none.stdout)).toMatchObject({
      serves: false,
      leader: null,
      leaderAddress: null,
      term: null,
      mode: null,
      crashesTolerated: null,
      slowestMember: null,
    })
    const words = await run(statusCommand(cluster([]), false))
    expect(words.stdout).toMatch(/^Nobody serves the chat: no replica answers\.\n/)
  })

  test('two that say they lead: the one of the newer term does', async () => {
    const old = answer(0, { term: 7 })
    const now = answer(1, { term: 8, serving: true, leader: 1, leaderAddress: '127.0.0.1:9601' })
    const { stdout } = await run(statusCommand(cluster([old, now, null]), false), '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      serves: true,
      leader: 1,
      term: 8,
      leaderAddress: '127.0.0.1:9601',
    })
  })

  test('--json: one object on one line with every field that --help tells', async () => {
    const { exitCode, stdout } = await run(
      statusCommand(cluster([answer(0), null, answer(2)]), false),
      '--json',
    )
    expect(exitCode).toBe(0)
    expect(stdout.trimEnd()).not.toContain('\n')
    const status: unknown = JSON.parse(stdout)
    const row = {
      id: 0,
      address: '127.0.0.1:9700',
      reachable: true,
      reason: null,
      pid: 100,
      role: 'leader',
      machineVersion: 1,
      commonVersion: 1,
      term: 7,
      leader: 0,
      leaderAddress: '127.0.0.1:9600',
      serving: true,
      mode: 'fail-stop',
      view: [0, 1, 2],
      learners: [],
      viewInForce: true,
      admitted: true,
      incarnation: 3,
      clusterId: 'c0ffee',
      commitIndex: 1_234,
      appliedIndex: 1_233,
      lastIndex: 1_235,
      snapshotIndex: 1_000,
      crashesTolerated: 2,
      slowestMember: null,
      waiting: [],
    }
    const nothing = Object.fromEntries(Object.keys(row).map((key) => [key, null]))
    expect(status).toEqual({
      serves: true,
      leader: 0,
      leaderAddress: '127.0.0.1:9600',
      term: 7,
      mode: 'fail-stop',
      crashesTolerated: 2,
      slowestMember: null,
      replicas: [
        row,
        {
          ...nothing,
          id: 1,
          address: '127.0.0.1:9701',
          reachable: false,
          reason: 'nobody listens on 127.0.0.1:9701',
          waiting: [],
        },
        { ...row, id: 2, address: '127.0.0.1:9702', pid: 102, role: 'follower', serving: false },
      ],
    })
    const help = await run(statusCommand(cluster([]), false), '--help')
    for (const field of [
      ...Object.keys(row),
      'serves',
      'leaderAddress',
      'replicas',
      'for',
      'words',
      'sinceMs',
    ]) {
      expect(help.stdout).toMatch(new RegExp(`\\b${field}\\b`))
    }
  })

  test('a replica at the place of another is told', async () => {
    const { stdout } = await run(
      statusCommand(cluster([answer(0), answer(1)]), false),
      '--peers',
      '127.0.0.1:9701,127.0.0.1:9700',
    )
    expect(stdout).toContain(
      'replica 0: replica 1 answers at 127.0.0.1:9701; list the peers in the order of their ids.',
    )
  })

  test('an error of the program itself is not a row', async () => {
    const broken = (): ReplicaClient => ({
      ...cluster([])(),
      status: async () => Promise.reject(new TypeError('bug')),
    })
    await expect(run(statusCommand(broken, false))).rejects.toThrow('bug')
  })

  describe('--watch', () => {
    /** Ends the watch after some rounds; each has the next list of answers. */
    function rounds(...lists: readonly (readonly ReplicaAnswer[])[]): () => ReplicaClient {
      let asked = 0
      return () => ({
        ...cluster([])(),
        status: async (address) => {
          const round = Math.floor(asked / 3)
          asked += 1
          if (asked === lists.length * 3) process.emit('SIGINT')
          const found = lists[round]?.[Number(address.split(':')[1]) - 9700]
          if (!found) throw new ReplicaUnreachable(`nobody listens on ${address}`)
          return found
        },
      })
    }
    const all = [answer(0), answer(1), answer(2)]
    const further = all.map((one) => ({ ...one, commitIndex: one.commitIndex + 1 }))

    test('prints again when something has changed, and ends with the code of the last status', async () => {
      const { exitCode, stdout } = await run(
        statusCommand(rounds(all, further, []), false),
        '--watch',
        '--json',
      )
      const lines = stdout.trimEnd().split('\n')
      expect(lines.map((line) => (/"serves":(\w+)/.exec(line) ?? [])[1])).toEqual(['true', 'false'])
      expect(exitCode).toBe(1)
    })

    test('redraws on a terminal', async () => {
      const { exitCode, stdout } = await run(statusCommand(rounds(all, further), true), '--watch')
      expect(stdout.split('\u001b[H\u001b[J').map((page) => /1235|1234/.exec(page)?.[0])).toEqual([
        undefined,
        '1234',
        '1235',
      ])
      expect(exitCode).toBe(0)
    })
  })
})

describe('transfer-leadership', () => {
  const after = (to: number): (ReplicaAnswer | null)[] =>
    [0, 1, 2].map((id) => answer(id, { serving: id === to, leader: to, term: 8 }))

  test.each([
    [['--to', '2'], 2],
    [[], null],
  ])('%j asks the leader', async (given, wanted) => {
    const answers: (ReplicaAnswer | null)[] = [answer(0), answer(1), answer(2)]
    const asked: unknown[] = []
    const connect = cluster(answers, (to, from) => {
      asked.push(from, to)
      answers.splice(0, 3, ...after(to ?? 1))
    })
    expect(await run(transferLeadershipCommand(connect), ...given)).toEqual({
      exitCode: 0,
      stdout: `Replica ${wanted ?? 1} leads now (term 8), before it did replica 0.\n`,
      stderr: '',
    })
    expect(asked).toEqual(['127.0.0.1:9700', wanted])
  })

  test('waits until the new leader serves', async () => {
    const answers: (ReplicaAnswer | null)[] = [answer(0), answer(1), answer(2)]
    let asked = 0
    const connect = (): ReplicaClient => ({
      ...cluster(answers)(),
      status: async (address) => {
        asked += 1
        if (asked === 8) answers.splice(0, 3, ...after(2))
        return await cluster(answers)().status(address)
      },
      transferLeadership: async () => void answers.splice(0, 1, answer(0, { serving: false })),
    })
    expect(await run(transferLeadershipCommand(connect))).toMatchObject({
      exitCode: 0,
      stdout: 'Replica 2 leads now (term 8), before it did replica 0.\n',
    })
  })

  test('to the leader itself is done already', async () => {
    const connect = cluster([answer(0)], () => expect.unreachable())
    expect(await run(transferLeadershipCommand(connect), '--to', '0')).toMatchObject({
      exitCode: 0,
      stdout: 'Replica 0 leads already.\n',
    })
  })

  test('without a leader nothing is done', async () => {
    expect(await run(transferLeadershipCommand(cluster([])))).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'Nobody leads, so nobody can hand over; "chatctl status" says what replicas wait for.\n',
    })
  })

  test("the leader's refusal is told", async () => {
    const connect = cluster([answer(0)], () => {
      throw new Error('replica 1 is not in the view')
    })
    expect(await run(transferLeadershipCommand(connect), '--to', '1')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'Leadership was not handed over: replica 1 is not in the view\n',
    })
  })

  test.each([
    ['3', '--to: there is no replica 3; the last one is 2.\n'],
    ['x', "--to: 'x' is not the id of a replica (a whole number from 0 to 6).\n"],
  ])('--to %s is wrong usage', async (to, sentence) => {
    expect(await run(transferLeadershipCommand(cluster([])), '--to', to)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: sentence,
    })
  })
})

describe('status names the member that slows writes', () => {
  test('and by how much', async () => {
    const slow = answer(0, { slowestMember: { id: 2, delayMs: 48.6 } })
    const { stdout } = await run(statusCommand(cluster([slow, answer(1), answer(2)]), false))
    expect(stdout).toContain('\nreplica 2 slows every write by 49 ms: the others have it on disk by then.\n')
  })

  test('not where it is hardly noticed', async () => {
    const quick = answer(0, { slowestMember: { id: 2, delayMs: 0.8 } })
    const { stdout } = await run(statusCommand(cluster([quick, answer(1), answer(2)]), false))
    expect(stdout).not.toContain('slows')
  })
})

describe('status while a disk is full', () => {
  test('says that first, and not how many more may crash', async () => {
    const words =
      'no room on the disk of replica 1: new writes are refused and those under way wait; free some space there'
    const leader = answer(0, {
      serving: true,
      leaderAddress: '127.0.0.1:9600',
      crashesTolerated: 2,
      waiting: [{ for: 'room on a disk', replicas: [1], words, sinceMs: 5 }],
    })
    const { stdout } = await run(statusCommand(cluster([leader, answer(1), answer(2)]), false))
    expect(stdout.split('\n')[0]).toBe(`Replica 0 leads at 127.0.0.1:9600, but there is ${words}.`)
  })
})

describe('member', () => {
  /** Knows what the leader was asked; refuses with these words, if any. */
  function changing(asked: unknown[], refusal: string | null = null): () => ReplicaClient {
    const plain = cluster([answer(0, { serving: false }), answer(1, { serving: true }), answer(2)])
    return () => ({
      ...plain(),
      changeMembers: async (address, change) => {
        asked.push([address, change])
        if (refusal !== null) throw new Error(refusal)
      },
    })
  }

  test.each([
    ['add', 'addLearner'],
    ['promote', 'promote'],
    ['remove', 'remove'],
  ])('%s asks the leader', async (action, type) => {
    const asked: unknown[] = []
    const { exitCode, stdout } = await run(memberCommand(changing(asked)), action, '2', '--yes')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^Replica 2 /)
    expect(asked).toEqual([['127.0.0.1:9701', { type, id: 2 }]])
  })

  test('remove does nothing without --yes where nobody can be asked', async () => {
    const asked: unknown[] = []
    const { exitCode, stderr } = await run(memberCommand(changing(asked)), 'remove', '2')
    expect({ exitCode, stderr, asked }).toEqual({
      exitCode: 1,
      stderr: 'Nothing was done: give --yes to do it without being asked.\n',
      asked: [],
    })
  })

  test("a refusal comes in the leader's words", async () => {
    const { exitCode, stderr } = await run(
      memberCommand(changing([], 'replica 2 has not caught up yet: try again later')),
      'promote',
      '2',
    )
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: 'Nothing was changed: replica 2 has not caught up yet: try again later.\n',
    })
  })

  test.each([
    [['grow', '2'], 'action: "grow" is not add, promote or remove.\n'],
    [['add', '3'], 'id: there is no replica 3; the last one is 2.\n'],
  ])('%j is refused', async (words, stderr) => {
    expect(await run(memberCommand(changing([])), ...words)).toMatchObject({ exitCode: 2, stderr })
  })
})

test('status tells of a replica whose version the cluster does not use yet', async () => {
  const upgraded = answer(2, { machineVersion: 2 })
  const { stdout } = await run(statusCommand(cluster([answer(0), answer(1), upgraded]), false))
  expect(stdout).toContain(
    '\nreplica 2 has version 2 of the chat, the cluster uses version 1 until all have been seen with a later one.\n',
  )
  expect(stdout).not.toContain('replica 0 has version')
})

describe('hash', () => {
  /** Gives these hashes; a text with a space is a refusal. Knows at which entries it was asked. */
  function hashing(hashes: readonly string[], asked: number[] = []): () => ReplicaClient {
    const answers = hashes.map((_, id) => answer(id))
    return () => ({
      ...cluster(answers)(),
      stateHash: async (address, index) => {
        asked.push(index)
        const hash = hashes[Number(address.split(':')[1]) - 9700] ?? ''
        if (hash.includes(' ')) throw new ReplicaUnreachable(hash)
        return { hash, tookMs: 1.2 }
      },
    })
  }

  test('all the same', async () => {
    const asked: number[] = []
    const { exitCode, stdout } = await run(hashCommand(hashing(['aa', 'aa', 'aa'], asked)))
    expect(stdout).toBe(
      'All replicas that answered hold the same as of entry 1236.\n\nreplica 0  aa  (2 ms)\nreplica 1  aa  (2 ms)\nreplica 2  aa  (2 ms)\n',
    )
    expect(exitCode).toBe(0)
    expect(asked).toEqual([1_236, 1_236, 1_236])
  })

  test.each([
    ['a follower', ['aa', 'aa', 'bb'], 2],
    ['the leader', ['bb', 'aa', 'aa'], 0],
  ])('%s that differs is named', async (_, hashes, id) => {
    const { exitCode, stdout } = await run(hashCommand(hashing(hashes)))
    expect(stdout).toMatch(new RegExp(`^Replica ${id} differs from the others as of entry 1236: stop it`))
    expect(exitCode).toBe(1)
  })

  test('of two that differ, the one that does not lead', async () => {
    const { stdout } = await run(hashCommand(hashing(['aa', 'bb', 'the disk is gone'])), '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      same: false,
      different: [1],
      replicas: [{}, {}, { id: 2, hash: null, reason: 'the disk is gone' }],
    })
  })

  test('one that cannot be compared is no success', async () => {
    const { exitCode, stdout } = await run(hashCommand(hashing(['aa', 'aa', 'nobody listens'])))
    expect(stdout).toContain('replica 2  no hash: nobody listens\n')
    expect(exitCode).toBe(1)
  })

  test('looks further ahead when the entry is past before all have heard of it', async () => {
    const asked: number[] = []
    const connect = hashing(['aa', 'aa', 'entry 1236 is past: entry 1240 is applied already'], asked)
    await run(hashCommand(connect))
    expect([...new Set(asked)]).toEqual([1_236, 1_299, 2_259, 17_619, 132_307])
  })

  test('without a leader', async () => {
    const { exitCode, stdout } = await run(hashCommand(cluster([answer(0, { serving: false }), null, null])))
    expect(stdout).toMatch(/^Nobody leads/)
    expect(exitCode).toBe(1)
  })
})

describe('log-level', () => {
  const levels = ['info', 'info', 'warn']
  const connect = (): ReplicaClient => ({
    ...cluster([answer(0), answer(1), answer(2)])(),
    logLevel: async (address, level) => {
      const id = Number(address.split(':')[1]) - 9700
      if (id === 2) throw new ReplicaUnreachable('nobody listens')
      if (level !== null) levels[id] = level
      return levels[id] ?? ''
    },
  })

  test('is shown, and changed where it is wanted', async () => {
    expect(await run(logLevelCommand(connect), 'debug', '--id', '1')).toEqual({
      exitCode: 0,
      stdout: 'replica 1: debug\n',
      stderr: '',
    })
    expect(await run(logLevelCommand(connect))).toEqual({
      exitCode: 1,
      stdout: 'replica 0: info\nreplica 1: debug\n',
      stderr: 'replica 2: nobody listens.\n',
    })
  })

  test('that there is not is refused before anybody is asked', async () => {
    expect(await run(logLevelCommand(connect), 'loud')).toMatchObject({
      exitCode: 2,
      stderr: "level: 'loud' is not one of trace, debug, info, warn, error, fatal, silent.\n",
    })
  })
})
