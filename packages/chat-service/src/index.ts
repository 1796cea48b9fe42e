export type { ChatServiceDefinition, ChatServiceHandlers, Malformed } from './definition.ts'
export { defaultLimits, type ServiceLimits } from './limits.ts'
export { networkOf } from './login-attempts.ts'
export { createPasswords } from './passwords.ts'
export type {
  Asker,
  ChatReplica,
  Clock,
  Leadership,
  Passwords,
  Random,
  ServiceMethod,
  ServiceStage,
  ServiceTracing,
} from './ports.ts'
export {
  type ChatService,
  type ChatServiceCounts,
  type ChatServiceOptions,
  createChatService,
} from './service.ts'
export { systemClock } from './system-clock.ts'
