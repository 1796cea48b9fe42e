import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Option, options } from '../src/index.ts'
import { settingsOf, temporaryDirectory } from './harness.ts'

/** For each option four values that differ from each other and what they become. */
const samples: readonly {
  readonly option: Option<unknown>
  readonly fallback: unknown
  readonly flag: readonly [string, unknown]
  readonly variable: readonly [string, unknown]
  readonly file: readonly [unknown, unknown]
}[] = [
  { option: options.dataDir, fallback: 'data', flag: ['a', 'a'], variable: ['b', 'b'], file: ['c', 'c'] },
  { option: options.clientPort, fallback: 9600, flag: ['1', 1], variable: ['2', 2], file: [3, 3] },
  { option: options.peerPort, fallback: 9700, flag: ['1', 1], variable: ['2', 2], file: [3, 3] },
  { option: options.id, fallback: null, flag: ['0', 0], variable: ['1', 1], file: [2, 2] },
  {
    option: options.mode,
    fallback: null,
    flag: ['majority', 'majority'],
    variable: ['fail-stop', 'fail-stop'],
    file: ['majority', 'majority'],
  },
  { option: options.idleTimeout, fallback: 60, flag: ['1', 1], variable: ['86400', 86400], file: [3, 3] },
  {
    option: options.sessionLifetime,
    fallback: 2_592_000,
    flag: ['0', 0],
    variable: ['31536000', 31_536_000],
    file: [3, 3],
  },
  {
    option: options.logLevel,
    fallback: 'info',
    flag: ['trace', 'trace'],
    variable: ['warn', 'warn'],
    file: ['silent', 'silent'],
  },
  {
    option: options.logFormat,
    fallback: 'auto',
    flag: ['json', 'json'],
    variable: ['pretty', 'pretty'],
    file: ['json', 'json'],
  },
  ...[options.servers, options.peers].map((option) => ({
    option,
    fallback: null,
    flag: ['a:1,[::1]:2', [address('a', 1), address('::1', 2)]] as const,
    variable: ['b:1', [address('b', 1)]] as const,
    file: [
      ['c:1', 'd:2'],
      [address('c', 1), address('d', 2)],
    ] as const,
  })),
]

