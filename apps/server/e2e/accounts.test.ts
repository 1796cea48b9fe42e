import { expect, it } from 'vitest'
import { startLoneReplica } from './harness/lone-replica.ts'
import { Program, programs } from './harness/program.ts'

it('an operator lists, locks, unlocks, exports and deletes an account, at the peer port', async () => {
  const replica = await startLoneReplica()
  const [alice, bob] = [await replica.loggedIn('alice'), await replica.loggedIn('bob')]
  const chatctl = async (
    port: number,
    ...words: readonly string[]
  ): Promise<{ code: number | null; text: string }> => {
    const program = new Program(programs.chatctl, ['account', ...words, '--peers', `127.0.0.1:${port}`])
    program.endInput()
    const { code } = await program.exited
    return { code, text: program.stdout + program.stderr }
  }
  const account = async (...words: readonly string[]): Promise<string> => {
    const { code, text } = await chatctl(replica.peerPort, ...words)
    expect({ words, code, text }).toMatchObject({ code: 0 })
    return text
  }
  await bob.send('alice', 'one')
  expect(await account('list')).toBe('alice  1 waiting\nbob  0 waiting\n')

  const ended = new Promise((resolve) => {
    alice.onSessionEnded(resolve)
  })
  const reading = alice.inbox()[Symbol.asyncIterator]()
  await reading.next()
  const end = reading.next().catch((error: unknown) => error)
  expect(await account('lock', 'alice', '--yes')).toBe('The account alice is locked.\n')
  expect(await ended).toMatchObject({ code: 'logged out' })
  expect(await end).toMatchObject({ code: 'logged out' })
  await expect(alice.login('alice', 'sesame')).rejects.toMatchObject({
    code: 'wrong credentials',
    message: 'This account is locked: ask the operator of the chat.',
  })
  await expect(alice.login('alice', 'a guess')).rejects.toMatchObject({
    message: 'Unknown account or wrong password.',
  })
  await bob.send('alice', 'two')
  expect(await account('list', 'a')).toBe('alice  2 waiting  locked\n')

  const exported = await account('export', 'alice')
  expect(exported).not.toContain('argon2')
  const lines = exported
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  expect(lines).toMatchObject([
    { account: { name: 'alice', locked: true } },
    { message: { from: 'bob', text: 'one' } },
    { message: { from: 'bob', text: 'two' } },
  ])

  await account('unlock', 'alice')
  await alice.login('alice', 'sesame')
  expect(await account('delete', 'alice', '--yes')).toBe('The account alice is deleted.\n')
  await expect(bob.send('alice', 'three')).rejects.toMatchObject({ code: 'unknown recipient' })
  expect(await chatctl(replica.peerPort, 'unlock', 'alice')).toEqual({
    code: 1,
    text: 'Not done: there is no account named "alice".\n',
  })
  // Not at the port that is everybody's.
  expect(await chatctl(replica.clientPort, 'list')).toMatchObject({ code: 1 })
})
