/** The client plane: stubs of `chatroom.v1.ChatService`, and the parts of its contract that no stub expresses. Loads nothing of the replicas. */
export {
  AcknowledgeRequest,
  AcknowledgeResponse,
  CaughtUp,
  ChangePasswordRequest,
  ChangePasswordResponse,
  ChatServiceClient,
  type ChatServiceServer,
  ChatServiceService,
  CreateAccountRequest,
  CreateAccountResponse,
  DeleteAccountRequest,
  DeleteAccountResponse,
  ErrorDetail,
  ErrorReason,
  ListAccountsRequest,
  ListAccountsResponse,
  LoginRequest,
  LoginResponse,
  LogoutRequest,
  LogoutResponse,
  Message,
  MessageError,
  type MessageFns,
  SendMessageRequest,
  SendMessageResponse,
  SendMessagesRequest,
  SendMessagesResponse,
  SendResult,
  SubscribeRequest,
  SubscribeResponse,
} from '../gen/chatroom/v1/chat_service.ts'
export { cancelSoon, type Leavable, leaveStream } from '../leave-call.ts'
export {
  type ChatErrorExtra,
  type ChatErrorInfo,
  type ChatErrorReason,
  chatError,
  chatMessageError,
  type GrpcCodeName,
  readChatError,
  readChatMessageError,
} from './chat-error.ts'
export {
  DeliveryEncoder,
  decodeSendMessage,
  decodeSendMessages,
  encodeSendMessageResponse,
  SendResultsEncoder,
} from './message-codecs.ts'
export { openSendMessages, sendMessageMethod, sendMessagesMethod } from './send-methods.ts'
export { bearerMetadata, readBearer } from './token.ts'
export { readTraceparent, setTraceparent } from './trace-context.ts'
