import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  clientTls,
  operatorTls,
  ownMember,
  resolveCluster,
  type Settings,
  serverAddresses,
  serverTls,
  type TlsFiles,
} from '../src/index.ts'
import { type Given, refusal, settingsOf, temporaryDirectory } from './harness.ts'

function ofServer(settings: Settings): TlsFiles | null {
  return serverTls(settings, ownMember(settings, resolveCluster(settings)))
}

function ofClient(settings: Settings): string | null {
  return clientTls(settings, serverAddresses(settings))
}

/** What `look` gives; null stands for plain text. */
async function seen<T>(given: Given, look: (settings: Settings) => T): Promise<unknown> {
  const boxed = await settingsOf(given, (settings) => ({ found: look(settings) }))
  return 'found' in boxed ? boxed.found : boxed
}

const distant = ['--peers', 'host0:9700,host1:9700,host2:9700']
const zero = ['--id', '0']

describe('a replica', () => {
  test('on loopback may speak plain text', async () => {
    expect(await seen({ arguments: zero }, ofServer)).toBeNull()
  })

  test('that others can reach may not, unless somebody says so', async () => {
    const words = await refusal({ arguments: [...zero, ...distant] }, ofServer)
    expect(words).toMatch(
      /^2 --certs: is needed, because other hosts can reach host0:9600 .* or give --insecure [^\n]*\.$/,
    )
    expect(
      await refusal({ arguments: [...zero, '--servers', '0.0.0.0:1,0.0.0.0:2,0.0.0.0:3'] }, ofServer),
    ).toMatch(/0\.0\.0\.0:1/)
    expect(await seen({ arguments: [...zero, ...distant, '--insecure'] }, ofServer)).toBeNull()
  })

  test('finds its files in the directory of --certs, and others where it is told', async () => {
    const workingDirectory = temporaryDirectory()
    const at = (name: string): string => join(workingDirectory, name)
    const given = [...distant, '--id', '2', '--certs', 'certs']
    expect(await seen({ workingDirectory, arguments: given }, ofServer)).toEqual({
      ca: at('certs/ca.crt'),
      certificate: at('certs/replica-2.crt'),
      key: at('certs/replica-2.key'),
    })
    expect(
      await seen({ workingDirectory, arguments: [...given, '--tls-ca', 'both.crt'] }, ofServer),
    ).toMatchObject({
      ca: at('both.crt'),
      key: at('certs/replica-2.key'),
    })
  })

  test('needs all three files', async () => {
    expect(await refusal({ arguments: [...zero, '--tls-ca', 'a', '--tls-cert', 'b'] }, ofServer)).toBe(
      '2 --tls-key: is needed with the other two of --tls-ca, --tls-cert and --tls-key; or give --certs <directory>.',
    )
  })
})

test('an operator shows operator.crt', async () => {
  const workingDirectory = temporaryDirectory()
  expect(await seen({ workingDirectory, file: '{"certs": "c"}' }, operatorTls)).toMatchObject({
    certificate: join(workingDirectory, 'c/operator.crt'),
  })
  expect(await seen({}, operatorTls)).toBeNull()
})

describe('a chat program', () => {
  test('needs the authority for servers on other hosts, unless somebody says otherwise', async () => {
    const servers = ['--servers', 'chat.example.org:9600']
    expect(await refusal({ arguments: servers }, ofClient)).toMatch(
      /^2 --tls-ca: is needed, because chat\.example\.org:9600 /,
    )
    expect(await seen({ arguments: [...servers, '--insecure'] }, ofClient)).toBeNull()
    const workingDirectory = temporaryDirectory()
    expect(await seen({ workingDirectory, arguments: [...servers, '--certs', 'c'] }, ofClient)).toBe(
      join(workingDirectory, 'c/ca.crt'),
    )
  })

  test('needs none on this host', async () => {
    expect(await seen({}, ofClient)).toBeNull()
  })
})
