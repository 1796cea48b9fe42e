import type { CallOptions, Client, ClientDuplexStream, Metadata, MethodDefinition } from '@grpc/grpc-js'
import {
  ChatServiceService,
  type MessageFns,
  SendMessageRequest,
  SendMessageResponse,
  SendMessagesRequest,
  SendMessagesResponse,
} from '../gen/chatroom/v1/chat_service.ts'

/** The generated serializers copy every message once more than needed; on the path of every chat message that shows. */
function serialize<T>(type: MessageFns<T>): (value: T) => Buffer {
  return (value) => {
    const bytes = type.encode(value).finish()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
}

function lean<Request, Response>(
  path: string,
  stream: boolean,
  request: MessageFns<Request>,
  response: MessageFns<Response>,
): MethodDefinition<Request, Response> {
  return {
    path,
    requestStream: stream,
    responseStream: stream,
    requestSerialize: serialize(request),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: serialize(response),
    responseDeserialize: (bytes) => response.decode(bytes),
  }
}

/** `SendMessage` without the extra copy, for `client.makeUnaryRequest` and for a server's definition. */
export const sendMessageMethod: MethodDefinition<SendMessageRequest, SendMessageResponse> = lean(
  ChatServiceService.sendMessage.path,
  false,
  SendMessageRequest,
  SendMessageResponse,
)

/** `SendMessages` without the extra copy. */
export const sendMessagesMethod: MethodDefinition<SendMessagesRequest, SendMessagesResponse> = lean(
  ChatServiceService.sendMessages.path,
  true,
  SendMessagesRequest,
  SendMessagesResponse,
)

/** Opens a `SendMessages` stream without the extra copy; otherwise as `client.sendMessages(metadata, options)`. */
export function openSendMessages(
  client: Client,
  metadata: Metadata,
  options: Partial<CallOptions> = {},
): ClientDuplexStream<SendMessagesRequest, SendMessagesResponse> {
  const { path, requestSerialize, responseDeserialize } = sendMessagesMethod
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options)
}
