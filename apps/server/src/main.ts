#!/usr/bin/env node
import './engine-flags.ts'
import {
  type CommandDefinition,
  clusterOptions,
  type Invocation,
  metricsAddress,
  metricsOptions,
  options,
  ownMember,
  processSurroundings,
  resolveCluster,
  runProgram,
  serverTls,
  tlsOptions,
} from '@chatroom/configuration'
import { ReplicaError } from '@chatroom/replica'
import { setLogger } from '@grpc/grpc-js'
import { createLogger, type Logger } from './logging.ts'
import { serve } from './serve.ts'
import { StartupError } from './startup-error.ts'
import { listenForStop } from './stop-request.ts'

const program: CommandDefinition = {
  name: 'server',
  summary: 'Runs one replica of the chat.',
  options: [
    options.id,
    ...clusterOptions,
    ...tlsOptions,
    ...metricsOptions,
    options.traces,
    options.insecure,
    options.reflection,
    options.maxConnections,
    options.maxConnectionsPerAddress,
    options.loginAttempts,
    options.loginAttemptsPerAddress,
    options.sendsPerSecond,
    options.diskQuota,
    options.repairWait,
    options.idleTimeout,
    options.sessionLifetime,
    options.logLevel,
    options.logFormat,
    options.supervised,
  ],
  notes:
    'Exit codes: 0 after SIGTERM or SIGINT, 1 if it cannot start or had to stop itself, 2 for wrong usage.',
  run,
}

async function run({ settings, surroundings }: Invocation): Promise<number> {
  const cluster = resolveCluster(settings)
  const member = ownMember(settings, cluster)
  const tls = serverTls(settings, member)
  const metrics = metricsAddress(settings, cluster, member)
  const stop = listenForStop(settings.get(options.supervised))
  const log = await createLogger({
    replica: member.id,
    level: settings.get(options.logLevel),
    format: settings.get(options.logFormat),
  })
  dieOfFaults(log)
  // By itself gRPC writes to standard error, about what the errors it gives say anyway.
  setLogger(grpcLogger(log))
  const sessions = {
    idleTimeoutDefaultMs: settings.get(options.idleTimeout) * 1_000,
    sessionLifetimeMs: settings.get(options.sessionLifetime) * 1_000,
  }
  try {
    const connections = {
      total: settings.get(options.maxConnections),
      perAddress: settings.get(options.maxConnectionsPerAddress),
    }
    const rates = {
      loginAttemptsPerAccount: settings.get(options.loginAttempts),
      loginAttemptsPerAddress: settings.get(options.loginAttemptsPerAddress),
      sendsPerSecond: settings.get(options.sendsPerSecond),
    }
    const quota = settings.get(options.diskQuota)
    const quotaBytes = quota === null ? null : quota * 1024 * 1024
    const repairWaitMs = settings.get(options.repairWait) * 1_000
    const storage = { quotaBytes, repairWaitMs }
    const traces = settings.get(options.traces)
    const seen = { metrics, traces, reflection: settings.get(options.reflection) }
    await serve({ cluster, member, rates, tls, connections, ...seen, ...storage, sessions, stop, log })
    return 0
  } catch (error) {
    if (error instanceof StartupError) surroundings.stderr(`${error.message}\n`)
    // Of what made the replica stop itself the log has told already.
    else if (!(error instanceof ReplicaError && error.code === 'halted')) throw error
    return 1
  }
}

function grpcLogger(log: Logger): Partial<Console> {
  const note = (...words: unknown[]): void => log.debug({ event: 'grpc.notice' }, words.map(String).join(' '))
  return { error: note, info: note, debug: note }
}

/** What nobody caught has left the program in a state that nobody thought of. */
function dieOfFaults(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ event: 'process.fault', err: error }, 'stops because of a fault in the program')
    process.exit(1)
  })
}

// Not `process.exitCode`: a connection that does not close in time must not keep a stopped replica alive.
process.exit(await runProgram(program, processSurroundings()))
