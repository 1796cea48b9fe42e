import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ownMember, peerAddresses, resolveCluster, serverAddresses } from '../src/index.ts'
import { refusal, settingsOf, temporaryDirectory } from './harness.ts'

describe('resolveCluster', () => {
  /** `mode client/peer client/peer …` */
  const summary = (...given: string[]): Promise<unknown> =>
    settingsOf({ arguments: given }, (settings) => {
      const cluster = resolveCluster(settings)
      const members = cluster.members.map(
        (member) => `${member.clientAddress.text}/${member.peerAddress.text}`,
      )
      return [cluster.mode, ...members].join(' ')
    })

  test.each([
    [
      [],
      'fail-stop 127.0.0.1:9600/127.0.0.1:9700 127.0.0.1:9601/127.0.0.1:9701 127.0.0.1:9602/127.0.0.1:9702',
    ],
    [
      ['--client-port', '1', '--peer-port', '65533'],
      'fail-stop 127.0.0.1:1/127.0.0.1:65533 127.0.0.1:2/127.0.0.1:65534 127.0.0.1:3/127.0.0.1:65535',
    ],
    [['--mode', 'majority', '--peers', 'localhost:1'], 'majority localhost:9600/localhost:1'],
    [
      ['--peers', 'node-a:9700,node-b:9700', '--client-port', '80'],
      'majority node-a:80/node-a:9700 node-b:81/node-b:9700',
    ],
    [['--peers', '[::1]:5,127.9.9.9:5', '--servers', 'a:1,b:2'], 'fail-stop a:1/[::1]:5 b:2/127.9.9.9:5'],
    [['--peers', '[0:0::0:1]:5', '--servers', 'a:1'], 'fail-stop a:1/[0:0::0:1]:5'],
    [['--peers', '10.0.0.1:5', '--servers', 'a:1'], 'majority a:1/10.0.0.1:5'],
    [['--peers', '[fe80::1]:5', '--servers', 'a:1'], 'majority a:1/[fe80::1]:5'],
  ])('%j', async (given, expected) => {
    expect(await summary(...given)).toBe(expected)
  })

  test('each replica has a directory of its own', async () => {
    const workingDirectory = temporaryDirectory()
    const cluster = await settingsOf({ arguments: ['--data-dir', 'here'], workingDirectory }, resolveCluster)
    expect(cluster).toMatchObject({
      dataDirectory: join(workingDirectory, 'here'),
      members: [0, 1, 2].map((id) => ({
        id,
        dataDirectory: join(workingDirectory, 'here', `replica-${id}`),
      })),
    })
  })

  test.each([
    [
      ['--client-port', '65534'],
      '--client-port: 3 replicas would use the ports 65534 to 65536; the first may be 65533 at most.',
    ],
    [
      ['--peer-port', '65535'],
      '--peer-port: 3 replicas would use the ports 65535 to 65537; the first may be 65533 at most.',
    ],
    [
      ['--peer-port', '9602'],
      "--client-port: overlaps with --peer-port: 127.0.0.1:9602 would be replica 2's address for clients and replica 0's for its peers; choose ports that differ.",
    ],
    [
      ['--peers', 'localhost:9600'],
      "--client-port: overlaps with --peers: localhost:9600 would be replica 0's address for clients and replica 0's for its peers; choose ports that differ.",
    ],
    [
      ['--servers', 'a:1,b:2,127.0.0.1:9700'],
      "--servers: overlaps with --peer-port: 127.0.0.1:9700 would be replica 2's address for clients and replica 0's for its peers; choose ports that differ.",
    ],
    [
      ['--servers', 'a:1'],
      '--servers: lists 1 addresses for 3 replicas; list one for each, in the order of their ids.',
    ],
    [
      ['--mode', 'fail-stop', '--peers', 'a:1,b:1'],
      '--mode: fail-stop needs all replicas on one host, because between hosts a cut network looks like a crash and both sides would go on; a:1 is no loopback address. Use majority.',
    ],
    [
      ['--peers', '127.0.0.1:1,b:1'],
      '--peers: 127.0.0.1:1 is a loopback address, which b:1 cannot reach; give the address that the other hosts use.',
    ],
  ])('refuses %j', async (given, sentence) => {
    expect(await refusal({ arguments: given }, resolveCluster)).toBe(`2 ${sentence}`)
  })

  test('names the places that the conflicting values came from', async () => {
    const given = { environment: { CHATROOM_PEER_PORT: '9600' }, file: '{"clientPort": 9601}' }
    expect(await refusal(given, resolveCluster)).toMatch(
      /^2 chatroom\.config\.json: clientPort: overlaps with CHATROOM_PEER_PORT: 127\.0\.0\.1:9601 /,
    )
  })
})

describe('ownMember', () => {
  test.each([
    [['--id', '2'], 2],
    [['--id', '3', '--peers', 'a:1,b:1,c:1,d:1'], 3],
  ])('%j', async (given, id) => {
    expect(await settingsOf({ arguments: given }, (s) => ownMember(s, resolveCluster(s)).id)).toBe(id)
  })
  test.each([
    [['--id', '3'], '--id: there is no replica 3; the 3 replicas are 0 to 2.'],
    [['--id', '1', '--peers', 'a:1'], '--id: there is no replica 1; the only replica is 0.'],
    [[], '--id: is needed (which replica this is, counted from 0); give --id <number> or set CHATROOM_ID.'],
  ])('refuses %j', async (given, sentence) => {
    expect(await refusal({ arguments: given }, (s) => ownMember(s, resolveCluster(s)))).toBe(`2 ${sentence}`)
  })
})

test('a program that only connects knows the addresses alone', async () => {
  const addresses = (...given: string[]): Promise<unknown> =>
    settingsOf({ arguments: given }, (settings) =>
      [...serverAddresses(settings), ...peerAddresses(settings)].map((address) => address.text).join(' '),
    )
  expect(await addresses()).toBe(
    '127.0.0.1:9600 127.0.0.1:9601 127.0.0.1:9602 127.0.0.1:9700 127.0.0.1:9701 127.0.0.1:9702',
  )
  expect(await addresses('--servers', 'a:1', '--peers', 'b:2,c:3')).toBe('a:1 b:2 c:3')
})
