import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type CommandDefinition,
  ConfigurationError,
  options,
  type ProgramDefinition,
  processSurroundings,
} from '../src/index.ts'
import { run } from './harness.ts'

const single: CommandDefinition = {
  name: 'server',
  summary: 'Runs one replica.',
  options: [options.id, options.clientPort, options.json, options.supervised],
  notes: 'Exit codes: 0 and others.',
  run: ({ settings, surroundings }) => {
    surroundings.stdout(`port ${settings.get(options.clientPort)}\n`)
    return 7
  },
}

const several: ProgramDefinition = {
  name: 'chatctl',
  summary: 'Operates a cluster.',
  commands: [
    { name: 'status', summary: 'Shows it.', options: [options.json], run: () => 1 },
    {
      name: 'echo',
      summary: 'Repeats.',
      options: [],
      arguments: [
        { name: '<first>', help: 'what comes first' },
        { name: '[more...]', help: 'what comes then' },
      ],
      run: ({ arguments: words, surroundings }) => {
        surroundings.stdout(words.join('+'))
        return 0
      },
    },
  ],
}

test('the exit code is the one of the command', async () => {
  expect(await run(single, {})).toEqual({ exitCode: 7, stdout: 'port 9600\n', stderr: '' })
})

test('a separator in front of the arguments, as pnpm hands it on, is skipped', async () => {
  expect(await run(single, { arguments: ['--', '--client-port', '5'] })).toMatchObject({ stdout: 'port 5\n' })
})

describe('--help', () => {
  test('shows every option with its default and its variable, and no hidden one', async () => {
    const { exitCode, stdout, stderr } = await run(single, { arguments: ['--help'] })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const flat = stdout.replace(/\s+/g, ' ')
    expect(flat).toContain('Usage: server [options] Runs one replica.')
    expect(flat).toContain('--id <number> which replica this is, counted from 0 (env: CHATROOM_ID)')
    expect(flat).toContain('(default: 9600; env: CHATROOM_CLIENT_PORT)')
    expect(flat).toContain('--json print JSON, for programs (env: CHATROOM_JSON)')
    expect(flat).toContain(
      '(default: chatroom.config.json in the working directory, if there is one; env: CHATROOM_CONFIG)',
    )
    expect(flat).toContain('Flags win over environment variables')
    expect(stdout.trimEnd().endsWith('Exit codes: 0 and others.')).toBe(true)
    expect(stdout).not.toContain('supervised')
    expect(stdout).not.toContain('--no-json')
  })

  test('lists the commands of a program of several', async () => {
    const { exitCode, stdout } = await run(several, { arguments: ['--help'] })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/status .*Shows it\./)
    expect(stdout).toMatch(/echo .*Repeats\./)
  })

  test('of one command', async () => {
    const { exitCode, stdout } = await run(several, { arguments: ['status', '--help'] })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('Usage: chatctl status [options]')
    expect(stdout).toContain('CHATROOM_JSON')
  })
})

describe('a program of several commands', () => {
  test('runs the one that is named, with its arguments', async () => {
    expect(await run(several, { arguments: ['status'] })).toMatchObject({ exitCode: 1 })
    expect(await run(several, { arguments: ['echo', 'a', 'b', 'c'] })).toMatchObject({
      exitCode: 0,
      stdout: 'a+b+c',
    })
  })

  test('called without one prints the help on stderr', async () => {
    const { exitCode, stdout, stderr } = await run(several, {})
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain('Usage: chatctl')
  })

  test.each([
    [['stauts'], 'stauts: there is no such command. Did you mean status?'],
    [['nonsense'], 'nonsense: there is no such command. See --help.'],
    [['echo'], "Missing required argument 'first'. See --help."],
    [['status', '--zzz'], '--zzz: there is no such option. See --help.'],
    [['status', 'now'], "Too many arguments for 'status'. Expected 0 arguments but got 1. See --help."],
  ])('%j', async (given, sentence) => {
    expect(await run(several, { arguments: given })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `${sentence}\n`,
    })
  })
})

test('a ConfigurationError of the command itself is shown the same way', async () => {
  const outcome = await run(
    {
      ...single,
      run: () => {
        throw new ConfigurationError('conflict', '--id: cannot be.')
      },
    },
    {},
  )
  expect(outcome).toEqual({ exitCode: 2, stdout: '', stderr: '--id: cannot be.\n' })
})

test('another error of the command is for its caller', async () => {
  const failing = { ...single, run: () => Promise.reject(new Error('disk on fire')) }
  await expect(run(failing, {})).rejects.toThrow('disk on fire')
})

describe('what a program prints', () => {
  afterEach(() => vi.restoreAllMocks())

  test('cannot drive a terminal, wherever the words came from; what is meant to does', () => {
    const written: string[] = []
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0)
    }
    const { stdout, stderr, control } = processSurroundings()
    stdout('a\tname \u001b[2J\n')
    stderr('an error \u009b2J\n')
    control('\u001b[H')
    expect(written).toEqual(['a\tname ␛[2J\n', 'an error ⟨U+009B⟩2J\n', '\u001b[H'])
  })
})
