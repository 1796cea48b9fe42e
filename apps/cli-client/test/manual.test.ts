import { runProgram } from '@chatroom/configuration'
import { describe, expect, it } from 'vitest'
import { program } from '../src/program.ts'

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', '']
  const code = await runProgram(program, {
    arguments: args,
    environment: {},
    workingDirectory: '/',
    stdout: (text) => {
      stdout += text
    },
    stderr: (text) => {
      stderr += text
    },
    control: () => undefined,
  })
  return { code, stdout, stderr }
}

const commands = [
  'create',
  'login',
  'logout',
  'passwd',
  'list',
  'send',
  'inbox',
  'delete',
  'status',
  'completion',
  'man',
]

describe('help', () => {
  it.each(commands)('of %s has examples', async (command) => {
    const { code, stdout } = await run(command, '--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/Examples:\n {2}\S/u)
    expect(stdout.split('\n').filter((line) => line.length > 110)).toEqual([])
  })

  it('tells all commands, and the exit codes', async () => {
    const { stdout } = await run('--help')
    for (const command of commands) expect(stdout).toContain(`  ${command} `)
    expect(stdout).toMatch(/Exit codes/u)
  })

  it('and the manual page say the same', async () => {
    const [page, help] = [await run('man'), await run('--help')]
    for (const command of commands) expect(page.stdout).toContain(`.SS chatroom ${command}`)
    for (const [flag] of help.stdout.matchAll(/--[a-z-]+(?= <)/gu)) {
      expect(page.stdout).toContain(`\\fB${flag.replaceAll('-', '\\-')}\\fR`)
    }
  })

  it('is offered with the nearest command to whoever misspells one', async () => {
    expect(await run('inbx')).toMatchObject({
      code: 2,
      stderr: 'inbx: there is no such command. Did you mean inbox?\n',
    })
    expect(await run('gibberish')).toMatchObject({
      code: 2,
      stderr: 'gibberish: there is no such command. See --help.\n',
    })
  })

  it('has a version', async () => {
    expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/u)
  })
})

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('of %s knows every command and its options', async (shell) => {
    const { code, stdout } = await run('completion', shell)
    expect(code).toBe(0)
    for (const word of [...commands, 'follow', 'password-file', 'takeover']) expect(stdout).toContain(word)
  })

  it('knows no other shell', async () => {
    expect(await run('completion', 'csh')).toMatchObject({
      code: 2,
      stderr: 'csh: is no shell known here. Known are bash, zsh, fish.\n',
    })
  })
})
