import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { options } from '../src/index.ts'
import { refusal, temporaryDirectory } from './harness.ts'

describe('the sentence names the place', () => {
  const why = "'x' is not a port (a whole number from 1 to 65535)."
  test('a flag', async () => {
    expect(await refusal({ arguments: ['--client-port', 'x'] })).toBe(`2 --client-port: ${why}`)
  })
  test('a variable', async () => {
    expect(await refusal({ environment: { CHATROOM_CLIENT_PORT: 'x' } })).toBe(
      `2 CHATROOM_CLIENT_PORT: ${why}`,
    )
  })
  test('a key of chatroom.config.json', async () => {
    expect(await refusal({ file: '{"clientPort": "x"}' })).toBe(`2 chatroom.config.json: clientPort: ${why}`)
  })
  test('a key of the file that --config names', async () => {
    const workingDirectory = temporaryDirectory()
    writeFileSync(join(workingDirectory, 'mine.json'), '{"clientPort": "x"}')
    expect(await refusal({ workingDirectory, arguments: ['--config', './mine.json'] })).toBe(
      `2 ./mine.json: clientPort: ${why}`,
    )
  })
  test('a wrong value in the file is told although a flag overrides it', async () => {
    expect(await refusal({ file: '{"clientPort": "x"}', arguments: ['--client-port', '5'] })).toBe(
      `2 chatroom.config.json: clientPort: ${why}`,
    )
  })
})

describe('values', () => {
  test.each([
    [['--client-port', '0'], '--client-port: 0 is not a port (a whole number from 1 to 65535).'],
    [['--client-port', '65536'], '--client-port: 65536 is not a port (a whole number from 1 to 65535).'],
    [['--client-port=-1'], "--client-port: '-1' is not a port (a whole number from 1 to 65535)."],
    [['--client-port', '1.5'], "--client-port: '1.5' is not a port (a whole number from 1 to 65535)."],
    [['--client-port', '1e3'], "--client-port: '1e3' is not a port (a whole number from 1 to 65535)."],
    [['--client-port', ''], "--client-port: '' is not a port (a whole number from 1 to 65535)."],
    [['--peer-port', '0x10'], "--peer-port: '0x10' is not a port (a whole number from 1 to 65535)."],
    [['--peer-port', 'a\nb'], "--peer-port: 'a?b' is not a port (a whole number from 1 to 65535)."],
    [
      ['--peer-port', '9'.repeat(99)],
      `--peer-port: '${'9'.repeat(58)}… is not a port (a whole number from 1 to 65535).`,
    ],
    [['--id', '7'], '--id: 7 is not the id of a replica (a whole number from 0 to 6).'],
    [['--id', 'one'], "--id: 'one' is not the id of a replica (a whole number from 0 to 6)."],
    [['--mode', 'raft'], "--mode: 'raft' is not one of fail-stop, majority."],
    [
      ['--idle-timeout', '0'],
      '--idle-timeout: 0 is not a number of seconds (a whole number from 1 to 86400).',
    ],
    [
      ['--idle-timeout', '86401'],
      '--idle-timeout: 86401 is not a number of seconds (a whole number from 1 to 86400).',
    ],
    [
      ['--log-level', 'loud'],
      "--log-level: 'loud' is not one of trace, debug, info, warn, error, fatal, silent.",
    ],
    [['--log-format', 'xml'], "--log-format: 'xml' is not one of auto, json, pretty."],
    [['--data-dir', ''], '--data-dir: an empty path names nothing.'],
    [['--data-dir', 'a\0b'], '--data-dir: a path cannot contain a NUL character.'],
    [['--config', ''], '--config: an empty path names nothing.'],
  ])('%j', async (given, sentence) => {
    expect(await refusal({ arguments: given })).toBe(`2 ${sentence}`)
  })

  test.each([
    ['{"clientPort": true}', 'clientPort: true is not a port (a whole number from 1 to 65535).'],
    ['{"clientPort": null}', 'clientPort: null is not a port (a whole number from 1 to 65535).'],
    ['{"clientPort": 9600.5}', 'clientPort: 9600.5 is not a port (a whole number from 1 to 65535).'],
    ['{"json": "maybe"}', "json: 'maybe' is neither true nor false."],
    ['{"restart": 1}', 'restart: 1 is neither true nor false.'],
    ['{"dataDir": 5}', 'dataDir: 5 is not a path.'],
    ['{"mode": []}', 'mode: [] is not one of fail-stop, majority.'],
    ['{"peers": 5}', 'peers: 5 is not a list of host:port.'],
    ['{"peers": []}', 'peers: needs at least 1 host:port.'],
    ['{"peers": ["a:1", 5]}', 'peers: 5 is not host:port.'],
  ])('%s', async (file, sentence) => {
    expect(await refusal({ file })).toBe(`2 chatroom.config.json: ${sentence}`)
  })
})