function address(host: string, port: number): { host: string; port: number; text: string } {
  return { host, port, text: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` }
}

describe.each(samples.map((sample) => [sample.option.key, sample] as const))('%s', (key, sample) => {
  const { option } = sample
  const flags = [option.flag, sample.flag[0]]
  const environment = { [option.environment ?? '']: sample.variable[0] }
  const file = JSON.stringify({ [key]: sample.file[0] })
  const read = (given: Parameters<typeof settingsOf>[0]): Promise<unknown> =>
    settingsOf(given, (settings) => [settings.get(option), settings.source(option).kind])

  test('a default if nobody says anything', async () => {
    expect(await read({})).toEqual([sample.fallback, 'default'])
  })
  test('the config file over the default', async () => {
    expect(await read({ file })).toEqual([sample.file[1], 'file'])
  })
  test('the environment over the config file', async () => {
    expect(await read({ file, environment })).toEqual([sample.variable[1], 'environment'])
  })
  test('a flag over all', async () => {
    expect(await read({ file, environment, arguments: flags })).toEqual([sample.flag[1], 'flag'])
  })
})

describe.each([
  ['json', options.json],
  ['restart', options.restart],
] as const)('switch %s', (key, option) => {
  const read = (given: Parameters<typeof settingsOf>[0]): Promise<unknown> =>
    settingsOf(given, (settings) => [settings.get(option), settings.source(option).kind])
  const variable = option.environment ?? ''

  test('is off, and on with its flag', async () => {
    expect(await read({})).toEqual([false, 'default'])
    expect(await read({ arguments: [option.flag] })).toEqual([true, 'flag'])
  })
  test('a flag turns off what environment and file turn on', async () => {
    const given = { environment: { [variable]: '1' }, file: JSON.stringify({ [key]: true }) }
    expect(await read(given)).toEqual([true, 'environment'])
    expect(await read({ ...given, arguments: [option.flag.replace('--', '--no-')] })).toEqual([false, 'flag'])
  })
  test.each([
    ['true', true],
    ['YES', true],
    ['on', true],
    ['1', true],
    ['false', false],
    ['no', false],
    ['off', false],
    ['0', false],
  ])('%s in the environment is %s', async (text, value) => {
    expect(await read({ environment: { [variable]: text } })).toEqual([value, 'environment'])
  })
  test('the file turns it on', async () => {
    expect(await read({ file: JSON.stringify({ [key]: true }) })).toEqual([true, 'file'])
  })
})

test('an empty variable is one that is not set', async () => {
  const value = await settingsOf({ environment: { CHATROOM_CLIENT_PORT: '' } }, (settings) =>
    settings.source(options.clientPort),
  )
  expect(value).toEqual({ kind: 'default', name: '--client-port' })
})

test('the file that --config names is read instead of chatroom.config.json, the flag over the variable', async () => {
  const workingDirectory = temporaryDirectory()
  for (const [name, clientPort] of [
    ['chatroom.config.json', 1111],
    ['variable.json', 2222],
    ['flag.json', 3333],
  ] as const) {
    writeFileSync(join(workingDirectory, name), JSON.stringify({ clientPort }))
  }
  const port = (given: { arguments?: string[]; environment?: Record<string, string> }): Promise<unknown> =>
    settingsOf({ ...given, workingDirectory }, (settings) => settings.get(options.clientPort))
  const environment = { CHATROOM_CONFIG: 'variable.json' }
  expect(await port({})).toBe(1111)
  expect(await port({ environment })).toBe(2222)
  expect(await port({ environment, arguments: ['--config', 'flag.json'] })).toBe(3333)
})

test('a byte order mark at the beginning of the file does no harm', async () => {
  const value = await settingsOf({ file: '\uFEFF{"clientPort": 5}' }, (settings) =>
    settings.get(options.clientPort),
  )
  expect(value).toBe(5)
})

test('a relative path belongs to the working directory, or to the config file that has it', async () => {
  const workingDirectory = temporaryDirectory()
  mkdirSync(join(workingDirectory, 'etc'))
  writeFileSync(join(workingDirectory, 'etc', 'cluster.json'), '{"dataDir": "../state"}')
  const path = (...given: string[]): Promise<unknown> =>
    settingsOf({ arguments: given, workingDirectory }, (settings) => settings.path(options.dataDir))
  expect(await path()).toBe(join(workingDirectory, 'data'))
  expect(await path('--data-dir', 'mine')).toBe(join(workingDirectory, 'mine'))
  expect(await path('--data-dir', '/var/lib/chatroom')).toBe('/var/lib/chatroom')
  expect(await path('--config', 'etc/cluster.json')).toBe(join(workingDirectory, 'state'))
})

test('settings turn back into flags that mean the same, by where they came from', async () => {
  const workingDirectory = temporaryDirectory()
  const given = {
    workingDirectory,
    arguments: ['--data-dir', 'mine', '--no-json'],
    environment: { CHATROOM_RESTART: 'yes', CHATROOM_PEER_PORT: '800' },
    file: '{"servers": ["a:1", "b:2"], "idleTimeout": 5, "peerPort": 9}',
  }
  const flags = (kinds: readonly ('flag' | 'environment' | 'file' | 'default')[]): Promise<unknown> =>
    settingsOf(given, (settings) => settings.flags(options.fileOptions, kinds))
  expect(await flags(['flag'])).toEqual(['--data-dir', 'mine', '--no-json'])
  expect(await flags(['environment'])).toEqual(['--peer-port', '800', '--restart'])
  expect(await flags(['file'])).toEqual(['--servers', 'a:1,b:2', '--idle-timeout', '5'])
  expect(await flags(['default'])).toEqual([])
  const path = await settingsOf({ file: '{"dataDir": "x"}', workingDirectory }, (settings) =>
    settings.flags([options.dataDir], ['file']),
  )
  expect(path).toEqual(['--data-dir', join(workingDirectory, 'x')])
})

test('asking for an option that the program has not declared is a mistake of the program', async () => {
  const undeclared = { ...options.id, key: 'undeclared' }
  await expect(settingsOf({}, (settings) => settings.get(undeclared))).rejects.toThrow(
    'this program does not declare the option undeclared',
  )
})
