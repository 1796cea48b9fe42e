// A member in a process of its own, for tests that kill it and stop it. Its one argument says who it is; it ends with its standard input.
import type { Hello } from '@chatroom/replica'
import { EchoMember } from '@chatroom/replica/testing'
import { createGrpcTransport, type PeerAddress, type TransportLimits } from '../src/index.ts'

export interface EchoProcessOptions {
  readonly hello: Hello
  readonly addresses: readonly PeerAddress[]
  readonly limits: Partial<TransportLimits>
}

function isOptions(value: unknown): value is EchoProcessOptions {
  return (
    typeof value === 'object' &&
    value !== null &&
    'hello' in value &&
    'addresses' in value &&
    'limits' in value
  )
}

const options: unknown = JSON.parse(process.argv[2] ?? '')
if (!isOptions(options)) throw new TypeError('the argument is not what startRemote gives')
const { hello, addresses, limits } = options
const { id } = hello.member
const listen = addresses[id]
if (listen === undefined) throw new TypeError(`no address for replica ${id}`)
const transport = createGrpcTransport({ id, listen, peers: new Map(addresses.entries()), limits })
await new EchoMember(transport, hello).start()
process.stdin.on('end', () => process.exit(0)).resume()
process.stdout.write('listening\n')