describe('addresses', () => {
  test.each([
    ['localhost', "'localhost' has no port; write host:port, as in 127.0.0.1:9700."],
    [':9700', "':9700' has no host; write host:port, as in 127.0.0.1:9700."],
    ['a:', "'a:' is not host:port, as in 127.0.0.1:9700 or [::1]:9700."],
    ['a:b', "'a:b' is not host:port, as in 127.0.0.1:9700 or [::1]:9700."],
    ['a:0', "'a:0' has the port 0; ports go from 1 to 65535."],
    ['a:65536', "'a:65536' has the port 65536; ports go from 1 to 65535."],
    ['::1:9700', "'::1:9700' has no port, and an IPv6 address needs brackets: [::1]:9700."],
    ['fe80::1:2:3:4:5:6:9', "'fe80::1:2:3:4:5:6:9' is an IPv6 address without brackets; write [::1]:9700."],
    ['::1', "'::1' has no port, and an IPv6 address needs brackets: [::1]:9700."],
    ['[::1]', "'[::1]' is not host:port, as in 127.0.0.1:9700 or [::1]:9700."],
    ['[a]:1', "'[a]:1' has no IPv6 address in its brackets."],
    ['300.0.0.1:1', "'300.0.0.1:1' has no valid host name or IP address before the port."],
    ['a b:1', "'a b:1' has no valid host name or IP address before the port."],
    ['-a:1', "'-a:1' has no valid host name or IP address before the port."],
    ['http://a:1', "'http://a:1' is not host:port, as in 127.0.0.1:9700 or [::1]:9700."],
    ['a:1,,b:2', 'an address between two commas is missing.'],
    ['', 'an address between two commas is missing.'],
    ['a:1,A:1', 'A:1 is listed twice.'],
    ['localhost:1,127.0.0.1:1', '127.0.0.1:1 is listed twice.'],
    ['a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8', 'takes at most 7 addresses.'],
  ])('%s', async (text, sentence) => {
    expect(await refusal({ environment: { CHATROOM_PEERS: text || ' ' } })).toBe(
      `2 CHATROOM_PEERS: ${sentence}`,
    )
  })
})

describe('names that nothing answers to', () => {
  test('a flag, with the one that may be meant', async () => {
    expect(await refusal({ arguments: ['--client-prot', '1'] })).toBe(
      '2 --client-prot: there is no such option. Did you mean --client-port?',
    )
    expect(await refusal({ arguments: ['--zzz'] })).toBe('2 --zzz: there is no such option. See --help.')
  })
  test('a key of the config file, with the one that may be meant', async () => {
    expect(await refusal({ file: '{"client-port": 5}' })).toBe(
      '2 chatroom.config.json: "client-port" is no option. Did you mean clientPort?',
    )
    expect(await refusal({ file: '{"a\\nb": 5}' })).toBe(
      `2 chatroom.config.json: "a\\nb" is no option. Known are ${options.fileOptions.map(({ key }) => key).join(', ')}.`,
    )
  })
  test('what only the command line takes is no key of the config file', async () => {
    expect(await refusal({ file: '{"supervised": true}' })).toMatch(
      /^2 chatroom.config.json: "supervised" is no option/,
    )
  })
  test('a flag without its value', async () => {
    expect(await refusal({ arguments: ['--client-port'] })).toBe('2 --client-port: needs a value, <port>.')
  })
  test('an argument that nothing takes', async () => {
    expect(await refusal({ arguments: ['surplus'] })).toMatch(/^2 .*(arguments|argument).* See --help\.$/)
  })
})

describe('the config file', () => {
  test('named and not there', async () => {
    expect(await refusal({ arguments: ['--config', 'no.json'] })).toBe(
      '2 --config: no.json: there is no such file.',
    )
    expect(await refusal({ environment: { CHATROOM_CONFIG: 'no.json' } })).toBe(
      '2 CHATROOM_CONFIG: no.json: there is no such file.',
    )
  })
  test('a directory', async () => {
    const workingDirectory = temporaryDirectory()
    mkdirSync(join(workingDirectory, 'chatroom.config.json'))
    expect(await refusal({ workingDirectory })).toBe('2 chatroom.config.json: is a directory, not a file.')
  })
  test('one that cannot be read', async () => {
    const workingDirectory = temporaryDirectory()
    symlinkSync('chatroom.config.json', join(workingDirectory, 'chatroom.config.json'))
    expect(await refusal({ workingDirectory })).toMatch(
      /^2 chatroom\.config\.json: cannot be read \(ELOOP: .*\)\.$/,
    )
  })
  test('no JSON', async () => {
    expect(await refusal({ file: '{clientPort: 5}' })).toMatch(
      /^2 chatroom\.config\.json: is not JSON \(.*\)\.$/,
    )
  })
  test.each(['[]', '5', 'null', '"clientPort"'])('%s is no object', async (file) => {
    expect(await refusal({ file })).toBe(
      '2 chatroom.config.json: has to be a JSON object, such as {"clientPort": 9600}.',
    )
  })
})

test('a needed option that was given nowhere', async () => {
  expect(await refusal({}, (settings) => settings.require(options.id))).toBe(
    '2 --id: is needed (which replica this is, counted from 0); give --id <number> or set CHATROOM_ID.',
  )
})
