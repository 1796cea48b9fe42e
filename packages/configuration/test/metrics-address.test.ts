import { describe, expect, test } from 'vitest'
import { metricsAddress, resolveCluster } from '../src/index.ts'
import { settingsOf } from './harness.ts'

describe('metricsAddress', () => {
  const all = (...given: string[]): Promise<unknown> =>
    settingsOf({ arguments: given }, (settings) => {
      const cluster = resolveCluster(settings)
      return cluster.members.map((member) => metricsAddress(settings, cluster, member)?.text ?? null)
    })
  const hosts = ['--peers', 'node-a:9700,node-b:9700', '--servers', 'node-a:9600,node-b:9600']

  test('there is none by default', async () => {
    expect(await all()).toEqual([null, null, null])
  })

  test.each([
    [
      'of one host take consecutive ports',
      ['--metrics-port', '9800'],
      ['127.0.0.1:9800', '127.0.0.1:9801', '127.0.0.1:9802'],
    ],
    [
      'of several hosts take the same',
      ['--metrics-port', '9800', ...hosts],
      ['127.0.0.1:9800', '127.0.0.1:9800'],
    ],
    [
      'listen where they are told',
      ['--metrics-port', '9800', '--metrics-host', '0.0.0.0', ...hosts],
      ['0.0.0.0:9800', '0.0.0.0:9800'],
    ],
    [
      'listen on IPv6',
      ['--metrics-port', '9800', '--metrics-host', '::', ...hosts],
      ['[::]:9800', '[::]:9800'],
    ],
  ])('replicas %s', async (_, given, expected) => {
    expect(await all(...given)).toEqual(expected)
  })

  test.each([
    [
      'a port for clients',
      ['--metrics-port', '9598'],
      "--metrics-port: 9600 would be replica 2's port for metrics and is replica 0's for clients; choose ports that differ.",
    ],
    [
      'a port for peers',
      ['--metrics-port', '9702'],
      "--metrics-port: 9702 would be replica 0's port for metrics and is replica 2's for its peers; choose ports that differ.",
    ],
    [
      'no port that there is',
      ['--metrics-port', '65534'],
      '--metrics-port: 3 replicas would use the ports 65534 to 65536; the first may be 65533 at most.',
    ],
    [
      'no number',
      ['--metrics-port', 'http'],
      "--metrics-port: 'http' is not a port (a whole number from 1 to 65535).",
    ],
    [
      'no address to listen on',
      ['--metrics-port', '9800', '--metrics-host', 'everywhere'],
      "--metrics-host: 'everywhere' is no IP address, as 127.0.0.1, 0.0.0.0 or ::.",
    ],
  ])('is refused for %s', async (_, given, message) => {
    const outcome = await all(...given)
    expect(outcome).toMatchObject({
      exitCode: 2,
      stderr: `${message}\n`,
    })
  })
})
