import { expect, test } from 'vitest'
import { type CommandDefinition, options, type ProgramDefinition } from '../src/index.ts'
import { run } from './harness.ts'

function telling(name: string, ...more: CommandDefinition['options']): CommandDefinition {
  return {
    name,
    summary: name,
    options: [options.clientPort, options.json, ...more],
    run: ({ settings, arguments: words, surroundings }) => {
      surroundings.stdout(
        [name, settings.get(options.clientPort), settings.get(options.json), ...words].join(' '),
      )
      return 0
    },
  }
}

const program: ProgramDefinition = {
  name: 'program',
  summary: 'Does this or that.',
  commands: [telling('this')],
  otherwise: telling('that', options.idleTimeout),
}

test.each([
  [[], 'that 9600 false'],
  [['--json'], 'that 9600 true'],
  [['this'], 'this 9600 false'],
  [['this', '--json'], 'this 9600 true'],
  [['--client-port', '1', 'this'], 'this 1 false'],
  [['--client-port', '1', 'this', '--client-port', '2'], 'this 2 false'],
  // What the command does not take may stand before it, so that one alias does for all.
  [['--idle-timeout', '5', 'this'], 'this 9600 false'],
  [['--client-port', '1', 'other', 'word'], 'that 1 false other word'],
])('a program with commands and something else to do makes of %j: %s', async (given, stdout) => {
  expect(await run(program, { arguments: given })).toEqual({ exitCode: 0, stdout, stderr: '' })
})

test('what stands before a command is checked, also if the command does not take it', async () => {
  expect(await run(program, { arguments: ['--idle-timeout', 'abc', 'this'] })).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: "--idle-timeout: 'abc' is not a number of seconds (a whole number from 1 to 86400).\n",
  })
})

test('its help has both', async () => {
  const { stdout } = await run(program, { arguments: ['--help'] })
  expect(stdout).toContain('Usage: program [options] [command]')
  expect(stdout).toMatch(/Commands:\n {2}this /u)
})
