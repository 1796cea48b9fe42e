import type { ChatService } from '@chatroom/chat-service'
import { Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js'
import { StartupError } from './startup-error.ts'

/** Bounds and times of the client port. Lengths in bytes, times in milliseconds. */
const serverOptions: ServerOptions = {
  // The longest valid text is 64 KiB; what is somewhat longer is refused by the service in clear words, what is far longer by gRPC.
  'grpc.max_receive_message_length': 1024 * 1024,
  'grpc.max_send_message_length': 4 * 1024 * 1024,
  'grpc.max_concurrent_streams': 8_192,
  // A client that vanished without a word is noticed within 40 seconds.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.so_reuseport': 0,
  'grpc.enable_channelz': 0,
}

/** The client port of one replica. */
export interface ClientListener {
  /** Takes no new connections and calls, waits for those under way, and breaks them off after this time, milliseconds. */
  close(withinMs: number): Promise<void>
}

/**
 * Binds the client port and serves the chat there.
 * @throws StartupError if the address cannot be bound
 */
export async function listenForClients(
  address: { readonly text: string },
  service: Pick<ChatService, 'definition' | 'implementation'>,
): Promise<ClientListener> {
  const server = new Server(serverOptions)
  server.addService(service.definition, service.implementation)
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address.text, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve()
      else reject(bindFailure(address.text, error))
    })
  })
  return {
    close: (withinMs) =>
      new Promise((resolve) => {
        const deadline = setTimeout(() => server.forceShutdown(), withinMs)
        server.tryShutdown(() => {
          clearTimeout(deadline)
          resolve()
        })
      }),
  }
}

function bindFailure(address: string, error: Error): StartupError {
  const why = error.message.includes('EADDRINUSE')
    ? 'another program has it; stop that program or choose another port with --client-port or --servers'
    : error.message
  return new StartupError(`The client address ${address} cannot be used: ${why}.`, { cause: error })
}
