import { bearerMetadata, ChatServiceClient, type LoginResponse } from '@chatroom/transport-grpc/chat'
import { credentials, type Metadata, type ServiceError } from '@grpc/grpc-js'

const password = 'a password of the bench'
/** The longest that a server grants. */
const idleTimeoutSeconds = 86_400

export const readerName = 'reader'

/** Somebody who is logged in. */
export interface Account {
  readonly name: string
  readonly token: string
  readonly metadata: Metadata
}

/** Makes accounts, and logs each of them in. */
export async function makeAccounts(leader: string, names: readonly string[]): Promise<Account[]> {
  const client = new ChatServiceClient(leader, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  })
  try {
    return await Promise.all(names.map((name) => makeAccount(client, name)))
  } finally {
    client.close()
  }
}

async function makeAccount(client: ChatServiceClient, name: string): Promise<Account> {
  await answer((done) => client.createAccount({ requestId: `create-${name}`, name, password }, done))
  return await logIn(client, name, `login-${name}`)
}

async function logIn(client: ChatServiceClient, name: string, requestId: string): Promise<Account> {
  const request = { requestId, name, password, takeover: true, idleTimeoutSeconds }
  const { token } = await answer<LoginResponse>((done) => client.login(request, done))
  return { name, token, metadata: bearerMetadata(token) }
}

function answer<T>(call: (done: (error: ServiceError | null, response: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, response) => {
      if (error) reject(error)
      else resolve(response)
    })
  })
}
