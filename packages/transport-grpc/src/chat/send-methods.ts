import type { CallOptions, Client, ClientDuplexStream, Metadata, MethodDefinition } from '@grpc/grpc-js'
import {
  ChatServiceService,
  type MessageFns,
  SendMessageRequest,
  SendMessageResponse,
  type SendMessagesRequest,
  SendMessagesResponse,
} from '../gen/chatroom/v1/chat_service.ts'
import { decodeSendMessages, decodeSendResults, encodeSendMessages } from './message-codecs.ts'

/** The generated serializers copy every message once more than needed; on the path of every chat message that shows. */
function serialize<T>(type: MessageFns<T>): (value: T) => Buffer {
  return (value) => {
    const bytes = type.encode(value).finish()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
}

/** `SendMessage` without the extra copy, for `client.makeUnaryRequest` and for a server's definition. */
export const sendMessageMethod: MethodDefinition<SendMessageRequest, SendMessageResponse> = {
  path: ChatServiceService.sendMessage.path,
  requestStream: false,
  responseStream: false,
  requestSerialize: serialize(SendMessageRequest),
  requestDeserialize: (bytes) => SendMessageRequest.decode(bytes),
  responseSerialize: serialize(SendMessageResponse),
  responseDeserialize: (bytes) => SendMessageResponse.decode(bytes),
}

/** `SendMessages` with encoders of its own. */
export const sendMessagesMethod: MethodDefinition<SendMessagesRequest, SendMessagesResponse> = {
  path: ChatServiceService.sendMessages.path,
  requestStream: true,
  responseStream: true,
  requestSerialize: encodeSendMessages,
  requestDeserialize: decodeSendMessages,
  responseSerialize: serialize(SendMessagesResponse),
  responseDeserialize: decodeSendResults,
}

/** Opens a `SendMessages` stream with encoders of its own; otherwise as `client.sendMessages(metadata, options)`. */
export function openSendMessages(
  client: Client,
  metadata: Metadata,
  options: Partial<CallOptions> = {},
): ClientDuplexStream<SendMessagesRequest, SendMessagesResponse> {
  const { path, requestSerialize, responseDeserialize } = sendMessagesMethod
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options)
}
