import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fixture } from './fixture.ts'
import { type PseudoTerminal, programFile } from './pseudo-terminal.ts'

let fixture: Fixture

beforeEach(async () => {
  fixture = await Fixture.open()
})

afterEach(async () => {
  await fixture.close()
})

/** The program as the foreground job of a shell, logged in. */
async function logInFromShell(): Promise<PseudoTerminal> {
  const shell = fixture.spawnCommand(['bash', '--norc', '--noprofile', '-i'], {
    PS1: 'shell$ ',
    HISTFILE: '',
  })
  await expect(shell).toShow('shell$')
  shell.type(`${process.execPath} ${programFile} ${fixture.serversFlag.join(' ')}\r`)
  await expect(shell).toShow('Connected to replica 0. Type help to see all commands.', '>')
  shell.type('login alice\r')
  await expect(shell).toShow('Password:')
  shell.type('secret\r')
  await expect(shell).toShow('alice>')
  return shell
}

describe('Ctrl-Z', () => {
  it('stops the program, and fg brings it back with the line being typed', async () => {
    const shell = await logInFromShell()
    shell.type('send bob half')
    await expect(shell).toShow('alice> send bob half')
    shell.type('\u001a')
    await expect(shell).toShow(/^\[1\]\+ +Stopped/, 'shell$')
    shell.type('echo "line $((1 + 1))"\r')
    await expect(shell).toShow('line 2', 'shell$')
    await fixture.bob.send('alice', 'meanwhile')
    shell.type('fg\r')
    await expect(shell).toShow(/22:13 bob: meanwhile$/, 'alice> send bob half')
    shell.type(' a word\r')
    await expect(shell).toShow('alice> send bob half a word', 'Sent to bob, who is online.', 'alice>')
    shell.type('quit\r')
    await expect(shell).toShow('shell$')
    // The terminal is as it was: the shell echoes, and no marks come with a paste.
    shell.type('echo "line $((1 + 2))"\r')
    await expect(shell).toShow('line 3', 'shell$')
  })
})

describe('a terminal that is closed', () => {
  it('logs out', async () => {
    const shell = await logInFromShell()
    expect(fixture.cluster.chat.openSessions).toBe(2)
    // The end of a session's leader hangs its terminal up, like a window that is closed.
    shell.kill('SIGKILL')
    await expect.poll(() => fixture.cluster.chat.openSessions).toBe(1)
  })
})
