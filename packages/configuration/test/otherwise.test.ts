import { expect, test } from 'vitest'
import { type CommandDefinition, options, type ProgramDefinition } from '../src/index.ts'
import { run } from './harness.ts'

function telling(name: string): CommandDefinition {
  return {
    name,
    summary: name,
    options: [options.clientPort, options.json],
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
  otherwise: telling('that'),
}

test.each([
  [[], 'that 9600 false'],
  [['--json'], 'that 9600 true'],
  [['this'], 'this 9600 false'],
  [['this', '--json'], 'this 9600 true'],
  [['--client-port', '1', 'this'], 'this 1 false'],
  [['--client-port', '1', 'this', '--client-port', '2'], 'this 2 false'],
  [['--client-port', '1', 'other', 'word'], 'that 1 false other word'],
])('a program with commands and something else to do makes of %j: %s', async (given, stdout) => {
  expect(await run(program, { arguments: given })).toEqual({ exitCode: 0, stdout, stderr: '' })
})

test('its help has both', async () => {
  const { stdout } = await run(program, { arguments: ['--help'] })
  expect(stdout).toContain('Usage: program [options] [command]')
  expect(stdout).toMatch(/Commands:\n {2}this /u)
})
