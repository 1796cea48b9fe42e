import { BinaryReader } from '@bufbuild/protobuf/wire'
import {
  AcknowledgeRequest,
  AcknowledgeResponse,
  ChangePasswordRequest,
  ChangePasswordResponse,
  ChatServiceService,
  CreateAccountRequest,
  CreateAccountResponse,
  DeleteAccountRequest,
  DeleteAccountResponse,
  decodeSendMessage,
  decodeSendMessages,
  encodeSendMessageResponse,
  ListAccountsRequest,
  ListAccountsResponse,
  LoginRequest,
  LoginResponse,
  LogoutRequest,
  LogoutResponse,
  type MessageFns,
  SendMessageRequest,
  SendMessageResponse,
  SendMessagesRequest,
  SendMessagesResponse,
  SubscribeRequest,
  SubscribeResponse,
} from '@chatroom/transport-grpc/chat'
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'

/** Bytes that are no such message. grpc-js would answer INTERNAL for them; the handlers answer INVALID_ARGUMENT. */
export interface Malformed {
  readonly malformed: string
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Fails on bytes that are no UTF-8, which the protobuf runtime by itself would replace without a word. */
function decodeUtf8(bytes: Uint8Array): string {
  return strictUtf8.decode(bytes)
}

/** Bytes that are no such message become words about them. */
function decodeStrictly<T extends object>(decode: (bytes: Buffer) => T): (bytes: Buffer) => T | Malformed {
  return (bytes) => {
    try {
      return decode(bytes)
    } catch {
      return {
        malformed:
          'The request is malformed: it is no message of the kind this method takes, or a text in it is no UTF-8.',
      }
    }
  }
}

/** Without the copy that the generated serializer makes. */
function encode<T>(type: MessageFns<T>): (value: T) => Buffer {
  return (value) => {
    const bytes = type.encode(value).finish()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
}

/** What there is much of has a codec of its own instead of the generated one. */
interface OwnCodec<Request, Response> {
  readonly decode?: (bytes: Buffer) => Request
  readonly encode?: (value: Response) => Buffer
}

function strict<Request extends object, Response>(
  method: { readonly path: string; readonly requestStream: boolean; readonly responseStream: boolean },
  request: MessageFns<Request>,
  response: MessageFns<Response>,
  own: OwnCodec<Request, Response> = {},
): MethodDefinition<Request | Malformed, Response> {
  return {
    path: method.path,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: (value) => {
      if ('malformed' in value) throw new TypeError('a malformed request cannot be sent')
      return encode(request)(value)
    },
    requestDeserialize: decodeStrictly(
      own.decode ?? ((bytes) => request.decode(new BinaryReader(bytes, decodeUtf8))),
    ),
    responseSerialize: own.encode ?? encode(response),
    responseDeserialize: (bytes) => response.decode(bytes),
  }
}

const service = ChatServiceService

/** The methods of `chatroom.v1.ChatService` as this service takes them. */
export interface ChatServiceDefinition extends ServiceDefinition {
  readonly createAccount: MethodDefinition<CreateAccountRequest | Malformed, CreateAccountResponse>
  readonly login: MethodDefinition<LoginRequest | Malformed, LoginResponse>
  readonly logout: MethodDefinition<LogoutRequest | Malformed, LogoutResponse>
  readonly deleteAccount: MethodDefinition<DeleteAccountRequest | Malformed, DeleteAccountResponse>
  readonly changePassword: MethodDefinition<ChangePasswordRequest | Malformed, ChangePasswordResponse>
  readonly listAccounts: MethodDefinition<ListAccountsRequest | Malformed, ListAccountsResponse>
  readonly sendMessage: MethodDefinition<SendMessageRequest | Malformed, SendMessageResponse>
  /** A `SendMessagesResponse`, encoded. */
  readonly sendMessages: MethodDefinition<SendMessagesRequest | Malformed, Buffer>
  /** A `SubscribeResponse`, encoded. */
  readonly subscribe: MethodDefinition<SubscribeRequest | Malformed, Buffer>
  readonly acknowledge: MethodDefinition<AcknowledgeRequest | Malformed, AcknowledgeResponse>
}

/** What handles them. */
export interface ChatServiceHandlers extends UntypedServiceImplementation {
  readonly createAccount: handleUnaryCall<CreateAccountRequest | Malformed, CreateAccountResponse>
  readonly login: handleUnaryCall<LoginRequest | Malformed, LoginResponse>
  readonly logout: handleUnaryCall<LogoutRequest | Malformed, LogoutResponse>
  readonly deleteAccount: handleUnaryCall<DeleteAccountRequest | Malformed, DeleteAccountResponse>
  readonly changePassword: handleUnaryCall<ChangePasswordRequest | Malformed, ChangePasswordResponse>
  readonly listAccounts: handleUnaryCall<ListAccountsRequest | Malformed, ListAccountsResponse>
  readonly sendMessage: handleUnaryCall<SendMessageRequest | Malformed, SendMessageResponse>
  readonly sendMessages: handleBidiStreamingCall<SendMessagesRequest | Malformed, Buffer>
  readonly subscribe: handleServerStreamingCall<SubscribeRequest | Malformed, Buffer>
  readonly acknowledge: handleUnaryCall<AcknowledgeRequest | Malformed, AcknowledgeResponse>
}

/** For responses that their handler encodes. */
const encoded = {
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
}

/** `chatroom.v1.ChatService` with requests decoded strictly and responses encoded without copies. */
export const chatServiceDefinition: ChatServiceDefinition = {
  createAccount: strict(service.createAccount, CreateAccountRequest, CreateAccountResponse),
  login: strict(service.login, LoginRequest, LoginResponse),
  logout: strict(service.logout, LogoutRequest, LogoutResponse),
  deleteAccount: strict(service.deleteAccount, DeleteAccountRequest, DeleteAccountResponse),
  changePassword: strict(service.changePassword, ChangePasswordRequest, ChangePasswordResponse),
  listAccounts: strict(service.listAccounts, ListAccountsRequest, ListAccountsResponse),
  sendMessage: strict(service.sendMessage, SendMessageRequest, SendMessageResponse, {
    decode: decodeSendMessage,
    encode: encodeSendMessageResponse,
  }),
  sendMessages: {
    ...strict(service.sendMessages, SendMessagesRequest, SendMessagesResponse, {
      decode: decodeSendMessages,
    }),
    ...encoded,
  },
  subscribe: { ...strict(service.subscribe, SubscribeRequest, SubscribeResponse), ...encoded },
  acknowledge: strict(service.acknowledge, AcknowledgeRequest, AcknowledgeResponse),
}
