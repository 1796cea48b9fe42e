import { fileURLToPath } from 'node:url'
import type { GrpcServer } from '@chatroom/transport-grpc'
import { load } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'

/** Lets a gRPC server tell what can be called on it, from the .proto files that it was made from; for tools such as `buf curl` and grpcurl. */
export async function addReflection(server: GrpcServer): Promise<void> {
  const directory = fileURLToPath(new URL('../../../proto', import.meta.url))
  const contract = await load('chatroom/v1/chat_service.proto', { includeDirs: [directory] })
  new ReflectionService(contract).addToServer(server)
}
